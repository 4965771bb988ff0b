"""Ratings from rankings of any K with ties: Davidson-Luce, exact, and Plackett-Luce with Efron's approximation.

A ranking is a row of choices: its best tier C out of all A, the next tier out of what is left, and so on; responses in
no tier are never chosen. With u the strengths of the responses (strength θ of the policy, plus γ·x of its style where
that is asked for), Davidson-Luce (Firth, Kosmidis and Turner 2019) says

    P(C out of A) = exp(η_|C| + mean of u over C) / Σ_{T ⊆ A} exp(η_|T| + mean of u over T),   η_1 = 0,

T up to the largest tie seen. For two it is Davidson (1970), so that comparisons and rankings share one likelihood.
The sum over T of one size t is the elementary symmetric polynomial of degree t of exp(u / t): exact, without listing
subsets. Efron's (1977) form takes Σ_A e^u - (r/|C|)·Σ_C e^u, r = 0 … |C| - 1, for the tier's denominators: no
parameter for ties, and faster.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Places = tuple[tuple[int, int | None], ...]  # of each response: index of its policy, tier or None
FARTHEST = 12.0  # natural units from the mean, 2,084 points: beyond it a likelihood is running away
COLUMNS_AT_ONCE = 1024
POINT_GRADIENT, RESAMPLE_GRADIENT = 1e-6, 1e-3  # of gradients in standard errors


@dataclass(frozen=True)
class Choices:
    """The choices of M rankings, equal sets of responses put together.

    `members` [K, S] are policies of each of S sets, P where a set is smaller; `share` [K, S] their part in the
    denominator (Efron), None for Davidson-Luce; `sets` [M, S] counts the choices of each ranking out of each set;
    `chosen` [M, P] sums 1/|C| over its chosen (1 for Efron); `tied` [M, D] counts its choices of each of `sizes`.
    `features` [F, K, S] and `chosen_features` [M, F] are there where style is part of the model.
    """

    policies: int
    members: Integers
    share: Floats | None
    sets: "csr_array[np.float64]"
    chosen: "csr_array[np.float64]"
    sizes: tuple[int, ...]
    tied: Floats
    features: Floats | None = None
    chosen_features: Floats | None = None

    def totals(self, times: Floats) -> "Totals":
        """The sums of all that the likelihood needs, each ranking taken `times` [M] times."""
        style = np.zeros(0) if self.chosen_features is None else times @ self.chosen_features
        return Totals(
            np.asarray(times @ self.sets), np.concatenate([times @ self.chosen, times @ self.tied, style])
        )


@dataclass(frozen=True)
class Totals:
    """Choices out of each set, [S], and the linear part of the log-likelihood, [P + D + F]."""

    sets: Floats
    linear: Floats


@dataclass(frozen=True)
class RankingFit:
    """Strengths [P] (mean 0), log tie parameters η [D] of the tie sizes, style coefficients γ [F], log-likelihood."""

    strengths: Floats
    log_ties: Floats
    style: Floats
    log_likelihood: float

    def parameters(self) -> Floats:
        """All of them in one row, [P + D + F]."""
        return np.concatenate([self.strengths, self.log_ties, self.style])


def choices_of(
    rankings: Sequence[Places], policies: int, *, efron: bool = False, style: Sequence[Floats] | None = None
) -> Choices:
    """The choices of all `rankings`; `style` holds a row of features for each response of each ranking, [K, F]."""
    from scipy.sparse import csr_array  # here, not above: it takes half a second to load

    rows = [row for at, places in enumerate(rankings) for row in _rows(at, places, style, efron=efron)]
    sizes = () if efron else tuple(sorted({row.size for row in rows if row.size > 1}))
    kept = {row.key: row for row in reversed(rows)}
    distinct = sorted(kept.values(), key=lambda row: (-len(row.members), row.key))
    at_column = {row.key: at for at, row in enumerate(distinct)}
    column = [at_column[row.key] for row in rows]
    width = max((len(row.members) for row in distinct), default=1)
    members = np.full((width, len(distinct)), policies, dtype=np.int64)
    share = np.zeros((width, len(distinct)))
    for at, row in enumerate(distinct):
        members[: len(row.members), at] = row.members
        share[: len(row.members), at] = row.share
    owner = np.array([row.ranking for row in rows], dtype=np.int64)
    sets = csr_array((np.ones(len(rows)), (owner, column)), shape=(len(rankings), len(distinct)))
    picked = [(row.ranking, policy, row.credit) for row in rows for policy in row.chosen]
    where = ([one[0] for one in picked], [one[1] for one in picked])
    chosen = csr_array(([one[2] for one in picked], where), shape=(len(rankings), policies))
    tied = np.zeros((len(rankings), len(sizes)))
    for row in rows:
        if row.size in sizes:
            tied[row.ranking, sizes.index(row.size)] += 1
    own = None if style is None else _features(distinct, width, style)
    sums = None if style is None else _chosen_features(rows, len(rankings), style)
    return Choices(policies, members, share if efron else None, sets, chosen, sizes, tied, own, sums)


@dataclass(frozen=True)
class _Row:
    """One choice of one ranking (or one denominator of it); `slots` are the places of its members in the ranking."""

    ranking: int
    members: tuple[int, ...]
    share: tuple[float, ...]
    slots: tuple[int, ...]
    chosen: tuple[int, ...]
    chosen_slots: tuple[int, ...]
    size: int
    credit: float
    own: bool

    @property
    def key(self) -> tuple[object, ...]:
        return (
            self.members,
            self.share,
            self.ranking if self.own else None,
            self.slots if self.own else None,
        )


def _rows(ranking: int, places: Places, style: Sequence[Floats] | None, *, efron: bool) -> list[_Row]:
    found = []
    left = sorted(range(len(places)), key=lambda slot: (places[slot][0], slot))
    for tier in sorted({tier for _, tier in places if tier is not None}):
        picked = [slot for slot in left if places[slot][1] == tier]
        if len(left) > 1:
            chosen = tuple(places[slot][0] for slot in picked)
            credit = 1.0 if efron else 1 / len(picked)
            for step in range(len(picked) if efron else 1):
                share = tuple([1 - step / len(picked) if slot in picked else 1.0 for slot in left])
                members = tuple([places[slot][0] for slot in left])
                told = (chosen, tuple(picked)) if step == 0 else ((), ())
                size = len(picked) if step == 0 else 0
                found.append(
                    _Row(ranking, members, share, tuple(left), *told, size, credit, style is not None)
                )
        left = [slot for slot in left if slot not in picked]
    return found


def _features(rows: Sequence[_Row], width: int, style: Sequence[Floats]) -> Floats:
    count = style[0].shape[1]
    found = np.zeros((count, width, len(rows)))
    for at, row in enumerate(rows):
        found[:, : len(row.slots), at] = style[row.ranking][list(row.slots)].T
    return found


def _chosen_features(rows: Sequence[_Row], rankings: int, style: Sequence[Floats]) -> Floats:
    found = np.zeros((rankings, style[0].shape[1]))
    for row in rows:
        found[row.ranking] += row.credit * style[row.ranking][list(row.chosen_slots)].sum(axis=0)
    return found


@dataclass(frozen=True)
class _Denominators:
    log_z: Floats  # [S]
    by_utility: Floats  # [K, S] its derivatives
    tie_chances: Floats  # [D, S] chance that the choice is a tie of each size
    spread: Floats  # [K, S] E[(1/|T| if chosen)²], the diagonal of its second derivatives less by_utility²


def _denominators(choices: Choices, parameters: Floats) -> _Denominators:
    """Block by block, each small enough for the processor's cache; sets come largest first, so that rows can be cut."""
    width, sets = choices.members.shape
    ties = len(choices.sizes)
    log_z, tie_chances = np.empty(sets), np.zeros((ties, sets))
    by_utility, spread = np.zeros((width, sets)), np.zeros((width, sets))
    for start in range(0, sets, COLUMNS_AT_ONCE):
        columns = slice(start, start + COLUMNS_AT_ONCE)
        rows = int((choices.members[:, start] < choices.policies).sum())
        utility = np.append(parameters[: choices.policies], -np.inf)[choices.members[:rows, columns]]
        if choices.features is not None:
            style = parameters[choices.policies + ties :]
            utility = utility + np.tensordot(style, choices.features[:, :rows, columns], axes=1)
        share = None if choices.share is None else choices.share[:rows, columns]
        log_tie = parameters[choices.policies : choices.policies + ties]
        part = _block(utility, share, choices.sizes, log_tie)
        log_z[columns], tie_chances[:, columns] = part.log_z, part.tie_chances
        by_utility[:rows, columns], spread[:rows, columns] = part.by_utility, part.spread
    return _Denominators(log_z, by_utility, tie_chances, spread)


