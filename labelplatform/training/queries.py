"""Reads of training: the runs a project has, what one run is doing, and what stands behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from labelplatform.accounts.models import Project
from labelplatform.jobs.curves import Panel, PanelPlan, draw_panels, unplanned
from labelplatform.jobs.models import Artifact, Job
from labelplatform.jobs.queries import metrics_of
from labelplatform.training.curve_plans import plans_for
from labelplatform.training.models import TrainingRun
from trainer.progress import read_progress

RATE_LINES = 20
FEW_PANELS = 2
SAMPLES_SHOWN = 6


def runs_of(project: Project) -> QuerySet[TrainingRun]:
    """The runs of a project, newest first, with what their list shows."""
    return TrainingRun.objects.filter(project=project).select_related("job", "job__requested_by", "output")


def run_visible_in(project: Project, pk: int) -> TrainingRun | None:
    return runs_of(project).filter(pk=pk).first()


def purpose_of(run: TrainingRun) -> str:
    """One sentence of what a run is for: its own, else that of its kind."""
    sentences = {
        TrainingRun.Kind.IMPORT: _("Converts weights that ship in a package into a model folder."),
        TrainingRun.Kind.PRETRAIN: _("Learns a language from plain text, from nothing."),
        TrainingRun.Kind.SFT: _("Learns to answer as the demonstrations do."),
        TrainingRun.Kind.REWARD_MODEL: _("Learns to score answers as the rankings order them."),
        TrainingRun.Kind.PPO: _("Teaches the policy to give answers that score well, without moving far."),
    }
    return run.purpose or sentences[TrainingRun.Kind(run.kind)]


@dataclass(frozen=True)
class InputLink:
    """One input of a run in the words of its verb, and the artifact that was given."""

    role: str
    artifact: Artifact


@dataclass(frozen=True)
class LiveRun:
    """What changes while a run goes on: all of it is drawn anew each second."""

    run: TrainingRun
    panels: tuple[Panel, ...]
    progress: Mapping[str, Any]
    remaining: float | None
    metrics: tuple[tuple[str, Any], ...]
    samples: tuple["Sample", ...]

    @property
    def moving(self) -> bool:
        """Whether there is anything to ask for again."""
        return not self.run.job.is_finished


def live_run(run: TrainingRun) -> LiveRun:
    """Curves, remaining time, figures and samples of a run, from its row and its attempt's folder."""
    lines = metrics_of(run.job)
    metrics = run.output.detail.get("metrics", {}) if run.output else {}
    return LiveRun(
        run=run,
        panels=panels(run.kind, lines),
        progress=lines[-1] if lines else run.job.progress,
        remaining=remaining_seconds(lines) if run.job.state == Job.State.RUNNING else None,
        metrics=tuple((metric_name(name), metrics[name]) for name in metrics if _plain(metrics[name])),
        samples=samples(run.job.run_folder / "out"),
    )


def panels(kind: str, lines: Sequence[Mapping[str, Any]]) -> tuple[Panel, ...]:
    """The curves that matter first, then a few of what else was measured."""
    plans = plans_for(kind)
    others = unplanned(lines, plans)[: max(0, FEW_PANELS - len(plans))]
    titled = tuple(PanelPlan(title=name.replace("_", " "), metrics=((name, name),)) for name in others)
    return draw_panels(lines, plans + titled)


def remaining_seconds(lines: Sequence[Mapping[str, Any]]) -> float | None:
    """Seconds left at the pace of the last steps; None as long as nobody can know."""
    recent = [line for line in lines if "seconds" in line and "step" in line][-RATE_LINES:]
    if len(recent) < 3:
        return None
    steps = recent[-1]["step"] - recent[0]["step"]
    seconds = recent[-1]["seconds"] - recent[0]["seconds"]
    left = recent[-1].get("steps", 0) - recent[-1]["step"]
    return left * seconds / steps if steps > 0 and seconds > 0 and left >= 0 else None


@dataclass(frozen=True)
class Sample:
    """One prompt with the policy's answer before and after, and the score of each."""

    question: str
    before: str
    after: str
    score_before: float
    score_after: float


def samples(out: Path) -> tuple[Sample, ...]:
    """A few answers before and after, where the run wrote them; those that changed come first."""
    lines: list[dict[str, Any]] = [dict(line) for line in read_progress(out / "samples.jsonl")[0]]
    chosen = sorted(lines, key=lambda line: line["before"] == line["after"])[:SAMPLES_SHOWN]
    return tuple(
        Sample(
            question=str(line["prompt"][-1]["content"]),
            before=str(line["before"]),
            after=str(line["after"]),
            score_before=float(line["score_before"]),
            score_after=float(line["score_after"]),
        )
        for line in chosen
    )


def _plain(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def metric_name(name: str) -> str:
    """A figure of an outcome in words; what has none keeps its own name."""
    names = {
        "heldout_accuracy": _("held-out accuracy"),
        "heldout_loss": _("held-out loss"),
        "heldout_pairs": _("held-out pairs"),
        "heldout_rankings": _("held-out rankings"),
        "pairs": _("pairs"),
        "rankings": _("rankings"),
        "train": _("training"),
        "heldout": _("held out"),
        "kept_epoch": _("kept epoch"),
        "kept_update": _("kept update"),
        "updates": _("updates"),
        "score_before": _("score before"),
        "score_after": _("score after"),
        "kl": _("KL to the reference"),
        "kl_coefficient": _("KL coefficient"),
        "parameters": _("parameters"),
        "tokens": _("tokens"),
        "steps": _("steps"),
        "train_loss": _("training loss"),
        "cpu_seconds": _("processor seconds"),
    }
    return names.get(name, name.replace("_", " "))


def inputs_of(run: TrainingRun) -> tuple[InputLink, ...]:
    """The artifacts a run was given, in the words of its verb."""
    by_digest = {artifact.digest: artifact for artifact in run.job.inputs.all()}
    given = run.job.spec.get("inputs", {})
    return tuple(
        InputLink(role_name(role), by_digest[digest])
        for role, digests in given.items()
        for digest in digests
        if digest in by_digest
    )


def role_name(role: str) -> str:
    names = {
        "texts": _("corpus"),
        "demonstrations": _("demonstrations"),
        "model": _("starts from"),
        "rankings": _("snapshot"),
        "prompts": _("prompts"),
        "policy": _("policy"),
        "reward_model": _("reward model"),
        "pretraining_text": _("pretraining text"),
        "validation": _("validation questions"),
        "responses": _("responses"),
    }
    return names.get(role, role)
