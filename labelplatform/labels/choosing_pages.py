"""Pages on which researchers choose what is labelled next and see what it brought; annotators learn nothing of it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labelplatform.accounts.access import project_view, signed_in
from labelplatform.accounts.models import Membership, Project, Role
from labelplatform.labels import choosing_words, queue_orders, services
from labelplatform.labels.choosing_forms import ChoiceForm
from labelplatform.labels.models import Campaign, QueueOrder

ITEMS_SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@project_view(Role.RESEARCHER)
def choose(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """The orders of a campaign's queue, and a form to ask for another."""
    campaign = get_object_or_404(Campaign, pk=pk, project=project)
    form = ChoiceForm(request.POST or None, project=project)
    if request.method == "POST" and form.is_valid():
        try:
            order = services.start_order(
                campaign=campaign,
                reward_models=list(form.cleaned_data["reward_models"]),
                choice=form.choice(),
                by=signed_in(request),
            )
        except services.OrderRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect("labels:queue_order", slug=project.slug, pk=order.pk)
    context = {
        "project": project,
        "campaign": campaign,
        "form": form,
        "orders": queue_orders.orders_of(campaign),
        "waiting": queue_orders.waiting_items(campaign).count(),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "labels/choose.html", context, status=status)


@require_safe
@never_cache
@project_view(Role.RESEARCHER)
def queue_order(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """One order: what it was told, how the values lie, what comes first, what it brought."""
    order = _visible(project, pk)
    found = queue_orders.gain(order)
    items = order.chosen_items.select_related("item__prompt").order_by("place")
    context = {
        "project": project,
        "order": order,
        "campaign": order.campaign,
        "models": order.job.inputs.order_by("pk"),
        "bins": queue_orders.distribution(order),
        "items": items[:ITEMS_SHOWN],
        "placed": order.chosen_items.count(),
        "arms": found.comparison,
        "rows": choosing_words.gain_rows(found),
        "items_left_out": found.items_left_out,
        "fewest": choosing_words.FEWEST_ITEMS,
    }
    return render(request, "labels/queue_order.html", context)


@require_POST
@project_view(Role.RESEARCHER)
def put_in_force(request: HttpRequest, pk: int, *, project: Project, membership: Membership) -> HttpResponse:
    """Give the queue an order that a broken-off worker left half done."""
    order = _visible(project, pk)
    try:
        placed = services.put_in_force(order=order, by=signed_in(request))
    except services.OrderRefused as refusal:
        messages.error(request, str(refusal))
    else:
        told = ngettext(
            "The order is in force: %(n)d item is in its place.",
            "The order is in force: %(n)d items are in their places.",
            placed,
        )
        messages.success(request, told % {"n": placed})
    return redirect("labels:queue_order", slug=project.slug, pk=pk)


def _visible(project: Project, pk: int) -> QueueOrder:
    orders = QueueOrder.objects.select_related("campaign__project", "job")
    return get_object_or_404(orders, pk=pk, campaign__project=project)
