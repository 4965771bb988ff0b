"""Hallucination spans: which characters of an answer its source does not bear out, each with a kind and its source.

body  {"spans": [{"start", "end", "kind", "source_start"?, "source_end"?}]}: offsets in Unicode code points of the raw
texts, in the order of the text; no span at all says that nothing is invented, which a person must say by itself
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from evaluator import spans
from evaluator.errors import BadInput as SpansRefused
from labelplatform.labels.kinds.kind import Body, LabelLine, Matter, Unreadable
from labelplatform.labels.kinds.line_parts import (
    digest_of,
    names_of,
    prompt_key_of,
    seconds_of,
    source_of_line,
)
from labelplatform.labels.rules import JudgementRefused
from labelplatform.prompts.transcripts import prompt_text
from trainer.errors import BadInput
from trainer.prompts import Message, parse_messages

EXCERPT = 40
# Of a public line, what is stored in columns or written from the item again.
KNOWN = frozenset(
    "id item prompt context response spans annotator kind prompt_id response_id policy source seconds".split()
)


def span_kinds() -> list[tuple[str, str, str]]:
    """Each kind's name in the public format, its words in the reader's language, and what it means."""
    words = {
        "contradicts": (_("Contradicts"), _("the source says something else")),
        "not-in-source": (_("Not in the source"), _("the source says nothing of it")),
        "wrong-attribution": (_("Wrong attribution"), _("somebody else said or did it")),
        "other": (_("Other"), _("invented in another way")),
    }
    return [(kind, *words[kind]) for kind in spans.KINDS]


def source_of(matter: Matter) -> str:
    """The text that an answer is held against: its context; where it has none, what it was asked."""
    messages = [Message(one["role"], one["content"]) for one in matter.messages]
    return matter.context or prompt_text(messages)


@dataclass(frozen=True)
class Hallucinations:
    """The kind whose labels are spans of one answer."""

    name: str = "spans"
    file: str = "spans"
    template: str = "labels/spans.html"
    told_by: str = "spans"
    draft_keys: tuple[str, ...] = ("spans", "nothing", "current")

    def asks(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Nothing is to be chosen."""
        return {}

    def read(self, post: QueryDict, matter: Matter) -> Body:
        """The spans that the page sends as JSON, of the very texts that it showed."""
        if post.get("digest") != spans.text_digest(source_of(matter), matter.response):
            raise Unreadable(
                _("The texts have changed since this page was opened: reload it. Nothing was stored.")
            )
        try:
            told = json.loads(post.get("spans") or "[]")
        except (ValueError, RecursionError):
            raise Unreadable(_("These spans cannot be read: reload the page. Nothing was stored.")) from None
        if told == [] and post.get("nothing") != "1":
            raise Unreadable(_("Mark what is invented, or say that nothing is. Nothing was stored."))
        return {"spans": told}

    def check(self, body: Body, matter: Matter) -> Body:
        """The spans in the order of the text."""
        try:
            found = self._parsed(body["spans"], matter)
        except SpansRefused as refusal:
            told = _("These spans do not fit the answer (%(why)s). Nothing was stored.")
            raise JudgementRefused(told % {"why": refusal}) from None
        return {"spans": _ordered(found)}

    def fits(self, draft: Mapping[str, Any], matter: Matter) -> bool:
        """Whether a draft's spans are spans of this answer."""
        current, nothing = draft.get("current", -1), draft.get("nothing", False)
        if type(current) is not int or not isinstance(nothing, bool):
            return False
        try:
            self._parsed(draft.get("spans", []), matter)
        except SpansRefused:
            return False
        return True

    def _parsed(self, told: object, matter: Matter) -> tuple[spans.Span, ...]:
        return spans.parse_spans(told, context=source_of(matter), response=matter.response, where="spans")

    def shown(self, matter: Matter, kept: Mapping[str, Any], typed: QueryDict | None) -> dict[str, object]:
        """Both raw texts, what tells them from any others, and the kinds in the reader's language."""
        source = source_of(matter)
        return {
            "texts": {"answer": matter.response, "source": source},
            "source": source,
            "about_prompt": not matter.context,
            "digest": spans.text_digest(source, matter.response),
            "kinds": span_kinds(),
        }

    def in_short(self, body: Body) -> str:
        """How many spans of each kind."""
        found = Counter(one["kind"] for one in body["spans"])
        return " · ".join(
            f"{found[name]} × {words}" for name, words, _meaning in span_kinds() if found[name]
        ) or _("nothing is invented")

    def words(self, body: Body, matter: Matter) -> list[tuple[str, str]]:
        """Each span's kind with its words, and those of its source."""
        if not body["spans"]:
            return [(_("Marked"), _("nothing is invented"))]
        titles, source = {name: words for name, words, _meaning in span_kinds()}, source_of(matter)
        told = []
        for one in body["spans"]:
            words = matter.response[one["start"] : one["end"]]
            if "source_start" in one:
                words += " ← " + source[one["source_start"] : one["source_end"]]
            told.append((titles[one["kind"]], words))
        return told

    def to_line(self, body: Body, matter: Matter) -> dict[str, object]:
        """The source stands in the line in any case: offsets count in it."""
        return {"context": source_of(matter), "spans": body["spans"]}

    def from_line(self, line: Mapping[str, Any]) -> LabelLine:
        """A line of the public format; where it tells no prompt, an empty one stands for it."""
        try:
            told = spans.parse_span_line(dict(line), "line")
        except SpansRefused as refusal:
            raise BadInput(str(refusal).removeprefix("line: ")) from None
        prompt = parse_messages(line["prompt"], "line") if "prompt" in line else (Message("user", ""),)
        named = names_of(line, ("prompt_id", "response_id", "policy"))
        body = {"spans": _ordered(told.spans)}
        return LabelLine(
            id=told.id,
            annotator=told.annotator,
            messages=[message.to_line() for message in prompt],
            prompt_key=named.get("prompt_id") or prompt_key_of(prompt, told.context),
            item_key=told.item,
            body=body,
            told=_quoted(told) or self.in_short(body),
            response=told.response,
            response_key=named.get("response_id") or digest_of(told.response),
            policy=named.get("policy", ""),
            # Where the prompt was the source, it is again.
            context="" if told.context == prompt_text(prompt) else told.context,
            seconds=seconds_of(line),
            source=source_of_line(line),
            detail=_unknown(line, body),
        )


def _quoted(line: spans.SpanLine) -> str:
    return " · ".join(f"{one.kind}: {line.response[one.start : one.end][:EXCERPT]}" for one in line.spans)


def _ordered(found: Iterable[spans.Span]) -> list[dict[str, object]]:
    """The spans as the order of the text has them: the same things said are the same bytes."""
    return [
        span.to_line()
        for span in sorted(found, key=lambda one: (one.start, one.end, one.kind, one.source or (-1, -1)))
    ]


def _unknown(line: Mapping[str, Any], body: Body) -> dict[str, Any]:
    """What has no column: it comes back on export, as it was told."""
    detail = {key: value for key, value in line.items() if key not in KNOWN}
    if line["spans"] != body["spans"]:
        # In another order, or with keys of another house.
        detail["spans"] = line["spans"]
    if not line["context"] and line.get("prompt"):
        # Nothing was shown as source, though there is a prompt.
        detail["context"] = ""
    return detail


SPANS = Hallucinations()
