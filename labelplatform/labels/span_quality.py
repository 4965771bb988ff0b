"""How far people agree on the spans of a campaign's answers: the database laid out for the statistics, and in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Max, Q
from django.utils.translation import gettext as _

from labelplatform.accounts.models import User
from labelplatform.labels.models import Campaign, Item, ItemResponse, Label
from labelplatform.labels.quality import MOST_ITEMS, RESAMPLES
from labelplatform.labels.quality_words import Figure, interval_figure

if TYPE_CHECKING:
    from evaluator.statistics.span_agreement import SpanAgreement, SpanAnnotator, SpanLabel


@dataclass(frozen=True)
class SpanPerson:
    """One annotator: how many answers they read, in how many they marked something, how far others agree."""

    user: User
    labels: int
    marking: int
    figure: Figure


@dataclass(frozen=True)
class SpanQuality:
    """All that the quality page of spans tells."""

    agreement: SpanAgreement
    figures: list[Figure]
    people: list[SpanPerson]
    items_left_out: int


def span_quality(campaign: Campaign) -> SpanQuality:
    """The agreement of the newest items' labels, and of everybody who gave one."""
    from evaluator.statistics.resampling import Sampling
    from evaluator.statistics.span_agreement import span_agreement, span_annotators

    labels, left_out = gather_spans(campaign)
    sampling = Sampling(seed=campaign.seed, resamples=RESAMPLES)
    found = span_agreement(labels, sampling)
    each = span_annotators(labels, sampling)
    users = User.objects.in_bulk([int(one.annotator) for one in each])
    people = [_person(users[int(one.annotator)], one) for one in each]
    # Whoever agrees least with the others needs a look first.
    people.sort(key=lambda one: (one.figure.value is None, one.figure.value or 0.0, one.user.username))
    return SpanQuality(found, span_figures(found), people, left_out)


def gather_spans(campaign: Campaign, most_items: int = MOST_ITEMS) -> tuple[list[SpanLabel], int]:
    """The labels that count of the items labelled last, in order of time, and how many items are left out."""
    from evaluator.statistics.span_agreement import MarkedSpan, SpanLabel

    counted = Q(labels__surplus=False)
    # A label of a hidden repeat says how far its annotator agrees with themselves, and nothing else.
    ordinary = campaign.items.filter(repeat=None)
    labelled = ordinary.annotate(newest=Max("labels__pk", filter=counted)).exclude(newest=None)
    chosen = Item.objects.filter(pk__in=labelled.order_by("-newest").values("pk")[:most_items]).values("pk")
    texts = ItemResponse.objects.filter(item__in=chosen).values_list("item", "response__text")
    length = {item: len(text) for item, text in texts}
    rows = Label.objects.filter(item__in=chosen, surplus=False).order_by("at", "pk")
    found = [
        SpanLabel(
            item=str(item),
            annotator=str(annotator),
            length=length[item],
            spans=tuple(MarkedSpan(one["start"], one["end"], one["kind"]) for one in body["spans"]),
            prompt=str(prompt),
        )
        for item, prompt, annotator, body in rows.values_list("item", "item__prompt", "annotator", "body")
    ]
    return found, labelled.count() - len(length)


def span_figures(found: SpanAgreement) -> list[Figure]:
    """The campaign's agreement, the plainest figure first."""
    pairs = _("items with two annotators")
    return [
        interval_figure(
            _("Anything invented at all"),
            _("Share of pairs of annotators who agree whether the answer holds anything to mark."),
            found.presence,
            pairs,
        ),
        interval_figure(
            _("Character F1"),
            _(
                "How far two annotators mark the same characters: 1 the very same, 0 none; both none counts as 1."
            ),
            found.f1,
            pairs,
        ),
        interval_figure(
            _("Character F1 by kind"),
            _("The same, where a character counts only if it is marked as the same kind."),
            found.f1_by_kind,
            pairs,
        ),
        interval_figure(
            _("Krippendorff's alpha"),
            _("Of each character, marked or not; 1 is full agreement, 0 what chance would give."),
            found.alpha,
            pairs,
        ),
        interval_figure(
            _("Krippendorff's alpha by kind"),
            _("Of each character's kinds; the same scale."),
            found.alpha_by_kind,
            pairs,
        ),
    ]


def _person(user: User, found: SpanAnnotator) -> SpanPerson:
    shared = _("items that somebody else labelled too")
    name, explanation = _("With others"), _("Character F1 with everybody else.")
    return SpanPerson(user, found.labels, found.marking, interval_figure(name, explanation, found.f1, shared))
