"""One person's conversations with the project's models."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from labelplatform.accounts.access import project_view, signed_in
from labelplatform.accounts.models import Membership, Project
from labelplatform.chat import queries, services
from labelplatform.chat.models import Answer, Conversation
from labelplatform.chat.queries import Model


@require_safe
@project_view()
def index(request: HttpRequest, *, project: Project, membership: Membership) -> HttpResponse:
    """My conversations, and the models there are to talk with."""
    context = {
        "project": project,
        "models": queries.models(project, membership),
        "conversations": queries.conversations(project, signed_in(request)),
    }
    return render(request, "chat/index.html", context)


@require_POST
@project_view()
def start(request: HttpRequest, *, project: Project, membership: Membership) -> HttpResponse:
    """A new conversation."""
    chosen = [
        model
        for model in queries.models(project, membership)
        if str(model.number) == request.POST.get("model")
    ]
    if not chosen:
        messages.error(request, _("Choose one of the models."))
        return redirect("chat:index", slug=project.slug)
    made = services.start_conversation(project=project, policy=chosen[0].artifact, by=signed_in(request))
    return redirect("chat:conversation", slug=project.slug, pk=made.pk)


def _own(request: HttpRequest, project: Project, pk: int) -> Conversation:
    return get_object_or_404(queries.conversations(project, signed_in(request)), pk=pk)


def _context(project: Project, membership: Membership, found: Conversation) -> dict[str, object]:
    return {
        "project": project,
        "conversation": found,
        "model": _model(project, membership, found),
        "turns": queries.turns(found),
    }


def _model(project: Project, membership: Membership, found: Conversation) -> Model:
    for model in queries.models(project, membership):
        if model.artifact.pk == found.policy_id:
            return model
    raise Http404


@require_safe
@project_view()
def conversation(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """One conversation."""
    context = _context(project, membership, _own(request, project, pk))
    return render(request, "chat/conversation.html", context)


@require_safe
@project_view()
def conversation_live(
    request: HttpRequest, pk: int, *, project: Project, membership: Membership
) -> HttpResponse:
    """What was said so far, asked for again while an answer is on its way."""
    found = _own(request, project, pk)
    response = render(request, "chat/conversation_live.html", _context(project, membership, found))
    if any(turn.pending for turn in queries.turns(found)):
        response.headers["X-Live"] = "on"
    return response


@require_POST
@project_view()
def send(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """Say something."""
    found = _own(request, project, pk)
    chosen = request.POST.get("after", "")
    after = Answer.objects.filter(turn__conversation=found, pk=chosen).first() if chosen.isdecimal() else None
    try:
        text = request.POST.get("text", "")
        services.send_message(conversation=found, text=text, by=signed_in(request), after=after)
    except services.ChatRefused as refusal:
        messages.error(request, str(refusal))
    return redirect("chat:conversation", slug=project.slug, pk=pk)


@require_POST
@project_view()
def regenerate(
    request: HttpRequest, pk: int, ordinal: int, *, project: Project, membership: Membership
) -> HttpResponse:
    """Another answer to the same message."""
    turn = get_object_or_404(_own(request, project, pk).turns, ordinal=ordinal)
    try:
        services.regenerate(turn=turn, by=signed_in(request))
    except services.ChatRefused as refusal:
        messages.error(request, str(refusal))
    return redirect("chat:conversation", slug=project.slug, pk=pk)


@require_POST
@project_view()
def compare(
    request: HttpRequest, pk: int, answer: int, *, project: Project, membership: Membership
) -> HttpResponse:
    """Better, the same or worse than the answer before; or no opinion."""
    found = get_object_or_404(Answer, pk=answer, turn__conversation=_own(request, project, pk))
    preference = request.POST.get("preference", "")
    try:
        services.compare(answer=found, preference=preference, by=signed_in(request))
    except services.ChatRefused as refusal:
        messages.error(request, str(refusal))
    return redirect("chat:conversation", slug=project.slug, pk=pk)
