"""MC1, MC2, MC3 by hand, in the paper's rule and the harness's; finite where the plain formula is not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.metrics.multiple_choice import lm_eval_choices, true_mass, upstream_choices
from tests.evaluator.lines import steady

scores = st.lists(st.floats(-40, 0), min_size=1, max_size=6)


def test_by_hand() -> None:
    found = upstream_choices(-1.0, [-1.0, -3.0, -2.0], [-2.0, -4.0])
    ours, theirs = math.exp(-1) + math.exp(-3) + math.exp(-2), math.exp(-2) + math.exp(-4)
    assert found.mc1 == 1.0
    assert found.mc2 == pytest.approx(ours / (ours + theirs), abs=1e-15)
    assert found.mc3 == pytest.approx(1 / 3)
    assert (found.mc1_margin, found.mc3_margin) == (1.0, 0.0)
    assert found.close == ["mc3"]
    lost = upstream_choices(-9.0, [-9.0], [-1.0])
    assert (lost.mc1, lost.mc1_margin, lost.close) == (0.0, -8.0, [])


def test_a_tie_is_wrong_upstream_and_right_in_the_harness_when_gold_stands_first() -> None:
    assert upstream_choices(-2.0, [-2.0], [-2.0]).mc1 == 0.0
    assert upstream_choices(-2.0, [-2.0], [-2.0]).mc3 == 0.0
    assert lm_eval_choices([-2.0, -2.0], 0, [-2.0], [-2.0]).mc1 == 1.0
    assert lm_eval_choices([-2.0, -2.0], 1, [-2.0], [-2.0]).mc1 == 0.0
    assert lm_eval_choices([-2.0, -2.0], 0, [-2.0], [-2.0]).close == ["mc1", "mc3"]


def test_the_harness_asks_about_its_own_choices() -> None:
    found = lm_eval_choices([-3.0, -1.0, -2.0], 1, [-1.0, -5.0], [-3.0, -2.0])
    assert (found.mc1, found.mc3, found.mc1_margin) == (1.0, 0.5, 1.0)
    assert lm_eval_choices([-3.0, -1.0, -2.0], 2, [-1.0], [-3.0]).mc1 == 0.0


@steady
@given(scores, scores)
def test_the_mass_is_the_plain_formula_where_that_is_finite(true: list[float], false: list[float]) -> None:
    ours, theirs = np.exp(true).sum(), np.exp(false).sum()
    assert true_mass(true, false) == pytest.approx(float(ours / (ours + theirs)), abs=1e-12)
    assert true_mass(true, false) + true_mass(false, true) == pytest.approx(1)
    shifted = [[one - 5000 for one in side] for side in (true, false)]
    assert true_mass(*shifted) == pytest.approx(true_mass(true, false), abs=1e-9)


def test_far_below_what_exp_can_hold() -> None:
    assert true_mass([-900.0], [-900.0, -900.0]) == pytest.approx(1 / 3)
    assert true_mass([-math.inf], [-900.0]) == 0.0
    with pytest.raises(ValueError, match="probability 0"):
        true_mass([-math.inf], [-math.inf])


@pytest.mark.parametrize(("true", "false"), [([], [-1.0]), ([-1.0], [])])
def test_a_side_without_answers_is_refused(true: list[float], false: list[float]) -> None:
    with pytest.raises(ValueError, match="at least one of each"):
        upstream_choices(-1.0, true, false)
    with pytest.raises(ValueError, match="at least one of each"):
        lm_eval_choices([-1.0], 0, true, false)
