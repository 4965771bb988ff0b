"""What a reader sees of one sample: its texts, marked and in order. Pure: a sample in, words out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from labelplatform.evaluations.queries import metric_name

LONGEST_TEXT = 1200


@dataclass(frozen=True)
class Piece:
    """A piece of a response: with its support by the text, where that was scored; `invented` is below the bar."""

    text: str
    support: float | None = None
    invented: bool = False


@dataclass(frozen=True)
class GivenAnswer:
    """One of the answers that a subject chose among: its log-likelihood, and whether it is the one chosen, the best."""

    text: str
    log_likelihood: float | None
    chosen: bool
    best: bool


@dataclass(frozen=True)
class Fact:
    """One fact of a response, and whether the corpus bears it out."""

    text: str
    supported: bool


@dataclass(frozen=True)
class ShownSample:
    """All that a page shows of a sample; what the suite does not have is empty."""

    question: str
    context: str
    response: str
    pieces: tuple[Piece, ...]
    answers: tuple[GivenAnswer, ...]
    facts: tuple[Fact, ...]
    references: tuple[str, ...]
    again: tuple[str, ...]
    details: tuple[tuple[str, str], ...]
    scores: tuple[tuple[str, float], ...]
    missing: str


def shown_sample(sample: Mapping[str, Any]) -> ShownSample:
    """A line of samples.jsonl as a reader sees it, whatever suite wrote it."""
    return ShownSample(
        question=str(sample.get("question") or sample.get("text") or ""),
        context=str(sample.get("context") or ""),
        response=str(sample.get("response") or ""),
        pieces=pieces(str(sample.get("response") or ""), sample.get("sentences") or ()),
        answers=given_answers(sample),
        facts=tuple(Fact(str(one["text"]), bool(one["supported"])) for one in sample.get("facts") or ()),
        references=tuple(map(str, sample.get("references") or ())),
        again=tuple(map(str, sample.get("samples") or ())),
        details=_details(sample),
        scores=tuple((metric_name(name), float(value)) for name, value in sample["scores"].items()),
        missing=str(sample.get("not_measured") or ""),
    )


def pieces(response: str, sentences: Sequence[Mapping[str, Any]]) -> tuple[Piece, ...]:
    """The whole response in order, each scored sentence a piece of its own; what lies between has no support.

    A sentence that does not stand in the response (it was cut, or rewritten) ends the search: the rest is plain.
    """
    found, at = [], 0
    for sentence in sentences:
        text = str(sentence["text"])
        start = response.find(text, at)
        if start < 0:
            break
        if start > at:
            found.append(Piece(response[at:start]))
        found.append(Piece(text, sentence.get("support"), bool(sentence.get("invented"))))
        at = start + len(text)
    return (*found, Piece(response[at:])) if found and at < len(response) else tuple(found)


def given_answers(sample: Mapping[str, Any]) -> tuple[GivenAnswer, ...]:
    """The answers that a subject chose among, in the order asked; the likeliest (the first of equals) is chosen."""
    texts, scores = _choices(sample), sample.get("log_likelihoods") or ()
    if not texts:
        return ()
    if len(scores) != len(texts):
        return tuple(GivenAnswer(text, None, False, text == sample.get("best")) for text in texts)
    chosen = max(range(len(texts)), key=lambda place: (scores[place], -place))
    return tuple(
        GivenAnswer(text, scores[place], place == chosen, text == sample.get("best"))
        for place, text in enumerate(texts)
    )


def _choices(sample: Mapping[str, Any]) -> list[str]:
    """The answers as the subject was asked: all of them, or the two of the binary form under (A) and (B)."""
    if "right_option" in sample:
        pair = [str(sample["best"]), str(sample["best_incorrect"])]
        return pair if sample["right_option"] == "A" else pair[::-1]
    return list(map(str, sample.get("answers") or ()))


def answer_given(sample: Mapping[str, Any]) -> str:
    """What the subject answered: its response, else the answer that it found likeliest; "" where it gave none."""
    if sample.get("response"):
        return str(sample["response"])
    return next((one.text for one in given_answers(sample) if one.chosen), "")


def _details(sample: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What else a suite says of an item, under words."""
    names = {
        "confidence": _("stated confidence"),
        "reason": _("why"),
        "verdict": _("verdict"),
        "label": _("label"),
        "annotator": _("annotator"),
        "pairs": _("pairs"),
    }
    told = [(words, f"{sample[name]}") for name, words in names.items() if sample.get(name) not in (None, "")]
    chosen = sample.get("chosen")
    return (*told, *(chosen.items() if isinstance(chosen, dict) else ()))


def texts_in(value: Any) -> Iterator[str]:
    """Every text that a sample holds, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from texts_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from texts_in(each)


def holds(sample: Mapping[str, Any], wanted: str) -> bool:
    """Whether one of its texts has these words, in capitals or not."""
    return any(wanted.casefold() in text.casefold() for text in texts_in(sample))


def shortened(value: Any) -> Any:
    """The same value with long texts cut: a list shows them, the report folder keeps them whole."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST_TEXT else value[:LONGEST_TEXT] + "…"
    if isinstance(value, Mapping):
        return {key: shortened(each) for key, each in value.items()}
    return [shortened(each) for each in value] if isinstance(value, list | tuple) else value
