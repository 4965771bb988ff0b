"""What the page for demonstrations asks while somebody writes."""

import uuid

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from labelplatform.accounts.access import project_view, signed_in
from labelplatform.accounts.models import Membership, Project
from labelplatform.labels import shown
from labelplatform.labels.kinds.demonstrations import MOST_CHARACTERS
from labelplatform.labels.previewing import NO_TOKEN
from labelplatform.prompts.rendering import render_markdown


@require_POST
@never_cache
@project_view()
def preview(
    request: HttpRequest, token: uuid.UUID, *, project: Project, membership: Membership
) -> HttpResponse:
    """A text as it would be shown: rendered and sanitised here as every answer is. Nothing is kept.

    The token of a researcher's preview (labels/previewing.py) is nobody's: what is rendered for it is no item's.
    """
    if token != NO_TOKEN and shown.slot_of(project, signed_in(request), token) is None:
        raise Http404
    written = request.POST.get("response", "")[:MOST_CHARACTERS]
    return JsonResponse({"html": render_markdown(written)})
