"""Verbs of evaluation: ask a suite of a subject, compare two evaluations, rate the policies of a snapshot.

What a run measured becomes rows here, exactly once: pages show rows, never files.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evaluator.report_files import Metric, Report, read_report
from evaluator.report_files import Verdict as ReportVerdict
from labelplatform.accounts.models import Project, User
from labelplatform.accounts.services import record
from labelplatform.evaluations import code_rows, command_lines, following
from labelplatform.evaluations.item_keeping import keep_items, worst_items
from labelplatform.evaluations.models import (
    Better,
    ComparisonRun,
    EvaluationRun,
    LeaderboardRun,
    MeasuredEffect,
    MeasuredMetric,
    PolicyColour,
    PolicyRating,
)
from labelplatform.jobs.kinds import JobKind, register
from labelplatform.jobs.models import Artifact, Job
from labelplatform.jobs.services import enqueue, register_artifact
from labelplatform.jobs.stored_files import Lines, store_files
from labelplatform.snapshots.models import Snapshot

Kind = Artifact.Kind
SUBJECTS = (Kind.POLICY, Kind.BASE_MODEL, Kind.RESPONSES, Kind.REWARD_MODEL)
REGRESSION_CONFIRMED = 3
RATING_COUNTS = ("rank_best", "rank_worst", "wins", "losses", "ties")
# What a page says of a comparison beside its effects.
OF_A_COMPARISON = ("level", "margin", "tests_in_family", "gate", "alignment_tax")


class Decoding(TypedDict, total=False):
    """How a policy is made to answer, where the evaluator's own way is not wanted, and what else the suite reads:
    `files`, by the flag that names each (command_lines.FILES).
    """

    temperature: float
    max_new_tokens: int
    batch_size: int
    limit: int
    precision: str
    k: list[int]
    temperatures: list[float]
    prompting: str
    shots: int
    paths: int
    prompt: str
    edition: str
    samples: int
    files: Mapping[str, Artifact]


def store_questions(*, project: Project, name: str, lines: Lines, by: User) -> Artifact:
    """Questions with their references and slices, stored once as a digested artifact."""
    files = {"questions.jsonl": lines}
    return store_files(project=project, kind=Kind.QUESTIONS, name=name, files=files, by=by)


@transaction.atomic
def start_evaluation(
    *,
    project: Project,
    name: str,
    suite: str,
    variant: str,
    subject: Artifact,
    data: Artifact | None,
    seed: int,
    by: User,
    **decoding: Unpack[Decoding],
) -> EvaluationRun:
    """One suite asked of one subject; the same question asked again is the same run."""
    files = decoding.pop("files", {})
    if subject.kind not in SUBJECTS:
        raise ValidationError(
            _("%(name)s is a %(found)s: a model, responses or a reward model can be evaluated.")
            % {"name": subject.name, "found": subject.get_kind_display()}
        )
    spec = {
        "name": name,
        "suite": suite,
        "variant": variant,
        "subject": subject.digest,
        "data": data.digest if data else "",
        "seed": seed,
        "decoding": dict(decoding),
    }
    if files:
        spec["files"] = {name: artifact.digest for name, artifact in files.items()}
    inputs = list(dict.fromkeys([subject, *([data] if data else []), *files.values()]))
    job = enqueue(kind="evaluate", spec=spec, project=project, by=by, inputs=inputs)
    known = EvaluationRun.objects.filter(job=job).first()
    if known is not None:
        return known
    if _name_is_taken(project, name):
        raise ValidationError(
            _("The name %(name)s is taken by an earlier report: choose another.") % {"name": name}
        )
    run = EvaluationRun(
        project=project,
        name=name,
        suite=suite,
        variant=variant,
        subject=subject,
        data=data,
        seed=seed,
        job=job,
    )
    run.full_clean()
    run.save(force_insert=True)
    record(by=by, verb="start evaluation", obj=run, project=project, suite=suite, subject=subject.name)
    return run


def _name_is_taken(project: Project, name: str) -> bool:
    """Whether a report has the name, or an evaluation that may still finish will give it."""
    if Artifact.objects.filter(project=project, kind=Kind.REPORT, name=name).exists():
        return True
    broken = (Job.State.FAILED, Job.State.CANCELLED)
    return EvaluationRun.objects.filter(project=project, name=name).exclude(job__state__in=broken).exists()


@transaction.atomic
def start_comparison(
    *, baseline: EvaluationRun, candidate: EvaluationRun, by: User, seed: int = 0
) -> ComparisonRun:
    """The candidate's evaluation against the baseline's, paired item by item."""
    project = candidate.project
    if baseline.project_id != project.pk:
        raise ValidationError(_("Baseline and candidate belong to different projects."))
    if baseline.report is None or candidate.report is None:
        raise ValidationError(_("Both evaluations must have finished before they can be compared."))
    asked = [(run.suite, run.variant, run.data_id) for run in (baseline, candidate)]
    if asked[0] != asked[1]:
        raise ValidationError(_("The two evaluations asked different suites, variants or questions."))
    spec = {"baseline": baseline.report.digest, "candidate": candidate.report.digest, "seed": seed}
    inputs = [baseline.report, candidate.report]
    job = enqueue(kind="compare", spec=spec, project=project, by=by, inputs=inputs)
    run, created = ComparisonRun.objects.get_or_create(
        job=job, defaults={"project": project, "baseline": baseline, "candidate": candidate}
    )
    if created:
        record(
            by=by,
            verb="start comparison",
            obj=run,
            project=project,
            baseline=baseline.pk,
            candidate=candidate.pk,
        )
    return run


@transaction.atomic
def start_leaderboard(*, snapshot: Snapshot, by: User, seed: int = 0, resamples: int = 200) -> LeaderboardRun:
    """Ratings of all policies that the rankings of a snapshot name."""
    if snapshot.artifact is None:
        raise ValidationError(
            _("Snapshot %(name)s is not frozen yet: wait until its job has succeeded.")
            % {"name": snapshot.name}
        )
    spec = {"snapshot": snapshot.artifact.digest, "seed": seed, "resamples": resamples}
    job = enqueue(kind="leaderboard", spec=spec, project=snapshot.project, by=by, inputs=[snapshot.artifact])
    run, created = LeaderboardRun.objects.get_or_create(
        job=job, defaults={"project": snapshot.project, "snapshot": snapshot}
    )
    if created:
        record(by=by, verb="start leaderboard", obj=run, project=snapshot.project, snapshot=snapshot.name)
    return run


@transaction.atomic
def collect_evaluation(job: Job, run_folder: Path) -> None:
    """Every metric of the report as a row. Called once more, it finds its work done."""
    run = _evaluation_of(job)
    if run.report_id is not None:
        return
    report = read_report(run_folder / "out", samples=False)
    run.report = _register_report(job, run_folder, run.name, report)
    run.save(update_fields=["report"])
    keep_items(run, run_folder / "out")
    MeasuredMetric.objects.bulk_create(
        MeasuredMetric(run=run, name=metric.name, **figure_fields(metric)) for metric in report.metrics
    )
    code_rows.keep_submissions(run, run_folder / "out")
    if run.subject.kind in (Kind.POLICY, Kind.BASE_MODEL):
        give_colours(project=job.project, names=[run.subject.name])
    record(
        by=job.requested_by,
        verb="collect evaluation",
        obj=run,
        project=job.project,
        metrics=len(report.metrics),
    )


def _evaluation_of(job: Job) -> EvaluationRun:
    """The run behind a job; a job that a schedule rang for has none yet."""
    run = EvaluationRun.objects.select_for_update().filter(job=job).first()
    if run is not None:
        return run
    spec, given = job.spec, command_lines.given_artifacts(job)
    told = {name: spec[name] for name in ("name", "suite", "variant", "seed")}
    subject, data = given[spec["subject"]], given.get(spec["data"])
    return EvaluationRun.objects.create(project=job.project, job=job, subject=subject, data=data, **told)


def figure_fields(metric: Metric) -> dict[str, Any]:
    """The columns that every stored figure shares, from a metric of a report."""
    return {
        "group": metric.group or "",
        "value": metric.value,
        "low": metric.low,
        "high": metric.high,
        "n": metric.n,
        "reason": metric.reason or "",
        "better": metric.better or Better.NEITHER,
    }


def writers_by_name(project: Project, names: Sequence[str]) -> dict[str, Artifact]:
    """The artifact that each policy's name stands for: a model, else responses chosen under that name (best of n)."""
    found = Artifact.objects.filter(project=project, name__in=names)
    models = {each.name: each for each in found.filter(kind__in=[Kind.BASE_MODEL, Kind.POLICY])}
    return {each.name: each for each in found.filter(kind=Kind.RESPONSES)} | models


