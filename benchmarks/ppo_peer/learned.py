"""What both sides learned: reward and KL of saved policies by the same code, and the reward at equal KL."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev

import torch

from benchmarks.ppo_peer.world import count_paid
from trainer.language_models import SamplingSettings, load_language_model
from trainer.ppo.policy import log_probabilities
from trainer.ppo.rollouts import encode_prompts, sample_responses
from trainer.prompts import read_prompts

FRESH_SEED = 987_654
# Two-sided 95 % of Student's t for the few seeds that a benchmark has.
STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571}


@dataclass(frozen=True)
class Learned:
    """A saved policy after `update` updates: mean KL a response from the start in nats, and its mean reward."""

    update: int
    kl: float
    reward: float


@torch.no_grad()
def measured(folder: Path, world: Path, update: int, *, tokens: int, copies: int) -> Learned:
    """KL and reward of the policy in `folder` on fresh responses, `copies` to each prompt."""
    torch.set_num_threads(1)
    policy, start = (load_language_model(one) for one in (folder, world / "policy"))
    sampled = sample_responses(
        policy,
        encode_prompts(policy, read_prompts(str(world / "prompts.jsonl"))),
        SamplingSettings(max_new_tokens=tokens),
        copies=copies,
        seed=FRESH_SEED,
        batch_tokens=8192,
    )
    ours, theirs = (
        log_probabilities(one.model, sampled.groups, 1.0, pad_id=policy.pad_id) for one in (policy, start)
    )
    kl = float((ours - theirs).sum(dim=1).mean())
    return Learned(update, kl, fmean(count_paid(sampled.lines)))


def reward_at(curve: Sequence[Learned], kl: float) -> float:
    """The reward at this KL on the line through the curve's points; its last one's beyond them."""
    for before, after in pairwise(curve):
        if before.kl <= kl <= after.kl and after.kl > before.kl:
            share = (kl - before.kl) / (after.kl - before.kl)
            return before.reward + share * (after.reward - before.reward)
    return curve[-1].reward


def difference_at_equal_kl(ours: Sequence[Learned], theirs: Sequence[Learned]) -> float:
    """Our reward less theirs at the larger KL that both have reached."""
    kl = min(max(one.kl for one in ours), max(one.kl for one in theirs))
    return reward_at(ours, kl) - reward_at(theirs, kl)


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean with its 95 % interval over seeds, by Student's t."""
    mean = fmean(values)
    margin = STUDENT[len(values)] * stdev(values) / sqrt(len(values))
    return mean, mean - margin, mean + margin


def draw(curves: dict[str, list[list[Learned]]], path: Path) -> None:
    """Reward against KL, one line a seed, a colour a side; and the same figures as JSON beside it."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    for number, (name, seeds) in enumerate(curves.items()):
        for seed, curve in enumerate(seeds):
            label = name if seed == 0 else None
            points = [one.kl for one in curve], [one.reward for one in curve]
            axes.plot(*points, marker="o", color=f"C{number}", label=label, alpha=0.8)
    axes.set_xlabel("KL from the start, nats a response")
    axes.set_ylabel("reward a response")
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120, bbox_inches="tight")
    pyplot.close(figure)
    told = {name: [[vars(one) for one in curve] for curve in seeds] for name, seeds in curves.items()}
    path.with_suffix(".json").write_text(json.dumps(told, indent=1), "utf-8")
