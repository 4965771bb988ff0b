"""The page on which a person chooses their own keys."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from labelplatform.accounts.access import project_view, signed_in
from labelplatform.accounts.models import Membership, Project
from labelplatform.accounts.services import set_keys
from labelplatform.labels.own_keys import PAGES, KeyedPage, Words


@dataclass(frozen=True)
class KeyBox:
    """One command on the page: what stands in its box, what it usually is, what is wrong with it."""

    name: str
    words: Words
    usual: str
    value: str
    error: str = ""


@dataclass(frozen=True)
class KeySection:
    """The commands of one kind of page."""

    title: Words
    boxes: list[KeyBox]


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@project_view()
def keys(request: HttpRequest, *, project: Project, membership: Membership) -> HttpResponse:
    """My own keys for every kind of page: shown, changed, or as usual again. To a script: by the usual keys."""
    user = signed_in(request)
    if request.method != "POST":
        if request.headers.get("Accept", "").startswith("application/json"):
            return JsonResponse({page.name: page.by_usual(user.keys) for page in PAGES.values()})
        kept = {
            f"{page.name}-{name}": key for page in PAGES.values() for name, key in page.own(user.keys).items()
        }
        return _shown(request, project, kept, {})
    if "reset" in request.POST:
        set_keys(user=user, keys={})
        messages.success(request, _("All keys are as usual again."))
        return redirect("labels:keys", slug=project.slug)
    errors: dict[str, str] = {}
    chosen = {page.name: _checked(page, request.POST, errors) for page in PAGES.values()}
    if errors:
        return _shown(request, project, request.POST, errors)
    set_keys(user=user, keys={name: own for name, own in chosen.items() if own})
    messages.success(request, _("Your keys are kept. Pages that are open have them as soon as you go back."))
    return redirect("labels:keys", slug=project.slug)


def _checked(page: KeyedPage, post: Mapping[str, str], errors: dict[str, str]) -> dict[str, str]:
    told = {one.name: post.get(f"{page.name}-{one.name}", "") for one in page.commands}
    return page.check(told, lambda name, what: errors.update({f"{page.name}-{name}": what}))


def _shown(
    request: HttpRequest, project: Project, told: Mapping[str, str], errors: Mapping[str, str]
) -> HttpResponse:
    sections = [
        KeySection(
            page.title,
            [
                KeyBox(box, one.words, one.usual, told.get(box, "")[:20] or one.usual, errors.get(box, ""))
                for one in page.commands
                for box in [f"{page.name}-{one.name}"]
            ],
        )
        for page in PAGES.values()
    ]
    context = {"project": project, "sections": sections, "wrong": len(errors)}
    return render(request, "labels/keys.html", context, status=422 if errors else 200)
