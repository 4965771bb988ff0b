"""What held-out rankings say of a reward model: accuracy by K, agreement and slice, calibration, length.

`heldout_report.json`: {"format", "metrics": [{"name", "group", "value", "low", "high", "n", "prompts"}…],
"reliability": [{"low", "high", "confidence", "accuracy", "n"}…]}; `reliability.svg` draws the latter.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainer import json_lines
from trainer.json_lines import JsonObject
from trainer.rankings import Ranking, pairs, parse_ranking
from trainer.reward_model.clustered import Figure, calibration_error, correlation, reliability, share
from trainer.reward_model.reliability_plot import reliability_plot

FORMAT = "labelplatform-heldout-report/1"
REPORT, PLOT = "heldout_report.json", "reliability.svg"
# Keys of a ranking line (or of its "slices") by which accuracy is told apart.
SLICES = ("kind", "source", "annotator", "domain", "language", "mode")


@dataclass(frozen=True)
class Scored:
    """A held-out ranking with, for each response in order, its score, its length in characters and, of an
    ensemble, each member's score."""

    ranking: Ranking
    scores: list[float]
    lengths: list[int]
    members: list[list[float]]


@dataclass(frozen=True)
class JudgedPair:
    """A decided pair: the score of the better less that of the worse, how much longer it is, and its groups.

    `key` names the two responses of the item, better one first.
    """

    prompt: str
    difference: float
    longer: int
    groups: tuple[str, ...]
    item: str
    key: tuple[str, str]


def scored_of(lines: Sequence[JsonObject]) -> list[Scored]:
    """Ranking lines with `scores` by response id (and perhaps `member_scores`, lists) as they are read here."""
    found = []
    for line in lines:
        ranking = parse_ranking(line, "held-out scores")
        scores, several = line["scores"], line.get("member_scores")
        assert isinstance(scores, dict)
        ids = [response.id for response in ranking.responses]
        members = (
            list(zip(*(several[name] for name in ids), strict=True)) if isinstance(several, dict) else []
        )
        lengths = [len(response.text) for response in ranking.responses]
        found.append(Scored(ranking, [scores[name] for name in ids], lengths, [list(own) for own in members]))
    return found


def report(scored: Sequence[Scored], seed: int) -> JsonObject:
    """The report as JSON. `seed` is that of the bootstrap of the calibration error."""
    judged = [pair for one in scored for pair in judged_pairs(one)]
    prompts = [pair.prompt for pair in judged]
    differences = [pair.difference for pair in judged]
    rows = [_row("accuracy", "all", _accuracy(judged))]
    rows += [_row("accuracy", group, _accuracy(members)) for group, members in _by_group(judged)]
    rows += [_row("accuracy", group, _accuracy(members)) for group, members in _by_agreement(judged)]
    longer = [1.0 if pair.longer > 0 else 0.5 * (pair.longer == 0) for pair in judged]
    rows.append(_row("accuracy_of_length", "all", share(longer, prompts)))
    shorter = [pair for pair in judged if pair.longer < 0]
    rows.append(_row("accuracy", "better is shorter", _accuracy(shorter)))
    rows.append(_row("length_correlation", "all", _length_correlation(scored)))
    rows.append(_row("calibration_error", "all", calibration_error(differences, prompts, seed)))
    bins = [one._asdict() for one in reliability(differences)]
    return {"format": FORMAT, "metrics": rows, "reliability": bins}


def headline(found: JsonObject) -> JsonObject:
    """The few figures of a report that a run's outcome tells."""
    metrics = found["metrics"]
    assert isinstance(metrics, list)
    of_all = {row["name"]: row for row in metrics if row["group"] == "all"}
    return {
        "heldout_accuracy": of_all["accuracy"]["value"],
        "heldout_accuracy_low": of_all["accuracy"]["low"],
        "heldout_accuracy_high": of_all["accuracy"]["high"],
        "heldout_calibration_error": of_all["calibration_error"]["value"],
        "length_correlation": of_all["length_correlation"]["value"],
        "length_only_accuracy": of_all["accuracy_of_length"]["value"],
    }