def give_colours(*, project: Project, names: Sequence[str]) -> None:
    """A colour for every policy name that has none yet: the next free number, for good."""
    Project.objects.select_for_update().get(pk=project.pk)
    known = set(PolicyColour.objects.filter(project=project).values_list("name", flat=True))
    new = [name for name in dict.fromkeys(names) if name not in known]
    PolicyColour.objects.bulk_create(
        PolicyColour(project=project, name=name, number=number)
        for number, name in enumerate(new, start=len(known))
    )


def _register_report(job: Job, run_folder: Path, name: str, report: Report) -> Artifact:
    detail = {
        "suite": report.suite,
        "variant": report.variant,
        "items": report.items.record(),
        "worst_items": worst_items(report, run_folder / "out"),
        "warnings": list(report.extra.get("warnings", [])),  # type: ignore[call-overload]
        **{key: report.extra[key] for key in OF_A_COMPARISON if key in report.extra},
    }
    return register_artifact(
        project=job.project,
        kind=Kind.REPORT,
        name=name,
        folder=run_folder / "out",
        made_by=job,
        detail=detail,
    )


@transaction.atomic
def collect_comparison(job: Job, run_folder: Path) -> None:
    """Every effect of a comparison as a row, with its verdict. Called once more, it finds its work done."""
    run = following.comparison_of(job)
    if run.report_id is not None:
        return
    report = read_report(run_folder / "out", samples=False)
    run.report = _register_report(job, run_folder, f"comparison {run.pk}", report)
    run.verdict = str(report.extra["verdict"])
    run.full_clean(exclude=["report"])
    run.save(update_fields=["report", "verdict"])
    said = {(verdict.name, verdict.group or ""): verdict for verdict in report.verdicts}
    effects = []
    for metric in report.metrics:
        verdict = said.get((metric.name, metric.group or ""))
        effects.append(_effect(run, metric, verdict))
    MeasuredEffect.objects.bulk_create(effects)
    record(by=job.requested_by, verb="collect comparison", obj=run, project=job.project, verdict=run.verdict)


