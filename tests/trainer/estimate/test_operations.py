"""Operations and bytes as torch itself counts them, for each loss as our code runs it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from transformers import LlamaConfig, LlamaForCausalLM

from tests.house.tree import ROOT
from tests.trainer.runs import command, write_world
from tests.trainer.tiny_models import tiny_model, tiny_tokenizer
from trainer.cli import main
from trainer.estimate import operations, plans
from trainer.estimate.memory import State, kept_for_backward, peak
from trainer.estimate.operations import Operations
from trainer.estimate.shapes import Shape, shape_of_folder, stored_parameters
from trainer.language_models import LanguageModel, SamplingSettings, generate
from trainer.ppo.policy import Policy
from trainer.pretraining import train as pretraining
from trainer.reward_model import shared_prompt
from trainer.reward_model.model import raw_scores, with_new_head
from trainer.reward_model.shared_prompt import PromptGroup
from trainer.sft import Lesson, response_loss
from trainer.training_loop import SavedBytes
from trainer.tuning import apply_tuning, parameter_counts

SHAPE = Shape(3, 32, 88, 4, 2, 8, 300, tied=False)


def grouped() -> LanguageModel:
    """Three layers whose keys are shared by two queries each, input and output weights apart."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=300, hidden_size=32, intermediate_size=88, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, tie_word_embeddings=False, attn_implementation="sdpa", max_position_embeddings=512,
    )  # fmt: skip
    tokenizer = tiny_tokenizer()
    return LanguageModel(LlamaForCausalLM(config).eval(), tokenizer, (1,), 0)


def counted(loss: Callable[[], Tensor]) -> Operations:
    """What torch counts: without the fused attention kernel, and with attention by plain products."""
    totals = []
    for backends in (None, SDPBackend.MATH):
        with FlopCounterMode(display=False) as mode:
            if backends is None:
                torch.autograd.backward(loss())
            else:
                with sdpa_kernel(backends):
                    torch.autograd.backward(loss())
        totals.append(mode.get_total_flops())
    return Operations(totals[0], totals[1] - totals[0])


def prompts(long: bool) -> list[PromptGroup]:
    shapes = [(40, (30,) * 9), (33, (25,) * 9)] if long else [(5, (3, 4, 2)), (7, (2, 6, 1))]
    return [
        PromptGroup(tuple(range(9, 9 + own)), tuple(tuple(range(20, 20 + one)) for one in several))
        for own, several in shapes
    ]


def lengths_of(groups: list[PromptGroup]) -> list[operations.Group]:
    return [(len(group.prompt), [len(one) for one in group.responses]) for group in groups]


def test_language_modelling_is_counted_exactly() -> None:
    model, ids = grouped().model, torch.randint(5, 300, (4, 33), generator=torch.Generator().manual_seed(0))
    found = counted(lambda: pretraining.next_token_loss(model, ids[:, :-1], ids[:, 1:]))
    assert found == operations.language_modelling(SHAPE, 4, 32)


def test_the_loss_on_responses_is_counted_exactly() -> None:
    lm = grouped()
    lessons = [
        Lesson([9, 10, 11], [20, 21, 1]),
        Lesson([12], [22, 1]),
        Lesson([13, 14, 15, 16], [23, 24, 25, 1]),
    ]
    told = [(len(one.prompt), len(one.response)) for one in lessons]
    assert counted(lambda: response_loss(lm, lessons)) == operations.response_loss(SHAPE, told)


@pytest.mark.parametrize("long", [False, True], ids=["tree", "packed"])
def test_the_loss_of_rankings_is_counted_exactly(long: bool) -> None:
    model, groups = with_new_head(grouped(), seed=0), prompts(long)
    found = counted(lambda: raw_scores(model, groups).sum())
    assert found == operations.reward_loss(SHAPE, lengths_of(groups))


@pytest.mark.parametrize("long", [False, True], ids=["tree", "packed"])
def test_the_loss_of_ppo_is_counted_exactly(long: bool) -> None:
    policy, groups = Policy(grouped()), prompts(long)

    def loss() -> Tensor:
        found = policy.evaluate(groups, 1.0)
        return found.log_probabilities.sum() + found.values.sum()

    assert counted(loss) == operations.policy_evaluation(SHAPE, lengths_of(groups), times=3)


def test_the_loss_of_ppo_with_one_response_a_prompt_is_counted_exactly() -> None:
    policy, groups = (
        Policy(grouped()),
        [
            PromptGroup(tuple(range(9, 9 + prompt)), (tuple(range(20, 20 + response)),))
            for prompt, response in ((40, 12), (7, 30), (22, 1))
        ],
    )

    def loss() -> Tensor:
        found = policy.evaluate(groups, 1.0)
        return found.log_probabilities.sum() + found.values.sum()

    assert counted(loss) == operations.policy_evaluation(SHAPE, lengths_of(groups), times=3)


def test_decoding_is_counted_where_no_response_ends_early() -> None:
    lm = grouped()
    settings = SamplingSettings(max_new_tokens=6)
    with FlopCounterMode(display=False) as mode, sdpa_kernel(SDPBackend.MATH):
        answers = generate(lm, [[9, 10, 11, 12]] * 2, responses_per_prompt=3, settings=settings, seed=1)
    assert {len(one.response_ids) for several in answers for one in several} == {6}
    assert mode.get_total_flops() == operations.decoding(SHAPE, [(4, [6, 6, 6])] * 2).total


