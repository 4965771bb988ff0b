"""Lineage: from a figure back to the rankings behind it, as one table of jobs that consume and produce artifacts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from labelplatform.accounts.models import Project
from labelplatform.evaluations.models import ComparisonRun, EvaluationRun, PolicyRating
from labelplatform.evaluations.queries import metric_name
from labelplatform.jobs.models import Artifact, Job
from labelplatform.labels import queries as label_queries
from labelplatform.labels.models import Ranking
from labelplatform.snapshots.models import Snapshot

Kind = Artifact.Kind
POLICIES = (Kind.POLICY, Kind.BASE_MODEL)
SHOWN = 6


@dataclass(frozen=True)
class Card:
    """One step of the strip: what it is, what is known of it in a line, and where it leads."""

    title: str
    facts: tuple[str, ...]
    href: str
    here: bool = False


@dataclass(frozen=True)
class Stage:
    name: str
    cards: tuple[Card, ...]


@dataclass(frozen=True)
class Origin:
    """One artifact behind another, with the job that made it."""

    artifact: Artifact
    job: Job | None
    depth: int


@dataclass(frozen=True)
class Lineage:
    """Everything behind one artifact and what was measured of it."""

    artifact: Artifact
    stages: tuple[Stage, ...]
    origins: tuple[Origin, ...]


def artifact_of(project: Project, pk: int) -> Artifact | None:
    return Artifact.objects.filter(project=project, pk=pk).select_related("made_by").first()


def lineage(artifact: Artifact, rating: PolicyRating | None = None) -> Lineage:
    """The strip and the table of one artifact; `rating` is the leaderboard row the reader came from.

    The graph is walked in memory, so that the number of statements does not grow with its depth."""
    project = artifact.project
    origins = origins_of(artifact)
    behind = [origin.artifact for origin in origins]
    snapshots = _snapshots(behind, rating)
    evaluations = list(
        EvaluationRun.objects.filter(subject=artifact)
        .select_related("job")
        .prefetch_related("metrics")[:SHOWN]
    )
    stages = (
        Stage(_("Labels"), _label_cards(project, snapshots, rating)),
        Stage(_("Snapshot"), _snapshot_cards(project, snapshots, artifact)),
        Stage(_("Reward model"), _model_cards(project, behind, artifact, (Kind.REWARD_MODEL,))),
        Stage(_("Policy"), _model_cards(project, behind, artifact, POLICIES)),
        Stage(_("Evaluation"), tuple(_evaluation_card(project, run) for run in evaluations)),
        Stage(_("Figure"), _figure_cards(project, artifact, rating)),
    )
    return Lineage(artifact, tuple(stage for stage in stages if stage.cards), origins)


def origins_of(artifact: Artifact) -> tuple[Origin, ...]:
    """The artifact and all that was consumed on the way to it, nearest first; three statements."""
    artifacts = {each.pk: each for each in Artifact.objects.filter(project=artifact.project)}
    jobs = {job.pk: job for job in Job.objects.filter(project=artifact.project, outputs__isnull=False)}
    inputs: dict[int, list[int]] = {}
    for job, given in Job.inputs.through.objects.filter(job__in=jobs).values_list("job_id", "artifact_id"):
        inputs.setdefault(job, []).append(given)
    depths = {artifact.pk: 0}
    queue = [artifact.pk]
    for pk in queue:
        for given in inputs.get(artifacts[pk].made_by_id or 0, ()):
            if given not in depths:
                depths[given] = depths[pk] + 1
                queue.append(given)
    return tuple(Origin(artifacts[pk], jobs.get(artifacts[pk].made_by_id or 0), depths[pk]) for pk in queue)


def _snapshots(behind: Iterable[Artifact], rating: PolicyRating | None) -> list[Snapshot]:
    wanted = Q(artifact__in=[each.pk for each in behind if each.kind == Kind.SNAPSHOT])
    if rating is not None:
        wanted |= Q(pk=rating.run.snapshot_id)
    return list(Snapshot.objects.filter(wanted).order_by("pk"))


def _label_cards(
    project: Project, snapshots: Iterable[Snapshot], rating: PolicyRating | None
) -> tuple[Card, ...]:
    cards = []
    for snapshot in snapshots:
        href = reverse("reports:rankings", args=[project.slug, snapshot.pk])
        count = ranking_count(snapshot)
        facts = (_("all of %(name)s") % {"name": snapshot.name},)
        if rating is not None and rating.run.snapshot_id == snapshot.pk:
            href += f"?rating={rating.pk}"
            facts = (_("those of %(all)d that rated %(name)s") % {"all": count, "name": rating.group},)
            count = rating.n or 0
        title = ngettext("%(n)d ranking", "%(n)d rankings", count) % {"n": count}
        cards.append(Card(title, facts, href))
    return tuple(cards)


def ranking_count(snapshot: Snapshot) -> int:
    """How many rankings a snapshot holds, as its manifest counted them."""
    return int(snapshot.counts.get("rankings", 0))


def _snapshot_cards(project: Project, snapshots: Iterable[Snapshot], here: Artifact) -> tuple[Card, ...]:
    cards = []
    for snapshot in snapshots:
        facts = tuple(f"{name}: {count}" for name, count in snapshot.counts.items() if isinstance(count, int))
        href = (
            reverse("reports:lineage", args=[project.slug, snapshot.artifact_id])
            if snapshot.artifact_id
            else reverse("snapshots:index", args=[project.slug])
        )
        cards.append(Card(snapshot.name, facts[:3], href, here=snapshot.artifact_id == here.pk))
    return tuple(cards)


def _model_cards(
    project: Project, behind: Iterable[Artifact], here: Artifact, kinds: Iterable[str]
) -> tuple[Card, ...]:
    wanted = set(kinds)
    models = [artifact for artifact in behind if artifact.kind in wanted]
    return tuple(_model_card(project, model, here) for model in sorted(models, key=lambda each: each.pk))


def _model_card(project: Project, model: Artifact, here: Artifact) -> Card:
    metrics: Mapping[str, object] = model.detail.get("metrics", {})
    facts = [str(model.get_kind_display())]
    for name in ("heldout_accuracy", "score_after", "kl", "heldout_loss"):
        value = metrics.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            facts.append(f"{metric_name(name)} {value:.3g}")
    href = reverse("reports:lineage", args=[project.slug, model.pk])
    return Card(model.name, tuple(facts[:3]), href, here=model.pk == here.pk)


def _evaluation_card(project: Project, run: EvaluationRun) -> Card:
    overall = [metric for metric in run.metrics.all() if not metric.group and metric.value is not None]
    facts = tuple(f"{metric_name(metric.name)} {metric.value:.3f}" for metric in overall[:4])
    return Card(run.name, facts, reverse("evaluations:run", args=[project.slug, run.pk]))


def _figure_cards(project: Project, artifact: Artifact, rating: PolicyRating | None) -> tuple[Card, ...]:
    cards = []
    for row in _ratings(artifact, rating):
        title = _("Leaderboard")
        shown = f"{row.value:.0f}" if row.value is not None else _("not enough data")
        facts = (_("rating %(rating)s, n %(n)s") % {"rating": shown, "n": row.n or 0},)
        cards.append(Card(title, facts, reverse("reports:leaderboard", args=[project.slug, row.run_id])))
    pairs = Q(baseline__subject=artifact) | Q(candidate__subject=artifact)
    for run in ComparisonRun.objects.filter(pairs).exclude(verdict="")[:SHOWN]:
        href = reverse("reports:comparison", args=[project.slug, run.pk])
        cards.append(Card(_("Regression report"), (str(run.get_verdict_display()),), href))
    return tuple(cards)


def _ratings(artifact: Artifact, rating: PolicyRating | None) -> list[PolicyRating]:
    if rating is not None:
        return [rating]
    return list(PolicyRating.objects.filter(policy=artifact).order_by("-run_id")[:1])


def rankings_behind(snapshot: Snapshot, policy: str = "") -> QuerySet[Ranking]:
    """The rankings a snapshot froze, as rows; with a policy only those that one of its answers stands in."""
    found = label_queries.rankings(snapshot.project, snapshot.filters)
    if policy:
        written = Q(item__responses__policy__name=policy) | Q(
            item__responses__policy__isnull=True, item__responses__provenance__policy=policy
        )
        found = found.filter(written).distinct()
    return label_queries.with_content(found)
