"""A rollout holds what was sampled, scored and tied to the reference."""

from collections.abc import Sequence
from itertools import islice

import pytest
import torch

from tests.trainer.reward_model.tiny import tiny_language_model
from trainer.errors import BadInput
from trainer.json_lines import JsonObject
from trainer.language_models import SamplingSettings
from trainer.ppo.policy import Policy, frozen_copy
from trainer.ppo.reward_sources import FunctionSource, WeightedSources
from trainer.ppo.rollouts import Rollout, collect, encode_prompts, endless_prompts, sample_responses
from trainer.prompts import Message, PromptLine
from trainer.specs import PpoSpec


def spec(**told: object) -> PpoSpec:
    given = {"out": "o", "prompts": "p", "policy": "q", "reward_function": "m:f", "max_new_tokens": 5}
    return PpoSpec.from_json({**given, **told}, "test")


def prompt(name: str, content: str) -> PromptLine:
    line: JsonObject = {"id": name, "prompt": [{"role": "user", "content": content}], "kept": name}
    return PromptLine(name, (Message("user", content),), line)


def words(lines: list[JsonObject]) -> Sequence[object]:
    return [float(len(str(line["response"]).split())) for line in lines]


def rolled(
    told: PpoSpec, *, policy: Policy | None = None, reference: Policy | None = None, seed: int = 1
) -> Rollout:
    policy = policy or Policy(tiny_language_model())
    prompts = encode_prompts(
        policy.lm, [prompt("one", "a b"), prompt("two", "c"), prompt("three", "d e f g")]
    )
    sources = WeightedSources([FunctionSource("function", words)], [1.0])
    tied = frozen_copy((reference or policy).model)
    return collect(policy, tied, prompts, sources, told, kl_coefficient=0.5, seed=seed)


def test_check_21_kl_is_zero_while_policy_and_reference_are_one() -> None:
    rollout = rolled(spec(responses_per_prompt=4, minibatch_size=4))
    assert abs(rollout.figures["kl"]) < 1e-6
    assert rollout.figures["reward"] == pytest.approx(rollout.figures["score"], abs=1e-6)
    assert len(rollout.groups) == 3
    assert rollout.mask.shape[0] == 12


def test_kl_of_another_reference_is_charged_to_the_reward() -> None:
    told = spec(responses_per_prompt=8, minibatch_size=8)
    rollout = rolled(told, reference=Policy(tiny_language_model(9)))
    assert rollout.figures["kl"] > 0.1
    expected = rollout.figures["score"] - 0.5 * rollout.figures["kl"]
    assert rollout.figures["reward"] == pytest.approx(expected, abs=1e-4)


def test_small_chunks_change_nothing() -> None:
    policy = Policy(tiny_language_model())
    whole = rolled(spec(), policy=policy)
    parts = rolled(spec(batch_tokens=1), policy=policy)
    torch.testing.assert_close(whole.old, parts.old, atol=1e-5, rtol=0)
    torch.testing.assert_close(whole.advantages, parts.advantages, atol=1e-4, rtol=0)


def test_check_33_advantages_are_whitened_over_real_tokens_unless_told_not_to() -> None:
    white = rolled(spec(responses_per_prompt=8, minibatch_size=8))
    real = white.advantages[white.mask.bool()]
    assert real.mean().item() == pytest.approx(0, abs=1e-5)
    assert real.var(unbiased=False).item() == pytest.approx(1, abs=1e-4)
    plain = rolled(spec(responses_per_prompt=8, minibatch_size=8, whiten_advantages=False))
    torch.testing.assert_close(plain.returns, white.returns)
    torch.testing.assert_close(plain.advantages, plain.returns - plain.values)


@pytest.mark.parametrize(("rule", "value"), [("missing_end_score", -1.0), ("missing_end_penalty", 0.5)])
def test_check_24_responses_without_an_end_are_punished(rule: str, value: float) -> None:
    told = {"max_new_tokens": 1, "kl_coefficient": 0.0, "whiten_advantages": False}
    kept, punished = rolled(spec(**told)), rolled(spec(**told, **{rule: value}))
    assert kept.figures["finished"] == 0.0
    after = kept.returns - value if rule == "missing_end_penalty" else torch.full_like(kept.returns, value)
    torch.testing.assert_close(punished.returns, after)
    assert punished.figures["score"] == kept.figures["score"]


def test_check_30_scores_are_clipped() -> None:
    rollout = rolled(spec(score_clip=0.5, whiten_advantages=False, gae_lambda=1.0))
    assert rollout.returns.max().item() == pytest.approx(0.5, abs=1e-5)


def test_check_29_whitened_rewards_have_variance_one() -> None:
    rollout = rolled(
        spec(whiten_rewards=True, whiten_advantages=False, gae_lambda=0.0, responses_per_prompt=8)
    )
    assert rollout.returns[rollout.mask.bool()].var(unbiased=False).item() == pytest.approx(1, abs=1e-3)


def test_check_44_the_same_seed_samples_the_same_and_another_does_not() -> None:
    policy = Policy(tiny_language_model())
    first, again, other = (rolled(spec(), policy=policy, seed=seed) for seed in (1, 1, 2))
    assert first.groups == again.groups
    assert first.groups != other.groups


def test_every_prompt_comes_once_before_any_comes_again() -> None:
    lm = tiny_language_model()
    prompts = encode_prompts(lm, [prompt(str(number), "a") for number in range(7)])
    stream = endless_prompts(prompts, torch.Generator().manual_seed(0))
    names = [one.line.id for one in islice(stream, 21)]
    for start in (0, 7, 14):
        assert sorted(names[start : start + 7]) == [str(number) for number in range(7)]
    assert names[:7] != names[7:14]


def test_response_lines_keep_the_prompt_line() -> None:
    lm = tiny_language_model()
    sampled = sample_responses(
        lm,
        encode_prompts(lm, [prompt("one", "a")]),
        SamplingSettings(max_new_tokens=3),
        copies=2,
        seed=0,
        batch_tokens=100,
    )
    assert [line["kept"] for line in sampled.lines] == ["one", "one"]
    assert len({str(line["response_id"]) for line in sampled.lines}) == 2


def test_a_prompt_without_room_for_a_response_is_refused() -> None:
    with pytest.raises(BadInput, match="wanted 1 to 64 together"):
        rolled(spec(max_new_tokens=62))
