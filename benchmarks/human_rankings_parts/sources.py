"""Real human rankings as prompts with responses and the pairs people decided, each with what it is clustered by."""

import gzip
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.prompts import Message, prompt_digest

SETS = ("hh_rlhf", "oasst_ranked", "pandalm")
ASSISTANT = "\n\nAssistant:"


@dataclass(frozen=True)
class HumanRanking:
    """A prompt, K responses, and (better, worse) places with the share of annotators who say so (1/2 and more).

    `cluster` names what may not stand on both sides of a split: the prompt, or the conversation tree.
    """

    prompt: tuple[Message, ...]
    responses: tuple[str, ...]
    pairs: tuple[tuple[int, int, float], ...]
    cluster: str


def read(name: str, folder: Path) -> list[HumanRanking]:
    """All rankings of one set under `folder`; responses without text are left out. Refuses other names."""
    readers = {"hh_rlhf": _hh_rlhf, "oasst_ranked": _oasst, "pandalm": _pandalm}
    return readers[name](folder / name)


def _hh_rlhf(folder: Path) -> list[HumanRanking]:
    found = []
    with gzip.open(folder / "harmless-base-test.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            told = json.loads(line)
            (before, _, chosen), (other, _, rejected) = (
                told[side].rpartition(ASSISTANT) for side in ("chosen", "rejected")
            )
            answers = chosen.strip(), rejected.strip()
            if all(answers) and before == other:
                prompt = _dialogue(before)
                found.append(HumanRanking(prompt, answers, ((0, 1, 1.0),), prompt_digest(prompt)))
    return found


def _dialogue(text: str) -> tuple[Message, ...]:
    turns = []
    for part in text.split("\n\nHuman:")[1:]:
        human, *answers = part.split(ASSISTANT)
        turns.append(Message("user", human.strip()))
        turns += [Message("assistant", answer.strip()) for answer in answers]
    return tuple(turns)


def _oasst(folder: Path) -> list[HumanRanking]:
    found: list[HumanRanking] = []
    for line in (folder / "en_100_tree.jsonl").read_text("utf-8").splitlines():
        tree = json.loads(line)
        _walk(tree["prompt"], (), str(tree["message_tree_id"]), found)
    return found


def _walk(node: dict[str, Any], before: tuple[Message, ...], tree: str, found: list[HumanRanking]) -> None:
    role = "user" if node["role"] == "prompter" else "assistant"
    prompt = (*before, Message(role, node["text"]))
    ranked = sorted(
        (one for one in node["replies"] if one.get("rank") is not None), key=lambda one: int(one["rank"])
    )
    if len(ranked) >= 2:
        ranks = [one["rank"] for one in ranked]
        pairs = tuple(
            (a, b, 1.0) for a in range(len(ranks)) for b in range(a + 1, len(ranks)) if ranks[a] < ranks[b]
        )
        found.append(HumanRanking(prompt, tuple(one["text"] for one in ranked), pairs, tree))
    for one in node["replies"]:
        _walk(one, prompt, tree, found)


def _pandalm(folder: Path) -> list[HumanRanking]:
    found = []
    for told in json.loads((folder / "testset-v1.json").read_text("utf-8")):
        votes = Counter(str(told[f"annotator{number}"]) for number in (1, 2, 3))
        first, cast = votes["1"], votes["1"] + votes["2"]
        # Six answers are the word True, and stand in the file without quotes.
        answers = str(told["response1"]).strip(), str(told["response2"]).strip()
        if not all(answers) or 2 * first == cast:
            continue
        better, worse = (0, 1) if 2 * first > cast else (1, 0)
        prompt = (Message("user", "\n".join(filter(None, (told["instruction"], told["input"])))),)
        share = max(first, cast - first) / cast
        found.append(HumanRanking(prompt, answers, ((better, worse, share),), prompt_digest(prompt)))
    return found
