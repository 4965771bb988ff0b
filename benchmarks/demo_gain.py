"""Does feedback make Atlas better, on every seed that is tried? The demo's recipe by command line, from text files.

    python benchmarks/demo_gain.py --seeds 0,1,2 [--out FILE.json] [--work DIR]

For each seed, refused ones too, it prints rule grade, right, abstained and wrong on the held-out questions before and
after PPO with paired 95 % intervals, beside two baselines: always abstain, and best of 6 by the reward model.
Passed (exit 0) when on at least two seeds the grade rises and the share of wrong answers falls with intervals that
exclude zero, the share right falls by no more than 0.05, and the policy beats always abstaining on the often-seen tier.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from evaluator.metrics.closed_book import LARGEST_LOSS_OF_RIGHT  # noqa: E402 (the root is not on a script's path)
from evaluator.report_files import Metric, read_report  # noqa: E402
from labelplatform.demo import atlas  # noqa: E402
from labelplatform.demo.gate import judge_reward_model  # noqa: E402
from labelplatform.demo.recipe import (  # noqa: E402
    ALWAYS_ABSTAIN,
    FULL,
    RESPONSES_PER_PROMPT,
    ROUNDS,
    Recipe,
)

METRICS = ("grade", "right", "abstained", "wrong")
NEEDED_SEEDS = 2
CONFIRMED_REGRESSION = 3


@dataclass(frozen=True)
class Change:
    """One metric before and after, with the paired interval of the difference."""

    before: float
    after: float
    difference: float
    low: float
    high: float

    def __str__(self) -> str:
        interval = f"{self.difference:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"
        return f"{self.before:.3f} -> {self.after:.3f}, {interval}"


@dataclass
class SeedResult:
    """What one seed gave; `changes` by "metric" or "metric tier=…", empty after a refusal."""

    seed: int
    refused: str = ""
    reward_model: dict[str, Any] = field(default_factory=dict)
    before: dict[str, float] = field(default_factory=dict)
    changes: dict[str, Change] = field(default_factory=dict)
    best_of: dict[str, Change] = field(default_factory=dict)
    kept_update: int | None = None
    cpu_seconds: dict[str, float] = field(default_factory=dict)

    @property
    def failures(self) -> list[str]:
        """Why this seed does not count as a gain; empty when it does."""
        if self.refused:
            return [f"refused: {self.refused}"]
        return failures_of(self.changes)


def failures_of(changes: Mapping[str, Change]) -> list[str]:
    """The conditions of a real gain that these changes miss."""
    grade, wrong, right = changes["grade"], changes["wrong"], changes["right"]
    often = changes["grade tier=often"].after
    conditions = (
        (grade.low > 0, f"the grade may not have risen: {grade}"),
        (wrong.high < 0, f"wrong answers may not have fallen: {wrong}"),
        (right.difference >= -LARGEST_LOSS_OF_RIGHT, f"bought by forgetting: right answers {right}"),
        (often > ALWAYS_ABSTAIN, f"often-seen tier no better than always abstaining: grade {often:.3f}"),
    )
    return [reason for holds, reason in conditions if not holds]


class Chain:
    """The command lines of one seed in one folder; every stage's CPU seconds are kept."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.seed = folder, seed
        self.cpu_seconds: dict[str, float] = {}

    def write(self, name: str, lines: Iterable[Mapping[str, object]]) -> Path:
        path = self.folder / name
        path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
        return path

    def read(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / name).read_text("utf-8").splitlines()]

    def run(
        self, stage: str, module: str, *words: object, settings: Mapping[str, object] = MappingProxyType({})
    ) -> Path:
        """Runs one command with `--out` named after the stage; raises with its last words when it fails."""
        out = self.folder / stage
        flags = [word for name, value in settings.items() for word in _flag(name, value)]
        command = [
            sys.executable,
            "-m",
            module,
            *map(str, words),
            *flags,
            "--seed",
            str(self.seed),
            "--out",
            str(out),
        ]
        started = _cpu_of_children()
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        self.cpu_seconds[stage] = round(_cpu_of_children() - started, 1)
        print(f"  seed {self.seed} {stage}: {self.cpu_seconds[stage]:.1f} CPU s", file=sys.stderr, flush=True)
        if done.returncode not in {0, CONFIRMED_REGRESSION}:
            raise SystemExit(
                f"{' '.join(command)}\nended with {done.returncode}: {done.stderr.strip()[-800:]}"
            )
        return out

    def metrics(self, stage: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / stage / "outcome.json").read_text("utf-8"))[
            "metrics"
        ]
        return found


