"""Generation: the distribution sampled from, the noise of each row, the cache, the ends."""

import pytest
import torch
from scipy.stats import chisquare
from torch import Tensor

from tests.trainer.tiny_models import tiny_model
from trainer.language_models import (
    Generated,
    LanguageModel,
    PromptTooLongError,
    SamplingSettings,
    encode_prompt,
    generate,
    response_batch,
    response_lengths,
    response_log_probabilities,
    row_noise,
    sample_tokens,
    token_log_probabilities,
)
from trainer.prompts import Message

SETTINGS = SamplingSettings(temperature=0.8, max_new_tokens=20)


def uneven_prompts(lm: LanguageModel) -> list[list[int]]:
    words = ["Where is Lima?", "Ada", "利马在哪里？ And where is Ben?", "x " * 9, "Peru"]
    return [encode_prompt(lm.tokenizer, [Message("user", text)]) for text in words]


def naive(lm: LanguageModel, prompt: list[int], noise: Tensor, settings: SamplingSettings) -> Generated:
    """One response without cache, padding or batch: the whole text is read again for each token."""
    ids, said = list(prompt), []
    for step in range(settings.max_new_tokens):
        with torch.inference_mode():
            logits = lm.model(input_ids=torch.tensor([ids])).logits[:, -1]
        token = int(sample_tokens(logits, noise[step : step + 1], settings))
        chance = float(
            token_log_probabilities(logits, torch.tensor([token]), temperature=settings.temperature)
        )
        said.append((token, chance))
        ids.append(token)
        if token in lm.end_ids:
            break
    return Generated(prompt, [token for token, _ in said], [one for _, one in said], ids[-1] in lm.end_ids)


@pytest.mark.parametrize(
    ("settings", "count"),
    [(SETTINGS, 4), (SamplingSettings(1.0, 0.7, 20), 2), (SamplingSettings(0.0, 1.0, 12), 1)],
)
def test_generate_equals_naive_reference_token_for_token(settings: SamplingSettings, count: int) -> None:
    lm = tiny_model()
    prompts = uneven_prompts(lm)
    answers = generate(lm, prompts, responses_per_prompt=count, settings=settings, seed=7)
    for number, prompt in enumerate(prompts):
        for response in range(count):
            wanted = naive(lm, prompt, row_noise(7, number, response, settings.max_new_tokens), settings)
            found = answers[number][response]
            assert found.response_ids == wanted.response_ids
            assert found.finished == wanted.finished
            assert found.prompt_ids == prompt
            torch.testing.assert_close(
                torch.tensor(found.log_probabilities),
                torch.tensor(wanted.log_probabilities),
                atol=2e-5,
                rtol=0,
            )


def test_generate_ends_some_responses_and_not_others() -> None:
    # Else the reference above would prove nothing about dropped rows.
    answers = generate(
        tiny_model(), uneven_prompts(tiny_model()), responses_per_prompt=4, settings=SETTINGS, seed=7
    )
    ended = [one.finished for several in answers for one in several]
    assert 3 < sum(ended) < len(ended)
    assert len({len(one.response_ids) for several in answers for one in several}) > 3


@pytest.mark.parametrize("batch_size", [1, 4, 7, 64])
def test_generate_does_not_depend_on_batch_size(batch_size: int) -> None:
    lm = tiny_model(1)
    prompts = uneven_prompts(lm)
    alone = generate(lm, prompts, responses_per_prompt=4, settings=SETTINGS, seed=3, batch_size=20)
    other = generate(lm, prompts, responses_per_prompt=4, settings=SETTINGS, seed=3, batch_size=batch_size)
    assert [[one.response_ids for one in several] for several in alone] == [
        [one.response_ids for one in several] for several in other
    ]


def test_generate_of_a_prompt_does_not_depend_on_those_after_it() -> None:
    lm = tiny_model(1)
    prompts = uneven_prompts(lm)
    alone = generate(lm, prompts[:1], responses_per_prompt=2, settings=SETTINGS, seed=3)
    among = generate(lm, prompts, responses_per_prompt=4, settings=SETTINGS, seed=3)
    assert [one.response_ids for one in alone[0]] == [one.response_ids for one in among[0][:2]]


def test_generate_differs_between_seeds_prompts_and_responses() -> None:
    lm = tiny_model(2)
    prompt = uneven_prompts(lm)[0]
    answers = generate(lm, [prompt, prompt], responses_per_prompt=3, settings=SETTINGS, seed=1)
    more = generate(lm, [prompt], responses_per_prompt=3, settings=SETTINGS, seed=2)
    texts = {tuple(one.response_ids) for several in [*answers, *more] for one in several}
    assert len(texts) == 9


def test_greedy_equals_transformers_generate() -> None:
    lm = tiny_model(3)
    for prompt in uneven_prompts(lm):
        settings = SamplingSettings(temperature=0.0, max_new_tokens=16)
        ours = generate(lm, [prompt], responses_per_prompt=1, settings=settings, seed=0)[0][0]
        ids = torch.tensor([prompt])
        theirs = lm.model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=16,
            do_sample=False,
            pad_token_id=lm.pad_id,
        )
        assert ours.response_ids == theirs[0, len(prompt) :].tolist()


