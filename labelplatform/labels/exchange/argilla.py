"""Argilla's records as JSON: answers to a ranking question, one ranking a person. Equal ranks tie."""

from collections.abc import Iterator, Mapping, Sequence

from labelplatform.labels.exchange.reading import (
    Answer,
    NothingToTake,
    ranking,
    single,
    text_or_number,
    user_says,
)
from labelplatform.labels.orders import tiers
from trainer.errors import BadInput
from trainer.json_lines import JsonObject, kind_of

PROMPTS = ("prompt", "instruction", "question", "input", "query", "context")


def read_answers(records: Sequence[JsonObject]) -> list[JsonObject]:
    """The rankings of one record, as the server tells them or as the library writes them.

    The library's `to_json` drops the ranks (argilla issue 5712) and leaves options in their first order: such a list
    says nothing about preference and is refused by name.
    """
    record = single(records)
    fields = record.get("fields")
    if not isinstance(fields, dict):
        raise BadInput(f"fields: found {kind_of(fields)}, wanted an object")
    lines = []
    for question, who, value in _given(record.get("responses")):
        order = _order(question, value, fields)
        if order is not None:
            lines.append(ranking(_prompt(fields), order, told=_told(record, question, who)))
    if not lines:
        raise NothingToTake("nobody has answered a ranking question of this record")
    return lines


def _given(responses: object) -> Iterator[tuple[str, str, object]]:
    """(question, person, value) of each submitted answer."""
    if isinstance(responses, dict):
        for question, answers in responses.items():
            for answer in answers if isinstance(answers, list) else ():
                if isinstance(answer, dict) and answer.get("status", "submitted") == "submitted":
                    yield question, text_or_number(answer.get("user_id")), answer.get("value")
        return
    if not isinstance(responses, list):
        if responses is not None:
            raise BadInput(f"responses: found {kind_of(responses)}, wanted a list or an object by question")
        return
    for answer in responses:
        values = answer.get("values") if isinstance(answer, dict) else None
        if isinstance(values, dict) and answer.get("status", "submitted") == "submitted":
            for question, given in values.items():
                value = given.get("value") if isinstance(given, dict) else None
                yield question, text_or_number(answer.get("user_id")), value


def _order(question: str, value: object, fields: Mapping[str, object]) -> list[list[Answer]] | None:
    """Tiers, best first; None where the question is none of ranking."""
    if not isinstance(value, list) or len(value) < 2:
        return None
    texts = [_option(name, fields) for name in value if isinstance(name, str)]
    if len(texts) == len(value):
        if None in texts:
            return None
        raise BadInput(
            f"responses: {question}: found options without ranks, wanted a rank for each: this export lost them "
            "(argilla issue 5712); export through the server's API instead"
        )
    ranked: list[tuple[int, Answer]] = []
    for entry in value:
        rank = entry.get("rank") if isinstance(entry, dict) else None
        if rank is None or isinstance(rank, bool) or not isinstance(rank, int):
            return None
        text = _option(entry.get("value"), fields)
        if text is None:
            name = kind_of(entry.get("value"))
            raise BadInput(f"responses: {question}: found the option {name}, wanted the name of a field")
        ranked.append((rank, Answer(text)))
    return tiers(ranked)


def _option(name: object, fields: Mapping[str, object]) -> str | None:
    """The text of the field that an option names; "response-1" and "response_1" are one name."""
    for key, value in fields.items():
        if isinstance(name, str) and isinstance(value, str) and _plain(key) == _plain(name):
            return value
    return None


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(" ", "_")


def _prompt(fields: Mapping[str, object]) -> object:
    for key in PROMPTS:
        value = fields.get(key)
        if isinstance(value, str) and value:
            return user_says(value)
        if isinstance(value, list) and value:
            return value
    raise BadInput(f"fields: found none of {', '.join(PROMPTS)}, wanted the prompt under one of them")


def _told(record: JsonObject, question: str, who: str) -> JsonObject:
    kept = {key: record[key] for key in ("metadata", "external_id") if record.get(key)}
    told: JsonObject = {"imported": {"format": "argilla", "question": question, **kept}}
    if who:
        told["annotator"] = who
    if identity := text_or_number(record.get("id")):
        told["id"] = f"argilla-{identity}-{question}-{who}"
    return told