def run_seed(seed: int, folder: Path, recipe: Recipe = FULL) -> SeedResult:
    """The whole recipe for one seed; what the gate refuses twice ends there."""
    chain, result = Chain(folder, seed), SeedResult(seed)
    world = atlas.build_world(seed, recipe.size)
    corpus = chain.write("corpus.jsonl", atlas.corpus_lines(world, seed, recipe.size))
    demonstrations = chain.write("demonstrations.jsonl", atlas.demonstration_lines(world, seed, recipe.size))
    practice = chain.write("practice.jsonl", atlas.question_lines(world, "reinforcement"))
    heldout = chain.write("heldout.jsonl", atlas.question_lines(world, "heldout"))
    base = chain.run("base", "trainer", "pretrain", corpus, settings=recipe.pretrain)
    sft = chain.run("sft", "trainer", "sft", demonstrations, "--model", base, settings=recipe.sft)
    before = evaluate(chain, "before", sft, heldout, recipe)
    result.before = {name: _metric(before, name).value or 0.0 for name in METRICS}
    reward_model = gated_reward_model(chain, result, sft, practice, recipe)
    if reward_model is not None:
        words = ("--policy", sft, "--reward-model", reward_model)
        validation = chain.write("validation.jsonl", atlas.question_lines(world, "validation"))
        told = ("--pretraining-text", corpus, "--validation", validation)
        ppo = chain.run("ppo", "trainer", "ppo", practice, *words, *told, settings=recipe.ppo)
        result.kept_update = chain.metrics("ppo")["kept_update"]
        result.changes = changes(chain, "after", before, evaluate(chain, "after", ppo, heldout, recipe))
        lines = chain.run("best.jsonl", "trainer", "best-of-n", heldout, *words, "--n", RESPONSES_PER_PROMPT,
                          settings=recipe.sample)  # fmt: skip
        result.best_of = changes(chain, "best", before, evaluate(chain, "best", lines, heldout, recipe))
    result.cpu_seconds = chain.cpu_seconds
    return result


def gated_reward_model(
    chain: Chain, result: SeedResult, sft: Path, practice: Path, recipe: Recipe
) -> Path | None:
    """Sample, rank, train, judge; once more with more rankings when the gate refuses; then None, and why."""
    rankings: list[dict[str, object]] = []
    for number in range(1, ROUNDS + 1):
        chain.seed += 1000 * number
        settings = {**recipe.ranked_sample, "responses_per_prompt": RESPONSES_PER_PROMPT}
        chain.run(f"answers{number}.jsonl", "trainer", "sample", practice, "--model", sft, settings=settings)
        chain.seed = result.seed
        rankings += ranked(chain.read(f"answers{number}.jsonl"), number)
        lines = chain.write(f"rankings{number}.jsonl", rankings)
        stage = f"reward-model{number}"
        folder = chain.run(
            stage, "trainer", "reward-model", lines, "--model", sft, settings=recipe.reward_model
        )
        result.reward_model = chain.metrics(stage)
        decision = judge_reward_model(result.reward_model, recipe.gate_accuracy)
        if decision.passed:
            result.refused = ""
            return folder
        result.refused = decision.reason
    return None


