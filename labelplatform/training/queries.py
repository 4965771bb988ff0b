"""Reads of training: the runs a project has, what one run is doing, and what stands behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from labelplatform.accounts.models import Project
from labelplatform.jobs.curves import Panel, PanelPlan, draw_panels, unplanned
from labelplatform.jobs.models import Artifact, Job
from labelplatform.jobs.queries import metrics_of
from labelplatform.training.curve_plans import plans_for
from labelplatform.training.models import TrainingRun
from labelplatform.training.samples import Sample, ordered, read_samples
from labelplatform.training.spec_words import label_of

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
    metrics: tuple["FinalMetric", ...]
    samples: tuple[Sample, ...]
    samples_written: int

    @property
    def moving(self) -> bool:
        """Whether there is anything to ask for again."""
        return not self.run.job.is_finished


def live_run(run: TrainingRun) -> LiveRun:
    """Curves, remaining time, figures and samples of a run, from its row and its attempt's folder."""
    lines = metrics_of(run.job)
    written = read_samples(run.job.run_folder / "out")
    return LiveRun(
        run=run,
        panels=panels(run.kind, lines),
        progress=lines[-1] if lines else run.job.progress,
        remaining=remaining_seconds(lines) if run.job.state == Job.State.RUNNING else None,
        metrics=final_metrics(run),
        samples=tuple(ordered(written, "changed")[:SAMPLES_SHOWN]),
        samples_written=len(written),
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
class FinalMetric:
    """One figure of an outcome, with its interval where the run measured one."""

    name: str
    label: str
    value: float
    low: float | None
    high: float | None
    n: int | None = None


def final_metrics(run: TrainingRun) -> tuple[FinalMetric, ...]:
    """The figures of a finished run in the order it told them; bounds stand with what they bound."""
    told = run.output.detail.get("metrics", {}) if run.output else {}
    plain = {name: value for name, value in told.items() if is_plain(value)}
    bounds = {f"{name}_{end}" for name in plain for end in ("low", "high")}
    return tuple(
        FinalMetric(
            name,
            metric_name(name),
            value,
            plain.get(f"{name}_low"),
            plain.get(f"{name}_high"),
            plain.get("heldout_pairs") if name == "heldout_accuracy" else None,
        )
        for name, value in plain.items()
        if name not in bounds
    )


def is_plain(value: object) -> bool:
    """Whether it is a number; true and false are none."""
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
        "trainable_parameters": _("parameters that learn"),
        "heldout_calibration_error": _("held-out calibration error"),
        "heldout_loss_before": _("held-out loss before"),
        "length_correlation": _("correlation of score and length"),
        "length_only_accuracy": _("accuracy of length alone"),
        "score_bias": _("score bias"),
        "demonstrations": _("demonstrations"),
        "heldout_demonstrations": _("held-out demonstrations"),
        "documents": _("documents"),
        "heldout_documents": _("held-out documents"),
        "vocabulary": _("vocabulary"),
        "overoptimised_at": _("update at which the scores parted"),
        "overoptimised_kl": _("KL at which the scores parted"),
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


def settings_of(run: TrainingRun) -> list[tuple[str, Any]]:
    """What a run was told beside its inputs, in the words of its form."""
    told = run.job.spec.get("settings", {})
    return [(str(label_of(run.kind, name)), told[name]) for name in sorted(told)]


def role_name(role: str) -> str:
    names = {
        "texts": _("corpus"),
        "demonstrations": _("demonstrations"),
        "model": _("starts from"),
        "rankings": _("snapshot"),
        "prompts": _("prompts"),
        "policy": _("policy"),
        "reward_model": _("reward model"),
        "heldout_reward_model": _("held-out reward model"),
        "pretraining_text": _("pretraining text"),
        "validation": _("validation questions"),
        "responses": _("responses"),
    }
    return names.get(role, role)
