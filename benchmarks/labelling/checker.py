"""What went wrong, from what the annotators were told and what the export says: pure functions on both.

Nothing the server says of itself is believed but the export: over, under, lost and same_user are counted from the
annotators' histories against the lines that the public command wrote afterwards.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

Line = Mapping[str, Any]


@dataclass(frozen=True)
class Findings:
    """How many of each there were; all but the last three must be zero."""

    over: int
    under: int
    lost: int
    same_user: int
    # Promised to somebody while the promises and labels of others already filled the item.
    double_claims: int
    # Stored with another order than was sent, told to be kept aside but exported, or stored and never sent.
    changed: int
    errors: int
    killed: int
    dropped: int
    surplus: int

    @property
    def clean(self) -> bool:
        wrong = (
            self.over,
            self.under,
            self.lost,
            self.same_user,
            self.double_claims,
            self.changed,
            self.errors,
        )
        return not any(wrong)

    def told(self) -> dict[str, int]:
        return asdict(self)


def check(
    history: Sequence[Line], export: Iterable[Line], *, items: int, overlap: int, lease_seconds: float
) -> Findings:
    """Compare the annotators' histories with the exported ranking lines.

    History lines are what `client.Annotator.note` writes. An export line has `id` (the submission), `annotator`
    ("annotator-N"), `prompt_id` ("item-N"), `tiers` (lists of "answer-N") and `surplus` where it is one.
    """
    lines = list(export)
    kept = [line for line in lines if not line.get("surplus")]
    by_item = Counter(number(line["prompt_id"]) for line in kept)
    answered = [line for line in history if line["kind"] == "answered"]
    by_id = {line["id"]: line for line in lines}
    acked = {line["submission"] for line in answered if line["outcome"] == "kept"}
    pairs = Counter((line["annotator"], line["prompt_id"]) for line in lines)
    return Findings(
        over=sum(max(0, count - overlap) for count in by_item.values()),
        under=sum(max(0, overlap - by_item[item]) for item in range(items)),
        lost=len(acked - {line["id"] for line in kept}),
        same_user=sum(count - 1 for count in pairs.values()),
        double_claims=double_claims(history, overlap=overlap, lease_seconds=lease_seconds),
        changed=changed(history, answered, by_id),
        errors=sum(
            line["kind"] == "error" or line.get("outcome") in {"error", "refused"} for line in history
        ),
        killed=sum(line["kind"] == "killed" for line in history),
        dropped=sum(line["kind"] == "dropped" for line in history),
        surplus=len(lines) - len(kept),
    )


def number(name: str) -> int:
    """The N of a name that ends in "-N"."""
    return int(name.rpartition("-")[2])


def changed(history: Sequence[Line], answered: Sequence[Line], by_id: Mapping[str, Line]) -> int:
    """How many stored lines are not what was sent, or are not what the annotator was told of them."""
    sent = {line["submission"]: line for line in history if line["kind"] == "sent"}
    wrong = sum(1 for name in by_id if name not in sent)
    for name, line in by_id.items():
        order = [number(tier[0]) for tier in line["tiers"]]
        if name in sent and (sent[name]["order"] != order or sent[name]["item"] != number(line["prompt_id"])):
            wrong += 1
    told = {"kept": False, "surplus": True}
    for line in answered:
        stored = by_id.get(line["submission"])
        if stored and line["outcome"] in told and bool(stored.get("surplus")) != told[line["outcome"]]:
            wrong += 1
    return wrong


@dataclass(frozen=True)
class Promise:
    """One item promised to one annotator: certainly so from `sure_from` to `sure_until`, asked for at `asked`."""

    who: int
    asked: float
    sure_from: float
    sure_until: float


def double_claims(history: Sequence[Line], *, overlap: int, lease_seconds: float) -> int:
    """How many promises were made while labels stored and promises certainly alive already filled the item.

    Only what cannot be otherwise is counted: a promise is alive at least from when its page arrived until the lease
    that began when it was asked for ends, or until its work was sent or its holder claimed anew.
    """
    by_item: dict[int, list[Promise]] = {}
    stored: dict[int, list[float]] = {}
    for who in {line["who"] for line in history}:
        own = sorted((line for line in history if line["who"] == who), key=lambda line: line["at"])
        for place, line in enumerate(own):
            if line["kind"] == "claim":
                ends = [line["begun"] + lease_seconds]
                ends += [later["at"] for later in own[place + 1 :] if later["kind"] in {"sent", "claim"}][:1]
                promise = Promise(who, line["begun"], line["at"], min(ends))
                by_item.setdefault(line["item"], []).append(promise)
            if line["kind"] == "answered" and line["outcome"] == "kept":
                stored.setdefault(line["item"], []).append(line["at"])
    return sum(
        _too_many(promise, promises, stored.get(item, []), overlap)
        for item, promises in by_item.items()
        for promise in promises
    )


def _too_many(promise: Promise, promises: Sequence[Promise], stored: Sequence[float], overlap: int) -> bool:
    """Whether the item was certainly full from before this promise was asked for until after it was given."""
    alive = sum(
        other.who != promise.who and other.sure_from < promise.asked and other.sure_until > promise.sure_from
        for other in promises
    )
    done = sum(at < promise.asked for at in stored)
    return alive + done >= overlap


def percentile(values: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]