def _block(utility: Floats, share: Floats | None, sizes: tuple[int, ...], log_tie: Floats) -> _Denominators:
    top = utility.max(axis=0)
    above = utility - top
    worth = np.exp(above) if share is None else share * np.exp(above)
    total, by_utility, spread = worth.sum(axis=0), worth.copy(), worth.copy()
    masses = np.zeros((len(sizes), len(top)))
    for at, size in enumerate(sizes):
        if size > len(utility):
            break
        each = np.exp(above / size)
        value, slope = elementary_symmetric(each, size)
        factor = float(np.exp(log_tie[at]))
        masses[at] = factor * value
        total = total + masses[at]
        part = (factor / size) * each * slope
        by_utility += part
        spread += part / size
    return _Denominators(top + np.log(total), by_utility / total, masses / total, spread / total)


def elementary_symmetric(values: Floats, degree: int) -> tuple[Floats, Floats]:
    """e_degree of the columns of `values` [K, S], and its derivatives by each value, [S] and [K, S].

    By the recurrence over values and back, of which every term is positive; in closed form for two.
    """
    count, columns = values.shape
    if degree == 2:
        sums = values.sum(axis=0)
        return (sums**2 - (values**2).sum(axis=0)) / 2, sums - values
    states = np.zeros((count + 1, degree + 1, columns))
    states[:, 0] = 1.0
    for at in range(count):
        most = min(at + 1, degree)
        np.multiply(values[at], states[at, :most], out=states[at + 1, 1 : most + 1])
        states[at + 1, 1 : most + 1] += states[at, 1 : most + 1]
    slopes = np.empty_like(values)
    pull = np.zeros((degree + 1, columns))
    pull[degree] = 1.0
    for at in range(count - 1, -1, -1):
        slopes[at] = (pull[1:] * states[at, :-1]).sum(axis=0)
        pull[:-1] += pull[1:] * values[at]
    return states[count, degree], slopes


