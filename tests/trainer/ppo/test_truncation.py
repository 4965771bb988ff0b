"""Responses that are cut after a token of one's choice, as after their end token."""

from itertools import chain
from pathlib import Path

import pytest
import torch

from tests.trainer.ppo.test_rollouts import rolled, spec
from tests.trainer.ppo.test_train import FUNCTIONS, ppo, world
from tests.trainer.reward_model.tiny import WORDS, read_lines, tiny_language_model
from tests.trainer.tiny_models import tiny_model
from trainer.errors import BadInput
from trainer.language_models import SamplingSettings, generate, response_lengths
from trainer.ppo.policy import Policy
from trainer.ppo.rollouts import sampling_settings

__all__ = ["world"]

# Ids of the tiny models' words: four special tokens stand before them.
CUT = 4 + WORDS.index("c")


def test_check_23_a_response_is_cut_after_the_first_given_token_from_a_place_on() -> None:
    end, cut = 1, 8
    rows = torch.tensor([[5, cut, 9, cut, 3], [cut, cut, 2, 2, 2], [5, end, cut, 3, 4], [5, 7, 9, 3, 4]])
    assert response_lengths(rows, [end], cut_ids=[cut]).tolist() == [2, 1, 2, 5]
    assert response_lengths(rows, [end], cut_ids=[cut], cut_from=1).tolist() == [2, 2, 2, 5]
    # Place 2 is the first that may cut: an end token ends a response wherever it stands.
    assert response_lengths(rows, [end], cut_ids=[cut], cut_from=2).tolist() == [4, 5, 2, 5]
    assert response_lengths(rows, [end], cut_ids=[cut, 9]).tolist() == [2, 1, 2, 3]
    assert response_lengths(rows, [end]).tolist() == [5, 5, 2, 5]


@pytest.mark.parametrize("cut_from", [0, 3])
def test_cut_responses_are_the_beginnings_of_uncut_ones(cut_from: int) -> None:
    lm = tiny_model()
    plain = SamplingSettings(max_new_tokens=10)
    cuts = (30, 31, 32, 33, 34, 35)
    cut = SamplingSettings(max_new_tokens=10, cut_ids=cuts, cut_from=cut_from)
    prompts = [[9, 10], [11], [12, 13, 14]]
    told = {"responses_per_prompt": 16, "seed": 3}
    whole, found = (generate(lm, prompts, settings=one, **told) for one in (plain, cut))  # type: ignore[arg-type]
    shorter = 0
    for before, after in zip(chain(*whole), chain(*found), strict=True):
        places = [
            place for place, token in enumerate(before.response_ids) if token in cuts and place >= cut_from
        ]
        length = places[0] + 1 if places else len(before.response_ids)
        assert after.response_ids == before.response_ids[:length]
        assert after.log_probabilities == pytest.approx(before.log_probabilities[:length], abs=1e-4)
        assert after.finished == (bool(places) or before.finished)
        shorter += length < len(before.response_ids)
    assert shorter > 3


def test_check_23_nothing_after_the_given_token_reaches_the_update() -> None:
    told = {"responses_per_prompt": 16, "minibatch_size": 16, "max_new_tokens": 12}
    rollout = rolled(spec(**told, truncate_token="c"))
    responses = [one for group in rollout.groups for one in group.responses]
    cut = [one for one in responses if CUT in one]
    assert len(cut) > 3
    assert all(one.index(CUT) == len(one) - 1 for one in cut)
    assert rollout.mask.sum(dim=1).tolist() == [len(one) for one in responses]
    for name in ("old", "values", "advantages", "returns"):
        assert not bool((getattr(rollout, name)[rollout.mask == 0] != 0).any())
    later = rolled(spec(**told, truncate_token="c", truncate_after=4))
    again = [one for group in later.groups for one in group.responses if CUT in one]
    assert any(CUT in one[:4] and one[-1] != CUT for one in again)
    assert all(CUT not in one[4:-1] for one in again)


def test_a_cut_response_has_come_to_its_end() -> None:
    told = {"responses_per_prompt": 16, "minibatch_size": 16, "max_new_tokens": 12, "missing_end_score": -9.0}
    plain, cut = rolled(spec(**told)), rolled(spec(**told, truncate_token="c"))
    assert cut.figures["finished"] > plain.figures["finished"]
    # A score of -9 is earned by those alone that end nowhere: the last reward of a cut one is what it was scored.
    assert cut.figures["reward"] > plain.figures["reward"]


def test_every_sample_of_a_run_is_cut(world: Path) -> None:
    judge = (
        "--validation",
        str(world / "prompts.jsonl"),
        "--validation-function",
        f"{FUNCTIONS}:never_after_c",
    )
    more = ("--truncate-token", "c", "--max-new-tokens", "8", "--validate-every", "1", "--baseline-n", "4")
    reward = ("--reward-function", f"{FUNCTIONS}:refuses_words_after_c")
    assert ppo(world, "out", *more, *judge, reward=reward) == 0
    for line in read_lines(world / "out" / "samples.jsonl"):
        for said in (line["before"].split(), line["after"].split()):
            assert "c" not in said[:-1]
    curve = read_lines(world / "out" / "progress.jsonl")
    assert all(line["validation_cut_well"] == 1.0 for line in curve)


@pytest.mark.parametrize(
    ("text", "found"), [("a b", "'a b', which is 2 tokens"), ("zebra", "the unknown token")]
)
def test_text_that_is_no_token_is_refused(text: str, found: str) -> None:
    lm = tiny_language_model()
    with pytest.raises(BadInput, match=f"--truncate-token: found {found}.*wanted the text of one token"):
        sampling_settings(spec(truncate_token=text), lm)
    assert sampling_settings(spec(truncate_token="c"), lm).cut_ids == (CUT,)
    assert sampling_settings(spec(), Policy(lm).lm) == SamplingSettings(max_new_tokens=5)
    assert sampling_settings(spec(temperature=0.5), lm, 0.0).temperature == 0.0


def test_a_refused_token_leaves_nothing(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ppo(world, "out", "--truncate-token", "a b") == 2
    assert "--truncate-token" in capsys.readouterr().err
    assert not (world / "out").exists()


def test_a_place_without_a_token_is_refused() -> None:
    with pytest.raises(BadInput, match="found truncate-after alone, wanted truncate-token beside it"):
        spec(truncate_after=3)


def test_rows_that_are_cut_are_decoded_no_further() -> None:
    lm, steps = tiny_language_model(), list[int]()
    lm.model.register_forward_pre_hook(lambda *_: steps.append(1))
    everything = tuple(range(35))
    for cut_from in (0, 3):
        steps.clear()
        settings = SamplingSettings(max_new_tokens=9, cut_ids=everything, cut_from=cut_from)
        (one,) = generate(lm, [[9, 10]], responses_per_prompt=1, settings=settings, seed=8)[0]
        assert (len(one.response_ids), len(steps)) == (cut_from + 1, cut_from + 1)


def test_a_token_before_the_place_ends_nothing() -> None:
    lm = tiny_language_model()
    settings = SamplingSettings(max_new_tokens=3, cut_ids=tuple(range(2, 35)), cut_from=3)
    (several,) = generate(lm, [[9, 10]], responses_per_prompt=8, settings=settings, seed=8)
    for one in several:
        assert one.finished == (one.response_ids[-1] == 1)
    assert not all(one.finished for one in several)