def write_report(found: JsonObject, folder: Path) -> None:
    """Writes the report and its plot into `folder`, each whole or not at all."""
    json_lines.write_json_atomically(folder / REPORT, found)
    bins = found["reliability"]
    assert isinstance(bins, list)
    json_lines.write_text_atomically(folder / PLOT, [reliability_plot(bins)])


def judged_pairs(one: Scored) -> Iterator[JudgedPair]:
    """The decided pairs of a ranking with the groups they belong to."""
    ranking = one.ranking
    groups = [f"K={len(ranking.responses)}", *_slices(ranking)]
    for pair in pairs(ranking):
        better, worse = pair.chosen, pair.rejected
        agreed = _members_agree(one.members, better, worse)
        yield JudgedPair(
            ranking.prompt_key,
            one.scores[better] - one.scores[worse],
            one.lengths[better] - one.lengths[worse],
            (*groups, *agreed),
            ranking.item_key,
            (ranking.responses[better].id, ranking.responses[worse].id),
        )


def _members_agree(members: Sequence[Sequence[float]], better: int, worse: int) -> tuple[str, ...]:
    if len(members) < 2:
        return ()
    orders = {own[better] > own[worse] for own in members}
    return ("members=agree",) if len(orders) == 1 else ("members=differ",)


def _slices(ranking: Ranking) -> list[str]:
    told: dict[str, object] = {"kind": ranking.kind, "source": ranking.source, "annotator": ranking.annotator}
    told.update({name: ranking.extra.get(name) for name in SLICES if name not in told})
    more = ranking.extra.get("slices")
    if isinstance(more, Mapping):
        told.update(more)
    return [f"{name}={value}" for name, value in told.items() if isinstance(value, str | int | float)]


def _by_group(judged: Sequence[JudgedPair]) -> list[tuple[str, list[JudgedPair]]]:
    found: dict[str, list[JudgedPair]] = defaultdict(list)
    for pair in judged:
        for group in pair.groups:
            found[group].append(pair)
    return sorted(found.items())


def _by_agreement(judged: Sequence[JudgedPair]) -> list[tuple[str, list[JudgedPair]]]:
    """Each two responses of an item once, as most annotators order them, by how many of them do; even splits
    have no better response and are left out."""
    said: dict[tuple[str, frozenset[str]], list[JudgedPair]] = defaultdict(list)
    for pair in judged:
        said[pair.item, frozenset(pair.key)].append(pair)
    found: dict[str, list[JudgedPair]] = defaultdict(list)
    for several in said.values():
        sides = [[one for one in several if one.key == key] for key in dict.fromkeys(p.key for p in several)]
        most = max(sides, key=len)
        if len(several) == 1:
            found["agreement=one annotator"].append(most[0])
        elif len(sides) == 1:
            found["agreement=unanimous"].append(most[0])
        elif 2 * len(most) > len(several):
            found["agreement=majority"].append(most[0])
    return sorted(found.items())


def _accuracy(judged: Sequence[JudgedPair]) -> Figure:
    """Share of pairs whose better response scores higher; equal scores count one half."""
    hits = [1.0 if pair.difference > 0 else 0.5 * (pair.difference == 0) for pair in judged]
    return share(hits, [pair.prompt for pair in judged])


def _length_correlation(scored: Sequence[Scored]) -> Figure:
    """Correlation of score and length among the responses to one prompt: both less their ranking's mean."""
    scores: list[float] = []
    lengths: list[float] = []
    clusters: list[str] = []
    for one in scored:
        scores += _centred(one.scores)
        lengths += _centred(one.lengths)
        clusters += [one.ranking.prompt_key] * len(one.scores)
    return correlation(scores, lengths, clusters)


def _centred(values: Sequence[float]) -> list[float]:
    mean = sum(values) / len(values)
    return [value - mean for value in values]


def _row(name: str, group: str, figure: Figure) -> JsonObject:
    told: JsonObject = {"name": name, "group": group, "value": figure.value, "low": figure.low}
    told.update({"high": figure.high, "n": figure.n, "prompts": figure.clusters})
    if figure.value is None:
        told["reason"] = "no held-out pairs" if not figure.n else "scores or lengths do not vary"
    return told
