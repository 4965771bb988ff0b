"""Each condition of a gain by itself, and how many seeds must have one."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import demo_gain
from benchmarks.demo_gain import Change, SeedResult, failures_of

GAIN: Mapping[str, Change] = {
    "grade": Change(0.4, 0.6, 0.2, 0.1, 0.3),
    "wrong": Change(0.5, 0.2, -0.3, -0.4, -0.2),
    "right": Change(0.3, 0.27, -0.03, -0.06, 0.0),
    "grade tier=often": Change(0.7, 0.8, 0.1, 0.0, 0.2),
}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("grade", replace(GAIN["grade"], low=0.0)),
        ("wrong", replace(GAIN["wrong"], high=0.0)),
        ("right", replace(GAIN["right"], difference=-0.051)),
        ("grade tier=often", replace(GAIN["grade tier=often"], after=0.5)),
    ],
)
def test_each_condition_alone_fails_a_seed(name: str, change: Change) -> None:
    assert failures_of(GAIN) == []
    assert len(failures_of({**GAIN, name: change})) == 1


def test_a_refused_seed_is_no_gain() -> None:
    assert SeedResult(0, refused="it cannot tell right from wrong", changes=dict(GAIN)).failures
    assert not SeedResult(0, changes=dict(GAIN)).failures


@pytest.mark.parametrize(("gained", "passed"), [((0, 1, 2), 0), ((0, 2), 0), ((1,), 1), ((), 1)])
def test_two_seeds_must_gain(
    gained: tuple[int, ...], passed: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def run_seed(seed: int, folder: Path) -> SeedResult:
        return SeedResult(seed, refused="" if seed in gained else "refused twice", changes=dict(GAIN))

    monkeypatch.setattr(demo_gain, "run_seed", run_seed)
    monkeypatch.setattr(demo_gain, "table", lambda result: str(result.seed))
    monkeypatch.setattr("sys.argv", ["demo_gain.py", "--seeds", "0,1,2", "--work", str(tmp_path)])
    assert demo_gain.main() == passed
