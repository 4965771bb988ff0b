"""Guidelines: read beside the work or on a page, compared between versions, written with a preview."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labelplatform.accounts.access import project_view, signed_in
from labelplatform.accounts.models import Membership, Project, Role
from labelplatform.labels import guidelines, services
from labelplatform.labels.guideline_text import Block, blocks, shown_guidelines
from labelplatform.labels.models import Campaign, GuidelineVersion

RESEARCHERS = (Role.RESEARCHER, Role.ADMINISTRATOR)


class GuidelinesForm(forms.Form):
    """One version of the guidelines; `based_on` is the version that was there when writing began."""

    english = forms.CharField(
        label=gettext_lazy("English text"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 16, "lang": "en", "spellcheck": "true"}),
        help_text=gettext_lazy(
            "Markdown. A line “::: good” or “::: bad” begins a box with an example, a line “:::” ends it."
        ),
    )
    chinese = forms.CharField(
        label=gettext_lazy("Chinese text"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 16, "lang": "zh-Hans"}),
        help_text=gettext_lazy("Who reads Chinese is shown this; without it, the English text."),
    )
    note = forms.CharField(
        label=gettext_lazy("What changed"),
        required=False,
        max_length=500,
        help_text=gettext_lazy(
            "One sentence for those who know the last version. The first version needs none."
        ),
    )
    based_on = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)


def _language() -> str:
    return get_language() or "en"


def _number(told: str) -> int:
    """The number of a version in an address; 0, which no version has, for anything else."""
    return int(told) if told.isascii() and told.isdecimal() and len(told) < 9 else 0


@require_safe
@never_cache
@project_view()
def read(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """How this campaign wants to be judged: a page, or a panel beside the work."""
    campaign = get_object_or_404(Campaign, pk=pk, project=project)
    asked = request.GET.get("version", "")
    versions = campaign.guideline_versions
    version = get_object_or_404(versions, number=_number(asked)) if asked else guidelines.newest(campaign)
    panel = request.GET.get("in") == "panel"
    shown = shown_guidelines(version, _language(), below=2 if panel else 1) if version else None
    context: dict[str, object] = {
        "project": project,
        "campaign": campaign,
        "shown": shown,
        "old": bool(asked),
    }
    if panel:
        return render(request, "labels/_guidelines_panel.html", context)
    context |= {
        "change": guidelines.unread_changes(signed_in(request), [campaign], _language()).get(pk),
        "researches": membership.role in RESEARCHERS,
    }
    return render(request, "labels/guidelines.html", context)


@require_POST
@project_view()
def confirm(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """I have read this version."""
    campaign = get_object_or_404(Campaign, pk=pk, project=project)
    try:
        number = _number(request.POST.get("number", ""))
        services.confirm_guidelines(campaign=campaign, number=number, by=signed_in(request))
    except services.GuidelinesRefused as refusal:
        messages.error(request, str(refusal))
    return redirect("labels:queue", slug=project.slug)


@require_safe
@project_view()
def history(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """All versions, and the difference between any two of them."""
    campaign = get_object_or_404(Campaign, pk=pk, project=project)
    found = guidelines.history(campaign)
    compared = _compared(request, found) if len(found) > 1 else None
    context = {
        "project": project,
        "campaign": campaign,
        "versions": found,
        "change": compared and guidelines.change(*compared, _language()),
        "researches": membership.role in RESEARCHERS,
    }
    return render(request, "labels/guideline_history.html", context)


def _compared(
    request: HttpRequest, versions: list[GuidelineVersion]
) -> tuple[GuidelineVersion, GuidelineVersion]:
    """The two versions that the address names, the older first; else the two newest."""
    by_number = {version.number: version for version in versions}
    asked = [request.GET.get(name, "") for name in ("from", "to")]
    if not any(asked):
        return versions[1], versions[0]
    numbers = sorted(_number(told) for told in asked)
    if not set(numbers) <= set(by_number):
        raise Http404
    return by_number[numbers[0]], by_number[numbers[1]]


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Role.RESEARCHER)
def edit(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """Write the next version, look at it as annotators will see it, publish it."""
    campaign = get_object_or_404(Campaign, pk=pk, project=project)
    last = guidelines.newest(campaign)
    initial = {"english": last.english, "chinese": last.chinese} if last else {}
    form = GuidelinesForm(request.POST or None, initial={**initial, "based_on": last.number if last else 0})
    preview = "preview" in request.POST
    if request.method == "POST" and not preview and form.is_valid():
        try:
            made = services.publish_guidelines(campaign=campaign, by=signed_in(request), **form.cleaned_data)
        except services.GuidelinesRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Published: version %(n)d holds from now on.") % {"n": made.number})
            return redirect("labels:guidelines", slug=project.slug, pk=pk)
    texts = (form[name].value() or "" for name in ("english", "chinese"))
    context = {
        "project": project,
        "campaign": campaign,
        "form": form,
        "last": last,
        "previews": _previews(*texts),
    }
    refused = form.is_bound and not preview
    return render(request, "labels/edit_guidelines.html", context, status=422 if refused else 200)


def _previews(english: str, chinese: str) -> list[tuple[str, list[Block]]]:
    """Each text that there is, by its language, as it will be read."""
    told = (("en", english), ("zh-Hans", chinese))
    return [(language, blocks(text, below=2)) for language, text in told if text.strip()]
