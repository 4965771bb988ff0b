"""What a pass keeps, and the peak of whole runs, as they are measured."""

import ctypes
import gc
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from tests.trainer.builders import demonstration_line
from tests.trainer.estimate.test_operations import SHAPE, grouped
from tests.trainer.reward_model.tiny import WORDS, tiny_tokenizer, write_lines
from trainer.cli import main
from trainer.estimate.memory import kept_by_tree, kept_packed, kept_rows
from trainer.ppo.policy import Policy
from trainer.reward_model.model import raw_scores, save_model, with_new_head
from trainer.reward_model.prompt_groups import PromptGroup
from trainer.run_folder import read_outcome
from trainer.sft import Lesson, response_loss
from trainer.training_loop import SavedBytes

# mallopt(3): blocks from this size on are given back when they are freed, so that the peak is the run's own.
MMAP_THRESHOLD = -3


def kept(model: Any, run: Callable[[], Tensor]) -> int:
    saved = SavedBytes(model.parameters())
    with saved:
        run()
    return saved.total


def groups_of(lengths: list[tuple[int, list[int]]]) -> list[PromptGroup]:
    return [PromptGroup((9,) * prompt, tuple((20,) * one for one in own)) for prompt, own in lengths]


@pytest.mark.parametrize(
    "lessons", [[(20, 11)] * 5, [(40, 3), (5, 30), (12, 12), (6, 2)]], ids=["even", "uneven"]
)
def test_what_packed_demonstrations_keep(lessons: list[tuple[int, int]]) -> None:
    lm = grouped()
    taught = [Lesson([9] * prompt, [20] * response) for prompt, response in lessons]
    groups = [(prompt, [response]) for prompt, response in lessons]
    scored = sum(response for _, response in lessons)
    found = kept_packed(SHAPE, groups, ends_only=False, scored=scored)
    assert found == pytest.approx(kept(lm.model, lambda: response_loss(lm, taught)), rel=0.02)


@pytest.mark.parametrize(
    "lengths", [[(20, [8] * 4)] * 3, [(30, [5, 20, 9]), (60, [7, 7, 12, 3])], [(50, [40])]]
)
def test_what_rankings_keep(lengths: list[tuple[int, list[int]]]) -> None:
    model, groups = with_new_head(grouped(), seed=0), groups_of(lengths)
    packed = kept_packed(SHAPE, lengths, ends_only=True)
    assert packed == pytest.approx(kept(model.model, lambda: raw_scores(model, groups, "packed")), rel=0.02)
    tree = kept_by_tree(SHAPE, len(groups), max(group.tokens for group in groups))
    assert tree == pytest.approx(kept(model.model, lambda: raw_scores(model, groups, "tree")), rel=0.02)


@pytest.mark.parametrize(("rows", "prompt", "response"), [(5, 20, 11), (8, 60, 30), (3, 10, 40)])
def test_what_rollouts_keep(rows: int, prompt: int, response: int) -> None:
    policy = Policy(grouped())

    def run(copies: int) -> int:
        groups = groups_of([(prompt, [response] * copies)] * rows)
        return kept(policy, lambda: policy.evaluate(groups, 1.0).log_probabilities)

    scored = rows * response
    assert kept_rows(SHAPE, rows, prompt, response, scored=scored) == pytest.approx(run(1), rel=0.02)
    tree = kept_by_tree(SHAPE, rows, prompt + 2 * response, scored=2 * scored)
    assert tree == pytest.approx(run(2), rel=0.02)


def test_recomputed_blocks_keep_their_input_and_one_of_them_is_whole() -> None:
    groups = [(40, [20])] * 6
    whole = kept_packed(SHAPE, groups, ends_only=True)
    again = kept_packed(SHAPE, groups, ends_only=True, recompute=True)
    deeper = kept_packed(
        SHAPE.__class__(**{**vars(SHAPE), "layers": 9}), groups, ends_only=True, recompute=True
    )
    assert again < 0.6 * whole
    assert deeper - again == 6 * 4 * 360 * 32
    assert kept_rows(SHAPE, 5, 20, 11, recompute=True) < 0.7 * kept_rows(SHAPE, 5, 20, 11)
    assert kept_by_tree(SHAPE, 5, 42, recompute=True) < 0.5 * kept_by_tree(SHAPE, 5, 42)