def log_likelihood(choices: Choices, totals: Totals, parameters: Floats) -> tuple[float, Floats]:
    """Σ linear·parameters - Σ n_A·log Z_A, and its gradient, [P + D + F]."""
    found = _denominators(choices, parameters)
    value = float(totals.linear @ parameters - totals.sets @ found.log_z)
    return value, totals.linear - _expected(choices, totals, found)


def _expected(choices: Choices, totals: Totals, found: _Denominators) -> Floats:
    weighted = totals.sets * found.by_utility
    size = choices.policies
    by_policy = np.bincount(choices.members.ravel(), weights=weighted.ravel(), minlength=size + 1)[:size]
    by_style = np.zeros(0)
    if choices.features is not None:
        by_style = np.asarray((choices.features * weighted).sum(axis=(1, 2)))
    return np.concatenate([by_policy, found.tie_chances @ totals.sets, by_style])


def information(choices: Choices, totals: Totals, parameters: Floats) -> Floats:
    """About minus the second derivative of the log-likelihood, [P + D + F]², positive definite.

    It only scales the search: what two responses chosen together share is left out, and a small ridge is added.
    """
    found = _denominators(choices, parameters)
    size, ties = choices.policies, len(choices.sizes)
    count = len(parameters)
    matrix = np.zeros((size + 1, size + 1))
    weighted = totals.sets * found.by_utility
    members = choices.members
    for at in range(len(members)):
        cell = members[at] * (size + 1) + members
        both = (weighted[at] * found.by_utility).ravel()
        matrix -= np.bincount(cell.ravel(), weights=both, minlength=(size + 1) ** 2).reshape(matrix.shape)
    spread = np.bincount(members.ravel(), weights=(totals.sets * found.spread).ravel(), minlength=size + 1)
    whole = np.zeros((count, count))
    whole[:size, :size] = (matrix + np.diag(spread))[:size, :size]
    chance = found.tie_chances @ totals.sets
    index = np.arange(size, size + ties)
    whole[index, index] = chance - (found.tie_chances**2) @ totals.sets
    if choices.features is not None:
        flat = choices.features.reshape(len(choices.features), -1)
        whole[size + ties :, size + ties :] = (flat * weighted.ravel()) @ flat.T
    values, vectors = np.linalg.eigh((whole + whole.T) / 2)
    floor = 1e-3 * max(float(values.max()), 1e-9) if count > 1 else 1.0
    return np.asarray((vectors * np.maximum(values, floor)) @ vectors.T)


