"""Fine-tuning: the loss sees response tokens only; a prompt stays on one side."""

import json
from pathlib import Path

import pytest
import torch

from tests.trainer.builders import demonstration_line
from tests.trainer.tiny_models import tiny_model
from trainer import sft
from trainer.errors import BadInput
from trainer.language_models import load_language_model, save_language_model
from trainer.run_folder import read_outcome
from trainer.sft import Lesson, response_loss
from trainer.specs import SftSpec

LESSONS = [Lesson([9, 10, 11], [20, 21, 1]), Lesson([12], [22, 1]), Lesson([13, 14, 15, 16], [23, 24, 25, 1])]


@pytest.mark.parametrize("packing", [True, False])
def test_response_loss_is_over_response_tokens_only(packing: bool) -> None:
    lm = tiny_model()
    wanted = 0.0
    with torch.no_grad():
        for lesson in LESSONS:
            ids = torch.tensor([lesson.prompt + lesson.response])
            chances = torch.log_softmax(lm.model(input_ids=ids).logits[0], dim=-1)
            for place in range(len(lesson.prompt), ids.shape[1]):
                wanted -= float(chances[place - 1, ids[0, place]])
        assert float(response_loss(lm, LESSONS, packing=packing)) == pytest.approx(wanted, abs=1e-4)


def test_response_loss_of_a_batch_is_the_sum_of_its_parts() -> None:
    lm = tiny_model()
    with torch.no_grad():
        parts = sum(float(response_loss(lm, [lesson])) for lesson in LESSONS)
        assert float(response_loss(lm, LESSONS)) == pytest.approx(parts, abs=1e-4)


def write(path: Path, count: int, **changes: object) -> str:
    lines = [
        demonstration_line(
            f"d{number}", prompt=[{"role": "user", "content": f"Where is {number // 2}?"}], **changes
        )
        for number in range(count)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return str(path)


def model_folder(tmp_path: Path) -> str:
    lm = tiny_model()
    save_language_model(lm.model, lm.tokenizer, tmp_path / "model")
    return str(tmp_path / "model")


def test_run_keeps_frozen_layers_and_prompts_on_one_side(tmp_path: Path) -> None:
    demonstrations = write(tmp_path / "d.jsonl", 40)
    spec = SftSpec(
        demonstrations=demonstrations,
        model=model_folder(tmp_path),
        out=str(tmp_path / "out"),
        epochs=1,
        heldout_share=0.3,
        tuning="last-layers:1",
    )
    sft.run(spec, "none")
    metrics = read_outcome(tmp_path / "out")["metrics"]
    assert isinstance(metrics, dict)
    assert metrics["demonstrations"] + metrics["heldout_demonstrations"] == 40
    # Two demonstrations of each prompt stand together, so both counts are even.
    assert metrics["heldout_demonstrations"] % 2 == 0
    assert metrics["heldout_loss"] < metrics["heldout_loss_before"]
    before, after = (load_language_model(tmp_path / name).model.state_dict() for name in ("model", "out"))
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved
    assert all(name.startswith(("model.layers.1.", "model.norm")) for name in moved)


def test_same_seed_same_weights_other_seed_others(tmp_path: Path) -> None:
    demonstrations, model = write(tmp_path / "d.jsonl", 12), model_folder(tmp_path)
    weights = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        out = tmp_path / name
        sft.run(
            SftSpec(
                demonstrations=demonstrations, model=model, out=str(out), epochs=1, batch_size=4, seed=seed
            ),
            "none",
        )
        weights.append((out / "model.safetensors").read_bytes())
    assert weights[0] == weights[1]
    assert weights[0] != weights[2]


def test_a_demonstration_beyond_the_context_is_refused(tmp_path: Path) -> None:
    demonstrations = write(tmp_path / "d.jsonl", 2, response="far " * 100)
    spec = SftSpec(demonstrations=demonstrations, model=model_folder(tmp_path), out=str(tmp_path / "out"))
    with pytest.raises(
        BadInput, match=r"d\.jsonl:1: found .* response tokens, wanted at most the model's context of 96"
    ):
        sft.run(spec, "none")
    assert not (tmp_path / "out").exists()
