"""`evaluator choose-next`: in which order items are labelled next, by what reward models make of their responses.

The order is that of samples.jsonl. A random share of the items, the control arm, is dealt over it: without it nobody
could tell whether the rule chose better than chance.
"""

import time
from collections.abc import Mapping, Sequence

import numpy as np

from evaluator.errors import BadInput
from evaluator.progress import Progress
from evaluator.report_files import Items, Metric, Report, data_file, environment
from evaluator.scored_items import ScoredItem, read_scored_items
from evaluator.specs import ChooseNextSpec
from evaluator.statistics.acquisition import FEWEST_MEMBERS, disagreement, expected_margin
from evaluator.statistics.control_arm import ARMS, Placed, with_control_arm
from evaluator.statistics.intervals import bootstrap_mean, generator

SUITE = "choose-next"
# Which end of a rule's values goes first.
HIGHEST_FIRST = {"disagreement": True, "margin": False}


def choose_next(spec: ChooseNextSpec, progress: Progress) -> Report:
    """The report of `spec.scores`: samples are the items in the order to label them, each with `arm` and its values.

    Metrics: the mean of each value over all items and over each arm. Refuses what the files are refused for, fewer than
    two items, and `--by disagreement` of one reward model.
    """
    started = time.monotonic()
    if spec.by == "disagreement" and len(spec.scores) < FEWEST_MEMBERS:
        raise BadInput(
            f"--by disagreement: found {len(spec.scores)} score file, wanted {FEWEST_MEMBERS} or more, "
            "one for each reward model (--by margin works with one)"
        )
    items = read_scored_items(spec.scores)
    if len(items) < len(ARMS):
        raise BadInput(f"{spec.scores[0]}: found {len(items)} item, wanted two or more: one for each arm")
    values = {item.id: values_of(item) for item in items}
    progress.step(len(items), len(items))
    order = with_control_arm(
        {name: found[spec.by] for name, found in values.items()},
        highest_first=HIGHEST_FIRST[spec.by],
        control_share=spec.control_share,
        seed=spec.seed,
    )
    by_name = {item.id: item for item in items}
    return Report(
        suite=SUITE,
        variant=spec.by,
        subject=", ".join(str(path) for path in spec.scores),
        seed=spec.seed,
        metrics=_metrics(order, values, spec),
        items=Items(len(items), len(items), 0, 0),
        data=[data_file(path) for path in spec.scores],
        spec=spec.record(),
        samples=[
            _sample(place, placed, by_name[placed.item], values[placed.item])
            for place, placed in enumerate(order, 1)
        ],
        environment=environment(started),
    )


def values_of(item: ScoredItem) -> dict[str, float]:
    """Each rule's value of an item; no disagreement where there is but one reward model."""
    scores = np.array(list(item.scores.values()), dtype=np.float64).T
    found = {"margin": expected_margin(scores)}
    return {"disagreement": disagreement(scores), **found} if len(scores) >= FEWEST_MEMBERS else found


def _sample(place: int, placed: Placed, item: ScoredItem, values: Mapping[str, float]) -> dict[str, object]:
    shown = {"arm": placed.arm, "place": place, "response_scores": item.scores}
    return {"id": placed.item, "slices": {"arm": placed.arm}, "scores": dict(values), **shown}


def _metrics(
    order: Sequence[Placed], values: Mapping[str, Mapping[str, float]], spec: ChooseNextSpec
) -> list[Metric]:
    groups: dict[str | None, list[str]] = {None: [placed.item for placed in order]}
    for arm in ARMS:
        groups[f"arm={arm}"] = [placed.item for placed in order if placed.arm == arm]
    metrics = []
    for name in values[order[0].item]:
        for group, items in groups.items():
            found = bootstrap_mean(
                [values[item][name] for item in items],
                rng=generator(spec.seed, name, group or ""),
                resamples=spec.resamples,
            )
            figures = (found.value, found.low, found.high, found.n, group, found.reason, found.method)
            metrics.append(Metric(name, *figures, "neither"))
    return metrics
