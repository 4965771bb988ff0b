"""Lineage: from a figure back to the rankings behind it, as one table of jobs that consume and produce artifacts."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from labelplatform.accounts.models import Project
from labelplatform.evaluations.models import ComparisonRun, EvaluationRun, Figure, PolicyRating
from labelplatform.evaluations.queries import metric_name
from labelplatform.jobs.models import Artifact, Job
from labelplatform.labels import queries as label_queries
from labelplatform.labels.models import Ranking
from labelplatform.snapshots.models import Snapshot
from labelplatform.training.queries import metric_name as figure_name

Kind = Artifact.Kind
POLICIES = (Kind.POLICY, Kind.BASE_MODEL)
# What a leaderboard row can stand for: a model, or responses chosen under a name of their own.
WRITERS = (*POLICIES, Kind.RESPONSES)
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


@dataclass(frozen=True)
class Graph:
    """Which job made which artifact of a project, and from which; read once, walked in memory."""

    artifacts: Mapping[int, Artifact]
    jobs: Mapping[int, Job]
    inputs: Mapping[int, list[int]]

    def made_from(self, pk: int) -> list[int]:
        """What an artifact's job consumed."""
        return self.inputs.get(self.artifacts[pk].made_by_id or 0, [])

    def made_with(self, pk: int) -> list[int]:
        """What was made by the jobs that consumed an artifact."""
        users = {job for job, given in self.inputs.items() if pk in given}
        return [each.pk for each in self.artifacts.values() if each.made_by_id in users]

    def walk(self, pk: int, step: Callable[[int], list[int]]) -> dict[int, int]:
        """All that the steps from an artifact lead to, with the number of steps, nearest first."""
        depths, queue = {pk: 0}, [pk]
        for at in queue:
            for found in step(at):
                if found not in depths:
                    depths[found] = depths[at] + 1
                    queue.append(found)
        return depths


def graph_of(project: Project) -> Graph:
    """The graph of a project; three statements, whatever its depth."""
    jobs = {job.pk: job for job in Job.objects.filter(project=project, outputs__isnull=False)}
    inputs: dict[int, list[int]] = {}
    pairs = Job.inputs.through.objects.filter(job__project=project, job__outputs__isnull=False).distinct()
    for job, given in pairs.values_list("job_id", "artifact_id"):
        inputs.setdefault(job, []).append(given)
    return Graph({each.pk: each for each in Artifact.objects.filter(project=project)}, jobs, inputs)


def lineage(artifact: Artifact, rating: PolicyRating | None = None) -> Lineage:
    """The strip and the table of one artifact; `rating` is the leaderboard row the reader came from."""
    project, graph = artifact.project, graph_of(artifact.project)
    origins = origins_of(artifact, graph)
    behind = [origin.artifact for origin in origins]
    snapshots = _snapshots(behind, rating)
    rewards, policies = _models_on_the_way(artifact, behind, graph)
    earlier = [each for each in behind if each.kind in POLICIES and each not in policies]
    evaluations = list(EvaluationRun.objects.filter(subject=artifact).prefetch_related("metrics")[:SHOWN])
    stages = (
        Stage(_("Starts from"), _model_cards(project, earlier, artifact)),
        Stage(_("Labels"), _label_cards(project, snapshots, rating)),
        Stage(_("Snapshot"), _snapshot_cards(project, snapshots, artifact)),
        Stage(_("Reward model"), _model_cards(project, rewards, artifact)),
        Stage(_("Policy"), _model_cards(project, policies, artifact)),
        Stage(_("Evaluation"), tuple(_evaluation_card(project, run) for run in evaluations)),
        Stage(_("Figure"), _figure_cards(project, artifact, rating)),
    )
    return Lineage(artifact, tuple(stage for stage in stages if stage.cards), origins)


