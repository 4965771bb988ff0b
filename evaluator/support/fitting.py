"""A logistic model whose weights may only go the way each feature speaks: what is learnt here holds elsewhere.

Unconstrained weights on features that overlap turn against each other and against other texts; weights of the known
sign under a strong ridge share the work (Sill 1998 on monotonic models).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RIDGE = 0.1


@dataclass(frozen=True)
class Logistic:
    """P(supported) = σ(intercept + Σ weight · (feature - mean) / scale)."""

    mean: Floats
    scale: Floats
    weights: Floats
    intercept: float

    def logits(self, features: Floats) -> Floats:
        """Log-odds of support, [N] from [N, F]."""
        return np.asarray((features - self.mean) / self.scale @ self.weights + self.intercept)

    def probabilities(self, features: Floats) -> Floats:
        """P(supported), [N] from [N, F]."""
        return sigmoid(self.logits(features))


def fit_logistic(
    features: Floats, labels: Floats, weights: Floats, signs: Sequence[int], *, ridge: float = RIDGE
) -> Logistic:
    """The model of features [N, F], labels [N] in 0…1 (shares count as such) and weights [N] of the rows.

    Minimises the weighted mean of the cross-entropy plus ridge/2 · |weights|²; a sign of 1 keeps a weight at 0 or
    above, -1 at 0 or below, 0 leaves it free. The log-odds are then stretched and moved to fit the labels again, for
    the ridge makes them timid. Refuses labels that are all the same (ValueError).
    """
    if float(labels.min()) == float(labels.max()):
        raise ValueError(f"all labels are {labels[0]:g}: nothing to tell apart")
    mean, spread = features.mean(axis=0), features.std(axis=0)
    scale = np.where(spread > 1e-9, spread, 1.0)
    standard = (features - mean) / scale
    bounds = {0: (-np.inf, np.inf), 1: (0.0, np.inf), -1: (-np.inf, 0.0)}
    found = _minimise(standard, labels, weights, [bounds[sign] for sign in signs], ridge)
    logits = standard @ found[:-1]
    stretch, moved = _minimise(logits[:, None], labels, weights, [(0.0, np.inf)], 1e-6)
    return Logistic(mean, scale, found[:-1] * stretch, float(moved))


def balanced_weights(labels: Floats, groups: Sequence[str]) -> Floats:
    """Weights [N] under which each group counts the same, and in it what is supported as much as what is not."""
    cells = [(group, label >= 0.5) for group, label in zip(groups, labels, strict=True)]
    sizes: dict[tuple[str, bool], int] = {}
    for cell in cells:
        sizes[cell] = sizes.get(cell, 0) + 1
    raw = np.array([1.0 / sizes[cell] for cell in cells])
    return np.asarray(raw * len(raw) / raw.sum())


def sigmoid(values: Floats) -> Floats:
    """1 / (1 + exp(-x)), without overflow."""
    return np.asarray(np.exp(-np.logaddexp(0.0, -values)))


def _minimise(
    features: Floats,
    labels: Floats,
    weights: Floats,
    bounds: list[tuple[float, float]],
    ridge: float,
) -> Floats:
    """Weights and intercept, [F + 1]."""
    from scipy.optimize import Bounds, minimize  # here: a detector that is only used needs no SciPy

    share = weights / weights.sum()

    def loss(point: Floats) -> tuple[float, Floats]:
        logits = features @ point[:-1] + point[-1]
        value = float(share @ (np.logaddexp(0.0, logits) - labels * logits))
        error = share * (sigmoid(logits) - labels)
        slope = np.append(features.T @ error + ridge * point[:-1], error.sum())
        return value + ridge / 2 * float(point[:-1] @ point[:-1]), slope

    start: Floats = np.zeros(features.shape[1] + 1)
    lows, highs = [low for low, _ in bounds], [high for _, high in bounds]
    limits = Bounds(np.array([*lows, -np.inf]), np.array([*highs, np.inf]))
    found = minimize(
        loss,
        start,
        jac=True,
        bounds=limits,
        method="L-BFGS-B",
        options={"maxiter": 1000, "ftol": 1e-14, "gtol": 1e-9},
    )
    return np.asarray(found.x, dtype=np.float64)
