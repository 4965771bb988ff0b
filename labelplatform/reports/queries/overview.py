"""What a researcher wants to know on opening a project: what is here, what is running, what needs them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Max, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext, pgettext

from labelplatform.accounts.models import Project, User
from labelplatform.evaluations.models import ComparisonRun, EvaluationRun, LeaderboardRun
from labelplatform.jobs.models import Job
from labelplatform.jobs.queries import LiveJob, live_job, title_of
from labelplatform.labels.models import Campaign, Ranking, Slot
from labelplatform.labels.queries import rankings
from labelplatform.prompts.models import Prompt, Response
from labelplatform.snapshots.models import Snapshot
from labelplatform.training.models import TrainingRun

FAILURES_SHOWN_FOR = timedelta(days=7)
UNFINISHED = (Job.State.QUEUED, Job.State.RUNNING, Job.State.LOST)


@dataclass(frozen=True)
class Room:
    """One stage of the street with its count; `count` is None for a room that only shows."""

    title: str
    href: str
    count: int
    unit: str
    detail: str


@dataclass(frozen=True)
class Need:
    """Something that waits for a person: what it is, and where to see to it."""

    kind: str
    text: str
    href: str
    action: str


def rooms(project: Project) -> list[Room]:
    """What is here, in the order the data walks."""
    return [
        _prompts(project),
        _labels(project),
        _snapshots(project),
        _training(project),
        *_judgement(project),
    ]


def unfinished_jobs(project: Project) -> list[LiveJob]:
    """What is running and what waits, the running first."""
    jobs = project.jobs.filter(state__in=UNFINISHED).prefetch_related("training_run").order_by("pk")
    return [live_job(job) for job in sorted(jobs, key=lambda job: (job.state != Job.State.RUNNING, job.pk))]


def needs(project: Project) -> list[Need]:
    """What waits for a person: failures, regressions, labels no snapshot holds, work nobody took."""
    return [*_failures(project), *_regressions(project), *_unfrozen(project), *_open_work(project)]


def _address(name: str, project: Project, **parts: object) -> str:
    return reverse(name, kwargs={"slug": project.slug, **parts})


def _prompts(project: Project) -> Room:
    prompts = Prompt.objects.filter(prompt_set__project=project).count()
    responses = Response.objects.filter(prompt__prompt_set__project=project).count()
    detail = ngettext("%(n)s response", "%(n)s responses", responses) % {"n": responses}
    return Room(
        gettext("Prompts"), _address("prompts:index", project), prompts, pgettext("count", "prompts"), detail
    )


def _labels(project: Project) -> Room:
    counted = Ranking.objects.filter(
        item__campaign__project=project, surplus=False, item__repeat=None
    ).aggregate(
        rankings=Count("pk"),
        people=Count("annotator", distinct=True, filter=Q(annotator__kind=User.Kind.PERSON)),
        simulated=Count("pk", filter=Q(source=Campaign.Source.SIMULATED)),
    )
    people = ngettext("by %(n)s person", "by %(n)s people", counted["people"]) % {"n": counted["people"]}
    simulated = gettext("%(n)s simulated") % {"n": counted["simulated"]}
    said = [people] * bool(counted["people"]) + [simulated] * bool(counted["simulated"])
    detail = " · ".join(said) or people
    return Room(
        gettext("Labels"),
        _address("labels:index", project),
        counted["rankings"],
        pgettext("count", "rankings"),
        detail,
    )


def _snapshots(project: Project) -> Room:
    newest = Snapshot.objects.filter(project=project).first()
    count = Snapshot.objects.filter(project=project).count()
    detail = gettext("newest: %(name)s") % {"name": newest.name} if newest else gettext("nothing frozen yet")
    return Room(
        gettext("Snapshots"),
        _address("snapshots:index", project),
        count,
        pgettext("count", "snapshots"),
        detail,
    )


def _training(project: Project) -> Room:
    counts = TrainingRun.objects.filter(project=project).aggregate(
        runs=Count("pk"),
        reward_models=Count("pk", filter=Q(kind=TrainingRun.Kind.REWARD_MODEL)),
        policies=Count("pk", filter=Q(kind=TrainingRun.Kind.PPO)),
    )
    models, policies = counts["reward_models"], counts["policies"]
    detail = " · ".join(
        [
            ngettext("%(n)s reward model", "%(n)s reward models", models) % {"n": models},
            ngettext("%(n)s PPO run", "%(n)s PPO runs", policies) % {"n": policies},
        ]
    )
    return Room(
        gettext("Training"),
        _address("training:index", project),
        counts["runs"],
        pgettext("count", "runs"),
        detail,
    )


def _judgement(project: Project) -> list[Room]:
    evaluations = EvaluationRun.objects.filter(project=project)
    suites = evaluations.values("suite").distinct().count()
    reports = ComparisonRun.objects.filter(project=project).count()
    boards = LeaderboardRun.objects.filter(project=project).count()
    detail = ngettext("%(n)s suite", "%(n)s suites", suites) % {"n": suites}
    return [
        Room(
            gettext("Evaluations"),
            _address("evaluations:index", project),
            evaluations.count(),
            pgettext("count", "evaluations"),
            detail,
        ),
        Room(
            gettext("Reports"),
            _address("reports:index", project),
            reports + boards,
            pgettext("count", "reports"),
            " · ".join(
                [
                    ngettext("%(n)s leaderboard", "%(n)s leaderboards", boards) % {"n": boards},
                    ngettext("%(n)s comparison", "%(n)s comparisons", reports) % {"n": reports},
                ]
            ),
        ),
    ]


def _failures(project: Project) -> list[Need]:
    since = timezone.now() - FAILURES_SHOWN_FOR
    failed = project.jobs.filter(state=Job.State.FAILED, finished_at__gte=since)
    # A failure whose promise was kept since needs nobody.
    kept = set(project.jobs.filter(state=Job.State.SUCCEEDED).values_list("identity", flat=True))
    return [
        Need(
            "bad",
            gettext("%(title)s %(pk)s failed: %(failure)s")
            % {"pk": job.pk, "title": title_of(job), "failure": job.failure[:160]},
            _address("jobs:job", project, pk=job.pk),
            gettext("See why"),
        )
        for job in failed.order_by("-pk")[:5]
        if job.identity not in kept
    ]


def _regressions(project: Project) -> list[Need]:
    newest = ComparisonRun.objects.filter(project=project).exclude(verdict="").order_by("-pk").first()
    if newest is None or newest.verdict != ComparisonRun.Verdict.REGRESSION:
        return []
    text = gettext("The newest comparison confirms a regression: %(name)s") % {"name": newest}
    return [Need("bad", text, _address("reports:index", project), gettext("Read the report"))]


def _unfrozen(project: Project) -> list[Need]:
    newest = Snapshot.objects.filter(project=project).aggregate(at=Max("created_at"))["at"]
    counting = rankings(project)
    waiting = (counting.filter(at__gt=newest) if newest else counting).count()
    if not waiting:
        return []
    text = ngettext(
        "%(n)s ranking is in no snapshot yet.", "%(n)s rankings are in no snapshot yet.", waiting
    ) % {"n": waiting}
    return [Need("note", text, _address("snapshots:index", project), gettext("Freeze snapshot"))]


def _open_work(project: Project) -> list[Need]:
    waiting = Slot.objects.filter(
        campaign__project=project,
        campaign__state=Campaign.State.OPEN,
        state=Slot.State.OPEN,
        # Gold has slots for more people than will ever come.
        item__gold=None,
        item__repeat=None,
    ).count()
    if not waiting:
        return []
    text = ngettext(
        "%(n)s item waits for somebody to label it.",
        "%(n)s items wait for somebody to label them.",
        waiting,
    ) % {"n": waiting}
    return [Need("note", text, _address("labels:index", project), gettext("See the campaigns"))]
