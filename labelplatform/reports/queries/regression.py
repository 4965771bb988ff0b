"""The regression report: a verdict in words, effects by harm, and the items that were lost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from evaluator.metrics.closed_book import LARGEST_LOSS_OF_RIGHT
from labelplatform.evaluations.models import Better, ComparisonRun, MeasuredEffect
from labelplatform.evaluations.queries import (
    ALWAYS_ABSTAIN,
    CLOSED_BOOK,
    group_name,
    items_to_look_at,
    metric_name,
)
from labelplatform.jobs.whiskers import Scale, Whisker, shared_scale, whisker

Verdict = ComparisonRun.Verdict
WORTH_A_LOOK = 0.05
OFTEN_SEEN = "tier=often"


@dataclass(frozen=True)
class EffectRow:
    """One stored effect, drawn; `abstaining` is what always abstaining would have changed."""

    effect: MeasuredEffect
    metric: str
    group: str
    whisker: Whisker | None
    abstaining: float | None


@dataclass(frozen=True)
class Regression:
    """One comparison as its page shows it."""

    run: ComparisonRun
    tone: str
    headline: str
    forgetting: str
    rows: tuple[EffectRow, ...]
    scale: Scale | None
    closed_book: bool
    worst: Sequence[Mapping[str, Any]]


def regression(run: ComparisonRun) -> Regression:
    """The page of a comparison; two statements."""
    effects = by_harm(list(run.effects.all()))
    closed_book = run.candidate.suite == CLOSED_BOOK
    marks = {effect.pk: abstaining_effect(effect) if closed_book else None for effect in effects}
    ends = [end for effect in effects for end in (effect.value, effect.low, effect.high, marks[effect.pk])]
    scale = shared_scale(ends, include=(0.0,))
    return Regression(
        run=run,
        tone={"regression": "bad", "improvement": "good", "no-change-confirmed": "good"}.get(
            run.verdict, "warn"
        ),
        headline=headline(run.verdict, effects),
        forgetting=bought_by_forgetting(effects) if closed_book else "",
        rows=tuple(_row(effect, scale, marks[effect.pk]) for effect in effects),
        scale=scale,
        closed_book=closed_book,
        worst=items_to_look_at(run.report),
    )


def by_harm(effects: Sequence[MeasuredEffect]) -> list[MeasuredEffect]:
    """The most harmful first; figures for which neither direction is better stand last."""
    return sorted(
        effects,
        key=lambda effect: (effect.better == Better.NEITHER, -effect.harm, effect.name, effect.group),
    )


def abstaining_effect(effect: MeasuredEffect) -> float | None:
    """What the change against this baseline would be if the candidate always abstained."""
    if effect.name not in ALWAYS_ABSTAIN:
        return None
    return ALWAYS_ABSTAIN[effect.name] - effect.baseline_value


def headline(verdict: str, effects: Sequence[MeasuredEffect]) -> str:
    """The verdict in words, before any figure."""
    confirmed = [effect for effect in effects if effect.verdict == Verdict.REGRESSION]
    won = [effect for effect in effects if effect.verdict == Verdict.IMPROVEMENT]
    better = sorted(won, key=lambda effect: (effect.group != "", effect.harm))
    look = [effect for effect in effects if worth_a_look(effect)]
    if verdict == Verdict.REGRESSION:
        said = _("Regression confirmed: %(names)s.") % {"names": named(confirmed)}
        return said + " " + _("Better: %(names)s.") % {"names": named(better)} if better else said
    if verdict == Verdict.IMPROVEMENT:
        said = _("No regression confirmed; better: %(names)s.") % {"names": named(better)}
    elif verdict == Verdict.NO_CHANGE:
        said = _("No regression: every change is smaller than the margin.")
    else:
        said = _("No regression confirmed, but there is not enough data to rule one out.")
    if not look:
        return said
    more = ngettext("%(n)d figure is worth a look.", "%(n)d figures are worth a look.", len(look))
    return said + " " + more % {"n": len(look)}


def bought_by_forgetting(effects: Sequence[MeasuredEffect]) -> str:
    """Why a grade that rose was paid for with knowledge; empty when it was not, or did not rise."""
    risen = any(
        effect.name == "grade" and not effect.group and (effect.value or 0.0) > 0 for effect in effects
    )
    return knowledge_lost(effects) if risen else ""


def knowledge_lost(effects: Sequence[MeasuredEffect]) -> str:
    """What the candidate forgot, whatever it gained; empty when nothing.

    Abstaining from everything raises the grade of a policy that is mostly wrong. So the candidate must beat it on
    the questions it could know (the often-seen tier, where the questions name one) and keep its share right."""
    by_place = {(effect.name, effect.group): effect for effect in effects}
    right = by_place.get(("right", ""))
    often = by_place.get(("grade", OFTEN_SEEN))
    if often is not None and often.candidate_value <= ALWAYS_ABSTAIN["grade"]:
        found = {"grade": f"{often.candidate_value:.3f}", "bar": ALWAYS_ABSTAIN["grade"]}
        return _("grade %(grade)s on what is often seen, where always abstaining earns %(bar)s") % found
    if right is not None and (right.value or 0.0) < -LARGEST_LOSS_OF_RIGHT:
        found = {"lost": f"{-(right.value or 0.0):.3f}", "bar": LARGEST_LOSS_OF_RIGHT}
        return _("%(lost)s of the share right was lost, more than %(bar)s") % found
    return ""


def worth_a_look(effect: MeasuredEffect) -> bool:
    """Worse, and unlikely by itself, but not confirmed once all tests are counted."""
    unlikely = effect.p_value is not None and effect.p_value < WORTH_A_LOOK
    return effect.harm > 0 and unlikely and effect.verdict != Verdict.REGRESSION


def named(effects: Sequence[MeasuredEffect], most: int = 4) -> str:
    """Effects in words, the first few of them."""
    names = [
        f"{metric_name(effect.name)} ({group_name(effect.group)})"
        if effect.group
        else metric_name(effect.name)
        for effect in effects[:most]
    ]
    if len(effects) > most:
        names.append(_("%(n)d more") % {"n": len(effects) - most})
    return ", ".join(names)


def _row(effect: MeasuredEffect, scale: Scale | None, abstaining: float | None) -> EffectRow:
    marks = [] if abstaining is None else [(abstaining, _("always abstain"))]
    drawn = whisker(scale, effect.value, effect.low, effect.high, marks=marks) if scale else None
    return EffectRow(effect, metric_name(effect.name), group_name(effect.group), drawn, abstaining)
