"""OpenAssistant: message trees, one a line, or flat messages with their parents; ranked replies become rankings."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from labelplatform.labels.exchange.reading import ANSWER_MOST, Answer, NothingToTake, ranking
from labelplatform.labels.orders import tiers
from trainer.errors import BadInput
from trainer.json_lines import JsonObject, kind_of

ROLES = {"prompter": "user", "assistant": "assistant", "user": "user", "system": "system"}
ANNOTATOR = "openassistant"


def read_trees(records: Sequence[JsonObject]) -> list[JsonObject]:
    """The rankings of one tree: each turn of a prompter with at least two ranked answers of the assistant."""
    (record,) = records
    root = record.get("prompt", record)
    if not isinstance(root, dict):
        raise BadInput(f"prompt: found {kind_of(root)}, wanted the first message of the tree")
    return _told(list(_walk(root)))


def read_messages(records: Sequence[JsonObject]) -> list[JsonObject]:
    """The same of flat messages of one tree that name their parents."""
    nodes: dict[str, dict[str, Any]] = {_id(record): {**record, "replies": []} for record in records}
    roots = []
    for node in nodes.values():
        parent = node.get("parent_id")
        if parent is None:
            roots.append(node)
        elif isinstance(parent, str) and parent in nodes:
            nodes[parent]["replies"].append(node)
        else:
            raise BadInput(f"parent_id: found {kind_of(parent)}, wanted a message of the same tree before it")
    return _told([line for root in roots for line in _walk(root)])


def same_tree(record: JsonObject) -> object:
    """What neighbouring flat messages of one tree have in common."""
    return record.get("message_tree_id")


def _told(lines: list[JsonObject]) -> list[JsonObject]:
    if not lines:
        raise NothingToTake("no message of this tree has two ranked answers")
    return lines


def _walk(root: JsonObject) -> Iterator[JsonObject]:
    waiting: list[tuple[JsonObject, list[JsonObject]]] = [(root, [])]
    while waiting:
        node, before = waiting.pop()
        spoken: list[JsonObject] = [*before, {"role": _role(node), "content": _text(node)}]
        replies = _replies(node)
        if _role(node) == "user" and (line := _ranking(node, spoken, replies)):
            yield line
        waiting += [(reply, spoken) for reply in reversed(replies)]


def _ranking(node: JsonObject, prompt: list[JsonObject], replies: list[JsonObject]) -> JsonObject | None:
    """The order of a prompter's answers. An answer without a rank was not judged: it is no part of the order."""
    ranked: list[tuple[int, Answer]] = []
    for reply in (reply for reply in replies if _role(reply) == "assistant"):
        rank = reply.get("rank")
        if rank is None:
            continue
        if isinstance(rank, bool) or not isinstance(rank, int):
            raise BadInput(f"rank: found {kind_of(rank)} at {_id(reply)}, wanted a whole number or null")
        ranked.append((rank, Answer(_text(reply), _id(reply), _policy(reply))))
    if len(ranked) > ANSWER_MOST:
        found = f"{len(ranked)} ranked answers at {_id(node)}"
        raise BadInput(f"replies: found {found}, wanted at most {ANSWER_MOST}")
    if len(ranked) < 2:
        return None
    told: JsonObject = {"id": f"oasst-{_id(node)}", "prompt_id": _id(node), "annotator": ANNOTATOR}
    if isinstance(node.get("lang"), str):
        told["language"] = node["lang"]
    told["imported"] = {"format": "openassistant"}
    return ranking(prompt, tiers(ranked), told=told)


def _replies(node: JsonObject) -> list[JsonObject]:
    replies = node.get("replies") or []
    if not isinstance(replies, list) or not all(isinstance(reply, dict) for reply in replies):
        raise BadInput(f"replies: found {kind_of(replies)} at {_id(node)}, wanted a list of messages")
    return [reply for reply in replies if not reply.get("deleted")]


def _id(node: Mapping[str, object]) -> str:
    value = node.get("message_id")
    if not isinstance(value, str) or not value:
        raise BadInput(f"message_id: found {kind_of(value)}, wanted the id of a message")
    return value


def _text(node: JsonObject) -> str:
    value = node.get("text")
    if not isinstance(value, str):
        raise BadInput(f"text: found {kind_of(value)} at {_id(node)}, wanted text")
    return value


def _role(node: JsonObject) -> str:
    role = node.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise BadInput(f"role: found {kind_of(role)} at {_id(node)}, wanted prompter or assistant")
    return ROLES[role]


def _policy(node: JsonObject) -> str:
    name = node.get("model_name")
    return name if node.get("synthetic") and isinstance(name, str) else ""
