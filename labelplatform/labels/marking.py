"""What may go with an order of answers: marks of what is invented in them, and an answer of the person's own.

On a ranking line marks stand under `spans`, by the ids of the responses, each with start, end (code points of the raw
text, end not included) and kind. They are no span lines: such a line says that all that is invented in an answer is
marked in it, and whoever ranks nine answers has not promised that. The answer of one's own leaves as a demonstration.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from evaluator import spans
from evaluator.errors import BadInput as SpansRefused
from labelplatform.labels.kinds import Unreadable
from labelplatform.labels.kinds.demonstrations import DEMONSTRATION, MOST_CHARACTERS
from labelplatform.labels.kinds.kind import Matter
from labelplatform.labels.rules import JudgementRefused
from labelplatform.prompts.models import Response

Marks = dict[int, list[dict[str, object]]]


def read_marks(told: str, responses: Mapping[str, int]) -> Marks:
    """The marks that the page sends as JSON by letter, about response ids; one statement where there are some."""
    if not told:
        return {}
    try:
        by_letter: Any = json.loads(told)
    except (ValueError, RecursionError):
        by_letter = None
    if not isinstance(by_letter, dict) or set(by_letter) - set(responses):
        raise Unreadable(_("These spans cannot be read: reload the page. Nothing was stored."))
    texts = dict(Response.objects.filter(pk__in=responses.values()).values_list("pk", "text"))
    found = {
        responses[letter]: _checked(one, texts[responses[letter]], letter)
        for letter, one in by_letter.items()
    }
    return {response: marked for response, marked in found.items() if marked}


def _checked(told: object, text: str, letter: str) -> list[dict[str, object]]:
    """In the order of the text."""
    try:
        parsed = spans.parse_spans(told, context="", response=text, where=letter)
    except SpansRefused as refusal:
        what = _("These spans do not fit the answer (%(why)s). Nothing was stored.")
        raise JudgementRefused(what % {"why": refusal}) from None
    return [span.to_line() for span in sorted(parsed, key=lambda one: (one.start, one.end, one.kind))]


def read_better(told: str, prompt: Sequence[Mapping[str, str]] = ()) -> str:
    """An answer that could be a demonstration; nothing where nothing was written."""
    text = told.replace("\r\n", "\n")
    if not text.strip():
        return ""
    return str(DEMONSTRATION.check({"response": text}, Matter({}, prompt))["response"])


def is_marks(told: object, letters: Sequence[str]) -> bool:
    """Whether a draft's marks have the shape of some."""
    if not isinstance(told, dict) or set(told) - set(letters):
        return False
    return all(
        isinstance(one, list) and len(one) <= spans.MOST_SPANS and all(isinstance(span, dict) for span in one)
        for one in told.values()
    )


def is_better(told: object) -> bool:
    """Whether a draft's own answer is a text that may become one."""
    return isinstance(told, str) and len(told) <= MOST_CHARACTERS
