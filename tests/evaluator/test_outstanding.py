"""Who does something far more often than the others."""

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.statistics.outstanding import outstanding


def test_by_hand() -> None:
    found = outstanding({"ada": (5, 6), "ben": (1, 12)})
    # Six skips fall on 18 decisions: ada's 6 have at least 5 of them in 6·12 + 1 of C(18, 6) ways.
    p_value = (comb(6, 5) * 12 + 1) / comb(18, 6)
    assert found["ada"].p_adjusted == pytest.approx(2 * p_value)
    assert found["ada"].flagged
    assert found["ada"].value == pytest.approx(5 / 6)
    assert found["ada"].others == pytest.approx(1 / 12)
    assert not found["ben"].flagged
    assert found["ben"].p_adjusted == pytest.approx(1 - 1 / comb(18, 6))


def test_far_more_is_asked_beside_what_chance_would_not_do() -> None:
    done = {"ada": (900, 1000), "ben": (600, 1000)}
    assert outstanding(done)["ada"].p_adjusted < 1e-9
    assert not outstanding(done)["ada"].flagged
    assert outstanding(done, far_more=1.5)["ada"].flagged
    assert not outstanding(done, far_more=1.51)["ada"].flagged


def test_the_level_counts_for_all_together() -> None:
    done = {"ada": (4, 8), **{f"other {n}": (1, 10) for n in range(20)}}
    adjusted = outstanding(done)["ada"].p_adjusted
    assert outstanding(done, level=adjusted)["ada"].flagged
    assert not outstanding(done, level=adjusted * 0.999)["ada"].flagged
    assert adjusted > outstanding({"ada": (4, 8), "others": (20, 200)})["ada"].p_adjusted


def test_nobody_and_whoever_is_alone_stand_out_from_nobody() -> None:
    assert outstanding({}) == {}
    alone = outstanding({"ada": (9, 10)})["ada"]
    assert (alone.others, alone.flagged, alone.value) == (None, False, 0.9)
    idle = outstanding({"ada": (0, 0), "ben": (1, 9)})["ada"]
    assert (idle.value, idle.low, idle.high, idle.p_adjusted, idle.flagged) == (None, None, None, 1, False)


@pytest.mark.parametrize("done", [(2, 1), (-1, 4)])
def test_more_times_than_chances_are_refused(done: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="every time"):
        outstanding({"ada": done})


@given(st.dictionaries(st.integers(0, 9), st.tuples(st.integers(0, 30), st.integers(0, 60)), min_size=1))
def test_the_interval_holds_the_share_and_order_does_not_matter(raw: dict[int, tuple[int, int]]) -> None:
    done = {name: (times, times + more) for name, (times, more) in raw.items()}
    found = outstanding(done)
    assert outstanding(dict(reversed(done.items()))) == {name: found[name] for name in reversed(found)}
    for share in found.values():
        assert 0 <= share.p_adjusted <= 1
        if share.value is not None and share.low is not None and share.high is not None:
            assert share.low <= share.value + 1e-12
            assert share.value <= share.high + 1e-12


def test_alike_people_are_flagged_as_seldom_as_the_level_says() -> None:
    rng = np.random.default_rng(3)
    alarms = sum(
        any(share.flagged for share in outstanding(dict(enumerate(zip(row, [60] * 8, strict=True)))).values())
        for row in rng.binomial(60, 0.1, (1000, 8)).tolist()
    )
    assert alarms <= 18