def model_folder(folder: Path, width: int, layers: int) -> str:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(WORDS) + 5, hidden_size=width, intermediate_size=4 * width, num_hidden_layers=layers,
        num_attention_heads=4, max_position_embeddings=512, pad_token_id=0, bos_token_id=None, eos_token_id=1,
        attn_implementation="sdpa",
    )  # fmt: skip
    save_model(LlamaForCausalLM(config), tiny_tokenizer(), folder)
    return str(folder)


def said(drawn: random.Random, count: int) -> str:
    return " ".join(drawn.choice(WORDS) for _ in range(count))


def words_of(verb: str, world: Path, model: str) -> list[str]:
    drawn = random.Random(0)
    prompts = [[{"role": "user", "content": said(drawn, 80)}] for _ in range(16)]
    if verb == "sft":
        # One long demonstration among short ones: padded, they would take three times the memory.
        sizes = [200, *(drawn.randint(20, 60) for _ in range(7))]
        lines = []
        for number, size in enumerate(sizes):
            prompt = [{"role": "user", "content": said(drawn, size // 2)}]
            lines.append(demonstration_line(f"d{number}", prompt=prompt, response=said(drawn, size)))
        source = write_lines(world / "demonstrations.jsonl", lines)
        return [
            verb,
            str(source),
            "--model",
            model,
            "--batch-size",
            "8",
            "--epochs",
            "2",
            "--heldout-share",
            "0",
        ]
    if verb == "reward-model":
        rankings = [
            {
                "id": f"r{n}", "prompt": prompts[n], "annotator": "ada", "kind": "ranking", "split": "train",
                "responses": [{"id": f"{k}", "text": said(drawn, 10 + 10 * k)} for k in range(4)],
                "tiers": [["0"], ["1"], ["2"], ["3"]],
            }
            for n in range(8)
        ]  # fmt: skip
        source = write_lines(world / "rankings.jsonl", rankings)
        return [
            verb,
            str(source),
            "--model",
            model,
            "--rankings-per-step",
            "4",
            "--epochs",
            "2",
            "--patience",
            "2",
        ]
    source = write_lines(
        world / "prompts.jsonl", [{"id": f"p{n}", "prompt": one} for n, one in enumerate(prompts)]
    )
    reward = ["--reward-function", "tests.trainer.ppo.reward_functions:letters", "--baseline-n", "0"]
    more = ["--updates", "2", "--episodes", "16", "--minibatch-size", "16", "--max-new-tokens", "10"]
    return [verb, str(source), "--policy", model, *more, *reward]


def grown(words: list[str], out: Path) -> int:
    """Bytes by which a run in a process of its own grew at its peak, over what that process held when it began."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            library = ctypes.CDLL(None)
            # What earlier tests gave back to the heap would be the run's for nothing.
            gc.collect()
            library.malloc_trim(0)
            library.mallopt(MMAP_THRESHOLD, 65536)
            out.with_suffix(".before").write_text(Path("/proc/self/status").read_text("utf-8"), "utf-8")
            code = main([*words, "--out", str(out), "--progress", "none", "--threads", "1"])
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    before = next(
        line
        for line in out.with_suffix(".before").read_text("utf-8").splitlines()
        if line.startswith("VmRSS:")
    )
    metrics: Any = read_outcome(out)["metrics"]
    return int(metrics["memory"]["peak_bytes"]) - int(before.split()[1]) * 1024


@pytest.mark.parametrize("verb", ["sft", "reward-model", "ppo"])
def test_the_peak_of_a_run_is_foreseen_to_a_tenth(
    verb: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    measured, foreseen = [], []
    for name, width, layers in (("tiny", 16, 1), ("run", 384, 4)):
        words = words_of(verb, tmp_path, model_folder(tmp_path / f"{name}-model", width, layers))
        measured.append(grown(words, tmp_path / name))
        capfd.readouterr()
        assert main(["estimate", str(tmp_path / name)]) == 0
        foreseen.append(json.loads(capfd.readouterr().out)["memory"]["peak_bytes"])
    assert foreseen[1] - foreseen[0] == pytest.approx(measured[1] - measured[0], rel=0.1)