def origins_of(artifact: Artifact, graph: Graph) -> tuple[Origin, ...]:
    """The artifact and all that was consumed on the way to it, nearest first."""
    depths = graph.walk(artifact.pk, graph.made_from)
    found = ((graph.artifacts[pk], depth) for pk, depth in depths.items())
    return tuple(Origin(each, graph.jobs.get(each.made_by_id or 0), depth) for each, depth in found)


def _models_on_the_way(
    artifact: Artifact, behind: Iterable[Artifact], graph: Graph
) -> tuple[list[Artifact], list[Artifact]]:
    """Reward models and policies between labels and figures: behind a policy, or made of a snapshot or reward model."""
    rewards = [each for each in behind if each.kind == Kind.REWARD_MODEL]
    if artifact.kind in WRITERS:
        return rewards, [artifact]
    if artifact.kind not in (Kind.SNAPSHOT, Kind.REWARD_MODEL):
        return rewards, []
    ahead = [graph.artifacts[pk] for pk in graph.walk(artifact.pk, graph.made_with) if pk != artifact.pk]
    rewards += [each for each in ahead if each.kind == Kind.REWARD_MODEL]
    return rewards, [each for each in ahead if each.kind in POLICIES]


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
        counted = ((name, snapshot.counts.get(name)) for name in ("train", "heldout", "pairs"))
        facts = tuple(f"{figure_name(name)}: {count}" for name, count in counted if count is not None)
        href = (
            reverse("reports:lineage", args=[project.slug, snapshot.artifact_id])
            if snapshot.artifact_id
            else reverse("snapshots:index", args=[project.slug])
        )
        cards.append(Card(snapshot.name, facts, href, here=snapshot.artifact_id == here.pk))
    return tuple(cards)


def _model_cards(project: Project, models: Iterable[Artifact], here: Artifact) -> tuple[Card, ...]:
    return tuple(_model_card(project, model, here) for model in sorted(models, key=lambda each: each.pk))


def _model_card(project: Project, model: Artifact, here: Artifact) -> Card:
    metrics: Mapping[str, object] = model.detail.get("metrics", {})
    facts = [str(model.get_kind_display())]
    for name in ("heldout_accuracy", "score_after", "kl", "heldout_loss"):
        value = metrics.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            facts.append(f"{figure_name(name)} {value:.3g}")
    href = reverse("reports:lineage", args=[project.slug, model.pk])
    return Card(model.name, tuple(facts[:3]), href, here=model.pk == here.pk)


def _evaluation_card(project: Project, run: EvaluationRun) -> Card:
    overall = [metric for metric in run.metrics.all() if not metric.group and metric.value is not None]
    facts = tuple(f"{metric_name(metric.name)} {with_interval(metric, 3)}" for metric in overall[:4])
    return Card(run.name, facts, reverse("evaluations:run", args=[project.slug, run.pk]))


def _figure_cards(project: Project, artifact: Artifact, rating: PolicyRating | None) -> tuple[Card, ...]:
    cards = []
    for row in _ratings(artifact, rating):
        title = _("Leaderboard")
        facts = (f"{metric_name('rating')} {with_interval(row, 0)}",)
        cards.append(Card(title, facts, reverse("reports:leaderboard", args=[project.slug, row.run_id])))
    pairs = Q(baseline__subject=artifact) | Q(candidate__subject=artifact)
    for run in ComparisonRun.objects.filter(pairs).exclude(verdict="")[:SHOWN]:
        href = reverse("reports:comparison", args=[project.slug, run.pk])
        cards.append(Card(_("Regression report"), (str(run.get_verdict_display()),), href))
    return tuple(cards)


def with_interval(stored: Figure, digits: int) -> str:
    """`0.482 ± 0.041, n 400`: a stored figure as a card says it."""
    if stored.value is None:
        return _("not enough data")
    half = (
        "" if stored.low is None or stored.high is None else f" ± {(stored.high - stored.low) / 2:.{digits}f}"
    )
    return f"{stored.value:.{digits}f}{half}, n {stored.n}".replace("-", "−")


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