def test_constants_are_those_of_the_code() -> None:
    assert operations.LONGEST_TREE_ROW == shared_prompt.LONGEST_TREE_ROW
    assert operations.NARROW == shared_prompt.NARROW
    assert plans.MICRO_TOKENS == pretraining.MICRO_TOKENS


@pytest.mark.parametrize("tuning", [("full", 0), ("last-layers", 2), ("frozen-layers", 1), ("lora", 3)])
def test_weights_are_counted_exactly(tuning: tuple[str, int], tmp_path: Path) -> None:
    for lm in (grouped(), tiny_model(layers=3)):
        lm.model.save_pretrained(tmp_path)
        shape = shape_of_folder(tmp_path)
        total = sum(one.numel() for one in lm.model.parameters())
        assert shape.parameters == total
        assert stored_parameters(tmp_path) == total
        apply_tuning(lm.model, tuning[0] if tuning[0] == "full" else f"{tuning[0]}:{tuning[1]}")
        assert shape.trainable(tuning) == parameter_counts(lm.model)["trainable_parameters"]


def test_what_a_pass_keeps_is_reckoned_to_a_hundredth() -> None:
    lm = grouped()
    ids = torch.randint(5, 300, (8, 65), generator=torch.Generator().manual_seed(0))
    saved = SavedBytes(lm.model.parameters())
    with saved:
        pretraining.next_token_loss(lm.model, ids[:, :-1], ids[:, 1:])
    assert kept_for_backward(SHAPE, 512, 512) == pytest.approx(saved.total, rel=0.01)


def test_bytes_of_a_weight_by_recipe() -> None:
    assert State(10, 5).bytes == 10 * 16 + 5 * 4
    assert State(10, 5, "half-copies").bytes == 10 * 20 + 5 * 2
    assert State(10, 5, "half-copies").told()["all"] == 210


def test_the_peak_is_the_larger_of_states_and_gradients() -> None:
    state = State(100, 10)
    assert peak(state, kept=50, logits=5, passes=1) == 40 + 1200 + 400
    assert peak(state, kept=500, logits=5, passes=1) == 40 + 1200 + 510
    assert peak(state, kept=500, logits=5, passes=2) == 40 + 1200 + 510 + 400
    assert peak(state, kept=50, logits=5, passes=1, cache=900) == 40 + 1200 + 900


def peak_of(words: list[str], out: Path) -> tuple[int, int]:
    """The peak a run in a process of its own measured, and the one estimated from its spec."""
    # A fixed threshold makes the allocator give back what is freed, so that the peak is the run's own.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [sys.executable, "-m", "trainer", *words, "--out", str(out), "--progress", "none", "--threads", "1"],
        cwd=ROOT, env=environment, check=True, capture_output=True,
    )  # fmt: skip
    told = subprocess.run(
        [sys.executable, "-m", "trainer", "estimate", str(out)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    found = json.loads(told.stdout)
    return found["took"]["memory"]["peak_bytes"], found["memory"]["peak_bytes"]


SIZES = [
    pytest.param(("--layers", "8", "--width", "512", "--batch-tokens", "640"), id="small"),
    *(
        pytest.param(("--layers", "8", "--width", "512", *more), id=name, marks=pytest.mark.large)
        for name, more in (
            ("one-pass", ("--batch-tokens", "2048")),
            ("two-passes", ("--batch-tokens", "4096")),
            ("recomputed", ("--batch-tokens", "2048", "--gradient-checkpointing")),
        )
    ),
]


@pytest.mark.parametrize("size", SIZES)
def test_the_peak_of_a_run_is_foreseen_to_a_tenth(size: tuple[str, ...], tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("\n\n".join(f"lima lies in peru and {n} in {n * 7}" for n in range(400)), "utf-8")
    words = ["pretrain", str(text), "--steps", "2", "--context", "128", "--heldout-share", "0"]
    nothing = ["--layers", "1", "--width", "16", "--heads", "2", "--batch-tokens", "128"]
    tiny, foreseen_tiny = peak_of([*words, *nothing], tmp_path / "tiny")
    measured, foreseen = peak_of([*words, *size], tmp_path / "run")
    assert foreseen - foreseen_tiny == pytest.approx(measured - tiny, rel=0.1)


@pytest.mark.parametrize("verb", ["sft", "reward-model", "ppo"])
@pytest.mark.parametrize("tuning", ["full", "lora:2"])
def test_every_verb_is_estimated_beside_what_it_took(
    verb: str, tuning: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = write_world(tmp_path)
    out = tmp_path / "out"
    assert main([*command(verb, world), "--tuning", tuning, "--out", str(out)]) == 0
    capsys.readouterr()
    assert main(["estimate", str(out / "spec.json")]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["parameters"]["trainable"] == found["took"]["trainable_parameters"]
    assert found["parameters"]["stored"] == found["parameters"]["counted"]
    assert found["flops"]["counted"] > 0
    assert found["flops"]["by_rule"] > 0
    assert set(found["flops"]["parts"]) >= {"learn"}
    assert found["took"]["seconds"] > 0
