"""The researcher's pages: prompt sets, what one holds, and how more comes in."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labelplatform.accounts.access import project_view, signed_in
from labelplatform.accounts.models import Membership, Project, Role
from labelplatform.prompts import queries, services
from labelplatform.prompts.forms import ImportForm, PromptSetForm, SampleForm
from labelplatform.prompts.lines import ImportRefused, read_upload
from labelplatform.prompts.models import PromptSet
from labelplatform.prompts.streaming import json_lines_response

PROMPTS_A_PAGE = 20
ERRORS_SHOWN = 50
JOBS_SHOWN = 3


@require_safe
@project_view(Role.RESEARCHER)
def index(request: HttpRequest, *, project: Project, membership: Membership) -> HttpResponse:
    """All prompt sets of the project."""
    return render(
        request, "prompts/index.html", {"project": project, "prompt_sets": queries.prompt_sets(project)}
    )


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Role.RESEARCHER)
def add_prompt_set(request: HttpRequest, *, project: Project, membership: Membership) -> HttpResponse:
    """A new, empty prompt set."""
    form = PromptSetForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.create_prompt_set(project=project, by=signed_in(request), **form.cleaned_data)
        except services.PromptSetRefused as refusal:
            form.add_error("name", str(refusal))
        else:
            return redirect("prompts:prompt_set", slug=project.slug, pk=made.pk)
    status = 422 if form.is_bound else 200
    return render(request, "prompts/add_prompt_set.html", {"project": project, "form": form}, status=status)


@require_safe
@project_view(Role.RESEARCHER)
def prompt_set(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """One set: its prompts with their answers, who wrote them and how."""
    found = get_object_or_404(queries.prompt_sets(project), pk=pk)
    return _set_page(request, project, found, SampleForm(project=project), ImportForm())


def _set_page(
    request: HttpRequest, project: Project, found: PromptSet, sampling: SampleForm, importing: ImportForm
) -> HttpResponse:
    page = Paginator(queries.prompts_with_responses(found), PROMPTS_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "project": project,
        "prompt_set": found,
        "writers": queries.writers(found),
        "page": page,
        "jobs": queries.sampling_jobs(found)[:JOBS_SHOWN],
        "sample_form": sampling,
        "import_form": importing,
    }
    status = 422 if sampling.is_bound or importing.is_bound else 200
    return render(request, "prompts/prompt_set.html", context, status=status)


@require_POST
@project_view(Role.RESEARCHER)
def import_lines(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """Take a file of lines whole, or say line by line why not."""
    found = get_object_or_404(queries.prompt_sets(project), pk=pk)
    form = ImportForm(request.POST, request.FILES)
    if not form.is_valid():
        return _set_page(request, project, found, SampleForm(project=project), form)
    try:
        lines = read_upload(form.cleaned_data["file"])
        if form.cleaned_data["kind"] == "prompts":
            done = services.import_prompts(prompt_set=found, lines=lines, by=signed_in(request))
        else:
            done = services.import_responses(prompt_set=found, lines=lines, by=signed_in(request))
    except ImportRefused as refusal:
        context = {
            "project": project,
            "prompt_set": found,
            "errors": refusal.errors[:ERRORS_SHOWN],
            "more": max(0, len(refusal.errors) - ERRORS_SHOWN),
        }
        return render(request, "prompts/import_lines.html", context, status=422)
    told = _("Imported: %(prompts)d prompts, %(responses)d answers; %(there)d were here already.")
    counts = {"prompts": done.prompts, "responses": done.responses, "there": done.already_there}
    messages.success(request, told % counts)
    return redirect("prompts:prompt_set", slug=project.slug, pk=pk)


@require_POST
@project_view(Role.RESEARCHER)
def sample(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """Ask a policy for answers."""
    found = get_object_or_404(queries.prompt_sets(project), pk=pk)
    form = SampleForm(request.POST, project=project)
    if not form.is_valid():
        return _set_page(request, project, found, form, ImportForm())
    chosen = form.cleaned_data
    try:
        services.request_responses(
            prompt_set=found,
            policy=chosen["policy"],
            responses_per_prompt=chosen["responses_per_prompt"],
            sampling=form.sampling,
            seed=chosen["seed"],
            by=signed_in(request),
        )
    except ValidationError as refusal:
        form.add_error(None, refusal)
        return _set_page(request, project, found, form, ImportForm())
    messages.success(request, _("The answers are being sampled; they appear here when the job is done."))
    return redirect("prompts:prompt_set", slug=project.slug, pk=pk)


@require_safe
@project_view(Role.RESEARCHER)
def download(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponseBase:
    """The set's prompt lines."""
    found = get_object_or_404(PromptSet, pk=pk, project=project)
    filename = f"{slugify(found.name) or 'prompts'}.jsonl"
    return json_lines_response(queries.export_prompt_lines(found), filename=filename)
