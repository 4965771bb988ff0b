"""What a label of an item could teach reward models: how far they disagree on it, and how sure they are together.

A reward model's scores are the logits of Bradley and Terry's model (1952): member m of M holds that people prefer
response i to j with p_m(i, j) = sigma(r_mi - r_mj), sigma(x) = 1 / (1 + exp(-x)). Only differences of one member's
scores count, so members need no common zero, and the mean over an item's pairs lets items of 2 and of 9 responses
compare.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FEWEST_MEMBERS = 2


def preference_probabilities(scores: Floats) -> Floats:
    """p_m(i, j) of each member and each pair i < j, [M, K(K-1)/2], in (0, 1); `scores` is [M, K].

    Refuses fewer than one member or two responses, and scores that are not finite (ValueError).
    """
    if scores.ndim != 2 or scores.shape[0] < 1 or scores.shape[1] < 2 or not np.isfinite(scores).all():
        raise ValueError(f"scores of shape {scores.shape}: wanted finite [members >= 1, responses >= 2]")
    first, second = np.triu_indices(scores.shape[1], 1)
    # sigma(x) = (1 + tanh(x / 2)) / 2, which no difference overflows.
    return np.asarray((1 + np.tanh((scores[:, first] - scores[:, second]) / 2)) / 2)


def disagreement(scores: Floats) -> float:
    """How far members disagree on the order of an item's responses: mean over pairs of Var_m p_m(i, j), 0 … 1/4.

    Var divides by M. The queries of highest ensemble variance are the ones Christiano et al. (2017, 2.2.4) put to
    people. Equal members give 0; half of them sure of the one and half of the other order give 1/4. Refuses fewer than
    two members (ValueError).
    """
    if len(scores) < FEWEST_MEMBERS:
        raise ValueError(f"{len(scores)} member: wanted {FEWEST_MEMBERS} or more to disagree")
    return float(preference_probabilities(scores).var(axis=0).mean())


def expected_margin(scores: Floats) -> float:
    """How sure members are together: mean over pairs of |P(i over j) - P(j over i)| = |2·mean_m p_m - 1|, 0 … 1.

    Margin sampling (Scheffer et al. 2001; Settles 2009, 3.1) asks first where it is lowest. With one member it is
    |tanh((r_i - r_j) / 2)|. It is low where members disagree, and where they agree that nothing decides.
    """
    return float(np.abs(2 * preference_probabilities(scores).mean(axis=0) - 1).mean())
