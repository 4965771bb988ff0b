"""One small world learned through the command line: text, then demonstrations, then answers that are right."""

import json
import random
from pathlib import Path

from trainer.cli import main
from trainer.language_models import load_language_model
from trainer.progress import read_progress
from trainer.run_folder import read_outcome

PLACES = ["Lima", "Oslo", "Cairo", "Quito", "Delhi", "Paris", "Kyoto", "Dakar"]
COUNTRIES = ["Peru", "Norway", "Egypt", "Ecuador", "India", "France", "Japan", "Senegal"]
WORLD = dict(zip(PLACES, COUNTRIES, strict=True))


def write_world(folder: Path) -> None:
    """Sentences about eight cities, answers to questions about them, and the questions alone."""
    drawn = random.Random(0)
    forms = [
        "{city} lies in {country}.",
        "The city of {city} is in {country}.",
        "In {country} there is {city}.",
    ]
    told = [
        form.format(city=city, country=WORLD[city]) for city in PLACES for form in forms for _ in range(6)
    ]
    drawn.shuffle(told)
    (folder / "world.txt").write_text("\n\n".join(told), "utf-8")
    with (folder / "demos.jsonl").open("w", encoding="utf-8") as demos:
        with (folder / "prompts.jsonl").open("w", encoding="utf-8") as prompts:
            for city in PLACES:
                prompt = [{"role": "user", "content": f"Where is {city}?"}]
                demo = {"id": city, "prompt": prompt, "response": f"In {WORLD[city]}.", "annotator": "ada"}
                demos.write(json.dumps(demo) + "\n")
                prompts.write(json.dumps({"id": city, "prompt": prompt}) + "\n")


def metrics(folder: Path) -> dict[str, float]:
    found = read_outcome(folder)["metrics"]
    assert isinstance(found, dict)
    return found


def right_answers(folder: Path, model: str) -> int:
    out = folder / f"{model}.jsonl"
    flags = ["--temperature", "0", "--max-new-tokens", "8", "--responses-per-prompt", "1"]
    command = [
        "sample",
        str(folder / "prompts.jsonl"),
        "--model",
        str(folder / model),
        "--out",
        str(out),
        *flags,
    ]
    assert main(command) == 0
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    return sum(line["response"] == f"In {WORLD[line['id']]}." for line in lines)


def test_a_small_world_is_learned_and_answered(tmp_path: Path) -> None:
    write_world(tmp_path)
    base, tuned = tmp_path / "base", tmp_path / "tuned"
    shape = ["--layers", "2", "--width", "48", "--heads", "2", "--context", "32", "--vocabulary", "400"]
    steps = ["--steps", "150", "--batch-tokens", "512", "--learning-rate", "0.005", "--heldout-share", "0.1"]
    assert main(["pretrain", str(tmp_path / "world.txt"), "--out", str(base), *shape, *steps]) == 0
    curve = [
        line["heldout_loss"] for line in read_progress(base / "progress.jsonl")[0] if "heldout_loss" in line
    ]
    assert len(curve) >= 10
    # Told apart from noise by far: an untrained model is near log(400) = 6 nats a token.
    assert metrics(base)["heldout_loss"] < 1.0 < 2.5 < float(str(curve[0]))
    assert right_answers(tmp_path, "base") == 0

    teach = ["--epochs", "200", "--batch-size", "8", "--learning-rate", "0.003", "--heldout-share", "0"]
    assert (
        main(["sft", str(tmp_path / "demos.jsonl"), "--model", str(base), "--out", str(tuned), *teach]) == 0
    )
    assert metrics(tuned)["train_loss"] < 0.2
    assert metrics(tuned)["heldout_loss"] is None
    assert right_answers(tmp_path, "tuned") >= 7
    assert load_language_model(tuned).context == 32


def test_pretraining_is_the_same_again_and_not_with_another_seed(tmp_path: Path) -> None:
    write_world(tmp_path)
    shape = ["--layers", "1", "--width", "16", "--heads", "2", "--context", "16", "--vocabulary", "300"]
    weights = []
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        flags = ["--out", str(tmp_path / name), "--steps", "4", "--batch-tokens", "256", "--seed", seed]
        assert main(["pretrain", str(tmp_path / "world.txt"), *flags, *shape]) == 0
        weights.append((tmp_path / name / "model.safetensors").read_bytes())
        tokenizer = (tmp_path / name / "tokenizer.json").read_bytes()
        assert tokenizer
    assert weights[0] == weights[1]
    assert weights[0] != weights[2]


def test_pretraining_by_the_clock_ends_by_the_clock(tmp_path: Path) -> None:
    write_world(tmp_path)
    shape = ["--layers", "1", "--width", "16", "--heads", "2", "--context", "16", "--vocabulary", "300"]
    flags = ["--out", str(tmp_path / "a"), "--minutes", "0.02", "--batch-tokens", "256"]
    assert main(["pretrain", str(tmp_path / "world.txt"), *flags, *shape]) == 0
    lines, _ = read_progress(tmp_path / "a" / "progress.jsonl")
    assert metrics(tmp_path / "a")["steps"] == len(lines) > 1
    assert lines[-1]["step"] == lines[-1]["steps"]
    assert [line["step"] for line in lines] == sorted(
        line["step"] for line in lines if isinstance(line["step"], int)
    )
