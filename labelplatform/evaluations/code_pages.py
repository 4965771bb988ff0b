"""Pages of programs: the problems of a run, the submissions of a problem, pass@k of several models."""

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from labelplatform.accounts.access import project_view
from labelplatform.accounts.models import Membership, Project, Role
from labelplatform.evaluations import code_queries as queries
from labelplatform.evaluations.models import EvaluationRun

PROBLEMS_A_PAGE, SUBMISSIONS_A_PAGE = 50, 20
LONGEST_SEARCH = 100


@require_safe
@project_view(Role.RESEARCHER)
def problems(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """Every problem of a run: how many of its programs passed, and what looks odd."""
    run = _run(project, pk)
    shown, text = request.GET.get("show", "all"), request.GET.get("q", "").strip()[:LONGEST_SEARCH]
    found = queries.narrowed(queries.problems_of(run), shown, text)
    page = {
        "project": project,
        "run": run,
        "verdicts": queries.verdict_counts(run),
        "forged": queries.attempts([run]).get(run.pk, {}),
        "choices": _choices(),
        "shown": shown if shown in queries.SHOWN else "all",
        "text": text,
        "page": Paginator(found, PROBLEMS_A_PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "evaluations/code_problems.html", page)


@require_safe
@project_view(Role.RESEARCHER)
def problem(
    request: HttpRequest, project: Project, membership: Membership, pk: int, number: int
) -> HttpResponse:
    """One problem's programs, each with its verdict, the reason and the call that decided."""
    run = _run(project, pk)
    told = queries.problems_of(run).filter(number=number).first()
    if told is None:
        raise Http404
    verdict = request.GET.get("verdict", "")
    found = queries.submissions_of(run, number, verdict)
    before, after = queries.neighbours(run, number)
    page = {
        "project": project,
        "run": run,
        "problem": told,
        "verdict": verdict,
        "before": before,
        "after": after,
        "page": Paginator(found, SUBMISSIONS_A_PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "evaluations/code_problem.html", page)


@require_safe
@project_view(Role.RESEARCHER)
def pass_at_k(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    """pass@k of several models on the same problems: the curve, the figures, and what looks forged."""
    sets = list(queries.problem_sets_of(project))
    wanted = request.GET.get("problems", "")
    chosen = next((one for one in sets if str(one.pk) == wanted), sets[0] if sets and not wanted else None)
    if wanted and chosen is None:
        raise Http404
    found = queries.pass_at_k_of(project, chosen) if chosen else None
    page = {"project": project, "sets": sets, "chosen": chosen, "found": found}
    return render(request, "evaluations/pass_at_k.html", page)


def _run(project: Project, pk: int) -> EvaluationRun:
    run = queries.code_run_of(project, pk)
    if run is None:
        raise Http404
    return run


def _choices() -> list[tuple[str, str]]:
    """What a list of problems may be narrowed to, in words."""
    return [
        ("all", _("all problems")),
        ("solved", _("solved at least once")),
        ("unsolved", _("never solved")),
        ("unjudged", _("with programs not judged")),
        ("forged", _("with forged-pass attempts")),
    ]