def _with_likely_ties(choices: Choices, totals: Totals, start: Floats) -> Floats:
    """`start` with tie parameters under which about as many ties are expected as there are: the search is shorter."""
    size, ties = choices.policies, len(choices.sizes)
    found = start.copy()
    for _ in range(3 if ties else 0):
        expected = _denominators(choices, found).tie_chances @ totals.sets
        seen = totals.linear[size : size + ties]
        found[size : size + ties] += np.log(np.maximum(seen, 0.5) / np.maximum(expected, 1e-9))
    return found


def fit_choices(
    choices: Choices,
    times: Floats,
    *,
    start: Floats,
    scale: Floats | None = None,
    gradient: float = POINT_GRADIENT,
) -> RankingFit:
    """The maximum of the likelihood from `start` [P + D + F], by L-BFGS in units of standard errors (`scale`).

    Only for connected data that are not separated: a search that runs beyond any rating is given up (ArithmeticError).
    """
    from scipy.optimize import minimize

    totals = choices.totals(times)
    if scale is None:
        start = _with_likely_ties(choices, totals, start)
    root = np.linalg.cholesky(information(choices, totals, start) if scale is None else scale)
    turned = np.linalg.inv(root).T

    def downhill(steps: Floats) -> tuple[float, Floats]:
        value, slope = log_likelihood(choices, totals, start + turned @ steps)
        return -value, -(turned.T @ slope)

    options: Any = {"gtol": gradient, "ftol": 1e-15, "maxiter": 500, "maxcor": 20}
    found = minimize(downhill, np.zeros(len(start)), jac=True, method="L-BFGS-B", options=options)
    parameters = start + turned @ found.x
    size, ties = choices.policies, len(choices.sizes)
    strengths = parameters[:size] - parameters[:size].mean()
    style = parameters[size + ties :]
    reach = style if choices.features is None else style * np.ptp(choices.features, axis=(1, 2))
    free = np.concatenate([strengths, reach])
    if not np.isfinite(free).all() or np.abs(free).max() > FARTHEST:
        raise ArithmeticError("the likelihood has no maximum within any rating")
    return RankingFit(strengths, parameters[size : size + ties], parameters[size + ties :], -float(found.fun))