def test_check_20_log_probabilities_of_decoding_are_those_of_learning() -> None:
    lm = tiny_model(4)
    prompts = uneven_prompts(lm)
    answers = generate(lm, prompts, responses_per_prompt=2, settings=SETTINGS, seed=0)
    rows = [one for several in answers for one in several]
    batch = response_batch([row.prompt_ids for row in rows], [row.response_ids for row in rows], lm.pad_id)
    with torch.no_grad():
        found = response_log_probabilities(lm.model, batch, temperature=SETTINGS.temperature)
    for row, line in zip(rows, found, strict=True):
        ratio = torch.exp(line[: len(row.log_probabilities)] - torch.tensor(row.log_probabilities))
        assert float((ratio - 1).abs().max()) < 1e-5


def test_check_18_a_hundred_thousand_draws_follow_the_softmax() -> None:
    logits = torch.tensor([1.5, 0.0, -1.0, 0.7, 2.0, -3.0])
    draws = 100_000
    for temperature in (1.0, 0.7):
        noise = row_noise(11, 0, 0, draws)
        tokens = sample_tokens(logits.expand(draws, -1), noise, SamplingSettings(temperature))
        wanted = torch.softmax(logits.double() / temperature, dim=-1) * draws
        assert chisquare(torch.bincount(tokens, minlength=6).double(), wanted).pvalue > 1e-3


def test_check_19_sampling_divides_by_the_temperature() -> None:
    wanted = 0.8807970780
    logits = torch.tensor([[1.0, 0.0]])
    half = SamplingSettings(temperature=0.5)
    assert int(sample_tokens(logits, torch.tensor([wanted - 1e-9], dtype=torch.float64), half)) == 0
    assert int(sample_tokens(logits, torch.tensor([wanted + 1e-9], dtype=torch.float64), half)) == 1
    chance = token_log_probabilities(logits, torch.tensor([0]), temperature=0.5).exp()
    assert float(chance) == pytest.approx(wanted, abs=1e-7)


def test_sample_tokens_top_p_keeps_the_fewest_that_reach_it() -> None:
    logits = torch.log(torch.tensor([0.1, 0.5, 0.15, 0.25]))
    grid = torch.linspace(0, 0.9999, 2000, dtype=torch.float64)
    for top_p, kept in ((0.5, {1}), (0.51, {1, 3}), (0.75, {1, 3}), (0.8, {1, 2, 3}), (1.0, {0, 1, 2, 3})):
        tokens = sample_tokens(
            logits.expand(2000, -1), grid, SamplingSettings(top_p=top_p - 1e-6 * (top_p < 1))
        )
        assert set(tokens.tolist()) == kept
    tokens = sample_tokens(logits.expand(2000, -1), grid, SamplingSettings(top_p=0.7))
    assert float((tokens == 1).double().mean()) == pytest.approx(2 / 3, abs=1e-3)


def test_sample_tokens_never_draws_what_has_no_mass() -> None:
    logits = torch.tensor([[float("-inf"), 0.0, float("-inf"), 0.0, float("-inf")]]).expand(3, -1)
    noise = torch.tensor([0.0, 0.5, 1.0 - 2**-53], dtype=torch.float64)
    assert sample_tokens(logits, noise, SamplingSettings()).tolist() == [1, 3, 3]


def test_check_23_a_response_is_cut_after_its_first_stop_token() -> None:
    end, pad = 1, 0
    rows = torch.tensor([[5, 7, end, 9, 3], [end, end, 2, 2, 2], [5, 7, 9, 3, 4], [5, 7, 9, 3, end]])
    lengths = response_lengths(rows, [end])
    assert lengths.tolist() == [3, 1, 5, 5]
    kept = rows.masked_fill(torch.arange(5) >= lengths.unsqueeze(-1), pad)
    assert kept[0].tolist() == [5, 7, end, pad, pad]


def test_row_noise_is_uniform_and_its_own() -> None:
    many = torch.stack([row_noise(0, prompt, 0, 64) for prompt in range(200)]).flatten()
    assert chisquare(torch.histc(many, bins=20, min=0, max=1)).pvalue > 1e-3
    assert not torch.equal(row_noise(0, 1, 0, 8), row_noise(0, 0, 1, 8))
    assert torch.equal(row_noise(5, 2, 3, 8), row_noise(5, 2, 3, 16)[:8])


def test_generate_refuses_a_prompt_without_room() -> None:
    lm = tiny_model()
    with pytest.raises(PromptTooLongError, match="prompt 2: found 77 tokens and 20 to come, wanted 1 to 96"):
        generate(lm, [[5], [5] * 77], responses_per_prompt=1, settings=SETTINGS, seed=0)
    with pytest.raises(PromptTooLongError, match="prompt 1: found 0 tokens"):
        generate(lm, [[]], responses_per_prompt=1, settings=SETTINGS, seed=0)
