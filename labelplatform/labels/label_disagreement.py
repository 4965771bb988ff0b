"""Where annotators disagree, and one annotator's figures, for labels that are no orders: the database laid out for the
statistics. What is reckoned, `evaluator.statistics` reckons; it is imported where it is used, as in quality.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from labelplatform.accounts.models import User
from labelplatform.labels import known_ratings, own_agreement
from labelplatform.labels.kinds.scales import scale
from labelplatform.labels.label_quality import RESAMPLES, Given, given_labels, rated_names
from labelplatform.labels.models import Campaign, Item, ItemResponse
from labelplatform.labels.quality_words import Figure, interval_figure
from labelplatform.labels.span_quality import gather_spans

if TYPE_CHECKING:
    from evaluator.statistics.chance_corrected import RatingLabel


@dataclass(frozen=True)
class ItemFigures:
    """One item that several people labelled: one figure for each column, None where it says nothing of it."""

    item: int
    labels: int
    figures: list[float | None]


@dataclass(frozen=True)
class Disagreement:
    """Columns with what they mean, and the items, those that people agree on least first."""

    columns: list[tuple[str, str]]
    rows: list[ItemFigures]


@dataclass(frozen=True)
class ComparedAnswer:
    """One row as it is shown: several answers of one prompt are told apart by how they begin."""

    item: Item
    text: str
    labels: int
    cells: list[tuple[str, float | None]]


def disagreement(campaign: Campaign) -> Disagreement:
    """The newest items of a campaign of ratings, honesty checks or spans."""
    return _of_spans(campaign) if campaign.kind == Campaign.Kind.SPANS else _of_ratings(campaign)


def _of_ratings(campaign: Campaign) -> Disagreement:
    from evaluator.statistics.rating_agreement import rated_items

    given = given_labels(campaign)
    names = rated_names(campaign, given)
    by_name = {name: {one.item: one for one in rated_items(_as_ratings(given, name))} for name in names}
    items = dict.fromkeys(item for found in by_name.values() for item in found)
    rows = []
    for item in items:
        found = [by_name[name].get(item) for name in names]
        labels = max(one.labels for one in found if one)
        rows.append(ItemFigures(int(item), labels, [one.distance if one else None for one in found]))
    meaning = _("Mean distance between two annotators, in points of the scale.")
    columns = [(scale(name).title, meaning) for name in names]
    worst = {row.item: max(figure for figure in row.figures if figure is not None) for row in rows}
    return Disagreement(columns, sorted(rows, key=lambda row: (-worst[row.item], row.item)))


def _of_spans(campaign: Campaign) -> Disagreement:
    from evaluator.statistics.span_agreement import span_items

    labels, _left_out = gather_spans(campaign)
    found = sorted(span_items(labels), key=lambda one: (one.f1_by_kind, one.f1, int(one.item)))
    columns = [
        (_("Anything invented at all"), _("Share of pairs who agree whether there is anything to mark.")),
        (_("Character F1"), _("How far two annotators mark the same characters: 1 the very same, 0 none.")),
        (
            _("Character F1 by kind"),
            _("The same, where a character counts only if it is marked as the same kind."),
        ),
    ]
    rows = [ItemFigures(int(one.item), one.labels, [one.presence, one.f1, one.f1_by_kind]) for one in found]
    return Disagreement(columns, rows)


def _as_ratings(given: list[Given], name: str) -> list[RatingLabel]:
    """The ratings under one name, oldest first; an item is one answer, answers of one prompt are drawn together."""
    from evaluator.statistics.chance_corrected import RatingLabel

    return [
        RatingLabel(str(one.item), str(one.item), str(one.annotator), one.ratings[name], str(one.prompt))
        for one in reversed(given)
        if name in one.ratings
    ]


def with_items(found: Disagreement, page: list[ItemFigures]) -> list[ComparedAnswer]:
    """The answers behind one page of figures, in its order; two statements."""
    titles = [title for title, _meaning in found.columns]
    items = Item.objects.select_related("prompt").in_bulk([one.item for one in page])
    answers = ItemResponse.objects.filter(item__in=items).values_list("item", "response__text")
    texts = dict(answers)
    return [
        ComparedAnswer(
            items[one.item], texts.get(one.item, ""), one.labels, list(zip(titles, one.figures, strict=True))
        )
        for one in page
    ]


def annotator_figures(campaign: Campaign, annotator: User) -> list[Figure]:
    """How one annotator stands beside the others; no figure for a kind that none is reckoned for."""
    if campaign.kind == Campaign.Kind.SPANS:
        return _span_figures(campaign, annotator)
    if campaign.kind in (Campaign.Kind.RATING, Campaign.Kind.HONESTY):
        return _rating_figures(campaign, annotator)
    return []


def _gold_figures(campaign: Campaign, annotator: User) -> list[Figure]:
    """How far the annotator agrees with gold; none in a campaign without gold."""
    if not campaign.items.filter(gold__isnull=False).exists():
        return []
    found = known_ratings.agreement_with_gold(campaign, annotator, seed=campaign.seed, resamples=RESAMPLES)
    explained = _("Share of ratings that lie within one point of gold's.")
    if campaign.kind == Campaign.Kind.HONESTY:
        explained = _("Share of questions answered as gold does: yes or no.")
    return [interval_figure(_("With gold"), explained, found, _("gold items"), known_ratings.FEWEST_CHECKS)]


def _consistency_figures(campaign: Campaign, annotator: User) -> list[Figure]:
    """How far the annotator agrees with themselves; none in a campaign that never put an item twice."""
    from evaluator.statistics.resampling import Sampling

    if not campaign.has_repeats:
        return []
    sampling = Sampling(seed=campaign.seed, resamples=RESAMPLES, fewest=known_ratings.FEWEST_CHECKS)
    found = own_agreement.self_consistency(campaign, annotator, sampling)
    explained = {
        Campaign.Kind.RATING: _(
            "Share of ratings within one point of their own, given before to the same answer."
        ),
        Campaign.Kind.HONESTY: _("Share of questions answered as they had answered them before."),
        Campaign.Kind.SPANS: _("Character F1 with what they had marked in the same answer before."),
    }
    explanation = explained[Campaign.Kind(campaign.kind)]
    counted, fewest = _("items labelled twice"), known_ratings.FEWEST_CHECKS
    return [interval_figure(_("With themselves"), explanation, found, counted, fewest)]


def _rating_figures(campaign: Campaign, annotator: User) -> list[Figure]:
    from evaluator.statistics.rating_agreement import rating_annotators
    from evaluator.statistics.resampling import Sampling

    given, shared = given_labels(campaign), _("answers that somebody else rated too")
    sampling = Sampling(seed=campaign.seed, resamples=RESAMPLES)
    figures = [*_gold_figures(campaign, annotator), *_consistency_figures(campaign, annotator)]
    for name in rated_names(campaign, given):
        everybody = rating_annotators(_as_ratings(given, name), sampling)
        mine = next((one for one in everybody if one.annotator == str(annotator.pk)), None)
        if mine is None:
            continue
        title = scale(name).title
        apart, leaning = _("%(name)s: distance from others"), _("%(name)s: leaning")
        figures += [
            interval_figure(
                apart % {"name": title},
                _("Mean distance from what others gave the same answers, in points of the scale."),
                mine.distance,
                shared,
            ),
            interval_figure(
                leaning % {"name": title},
                _("Above 0: gives more than others for the same answers; below 0: less."),
                mine.leaning,
                shared,
            ),
        ]
    return figures


def _span_figures(campaign: Campaign, annotator: User) -> list[Figure]:
    from evaluator.statistics.resampling import Sampling
    from evaluator.statistics.span_agreement import span_annotators

    labels, _left_out = gather_spans(campaign)
    everybody = span_annotators(labels, Sampling(seed=campaign.seed, resamples=RESAMPLES))
    mine = next((one for one in everybody if one.annotator == str(annotator.pk)), None)
    if mine is None:
        return _consistency_figures(campaign, annotator)
    shared = _("items that somebody else labelled too")
    return [
        *_consistency_figures(campaign, annotator),
        interval_figure(_("With others"), _("Character F1 with everybody else."), mine.f1, shared),
    ]
