"""The estimate of runs that were published, and what the command refuses; none of it imports torch."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.house.tree import ROOT
from trainer.cli import main

GPT3 = {
    "layers": 96,
    "width": 12288,
    "heads": 96,
    "vocabulary": 50257,
    "context": 2048,
    "tokens": 300_000_000_000,
}
LLAMA_65B = {
    "hidden_size": 8192,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
    "intermediate_size": 22016,
    "vocab_size": 32000,
    "tie_word_embeddings": False,
}


def estimate(
    told: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str], *flags: str
) -> dict[str, Any]:
    path = folder / "run.json"
    path.write_text(json.dumps(told), "utf-8")
    capsys.readouterr()
    assert main(["estimate", str(path), *flags]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_gpt_3_is_as_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = [
        "--device",
        "a100-80gb",
        "--utilisation",
        "0.462",
        "--devices",
        "1024",
        "--recipe",
        "half-copies",
    ]
    found = estimate(GPT3, tmp_path, capsys, *flags, "--price-per-hour", "2")
    assert found["parameters"]["formula"] == 174_579_068_928
    assert found["parameters"]["formula"] == pytest.approx(174.6e9, rel=1e-3)
    assert found["flops"]["by_rule"] == pytest.approx(3.14e23, rel=1e-3)
    assert found["flops"]["rule"] == "6ND"
    assert found["memory"]["state_gb"] == pytest.approx(3492, rel=1e-3)
    assert found["memory"]["bytes_per_trainable_parameter"] == 20
    assert found["time"]["peak_tflops"] == 312
    assert found["time"]["device_hours"] == pytest.approx(605_600, rel=1e-3)
    assert found["time"]["days"] == pytest.approx(24.64, rel=1e-3)
    assert found["cost"]["total"] == pytest.approx(2 * 605_600, rel=1e-3)


def test_gpt_3_with_recomputed_activations_takes_a_third_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--utilisation", "0.462", "--devices", "1024"]
    for told, more in ((GPT3, ["--recompute"]), ({**GPT3, "gradient_checkpointing": True}, [])):
        found = estimate(told, tmp_path, capsys, *flags, *more)
        assert found["flops"]["rule"] == "8ND"
        assert found["time"]["days"] == pytest.approx(32.86, rel=1e-3)


def test_llama_65b_takes_about_22_days_on_2048_cards(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {
        "verb": "pretrain",
        "layers": 80,
        "width": 8192,
        "heads": 64,
        "vocabulary": 32000,
        "context": 2048,
    }
    beside = {"tokens": 1_400_000_000_000, "devices": 2048, "peak_tflops": 624, "utilisation": 0.3}
    found = estimate({**told, "estimate": {**beside, "recompute": True}}, tmp_path, capsys)
    assert found["time"]["days"] == pytest.approx(21.87, rel=1e-3)
    assert round(found["time"]["days"]) == 22


def test_llama_65b_counts_its_real_weights(tmp_path: Path) -> None:
    from trainer.estimate.shapes import shape_of_folder

    (tmp_path / "config.json").write_text(json.dumps(LLAMA_65B), "utf-8")
    shape = shape_of_folder(tmp_path)
    assert shape.parameters == 65_285_660_672
    assert shape.parameters_by_formula == 64_695_173_120


def test_autocast_over_float32_weights_is_16_bytes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = estimate(GPT3, tmp_path, capsys)
    assert found["memory"]["bytes_per_trainable_parameter"] == 16
    counted = found["parameters"]["counted"]
    assert found["memory"]["state"]["all"] == 16 * counted
    assert found["memory"]["state_gb_by_recipe"] == {
        "autocast": 16e-9 * counted,
        "half-copies": 20e-9 * counted,
    }
    assert found["cost"] is None


def test_steps_are_tokens_and_flags_win_over_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {"layers": 2, "width": 64, "context": 32, "steps": 10, "batch_tokens": 100, "utilisation": 0.5}
    assert estimate(told, tmp_path, capsys)["tokens"] == 10 * 96
    assert estimate(told, tmp_path, capsys)["time"]["utilisation"] == 0.5
    found = estimate(told, tmp_path, capsys, "--utilisation", "0.25", "--tokens", "1920")
    assert (found["tokens"], found["time"]["utilisation"]) == (1920, 0.25)
    once = estimate(told, tmp_path, capsys)
    assert found["flops"]["counted"] == pytest.approx(2 * once["flops"]["counted"])
    assert found["time"]["device_hours"] == pytest.approx(4 * once["time"]["device_hours"])


def test_a_processor_has_no_peak_unless_one_is_stated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {"layers": 2, "width": 64, "steps": 10}
    assert estimate(told, tmp_path, capsys, "--device", "cpu")["time"] is None
    found = estimate(told, tmp_path, capsys, "--device", "cpu", "--peak-tflops", "0.1", "--utilisation", "1")
    assert found["time"]["device_hours"] == pytest.approx(found["flops"]["by_rule"] / 1e11 / 3600)


@pytest.mark.parametrize(
    ("told", "flags", "wanted"),
    [
        ({"steps": 3}, (), "verb: found null null, wanted one of pretrain, sft, reward-model, ppo"),
        (
            {"layers": 2, "steps": 3},
            ("--device", "abacus"),
            "--device: found 'abacus', wanted one of a100-40gb",
        ),
        ({"layers": 2, "minutes": 3}, (), "minutes: found a run by the clock, wanted --tokens"),
        ({"layers": 2, "steps": 3, "colour": 1}, (), "unknown key 'colour'"),
        ({"layers": 2, "steps": 3, "estimate": 5}, (), "estimate: found a number 5, wanted an object"),
        ({"layers": 2, "steps": 3, "utilisation": 2}, (), "utilisation: found 2"),
        ({"verb": "sft", "demonstrations": "d", "model": "nowhere"}, (), "nowhere: found no config.json"),
    ],
)
def test_refusals_are_one_line(
    told: dict[str, Any],
    flags: tuple[str, ...],
    wanted: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "run.json").write_text(json.dumps(told), "utf-8")
    capsys.readouterr()
    assert main(["estimate", str(tmp_path / "run.json"), *flags]) == 2
    found = capsys.readouterr()
    assert wanted in found.err
    assert (found.err.count("\n"), found.out) == (1, "")


def test_no_model_library_is_imported(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps(GPT3), "utf-8")
    asked = (
        f"import sys; from trainer.cli import main; main(['estimate', {str(tmp_path / 'run.json')!r}]); "
        "print([one for one in ('torch', 'transformers', 'numpy') if one in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
