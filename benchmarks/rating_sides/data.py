"""Seeded data: a million comparisons of a hundred policies, and rankings of nine with ties."""

import json
from pathlib import Path

import numpy as np

POLICIES, ANNOTATORS, TIES = 100, 500, 0.1
TIE_WITHIN = 0.15


def write_comparisons(folder: Path, count: int, seed: int) -> None:
    """comparisons.jsonl in the public format, and arrays.npz with the same in the peer's terms."""
    rng = np.random.default_rng(seed)
    strengths = rng.normal(size=POLICIES) * 0.8
    first = rng.integers(0, POLICIES, count)
    second = (first + rng.integers(1, POLICIES, count)) % POLICIES
    chance = 1 / (1 + np.exp(strengths[second] - strengths[first]))
    outcome = np.where(rng.random(count) < TIES, 0.5, rng.random(count) < chance)
    np.savez(folder / "arrays.npz", first=first, second=second, outcome=outcome)
    prompt = [{"role": "user", "content": "Which city is the capital,\nand since when?"}]
    with (folder / "comparisons.jsonl").open("w", encoding="utf-8") as file:
        for number in range(count):
            a, b = f"r{number}a", f"r{number}b"
            tiers = {1.0: [[a], [b]], 0.0: [[b], [a]], 0.5: [[a, b]]}[float(outcome[number])]
            sides = [(a, first[number]), (b, second[number])]
            line = {
                "id": f"c{number}",
                "prompt": prompt,
                "responses": [
                    {"id": one, "text": "…", "policy": f"policy-{policy:03d}"} for one, policy in sides
                ],
                "tiers": tiers,
                "annotator": f"annotator-{number % ANNOTATORS:03d}",
                "kind": "comparison",
            }
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def rankings_of_nine(count: int, policies: int, seed: int) -> list[tuple[tuple[int, int | None], ...]]:
    """Rankings of nine of `policies` by Gumbel utilities, of which neighbours closer than 0.15 tie."""
    rng = np.random.default_rng(seed)
    strengths = rng.normal(size=policies) * 0.7
    found: list[tuple[tuple[int, int | None], ...]] = []
    for _ in range(count):
        shown = rng.choice(policies, 9, replace=False)
        worth = strengths[shown] + rng.gumbel(size=9)
        order = np.argsort(-worth)
        steps = np.concatenate([[0], np.cumsum(-np.diff(worth[order]) > TIE_WITHIN)])
        tiers = np.empty(9, dtype=int)
        tiers[order] = steps
        found.append(tuple((int(policy), int(tier)) for policy, tier in zip(shown, tiers, strict=True)))
    return found
