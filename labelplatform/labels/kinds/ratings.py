"""Ratings: one answer, rated from 1 to 7 under each name that the campaign asks for, with flags.

body  {"ratings": {name: 1…7}, "flags": [name]}: every name that is asked, no other; flags in the order of their list
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from labelplatform.labels.flag_names import flag_choices
from labelplatform.labels.kinds.kind import Body, LabelLine, Matter, Unreadable
from labelplatform.labels.kinds.scales import THREE_H, checked_names, scale
from labelplatform.labels.rules import FLAGS, HIGHEST_RATING, LOWEST_RATING, JudgementRefused
from trainer.ratings import parse_rating

# Of what a line may tell, what has no column here.
KEPT = ("split",)


@dataclass(frozen=True)
class Ratings:
    """A kind whose labels are ratings and flags of one answer."""

    name: str
    template: str
    usual_names: Sequence[str]
    flags: Sequence[str]
    # The flags with their words in the reader's language.
    flag_words: Callable[[], Sequence[tuple[str, str]]]
    file: str = "ratings"
    told_by: str = "ratings"
    draft_keys: Sequence[str] = ("ratings", "flags")

    def asks(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """The names to rate under."""
        return {"names": checked_names(told.get("names") or self.usual_names)}

    def names(self, matter: Matter) -> list[str]:
        """What is asked about this answer."""
        return list(matter.asks.get("names") or self.usual_names)

    def read(self, post: QueryDict, matter: Matter) -> Body:
        """Numbers as told in `rating-NAME`; what was left empty is left to `check` to miss."""
        ratings: dict[str, int] = {}
        for name in self.names(matter):
            told = post.get(f"rating-{name}", "")
            if told and not (told.isascii() and told.isdecimal() and len(told) == 1):
                raise Unreadable(_("A rating is a number from 1 to 7."))
            if told:
                ratings[name] = int(told)
        return {"ratings": ratings, "flags": post.getlist("flags")}

    def check(self, body: Body, matter: Matter) -> Body:
        """Every rating that is asked, none that is not, and flags that there are."""
        ratings, flags, names = body["ratings"], body.get("flags", []), self.names(matter)
        missing = [name for name in names if name not in ratings]
        if missing:
            titles = ", ".join(scale(name).title for name in missing)
            raise JudgementRefused(_("Still to rate: %(names)s.") % {"names": titles})
        if unknown := sorted(set(ratings) - set(names)):
            raise JudgementRefused(_("Nobody asked for this rating: %(name)s") % {"name": unknown[0]})
        if not all(_is_rating(value) for value in ratings.values()):
            raise JudgementRefused(_("A rating is a number from 1 to 7."))
        if strange := sorted(set(flags) - set(self.flags)):
            raise JudgementRefused(_("Unknown flag: %(name)s") % {"name": strange[0]})
        return {
            "ratings": {name: ratings[name] for name in names},
            "flags": [name for name in self.flags if name in flags],
        }

    def fits(self, draft: Mapping[str, Any], matter: Matter) -> bool:
        """Whether a draft has numbers under names that are asked, and flags that there are."""
        ratings, flags = draft.get("ratings", {}), draft.get("flags", [])
        if not isinstance(ratings, dict) or set(ratings) - set(self.names(matter)):
            return False
        if not isinstance(flags, list) or set(map(str, flags)) - set(self.flags):
            return False
        return all(_is_rating(value) for value in ratings.values())

    def shown(self, matter: Matter, kept: Mapping[str, Any], typed: QueryDict | None) -> dict[str, object]:
        """The scales and flags with what was said so far; nothing is chosen beforehand."""
        ratings, flags = kept.get("ratings", {}), kept.get("flags", [])
        if typed is not None:
            told = {name: typed.get(f"rating-{name}", "") for name in self.names(matter)}
            ratings = {name: int(value) for name, value in told.items() if value in tuple("1234567")}
            flags = typed.getlist("flags")
        return {
            "scales": [scale(name, ratings.get(name)) for name in self.names(matter)],
            "flags": [(name, words, name in flags) for name, words in self.flag_words()],
        }

    def in_short(self, body: Body) -> str:
        """Names with their numbers, then flags."""
        return " · ".join([*(f"{name} {value:g}" for name, value in self._in_order(body)), *body["flags"]])

    def _in_order(self, body: Body) -> list[tuple[str, Any]]:
        """Usual names as they are usually asked, own ones by the alphabet: PostgreSQL keeps no order of its own."""
        usual = list(self.usual_names)
        return sorted(
            body["ratings"].items(),
            key=lambda told: (usual.index(told[0]) if told[0] in usual else len(usual), told[0]),
        )

    def words(self, body: Body, matter: Matter) -> list[tuple[str, str]]:
        """Each scale's title with its number, then the flags."""
        told = [(scale(name).title, f"{value:g}") for name, value in self._in_order(body)]
        titles = dict(self.flag_words())
        flags = ", ".join(titles[name] for name in body["flags"])
        return [*told, (_("Flags"), flags)] if flags else told

    def to_line(self, body: Body, matter: Matter) -> dict[str, object]:
        """Ratings by name, so that a line is the same wherever it was kept."""
        return {"ratings": dict(sorted(body["ratings"].items())), "flags": body["flags"]}

    def from_line(self, line: Mapping[str, Any]) -> LabelLine:
        """Other houses' names and flags are kept as they are."""
        told = parse_rating(dict(line), "")
        body = {"ratings": told.ratings, "flags": list(told.flags)}
        return LabelLine(
            id=told.id,
            annotator=told.annotator,
            messages=[message.to_line() for message in told.prompt],
            prompt_key=told.prompt_key,
            item_key=told.item_key,
            body=body,
            told=self.in_short(body),
            response=told.response,
            response_key=told.response_key,
            policy=told.policy,
            context=str(told.told.get("context", "")),
            seconds=told.seconds,
            source=str(told.told.get("source", "")),
            detail={**told.extra, **{key: told.told[key] for key in KEPT if key in told.told}},
        )


def _is_rating(value: object) -> bool:
    return type(value) is int and LOWEST_RATING <= value <= HIGHEST_RATING


RATING = Ratings(
    name="rating",
    template="labels/rate.html",
    usual_names=THREE_H,
    flags=FLAGS,
    flag_words=flag_choices,
)
