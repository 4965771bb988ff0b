"""The command line: exit codes, errors of one line, help without torch."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.trainer.builders import ASKED, demonstration_line
from tests.trainer.tiny_models import tiny_model
from trainer import specs
from trainer.cli import VERBS, main
from trainer.language_models import save_language_model

ROOT = Path(__file__).resolve().parents[2]


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line on stderr of a command that is refused with exit code 2."""
    assert main(words) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    return told.err


def prompts_file(tmp_path: Path, count: int = 3) -> str:
    path = tmp_path / "prompts.jsonl"
    lines = [
        {"id": f"p{number}", "prompt": ASKED, "tier": "tail", "未知": [number]} for number in range(count)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return str(path)


@pytest.fixture
def model(tmp_path: Path) -> str:
    lm = tiny_model()
    save_language_model(lm.model, lm.tokenizer, tmp_path / "policy-one")
    return str(tmp_path / "policy-one")


def test_help_is_quick_and_knows_no_torch() -> None:
    script = (
        "import sys\nfrom trainer.cli import main\ntry:\n    main(['ppo', '--help'])\n"
        "finally:\n    print([name for name in sys.modules if name in ('torch', 'transformers', 'numpy')])"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Processor seconds of the child: the clock on the wall would measure its neighbours too.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1
    assert done.stdout.endswith("[]\n")


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_help_documents_each_flag(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    told = " ".join(capsys.readouterr().out.split())
    for entry in VERBS[verb].spec.fields():
        wanted = entry.name if entry.flag.positional else f"--{entry.name.replace('_', '-')}"
        assert (entry.flag.metavar or wanted) in told
        assert " ".join(entry.flag.help.split())[:20] in told
    assert "--spec FILE.json" in told
    assert "--progress" in told


def test_module_ends_with_the_exit_code(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "trainer",
        "sft",
        str(tmp_path / "no.jsonl"),
        "--model",
        "m",
        "--out",
        "o",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == f"{tmp_path}/no.jsonl: No such file or directory, wanted a file of JSON lines\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "required"),
        (["train"], "invalid choice"),
        (["sft"], "out: not given"),
        (["sft", "--out", "o"], "demonstrations: not given"),
        (["sft", "d.jsonl", "--out", "o"], "model: not given, wanted model folder to start from"),
        (["sft", "d.jsonl", "--model", "m", "--out", "o", "--epochs", "many"], "invalid int value"),
        (["sft", "d.jsonl", "--model", "m", "--out", "o", "--epochs", "0"], "epochs: found 0"),
        (
            ["sft", "d.jsonl", "--model", "m", "--out", "o", "--tuning", "lora:0"],
            "lora:R with R at least 1",
        ),
        (["sft", "d.jsonl", "--model", "m", "--out", "o", "--colour", "red"], "unrecognized arguments"),
        (["pretrain", "a.txt", "--out", "o"], "steps and minutes"),
        (["pretrain", "a.txt", "--out", "o", "--steps", "3"], "No such file"),
        (["sample", "p.jsonl", "--model", "m", "--out", "r", "--top-p", "nan"], "top_p: found nan"),
    ],
)
def test_refusals_are_one_line(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert told in refused(capsys, *words)


def test_a_missing_model_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prompts = prompts_file(tmp_path)
    told = refused(
        capsys, "sample", prompts, "--model", str(tmp_path / "no"), "--out", str(tmp_path / "r.jsonl")
    )
    assert "found no such folder" in told


def test_an_out_in_use_is_refused(tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text(json.dumps(demonstration_line()) + "\n", "utf-8")
    words = ("sft", str(path), "--model", model, "--out", model, "--heldout-share", "0")
    assert "not empty" in refused(capsys, *words)


def test_a_long_prompt_is_refused_with_its_line(
    tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (
        "sample",
        prompts_file(tmp_path),
        "--model",
        model,
        "--out",
        str(tmp_path / "r"),
        "--max-new-tokens",
        "95",
    )
    assert "prompts.jsonl: prompt 1: found" in refused(capsys, *words)
    assert not (tmp_path / "r").exists()


def test_a_run_that_cannot_go_on_fails_with_one_line(
    tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text(json.dumps(demonstration_line()) + "\n", "utf-8")
    words = ["sft", str(path), "--model", model, "--out", str(tmp_path / "o"), "--heldout-share", "0"]
    assert main([*words, "--learning-rate", "1e38", "--clip-norm", "1e30", "--epochs", "9"]) == 1
    told = capsys.readouterr().err
    assert "wanted a finite one: try a --learning-rate below" in told
    assert told.count("\n") == 1
    assert not (tmp_path / "o" / "outcome.json").exists()


def sampled(tmp_path: Path, model: str, name: str, *words: str) -> list[dict[str, object]]:
    out = tmp_path / name
    prompts = prompts_file(tmp_path)
    command = [
        "sample",
        prompts,
        "--model",
        model,
        "--out",
        str(out),
        "--max-new-tokens",
        "6",
        "--seed",
        "4",
        *words,
    ]
    assert main([*command, "--responses-per-prompt", "2"]) == 0
    return [json.loads(line) for line in out.read_text("utf-8").splitlines()]


def test_sample_writes_the_whole_prompt_line_in_order(tmp_path: Path, model: str) -> None:
    lines = sampled(tmp_path, model, "r.jsonl", "--temperature", "0.9")
    assert [line["id"] for line in lines] == ["p0", "p0", "p1", "p1", "p2", "p2"]
    assert len({line["response_id"] for line in lines}) == 6
    assert not any("policy" in str(line["response_id"]) for line in lines)
    for line in lines:
        assert line["tier"] == "tail"
        assert line["未知"] == [int(str(line["id"])[1:])]
        assert line["policy"] == "policy-one"
        assert line["seed"] == 4
        sampling = line["sampling"]
        assert isinstance(sampling, dict)
        assert (sampling["temperature"], sampling["top_p"], sampling["max_new_tokens"]) == (0.9, 1.0, 6)
        assert 1 <= sampling["tokens"] <= 6


def test_sample_is_the_same_again_and_not_with_another_seed(tmp_path: Path, model: str) -> None:
    first = sampled(tmp_path, model, "a.jsonl", "--policy", "named")
    again = sampled(tmp_path, model, "b.jsonl", "--policy", "named", "--batch-size", "1")
    other = sampled(tmp_path, model, "c.jsonl", "--policy", "named", "--seed", "5")
    assert first == again
    assert first[0]["policy"] == "named"
    assert [line["response"] for line in first] != [line["response"] for line in other]


def test_progress_is_json_lines_where_asked(
    tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "progress.jsonl"
    sampled(tmp_path, model, "r.jsonl", "--progress", "json", "--progress-file", str(file))
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert told[-1]["step"] == told[-1]["steps"] == 3
    assert [json.loads(line) for line in file.read_text("utf-8").splitlines()] == told


def test_spec_file_stands_for_the_flags_and_flags_win(
    tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "r.jsonl"
    told = {
        "prompts": prompts_file(tmp_path),
        "model": model,
        "out": str(out),
        "max_new_tokens": 3,
        "seed": 9,
    }
    file = tmp_path / "spec.json"
    file.write_text(json.dumps(told), "utf-8")
    assert specs.SampleSpec.from_json(told, "-").responses_per_prompt == 4
    assert main(["sample", "--spec", str(file), "--responses-per-prompt", "1"]) == 0
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [line["seed"] for line in lines] == [9, 9, 9]
    file.write_text(json.dumps({**told, "colour": "red"}), "utf-8")
    capsys.readouterr()
    assert refused(capsys, "sample", "--spec", str(file)).startswith(
        f"{file}: found the unknown key 'colour'"
    )
