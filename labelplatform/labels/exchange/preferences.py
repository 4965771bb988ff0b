"""Hugging Face preference sets: hh-rlhf transcripts and TRL's preference formats, with and without their own prompt.

A record is a pair (chosen, rejected), or one completion with a label (unpaired).
"""

import re
from collections.abc import Sequence
from itertools import takewhile

from labelplatform.labels.exchange.reading import (
    Answer,
    NothingToTake,
    origin,
    ranking,
    single,
    user_says,
    wanted_text,
)
from trainer.errors import BadInput
from trainer.json_lines import JsonObject, kind_of
from trainer.prompts import parse_messages

TURN = re.compile(r"\n\n(Human|Assistant):(?: |(?=\n)|$)")
ROLES = {"Human": "user", "Assistant": "assistant"}
PAIR_KEYS = ("prompt", "chosen", "rejected", "annotator", "id")


def read_transcripts(records: Sequence[JsonObject]) -> list[JsonObject]:
    """hh-rlhf: two transcripts that differ in the last answer only."""
    record = single(records)
    chosen, rejected = _turns(record, "chosen"), _turns(record, "rejected")
    pair = [[_answer(chosen[-1], "chosen")], [_answer(rejected[-1], "rejected")]]
    if chosen[:-1] != rejected[:-1]:
        raise NothingToTake(
            "the two conversations part before the last answer: no one prompt has both answers"
        )
    if not chosen[:-1]:
        raise BadInput("chosen: found an answer to nothing, wanted a turn of Human before it")
    return [ranking(chosen[:-1], pair, told=_told(record, "hh-rlhf"))]


def _turns(record: JsonObject, key: str) -> list[JsonObject]:
    found = TURN.split(wanted_text(record, key))
    if found[0].strip() or len(found) < 3:
        raise BadInput(
            f"{key}: found {kind_of(record[key])}, wanted turns that begin with Human: or Assistant:"
        )
    return [{"role": ROLES[who], "content": said} for who, said in zip(found[1::2], found[2::2], strict=True)]


def _answer(message: JsonObject, key: str) -> Answer:
    if message["role"] != "assistant":
        raise BadInput(f"{key}: found a last turn of {message['role']}, wanted one of the assistant")
    return Answer(str(message["content"]))


def read_pairs(records: Sequence[JsonObject]) -> list[JsonObject]:
    """TRL preference: explicit or implicit prompt, texts or messages; what each record holds decides."""
    record = single(records)
    chosen, rejected = record.get("chosen"), record.get("rejected")
    if isinstance(chosen, str) and isinstance(rejected, str):
        prompt, better, worse = _of_texts(record, chosen, rejected)
    elif isinstance(chosen, list) and isinstance(rejected, list):
        prompt, better, worse = _of_messages(record, chosen, rejected)
    else:
        found = f"{kind_of(chosen)} and {kind_of(rejected)}"
        raise BadInput(f"chosen, rejected: found {found}, wanted two texts or two lists of messages")
    return [ranking(prompt, [[Answer(better)], [Answer(worse)]], told=_told(record, "trl-preference"))]


def _of_texts(record: JsonObject, chosen: str, rejected: str) -> tuple[object, str, str]:
    if "prompt" in record:
        prompt = record["prompt"]
        return (user_says(prompt) if isinstance(prompt, str) else prompt), chosen, rejected
    cut = shared_prefix(chosen, rejected)
    if not chosen[:cut].strip():
        raise BadInput("chosen, rejected: found no common beginning and no prompt, wanted one of them")
    return user_says(chosen[:cut]), chosen[cut:], rejected[cut:]


def shared_prefix(first: str, second: str) -> int:
    """Where two texts part; a blank before that place belongs to the completions, as TRL cuts."""
    same = sum(1 for _pair in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))
    return same - 1 if same and first[same - 1] == " " else same


def _of_messages(record: JsonObject, chosen: list[object], rejected: list[object]) -> tuple[object, str, str]:
    if "prompt" in record:
        prompt = record["prompt"]
        start = user_says(prompt) if isinstance(prompt, str) else prompt
        return start, _reply(chosen, "chosen"), _reply(rejected, "rejected")
    same = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(chosen, rejected, strict=False))))
    # The same conversation twice parts nowhere: its last message is the answer of both.
    same = min(same, len(chosen) - 1, len(rejected) - 1)
    if same < 1:
        raise BadInput("chosen, rejected: found no common first message and no prompt, wanted one of them")
    return chosen[:same], _reply(chosen[same:], "chosen"), _reply(rejected[same:], "rejected")


def _reply(messages: list[object], key: str) -> str:
    if len(messages) != 1:
        raise BadInput(f"{key}: found {len(messages)} messages after the prompt, wanted one answer")
    (message,) = parse_messages(messages, key)
    if message.role != "assistant":
        raise BadInput(f"{key}: found an answer of {message.role}, wanted one of the assistant")
    return message.content


def _told(record: JsonObject, format_name: str) -> JsonObject:
    told = origin(format_name, record, PAIR_KEYS)
    for key in ("annotator", "id"):
        if isinstance(record.get(key), str) and record[key]:
            told[key] = record[key]
    return told


def read_unpaired(records: Sequence[JsonObject]) -> list[JsonObject]:
    """TRL unpaired: neighbours with one prompt, the good completions above the bad ones.

    One label alone orders nothing: what it can become is said instead.
    """
    good = [_completion(record) for record in records if _label(record)]
    bad = [_completion(record) for record in records if not _label(record)]
    if not good or not bad:
        only, other = ("true", "false") if good else ("false", "true")
        raise BadInput(
            f"label: found only {only} for this prompt, wanted a {other} one on a neighbouring line too: one label "
            "alone is no ranking (a completion labelled true can become a demonstration)"
        )
    prompt = records[0].get("prompt")
    told = origin("trl-unpaired", {}, ())
    return [ranking(user_says(prompt) if isinstance(prompt, str) else prompt, [good, bad], told=told)]


def same_prompt(record: JsonObject) -> object:
    """What neighbouring records of one prompt have in common."""
    return record.get("prompt")


def _label(record: JsonObject) -> bool:
    value = record.get("label")
    if not isinstance(value, bool):
        raise BadInput(f"label: found {kind_of(value)}, wanted true or false")
    return value


def _completion(record: JsonObject) -> Answer:
    value = record.get("completion")
    return Answer(
        _reply(value, "completion") if isinstance(value, list) else wanted_text(record, "completion")
    )
