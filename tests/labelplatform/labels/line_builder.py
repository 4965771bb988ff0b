"""Random ranking lines that try every corner of the format: the same for export, import and tables."""

import random
from typing import Any

TEXTS = (
    "commas, and; semicolons | bars\nnewlines\r\nand returns\rinside",
    "emoji 🦊‍🔥",
    "مرحبا بالعالم",
    "天空是蓝色的。",
    '"quotes" \\ and \ttabs',
    "",
    " spaces ",
    "=1+1",
    "'=already guarded",
    "''''@",
    '"=quoted',
    "a,=1;+2|-3\t@4",
    "- a list\n- of items\n+ more\n=sum\n-1",
    "\t tab first",
    "\rreturn first",
    "line\u2028separator and \u0085 next line",
    "\ufeffmark inside",
    "e\u0301 and é",
)


def random_line(number: int, chance: random.Random, prefix: str = "") -> dict[str, Any]:
    """One line as the platform exports it: ids, item and prompt named, keys in the order of an export."""
    ids = [f"{prefix}r{number}-{place}" for place in range(chance.randint(2, 9))]
    shuffled = chance.sample(ids, len(ids))
    tiers: list[list[str]] = []
    for name in shuffled[: chance.randint(1, len(ids))]:
        if tiers and chance.random() < 0.3:
            tiers[-1].append(name)
        else:
            tiers.append([name])
    line: dict[str, Any] = {
        "id": f"{prefix}line-{number}",
        "prompt": _prompt(number, chance),
        "responses": [_response(name, chance) for name in ids],
        "tiers": tiers,
        "annotator": chance.choice(["ada", "somebody else", "标注员", "=cmd", "@ben"]),
        "kind": "comparison" if len(ids) == 2 and chance.random() < 0.5 else "ranking",
        "item": f"{prefix}item-{number}",
        "prompt_id": f"{prefix}prompt-{number}",
        "source": chance.choice(["import", "campaign", "simulated", "regenerate", "battle"]),
    }
    return line | _told(ids, shuffled, tiers, chance)


def _prompt(number: int, chance: random.Random) -> list[dict[str, Any]]:
    last = {"role": "user", "content": f"{number} {chance.choice(TEXTS)}"}
    if chance.random() < 0.5:
        return [last]
    system = {"role": "system", "content": chance.choice(TEXTS), "name": "house"}
    return [system, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}, last]


def _response(name: str, chance: random.Random) -> dict[str, Any]:
    told: dict[str, Any] = {"id": name, "text": f"{chance.choice(TEXTS)}{chance.choice(TEXTS)}"}
    if chance.random() < 0.3:
        told["policy"] = chance.choice(["some-model", "+model", "模型"])
    if chance.random() < 0.2:
        told["score of theirs"] = chance.choice([0.5, -3, None, {"deep": ["=1"]}])
    return told


def _told(
    ids: list[str], shuffled: list[str], tiers: list[list[str]], chance: random.Random
) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if chance.random() < 0.5:
        told |= {"seconds": chance.choice([12.5, 0.0, 3600.25]), "shown_order": shuffled}
    if chance.random() < 0.2:
        told["unacceptable"] = True
    if chance.random() < 0.5:
        told["flags"] = {name: sorted(["odd", "=flag"]) for name in ids[:2]}
    if chance.random() < 0.3:
        told["split"] = chance.choice(["train", "heldout"])
    if chance.random() < 0.5:
        told["ratings"] = {name: {"overall": chance.randint(1, 7)} for name in ids}
        told["margins"] = [chance.randint(1, 3) for _gap in tiers[1:]]
    if chance.random() < 0.5:
        told |= {
            "my own key": {"deep": [1, None, "ü", -2.5]},
            "-dash": "-",
            "zz": [],
            "aa": chance.choice(TEXTS),
        }
    return told