def ranked(responses: Sequence[Mapping[str, Any]], round_number: int) -> list[dict[str, object]]:
    """The simulated annotator's ranking lines of sampled response lines."""
    by_prompt: dict[str, list[Mapping[str, Any]]] = {}
    for line in responses:
        by_prompt.setdefault(line["id"], []).append(line)
    rankings: list[dict[str, object]] = []
    for prompt_id, lines in by_prompt.items():
        texts = {f"{prompt_id}-{round_number}-{place}": line["response"] for place, line in enumerate(lines)}
        judgement = atlas.judge(lines[0]["references"], texts)
        rankings.append(
            {
                "id": f"{prompt_id}-{round_number}",
                "prompt": lines[0]["prompt"],
                "prompt_id": prompt_id,
                "responses": [{"id": key, "text": text} for key, text in texts.items()],
                "tiers": [list(tier) for tier in judgement.tiers],
                "flags": {key: list(names) for key, names in judgement.flags.items()},
                "annotator": "simulated",
                "kind": "ranking",
                "source": "simulated",
            }
        )
    return rankings


def evaluate(chain: Chain, name: str, subject: Path, questions: Path, recipe: Recipe) -> Path:
    """The report folder of one policy, or of recorded response lines, on the held-out questions."""
    sampled = (
        {} if subject.is_file() else {key: recipe.sample[key] for key in ("temperature", "max_new_tokens")}
    )
    words = (
        "run",
        "hallucination-open-domain",
        "--variant",
        "closed-book",
        "--subject",
        subject,
        "--data",
        questions,
    )
    return chain.run(f"report-{name}", "evaluator", *words, settings=sampled)


def changes(chain: Chain, name: str, before: Path, after: Path) -> dict[str, Change]:
    """The paired differences of two reports, by metric and tier."""
    folder = chain.run(f"compare-{name}", "evaluator", "compare", before, after)
    found = {}
    for metric in read_report(folder).metrics:
        assert metric.value is not None
        old, new = _metric(before, metric.name, metric.group), _metric(after, metric.name, metric.group)
        key = f"{metric.name} {metric.group}" if metric.group else metric.name
        found[key] = Change(
            old.value or 0.0, new.value or 0.0, metric.value, metric.low or 0.0, metric.high or 0.0
        )
    return found


def _metric(report: Path, name: str, group: str | None = None) -> Metric:
    return next(m for m in read_report(report).metrics if m.name == name and m.group == group)


def _flag(name: str, value: object) -> list[str]:
    if value is None or value is False:
        return []
    return [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def table(result: SeedResult) -> str:
    """One seed in plain lines."""
    lines = [f"seed {result.seed}: " + ("; ".join(result.failures) or "a real gain")]
    model = result.reward_model
    lines.append(
        f"  reward model: held-out accuracy {model['heldout_accuracy']:.3f}, mean scores {model['score_by_flag']}"
    )
    lines.append("  before:         " + ", ".join(f"{name} {result.before[name]:.3f}" for name in METRICS))
    lines.append(f"  always abstain: grade {ALWAYS_ABSTAIN:.3f}, right 0.000, abstained 1.000, wrong 0.000")
    for title, found in (
        (f"PPO (update {result.kept_update})", result.changes),
        ("best of 6", result.best_of),
    ):
        for key, change in sorted(found.items()):
            if not key.startswith("abstained tier"):
                lines.append(f"  {title:<16} {key:<18} {change}")
    lines.append(f"  CPU seconds: {sum(result.cpu_seconds.values()):.0f} in all")
    return "\n".join(lines)


def main() -> int:
    """0 when passed, 1 when not."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", default="0,1,2", help="seeds to try, parted by commas")
    parser.add_argument("--out", type=Path, help="file for all figures as JSON")
    parser.add_argument("--work", type=Path, help="folder for the runs (default: one that is removed)")
    told = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory(prefix="demo-gain-") as scratch:
        for seed in map(int, told.seeds.split(",")):
            folder = (told.work or Path(scratch)) / f"seed-{seed}-{int(time.time())}"
            folder.mkdir(parents=True)
            results.append(run_seed(seed, folder))
            print(table(results[-1]), flush=True)
    gained = [result.seed for result in results if not result.failures]
    passed = len(gained) >= min(NEEDED_SEEDS, len(results))
    print(
        f"{'passed' if passed else 'failed'}: a real gain on seeds {gained} of {[result.seed for result in results]}"
    )
    if told.out:
        figures = {
            "passed": passed,
            "seeds": [{**asdict(result), "failures": result.failures} for result in results],
        }
        told.out.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
