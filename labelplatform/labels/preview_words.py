"""A judgement in words, by the letters of the page: what a submission would have stored."""

from collections.abc import Mapping

from django.utils.translation import gettext as _

from labelplatform.labels.flag_names import flag_choices
from labelplatform.labels.rules import OVERALL, Judgement


def stored_words(judgement: Judgement, responses: Mapping[str, int]) -> list[tuple[str, str]]:
    """Names with what would be kept under them; only what was told."""
    letter_of = {response: letter for letter, response in responses.items()}
    told = [(_("Order"), _order(judgement, letter_of))]
    if judgement.unacceptable:
        told.append((_("All unacceptable"), _("yes")))
    ratings = [
        f"{letter} {judgement.ratings[response][OVERALL]:g}"
        for letter, response in responses.items()
        if response in judgement.ratings
    ]
    if ratings:
        told.append((_("Ratings"), ", ".join(ratings)))
    titles = {name: str(title) for name, title in flag_choices()}
    flags = [
        f"{letter}: {', '.join(titles[name] for name in judgement.flags[response])}"
        for letter, response in responses.items()
        if response in judgement.flags
    ]
    if flags:
        told.append((_("Flags"), "; ".join(flags)))
    if judgement.margins is not None:
        told.append((_("How clear the gaps are"), ", ".join(f"{margin:g}" for margin in judgement.margins)))
    if judgement.marks:
        marked = [f"{letter_of[response]}: {len(spans)}" for response, spans in judgement.marks.items()]
        told.append((_("Marked as invented"), ", ".join(sorted(marked))))
    if judgement.better:
        told.append((_("Answer of your own"), judgement.better))
    if judgement.seconds is not None:
        told.append((_("Seconds"), f"{judgement.seconds:g}"))
    return told


def _order(judgement: Judgement, letter_of: Mapping[int, str]) -> str:
    """ "A > B = C", best first; what is in no place after a bar."""
    tiers = [" = ".join(sorted(letter_of[response] for response in tier)) for tier in judgement.tiers]
    placed = {response for tier in judgement.tiers for response in tier}
    left_out = sorted(letter for response, letter in letter_of.items() if response not in placed)
    order = " > ".join(tiers)
    if not left_out:
        return order
    unranked = _("unranked: %(letters)s") % {"letters": ", ".join(left_out)}
    return f"{order} | {unranked}" if order else unranked
