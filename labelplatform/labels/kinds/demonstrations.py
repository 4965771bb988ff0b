"""Demonstrations: the answer that a person would give to a prompt, written by that person.

body  {"response": text}: as it was written, lines ended by one newline. `asks`: the fewest characters it may have
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from labelplatform.labels.kinds.kind import AsksRefused, Body, LabelLine, Matter
from labelplatform.labels.kinds.line_parts import names_of, prompt_key_of, seconds_of, source_of_line
from labelplatform.labels.rules import JudgementRefused
from labelplatform.prompts.lines import LineRefused, check_storable
from trainer.prompts import parse_demonstration, text

MOST_CHARACTERS = 20_000
EXCERPT = 200
KNOWN = frozenset("id item prompt context response annotator kind prompt_id source seconds".split())


@dataclass(frozen=True)
class Demonstrations:
    """The kind whose labels are answers written by people."""

    name: str = "demonstration"
    file: str = "demonstrations"
    template: str = "labels/demonstrate.html"
    told_by: str = "response"
    draft_keys: tuple[str, ...] = ("response",)

    def asks(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """How long an answer must be at least, in characters."""
        fewest = told.get("fewest_characters") or 1
        if type(fewest) is not int or not 1 <= fewest <= MOST_CHARACTERS:
            raise AsksRefused(
                _("The shortest answer has from 1 to %(most)d characters.") % {"most": MOST_CHARACTERS}
            )
        return {"fewest_characters": fewest}

    def read(self, post: QueryDict, matter: Matter) -> Body:
        """The text box; browsers end its lines with two characters."""
        return {"response": post.get("response", "").replace("\r\n", "\n")}

    def check(self, body: Body, matter: Matter) -> Body:
        """Something that can be read and stored, as long as the campaign asks."""
        told = body["response"]
        fewest = matter.asks.get("fewest_characters", 1)
        if not told.strip():
            raise JudgementRefused(_("There is no answer yet: write one. Nothing was stored."))
        if len(told.strip()) < fewest:
            words = _("The answer has %(found)d characters; this campaign asks for at least %(fewest)d.")
            raise JudgementRefused(words % {"found": len(told.strip()), "fewest": fewest})
        if len(told) > MOST_CHARACTERS:
            words = _("The answer has %(found)d characters; at most %(most)d are taken.")
            raise JudgementRefused(words % {"found": len(told), "most": MOST_CHARACTERS})
        try:
            check_storable({"response": told})
        except LineRefused:
            raise JudgementRefused(_("The answer holds characters that are no text.")) from None
        return {"response": told}

    def fits(self, draft: Mapping[str, Any], matter: Matter) -> bool:
        """Whether a draft is a text."""
        told = draft.get("response", "")
        return isinstance(told, str) and len(told) <= MOST_CHARACTERS

    def shown(self, matter: Matter, kept: Mapping[str, Any], typed: QueryDict | None) -> dict[str, object]:
        """What was written so far, and how long it must be."""
        written = kept.get("response", "") if typed is None else typed.get("response", "")
        return {
            "written": written,
            "fewest_characters": matter.asks.get("fewest_characters", 1),
            "most_characters": MOST_CHARACTERS,
        }

    def in_short(self, body: Body) -> str:
        """How the answer begins."""
        return str(body["response"])[:EXCERPT]

    def words(self, body: Body, matter: Matter) -> list[tuple[str, str]]:
        """The whole answer."""
        return [(_("Answer"), body["response"])]

    def to_line(self, body: Body, matter: Matter) -> dict[str, object]:
        """The answer."""
        return {"response": body["response"]}

    def from_line(self, line: Mapping[str, Any]) -> LabelLine:
        """A line of the public format."""
        told = parse_demonstration(dict(line), "line")
        named = names_of(line, ("prompt_id", "item"))
        context = text(line, "context", "line", allow_empty=True) if "context" in line else ""
        prompt_key = named.get("prompt_id") or prompt_key_of(told.prompt, context)
        return LabelLine(
            id=told.id,
            annotator=told.annotator,
            messages=[message.to_line() for message in told.prompt],
            prompt_key=prompt_key,
            item_key=named.get("item") or prompt_key,
            body={"response": told.response},
            told=told.response[:EXCERPT],
            context=context,
            seconds=seconds_of(line),
            source=source_of_line(line),
            detail={key: value for key, value in line.items() if key not in KNOWN},
        )


DEMONSTRATION = Demonstrations()