@transaction.atomic
def collect_leaderboard(job: Job, run_folder: Path) -> None:
    """Every policy's rating as a row, and a colour for each. Called once more, it finds its work done."""
    run = LeaderboardRun.objects.select_for_update().filter(job=job).first() or LeaderboardRun.objects.create(
        job=job, project=job.project, snapshot=Snapshot.objects.get(artifact__used_by=job)
    )
    if run.report_id is not None:
        return
    report = read_report(run_folder / "out", samples=False)
    run.report = _register_report(job, run_folder, f"leaderboard {run.pk}", report)
    run.save(update_fields=["report"])
    ratings = [metric for metric in report.metrics if metric.name == "rating" and metric.group]
    names = [metric.group or "" for metric in ratings]
    by_name = writers_by_name(job.project, names)
    PolicyRating.objects.bulk_create(
        PolicyRating(
            run=run,
            policy=by_name.get(metric.group or ""),
            **{name: metric.extra[name] for name in RATING_COUNTS},
            **figure_fields(metric),
        )
        for metric in ratings
    )
    give_colours(project=job.project, names=names)
    record(by=job.requested_by, verb="collect leaderboard", obj=run, project=job.project, policies=len(names))


def _effect(run: ComparisonRun, metric: Metric, verdict: ReportVerdict | None) -> MeasuredEffect:
    known: dict[str, Any] = dict(metric.extra)
    fields = figure_fields(metric)
    if not fields["reason"] and verdict is not None:
        fields["reason"] = verdict.reason[:500]
    return MeasuredEffect(
        run=run,
        name=metric.name,
        baseline_value=known["baseline"],
        candidate_value=known["candidate"],
        lost=known["lost"],
        gained=known["gained"],
        p_value=known["p_value"],
        p_adjusted=known.get("p_holm"),
        verdict=verdict.verdict if verdict else "",
        **fields,
    )


def register_job_kinds() -> None:
    """Tell jobs how evaluations, comparisons and leaderboards are checked, run and collected."""
    lines = command_lines
    register(
        JobKind(
            name="evaluate",
            queue=Job.Queue.CPU,
            title=gettext_lazy("Evaluation"),
            command=lines.evaluate_command,
            collect=collect_evaluation,
            validate=lines.validate_evaluation,
            schedule_spec=lines.evaluate_when_it_appears,
            resumes=True,
        )
    )
    register(
        JobKind(
            name="compare",
            queue=Job.Queue.CPU,
            title=gettext_lazy("Comparison"),
            command=lines.compare_command,
            collect=collect_comparison,
            validate=lines.validate_comparison,
            success_exit_codes=(0, REGRESSION_CONFIRMED),
            schedule_spec=following.compare_when_it_appears,
        )
    )
    register(
        JobKind(
            name="leaderboard",
            queue=Job.Queue.CPU,
            title=gettext_lazy("Leaderboard"),
            command=lines.leaderboard_command,
            collect=collect_leaderboard,
            validate=lines.validate_leaderboard,
            schedule_spec=lines.rate_when_it_appears,
        )
    )
