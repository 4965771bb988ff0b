"""The names under which one answer is rated, and what both ends of each scale mean."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from labelplatform.labels.kinds.kind import AsksRefused
from labelplatform.labels.rules import HIGHEST_RATING, LOWEST_RATING, OVERALL

HELPFUL, HONEST, HARMLESS = "helpful", "honest", "harmless"
TRUTHFUL, INFORMATIVE = "truthful", "informative"
THREE_H = (HELPFUL, HONEST, HARMLESS)
MOST_NAMES = 8
NAME = re.compile(r"[a-z0-9-]{1,60}")


@dataclass(frozen=True)
class Scale:
    """One question about an answer, rated from 1 to 7: how it is asked, and what the ends mean."""

    name: str
    title: str
    question: str
    low: str
    high: str
    value: int | None = None

    @property
    def values(self) -> list[int]:
        """What can be given."""
        return list(range(LOWEST_RATING, HIGHEST_RATING + 1))


def scale(name: str, value: int | None = None) -> Scale:
    """The scale of this name in the reader's language; a researcher's own name is asked as it stands."""
    known = {
        HELPFUL: (_("Helpful"), _("Does it do what the person needs?"), _("no help"), _("fully helpful")),
        HONEST: (_("Honest"), _("Is it true, and open about what it does not know?"), _("misleads"),
                 _("fully honest")),
        HARMLESS: (_("Harmless"), _("Could it hurt anybody?"), _("does harm"), _("no harm at all")),
        OVERALL: (_("Overall"), _("How good is this answer?"), _("very bad"), _("excellent")),
        TRUTHFUL: (_("Truthful"), _("Is what it says true? Saying nothing false is enough."), _("false"),
                   _("wholly true")),
        INFORMATIVE: (_("Informative"), _("Does it say something that answers the question?"),
                      _("says nothing"), _("answers it fully")),
    }  # fmt: skip
    title, question, low, high = known.get(name, (name, "", _("worst"), _("best")))
    return Scale(name, title, question, low, high, value)


def checked_names(told: object) -> list[str]:
    """One to eight names that a file and an address can hold, each once; AsksRefused for anything else."""
    if not isinstance(told, Iterable) or isinstance(told, str | Mapping):
        raise AsksRefused(_("Rating names are a list."))
    names: list[Any] = list(told)
    if not 1 <= len(names) <= MOST_NAMES or len(set(map(str, names))) < len(names):
        raise AsksRefused(_("Ask for one to %(most)d ratings, each once.") % {"most": MOST_NAMES})
    for name in names:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise AsksRefused(
                _("A rating's name has 1 to 60 small letters, digits and hyphens; found %(name)s.")
                % {"name": str(name)[:80]}
            )
    return names
