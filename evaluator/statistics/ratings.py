"""Ratings of policies from pairs: Davidson's model of wins and ties, and Bradley-Terry with a tie as half a win each.

Natural parameters: strength θ [P], Σθ = 0, and tie parameter η = log ν. With d = θ_i - θ_j,
Z = e^{d/2} + e^{-d/2} + e^η:  P(i beats j) = e^{d/2} / Z,  P(tie) = e^η / Z   (Davidson 1970);  η = -inf is
Bradley-Terry. On a ranking's pairs with weights that add up to 1 this is a composite likelihood: the point is
consistent, the curvature is not the spread, so intervals come from resampling rankings.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SCALE = 400 / math.log(10)
CENTRE = 1000.0
STEPS = 100
GRADIENT_PER_PAIR = 1e-13


@dataclass(frozen=True)
class Fit:
    """Strengths [P] (natural scale, mean 0), log of the tie parameter (-inf: no ties), log-likelihood at the optimum.

    `parameters` holds all of them where the model has more (`plackett_luce`), as a start for the next fit.
    """

    strengths: Floats
    log_tie: float
    log_likelihood: float
    parameters: Floats | None = None

    def ratings(self) -> Floats:
        """Ratings on the Elo scale, [P]: 1000 + 400/ln10 · θ; 400 points are ten to one without ties."""
        return CENTRE + SCALE * self.strengths


@dataclass(frozen=True)
class _Probabilities:
    win: Floats  # [P, P] row beats column
    tie: Floats  # [P, P]
    log_z: Floats  # [P, P]


def _probabilities(strengths: Floats, log_tie: float) -> _Probabilities:
    half = (strengths[:, None] - strengths[None, :]) / 2
    log_z = np.logaddexp(np.logaddexp(half, -half), log_tie)
    return _Probabilities(np.exp(half - log_z), np.exp(log_tie - log_z), log_z)


def log_likelihood(strengths: Floats, log_tie: float, wins: Floats, ties: Floats) -> float:
    """Σ wins·(d/2 - log Z) + Σ_{i<j} ties·(η - log Z); `wins` and symmetric `ties` are [P, P]."""
    log_z = _probabilities(strengths, log_tie).log_z
    half = (strengths[:, None] - strengths[None, :]) / 2
    total = float((wins * (half - log_z)).sum())
    if log_tie > -math.inf:
        total += float((ties * (log_tie - log_z)).sum()) / 2
    return total


def gradient(strengths: Floats, log_tie: float, wins: Floats, ties: Floats) -> Floats:
    """Derivative of `log_likelihood` by θ and η, [P + 1]; the last is 0 for Bradley-Terry."""
    p = _probabilities(strengths, log_tie)
    games = wins + wins.T + ties
    by_strength = ((wins - wins.T) - games * (p.win - p.win.T)).sum(axis=1) / 2
    by_tie = (ties - games * p.tie).sum() / 2 if log_tie > -math.inf else 0.0
    return np.append(by_strength, by_tie)


def curvature(strengths: Floats, log_tie: float, wins: Floats, ties: Floats) -> Floats:
    """Minus the second derivative of `log_likelihood`, [P + 1, P + 1], positive semidefinite (θ + constant is flat)."""
    p = _probabilities(strengths, log_tie)
    games = wins + wins.T + ties
    mean = (p.win - p.win.T) / 2
    spread = games * ((p.win + p.win.T) / 4 - mean**2)
    size = len(strengths)
    matrix = np.zeros((size + 1, size + 1))
    matrix[:size, :size] = np.diag(spread.sum(axis=1)) - spread
    if log_tie > -math.inf:
        matrix[:size, size] = matrix[size, :size] = -(games * mean * p.tie).sum(axis=1)
        matrix[size, size] = (games * p.tie * (1 - p.tie)).sum() / 2
    return matrix


def fit(wins: Floats, ties: Floats, *, tie_model: str = "davidson", start: Fit | None = None) -> Fit:
    """The maximum of the likelihood by Newton's method with step halving; the likelihood is concave.

    `wins` [P, P] (row beats column), `ties` [P, P] symmetric. `half` counts a tie as half a win each way. Only for
    connected data that are not separated (`rating_pairs`): else there is no maximum and the answer means nothing.
    Refuses to go on after 100 steps (ArithmeticError).
    """
    if tie_model == "half":
        wins, ties = wins + ties / 2, np.zeros_like(ties)
    size = len(wins)
    has_ties = bool((ties > 0).any())
    strengths = np.zeros(size) if start is None else start.strengths.copy()
    log_tie = (
        (0.0 if start is None or start.log_tie == -math.inf else start.log_tie) if has_ties else -math.inf
    )
    enough = GRADIENT_PER_PAIR * float((wins + ties / 2).sum())
    value = log_likelihood(strengths, log_tie, wins, ties)
    for _ in range(STEPS):
        slope = gradient(strengths, log_tie, wins, ties)
        if float(np.abs(slope).max()) <= enough:
            return Fit(strengths - strengths.mean(), log_tie, value)
        step = _newton_step(curvature(strengths, log_tie, wins, ties), slope, has_ties)
        fraction = 1.0
        while True:
            trial, trial_tie = strengths + fraction * step[:size], log_tie + fraction * float(step[size])
            trial_value = log_likelihood(trial, trial_tie, wins, ties)
            # A last step may lose a rounding error; demanding a gain there would never let Newton arrive.
            if trial_value >= value - 1e-12 * abs(value) or fraction < 1e-9:
                break
            fraction /= 2
        strengths, log_tie, value = trial, trial_tie, trial_value
    raise ArithmeticError(f"no maximum within {STEPS} steps of Newton's method")


def _newton_step(matrix: Floats, slope: Floats, has_ties: bool) -> Floats:
    """Solve curvature · step = gradient; adding 1 to the flat direction θ + constant makes the answer unique."""
    size = len(slope) - 1
    matrix = matrix.copy()
    matrix[:size, :size] += 1.0
    if not has_ties:
        matrix[size, size] = 1.0
    return np.asarray(np.linalg.solve(matrix, slope), dtype=np.float64)
