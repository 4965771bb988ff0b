"""Scores of an item's responses, each annotator heard as far as they are reliable."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluator.statistics.annotator_effects import SaidPairs, outcomes

Floats = NDArray[np.float64]
NEWTON_STEPS = 100
FLAT = 1e-9


@dataclass(frozen=True)
class Qualities:
    """θ at the mode of its posterior, [I, W], and standard deviations by the curvature there, [I, W].

    Columns that an item does not have stay at the prior: 0 and 1.
    """

    mode: Floats
    deviation: Floats


def qualities(pairs: SaidPairs, parameters: Floats) -> Qualities:
    """Qualities given (β, η) [2A]: maximum of Σ w·log P - Σ θ² / 2 by Newton's method on all items at once.

    Each item's posterior is concave, so that halving a step that does not climb arrives. Refuses to go on after 100
    steps (ArithmeticError).
    """
    count = len(pairs.annotators)
    beta, eta = parameters[:count][pairs.annotator], parameters[count:][pairs.annotator]
    theta = np.zeros((pairs.items, pairs.width))
    for _ in range(NEWTON_STEPS):
        slope, curvature = _derivatives(pairs, beta, eta, theta)
        if float(np.abs(slope).max(initial=0.0)) < FLAT:
            variances = np.diagonal(np.linalg.inv(curvature), axis1=1, axis2=2)
            return Qualities(theta, np.sqrt(variances))
        step = np.asarray(np.linalg.solve(curvature, slope[..., None])[..., 0], dtype=np.float64)
        theta = _climb(pairs, (beta, eta), theta, step)
    raise ArithmeticError(f"no mode of the qualities within {NEWTON_STEPS} steps of Newton's method")


def _climb(pairs: SaidPairs, told: tuple[Floats, Floats], theta: Floats, step: Floats) -> Floats:
    before = _log_posterior(pairs, *told, theta)
    fraction = np.ones((len(theta), 1))
    while True:
        trial = theta + fraction * step
        # A last step may lose a rounding error; demanding a gain there would never let Newton arrive.
        falls = _log_posterior(pairs, *told, trial) < before - 1e-12 * (1 + np.abs(before))
        if not (falls & (fraction[:, 0] > FLAT)).any():
            return trial
        fraction[falls] /= 2


def _log_posterior(pairs: SaidPairs, beta: Floats, eta: Floats, theta: Floats) -> Floats:
    """Of each item, [I]."""
    found = outcomes(beta * _gaps(pairs, theta), eta)
    said = found.log_probability[np.arange(len(beta)), pairs.said + 1]
    told = np.bincount(pairs.item, weights=pairs.weight * said, minlength=pairs.items)
    return np.asarray(told - (theta**2).sum(axis=1) / 2)


def _derivatives(pairs: SaidPairs, beta: Floats, eta: Floats, theta: Floats) -> tuple[Floats, Floats]:
    """Gradient [I, W] of the log-posterior by θ, and minus its second derivative [I, W, W]."""
    found = outcomes(beta * _gaps(pairs, theta), eta)
    pull = pairs.weight * beta * found.by_x[np.arange(len(beta)), pairs.said + 1]
    bend = pairs.weight * beta**2 * found.curvature
    width = pairs.width
    place = pairs.item * width
    ends = np.concatenate([place + pairs.left, place + pairs.right])
    slope = np.bincount(ends, np.concatenate([pull, -pull]), minlength=pairs.items * width)
    sides = (pairs.left, pairs.right)
    cells = np.concatenate([(place + one) * width + two for one in sides for two in sides])
    bends = np.concatenate([bend, -bend, -bend, bend])
    matrix = np.bincount(cells, bends, minlength=pairs.items * width * width)
    return slope.reshape(-1, width) - theta, matrix.reshape(-1, width, width) + np.eye(width)


def _gaps(pairs: SaidPairs, theta: Floats) -> Floats:
    """Quality of the first less that of the second, [P]."""
    return np.asarray(theta[pairs.item, pairs.left] - theta[pairs.item, pairs.right])
