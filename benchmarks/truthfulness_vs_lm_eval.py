"""TruthfulQA MC1 and MC2 on 817 questions: CPU seconds and tokens of ours and of lm-evaluation-harness, same model.

    python benchmarks/truthfulness_vs_lm_eval.py [--repeats 5] [--sizes 1 8 32 64] [--work DIR] [--out FILE.json]

Both sides run one thread, float32, sdpa attention, with the same torch and transformers; the harness at the best of its
batch sizes (swept first). Start-up and model loading are shown apart. The values must agree: MC1 for each question but
those whose deciding scores lie within 1e-4, the means of MC1 and MC2 to 1e-5.
Exit 0: at most a quarter of the harness's CPU seconds and a third of its start-up; 1: a bar is missed; 2: no peer.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from evaluator.truthfulqa.questions import read_questions, shipped_file  # noqa: E402

PEER = "lm-eval==0.4.13"
SWEEP = (1, 8, 32, 64)
SWEEP_QUESTIONS = 120
OUR_BATCH_SIZE = 16
LEAST_SPEEDUP, LARGEST_START_SHARE = 4.0, 1 / 3
LARGEST_MEAN_DIFFERENCE = 1e-5


def peer_python(work: Path) -> Path:
    """An environment with the pinned peer, and this one's torch and transformers, so that both run the same kernels."""
    folder = work / "peer"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        site = next((folder / "lib").glob("python3*")) / "site-packages"
        import torch

        (site / "shared.pth").write_text(f"{Path(torch.__file__).parent.parent}\n", "utf-8")
    done = subprocess.run([python, "-m", "pip", "install", "-q", PEER], check=False, capture_output=True)
    if done.returncode:
        print(f"{PEER} cannot be installed: {done.stderr.decode()[-500:]}", file=sys.stderr)
        sys.exit(2)
    return python


def make_model(folder: Path) -> None:
    """A GPT-2 of four layers, width 128, random weights, and a tokenizer of 4,000 entries learnt from the answers."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    from trainer.pretraining.tokenizer import train_tokenizer

    questions = read_questions(shipped_file("2021"))
    texts = [" ".join((one.question, *one.correct, *one.incorrect)) for one in questions]
    words = train_tokenizer(texts, vocabulary=4000, context=1024)
    torch.manual_seed(0)
    shape = GPT2Config(
        vocab_size=len(words),
        n_embd=128,
        n_layer=4,
        n_head=4,
        eos_token_id=words.eos_token_id,
        bos_token_id=None,
    )
    model = GPT2LMHeadModel(shape)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 2:
                parameter.normal_(0.0, 0.15)
    model.save_pretrained(folder)
    words.save_pretrained(folder)


def write_tasks(path: Path, limit: int | None = None) -> Path:
    """The 817 questions in the published layout of mc_task.json."""
    entries = [
        {
            "question": one.question,
            "mc1_targets": {answer: int(true) for answer, true in one.mc1},
            "mc2_targets": {answer: int(true) for answer, true in one.mc2},
        }
        for one in read_questions(shipped_file("2021"))[:limit]
    ]
    path.write_text(json.dumps(entries), "utf-8")
    return path


def run_side(python: Path | str, side: str, model: Path, questions: Path, batch_size: int) -> dict[str, Any]:
    """One run of one side in a process of its own."""
    script = ROOT / "benchmarks" / "truthfulness" / f"{side}.py"
    threads = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    with tempfile.TemporaryDirectory() as out:
        done = subprocess.run(
            [python, script, model, questions, str(batch_size), out],
            env={**os.environ, **threads},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        print(f"{side}: {done.stderr[-1500:]}", file=sys.stderr)
        sys.exit(2)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"{side} batch {batch_size}: {found['cpu']:.1f} CPU s, {found['tokens']} tokens", file=sys.stderr)
    return found


def disagreements(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """What is not the same on both sides; questions on a knife's edge are let go for MC1."""
    close = {one["id"] for one in ours["close"]["questions"] if "mc1" in one["metrics"]}
    edge = {one.question for one in read_questions(shipped_file("2021")) if one.id in close}
    found = [
        f"mc1 of {question!r}: {row['mc1']}, the harness {theirs['rows'][question]['mc1']}"
        for question, row in ours["rows"].items()
        if question not in edge and row["mc1"] != theirs["rows"][question]["mc1"]
    ]
    # A question on the edge may move a mean by one in 817.
    allowed = {"mc1": LARGEST_MEAN_DIFFERENCE + len(edge) / len(ours["rows"]), "mc2": LARGEST_MEAN_DIFFERENCE}
    for name, most in allowed.items():
        apart = abs(ours["means"][name] - theirs["means"][name])
        if apart > most:
            found.append(f"mean {name}: {apart:.2e} apart")
    return found


def summary(runs: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Medians and spread of each side."""
    return {
        side: {
            name: {
                "median": statistics.median(one[name] for one in found),
                "least": min(one[name] for one in found),
                "most": max(one[name] for one in found),
            }
            for name in ("cpu", "start_cpu", "load_cpu", "tokens")
        }
        for side, found in runs.items()
    }


def figures(runs: dict[str, list[dict[str, Any]]], sweep: dict[int, float]) -> dict[str, Any]:
    """What is printed: both sides, their ratio, what does not agree, and whether the bars are held."""
    wrong = disagreements(runs["ours"][0], runs["peer"][0])
    found = summary(runs)
    speedup = found["peer"]["cpu"]["median"] / found["ours"]["cpu"]["median"]
    start = found["ours"]["start_cpu"]["median"] / found["peer"]["start_cpu"]["median"]
    passed = not wrong and speedup >= LEAST_SPEEDUP and start <= LARGEST_START_SHARE
    return {
        "peer": PEER,
        "sweep_cpu": sweep,
        "sides": found,
        "cpu_ratio": speedup,
        "tokens_ratio": found["peer"]["tokens"]["median"] / found["ours"]["tokens"]["median"],
        "start_share": start,
        "means": {side: one[0]["means"] for side, one in runs.items()},
        "close_calls": runs["ours"][0]["close"],
        "disagreements": wrong,
        "load": os.getloadavg(),
        "passed": passed,
    }


def main() -> int:
    """Sweeps, alternates, compares, prints JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="runs of each side, alternating (default 5)")
    sizes = f"batch sizes of the harness that are tried on {SWEEP_QUESTIONS} questions (default {SWEEP})"
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SWEEP), help=sizes)
    parser.add_argument("--work", type=Path, help="folder for the peer's environment and the model (kept)")
    parser.add_argument("--out", type=Path, help="also write the figures here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work = options.work or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        python, model = peer_python(work), work / "model"
        if not model.exists():
            make_model(model)
        part = write_tasks(work / "part.json", SWEEP_QUESTIONS)
        sweep = {size: run_side(python, "peer", model, part, size)["cpu"] for size in options.sizes}
        best = min(sweep, key=lambda size: sweep[size])
        whole = write_tasks(work / "questions.json")
        runs: dict[str, list[dict[str, Any]]] = {"ours": [], "peer": []}
        for _ in range(options.repeats):
            runs["ours"].append(run_side(sys.executable, "ours", model, whole, OUR_BATCH_SIZE))
            runs["peer"].append(run_side(python, "peer", model, whole, best))
    told = figures(runs, sweep)
    text = json.dumps(told, indent=1)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", "utf-8")
    return 0 if told["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
