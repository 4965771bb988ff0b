"""Ensembles: reward models that differ by chance alone, so that where they part nobody knows.

By seeds: the folder is that of the first member, which any library opens alone, with `ensemble.json`
({"format", "members": [folder…]}) beside it and each member, a run folder of its own, under `members/`. By heads
(`heads`): the folder is the mean of the members, with {"format", "heads": file, "score_biases": [number…]} beside it.
"""

import os
import shutil
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from trainer import json_lines
from trainer.errors import BadInput
from trainer.json_lines import JsonObject, kind_of
from trainer.progress import ProgressMode
from trainer.reward_model.heads import HEADS, load_heads, save_heads, scores_of_heads, share_a_trunk
from trainer.reward_model.heldout import HELDOUT_SCORES, heldout_figures, mean_score_by_flag
from trainer.reward_model.heldout_report import write_report
from trainer.reward_model.model import RewardModel, load_reward_model, scores_of
from trainer.reward_model.prompt_groups import PromptGroup
from trainer.run_folder import RunFolder, open_run_folder, read_outcome
from trainer.snapshots import RUN_RECORDS
from trainer.specs import ENSEMBLE, RewardModelSpec

FORMAT = "labelplatform-ensemble/1"
# Sums over members that mean nothing for the whole, or are told anew.
COPIED = (
    "pairs", "rankings", "effective_rankings", "heldout_pairs", "heldout_rankings", "score_bias", "score_bias_from",
)  # fmt: skip


def load_members(folder: str | Path, *, device: str = "cpu") -> tuple[RewardModel, ...]:
    """The members of the ensemble in `folder`, or the one reward model it holds.

    Refuses (BadInput) an ensemble.json that names no members, and what `load_reward_model` refuses.
    """
    path = Path(folder) / ENSEMBLE
    if not path.is_file():
        return (load_reward_model(folder, device=device),)
    told = json_lines.read_json(path)
    if told.get("format") == FORMAT and told.get("heads") == HEADS:
        return load_heads(load_reward_model(folder, device=device), Path(folder), _biases(told, path))
    names = told.get("members")
    if told.get("format") != FORMAT or not isinstance(names, list) or not names:
        raise BadInput(f"{path}: found no list of members, wanted an ensemble in the format {FORMAT}")
    return tuple(load_reward_model(Path(folder) / str(name), device=device) for name in names)


def member_scores(members: Sequence[RewardModel], groups: Sequence[PromptGroup]) -> list[list[float]]:
    """Each member's score of every response, in order: [members][responses], biases included."""
    if len(members) > 1 and share_a_trunk(members):
        return scores_of_heads(members, groups)
    return [[score for own in scores_of(member, groups) for score in own] for member in members]


def score_line(scores: Sequence[float]) -> JsonObject:
    """What a line tells of its members' scores: their mean, and of several each one and their standard deviation."""
    if len(scores) == 1:
        return {"score": scores[0]}
    deviation = statistics.stdev(scores)
    return {"score": statistics.fmean(scores), "score_deviation": deviation, "member_scores": list(scores)}


def _biases(told: JsonObject, path: Path) -> list[float]:
    biases = told.get("score_biases")
    if not isinstance(biases, list) or not biases or not all(type(one) in (int, float) for one in biases):
        raise BadInput(f"{path}: score_biases: found {kind_of(biases)}, wanted a list of one number a head")
    return [float(one) for one in biases]


def write_heads(members: Sequence[RewardModel], folder: Path) -> None:
    """Makes `folder`, which holds the members' mean, the ensemble of them."""
    save_heads(members, folder)
    told = {"format": FORMAT, "heads": HEADS, "score_biases": [member.bias for member in members]}
    json_lines.write_json_atomically(folder / ENSEMBLE, told)


def train_members(
    spec: RewardModelSpec, mode: ProgressMode, train_one: Callable[[RewardModelSpec, ProgressMode], None]
) -> None:
    """Trains member m with seed + m, each in its own run folder, then makes `spec.out` the ensemble of them.

    With --resume each member goes on from where it was. Metrics: those of a reward model, held out ones of the
    mean score; member_accuracies. Refuses (BadInput) several processes and an `out` that is not empty.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise BadInput(
            "--members: found several processes, wanted one: members are trained one after the other"
        )
    started, out = time.process_time(), Path(spec.out)
    new = not out.exists()
    whole = open_run_folder(out, spec, resume=spec.resume)
    if whole.finished:
        return
    folders = [out / "members" / str(number) for number in range(spec.members)]
    try:
        for number, folder in enumerate(folders):
            train_one(replace(spec, members=1, seed=spec.seed + number, out=str(folder)), mode)
    except BadInput:
        if new:
            shutil.rmtree(out)
        raise
    _publish_first(folders[0], out)
    _finish(whole, folders, spec, started)


def _publish_first(member: Path, out: Path) -> None:
    """The model files of `member` in `out` too: links where the disk allows, since they are the same bytes."""
    for path in sorted(member.iterdir()):
        if (
            not path.is_file()
            or path.name in RUN_RECORDS
            or path.name.startswith(("heldout_", "reliability"))
        ):
            continue
        partial = out / f".{path.name}.partial"
        partial.unlink(missing_ok=True)
        try:
            os.link(path, partial)
        except OSError:
            shutil.copyfile(path, partial)
        partial.replace(out / path.name)


def _finish(whole: RunFolder, folders: Sequence[Path], spec: RewardModelSpec, started: float) -> None:
    outcomes = [read_outcome(folder)["metrics"] for folder in folders]
    lines = joined([[line for _, line in json_lines.read(folder / HELDOUT_SCORES)] for folder in folders])
    json_lines.write_atomically(whole.path / HELDOUT_SCORES, lines)
    report, figures = heldout_figures(lines, spec.seed)
    write_report(report, whole.path)
    names = [folder.relative_to(whole.path).as_posix() for folder in folders]
    json_lines.write_json_atomically(whole.path / ENSEMBLE, {"format": FORMAT, "members": names})
    first = outcomes[0]
    assert isinstance(first, dict)
    whole.finish(
        {
            **{name: first[name] for name in COPIED},
            **figures,
            "member_accuracies": [one["heldout_accuracy"] for one in outcomes if isinstance(one, dict)],
            "score_by_flag": mean_score_by_flag(lines),
            "cpu_seconds": round(time.process_time() - started, 2),
        }
    )


def joined(members: Sequence[Sequence[JsonObject]]) -> list[JsonObject]:
    """The members' held-out lines as one each: `scores` are means, `member_scores` lists, by response id."""
    found = []
    for lines in zip(*members, strict=True):
        several: dict[str, list[float]] = {}
        for line in lines:
            scores = line["scores"]
            assert isinstance(scores, dict)
            for name, score in scores.items():
                several.setdefault(name, []).append(score)
        means = {name: statistics.fmean(scores) for name, scores in several.items()}
        found.append({**lines[0], "scores": means, "member_scores": several})
    return found
