"""The reports: leaderboard, regression report, lineage. They read and write nothing."""

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from labelplatform.accounts.access import project_view
from labelplatform.accounts.models import Membership, Project, Role
from labelplatform.evaluations.models import PolicyRating
from labelplatform.evaluations.queries import comparisons_of, evaluation_rows, leaderboards_of
from labelplatform.evaluations.services import SUBJECTS
from labelplatform.jobs.queries import artifacts_of
from labelplatform.labels.shown_tiers import shown_tiers
from labelplatform.reports.queries import leaderboard as boards
from labelplatform.reports.queries import lineage as origins
from labelplatform.reports.queries import regression as regressions
from labelplatform.reports.queries.compared import compared
from labelplatform.snapshots.models import Snapshot

LISTED = 8
RANKINGS_A_PAGE = 25


@require_safe
@project_view(Role.RESEARCHER)
def index(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    """What can be said by now: the newest leaderboard, the newest verdicts, the models and where they come from."""
    newest = boards.latest_leaderboard(project)
    page = {
        "project": project,
        "board": boards.leaderboard(newest) if newest else None,
        "comparisons": comparisons_of(project)[:LISTED],
        "evaluations": evaluation_rows(project, LISTED),
        "models": artifacts_of(project, "policy", "base_model", "reward_model")[:LISTED],
    }
    return render(request, "reports/index.html", page)


@require_safe
@project_view(Role.RESEARCHER)
def leaderboard(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """One leaderboard; each row opens its lineage."""
    run = get_object_or_404(leaderboards_of(project), pk=pk)
    board = boards.with_drawings(boards.leaderboard(run))
    page = {
        "project": project,
        "run": run,
        "job": run.job,
        "board": board,
        "nothing": boards.nothing_rated(board),
    }
    return render(request, "reports/leaderboard.html", page)


@require_safe
@project_view(Role.RESEARCHER)
def comparison(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """One regression report: words, effects by harm, items side by side."""
    run = get_object_or_404(comparisons_of(project), pk=pk)
    told = {"report": regressions.regression(run), "told": compared(run)}
    page = {"project": project, "run": run, "job": run.job, **told}
    return render(request, "reports/comparison.html", page)


@require_safe
@project_view(Role.RESEARCHER)
def lineage(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """What stands behind an artifact, and behind the leaderboard row the reader came from."""
    artifact = origins.artifact_of(project, pk)
    if artifact is None:
        raise Http404
    rating = _rating(request, project)
    page = {"project": project, "artifact": artifact, "lineage": origins.lineage(artifact, rating)}
    page["can_be_evaluated"] = artifact.kind in SUBJECTS
    return render(request, "reports/lineage.html", page)


@require_safe
@project_view(Role.RESEARCHER)
def rankings(request: HttpRequest, project: Project, membership: Membership, snapshot: int) -> HttpResponse:
    """The rankings behind a snapshot, or those of them that rated one policy."""
    found = get_object_or_404(Snapshot, project=project, pk=snapshot)
    rating = _rating(request, project)
    policy = rating.group if rating else ""
    shown = Paginator(origins.rankings_behind(found, policy), RANKINGS_A_PAGE).get_page(
        request.GET.get("page")
    )
    rows = [(ranking, shown_tiers(ranking)) for ranking in shown]
    page = {"project": project, "snapshot": found, "rating": rating, "page": shown, "rows": rows}
    return render(request, "reports/rankings.html", page)


def _rating(request: HttpRequest, project: Project) -> PolicyRating | None:
    """The leaderboard row named in the address, if it is one of this project."""
    asked = request.GET.get("rating", "")
    if not asked.isdecimal():
        return None
    ratings = PolicyRating.objects.filter(run__project=project).select_related("run__snapshot")
    return get_object_or_404(ratings, pk=int(asked))
