"""Label Studio's JSON export: results of its Ranker and Pairwise tags, one ranking an annotation."""

from collections.abc import Mapping, Sequence

from labelplatform.labels.exchange.reading import (
    Answer,
    NothingToTake,
    ranking,
    single,
    text_or_number,
    user_says,
)
from trainer.errors import BadInput
from trainer.json_lines import JsonObject, kind_of

PROMPTS = ("prompt", "question", "instruction", "query", "text", "context")
ITEM_TEXTS = ("body", "text", "html", "content", "title")
SIDES = {"left": (0, 1), "right": (1, 0)}


def read_tasks(records: Sequence[JsonObject]) -> list[JsonObject]:
    """The rankings of one task. Annotations that were skipped, and results of other tags, are no rankings."""
    task = single(records)
    data, annotations = task.get("data"), task.get("annotations")
    if not isinstance(data, dict) or not isinstance(annotations, list):
        found = f"{kind_of(data)} and {kind_of(annotations)}"
        raise BadInput(
            f"data, annotations: found {found}, wanted an object and a list (Label Studio's JSON export)"
        )
    prompt = _prompt(data)
    lines = [
        ranking(prompt, tiers, told=_told(task, annotation))
        for annotation in annotations
        for tiers in _orders(annotation, data)
    ]
    if not lines:
        raise NothingToTake("no annotation of this task holds a result of Ranker or Pairwise")
    return lines


def _prompt(data: JsonObject) -> object:
    for key in PROMPTS:
        value = data.get(key)
        if isinstance(value, str) and value:
            return user_says(value)
        if (
            isinstance(value, list)
            and value
            and all(isinstance(one, dict) and "role" in one for one in value)
        ):
            return value
    raise BadInput(f"data: found none of {', '.join(PROMPTS)}, wanted the prompt under one of them")


def _orders(annotation: object, data: JsonObject) -> list[list[list[Answer]]]:
    if not isinstance(annotation, dict):
        raise BadInput(f"annotations: found {kind_of(annotation)}, wanted objects")
    results = annotation.get("result")
    if annotation.get("was_cancelled") or not isinstance(results, list):
        return []
    orders = []
    for result in (one for one in results if isinstance(one, dict)):
        value = result.get("value")
        if result.get("type") == "ranker" and isinstance(value, dict):
            orders.append(_ranked(value.get("ranker"), data))
        elif result.get("type") == "pairwise" and isinstance(value, dict):
            orders.append(_pair(value.get("selected"), result, data))
    if len(orders) > 1:
        raise BadInput(f"result: found {len(orders)} rankings in one annotation, wanted one")
    return orders


def _ranked(value: object, data: JsonObject) -> list[list[Answer]]:
    if isinstance(value, dict):
        # Without buckets the one key is the tag's name; "_" is what was left unsorted.
        lists = {key: ids for key, ids in value.items() if key != "_" or len(value) == 1}
        if len(lists) != 1:
            raise NothingToTake("a Ranker with buckets groups answers: which bucket is better is not said")
        (value,) = lists.values()
    if not isinstance(value, list):
        raise BadInput(f"ranker: found {kind_of(value)}, wanted a list of item ids, best first")
    names = [text_or_number(name) for name in value]
    return [[_item(name, data)] for name in names]


def _item(name: str, data: JsonObject) -> Answer:
    for value in data.values():
        for entry in value if isinstance(value, list) else ():
            if isinstance(entry, dict) and name and text_or_number(entry.get("id")) == name:
                text = next((entry[key] for key in ITEM_TEXTS if isinstance(entry.get(key), str)), None)
                if text is None:
                    raise BadInput(
                        f"data: found no text in item {name!r}, wanted one of {', '.join(ITEM_TEXTS)}"
                    )
                # The id is often the model's name: the answer is named by its text, the model kept aside.
                return Answer(text, policy=name)
    raise BadInput(f"ranker: found the id {name!r}, wanted one of an item in data")


def _pair(side: object, result: Mapping[str, object], data: JsonObject) -> list[list[Answer]]:
    if not isinstance(side, str) or side not in SIDES:
        raise NothingToTake("Pairwise without a selected side: no preference was given")
    names = str(result.get("to_name", "")).split(",")
    texts = [data.get(name.strip()) for name in names]
    if len(texts) != 2 or not all(isinstance(text, str) for text in texts):
        raise BadInput(
            f"to_name: found {', '.join(names)!r}, wanted two keys of data that hold the two texts"
        )
    better, worse = SIDES[side]
    return [[Answer(str(texts[better]))], [Answer(str(texts[worse]))]]


def _told(task: JsonObject, annotation: object) -> JsonObject:
    assert isinstance(annotation, dict)
    who = annotation.get("completed_by")
    if isinstance(who, dict):
        who = who.get("email") or who.get("id")
    told: JsonObject = {"imported": {"format": "label-studio", "task": task.get("id")}}
    if name := text_or_number(who):
        told["annotator"] = name if isinstance(who, str) else f"label-studio-{name}"
    if identity := text_or_number(annotation.get("id")):
        told["id"] = f"label-studio-{identity}"
    seconds = annotation.get("lead_time")
    if isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds >= 0:
        told["seconds"] = seconds
    return told
