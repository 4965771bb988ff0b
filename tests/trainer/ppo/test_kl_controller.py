"""The adaptive coefficient, against figures of the paper's own rule."""

import pytest

from trainer.ppo.kl_controller import KlController


@pytest.mark.parametrize(("kl", "expected"), [(12.0, 0.201024), (6.3, 0.200256), (0.0, 0.198976), (6.0, 0.2)])
def test_check_28_coefficient_follows_the_kl(kl: float, expected: float) -> None:
    controller = KlController(0.2, target=6.0, horizon=10_000)
    assert controller.update(kl, episodes=256) == pytest.approx(expected, abs=1e-12)
    assert controller.coefficient == pytest.approx(expected, abs=1e-12)


def test_without_a_target_the_coefficient_stays() -> None:
    assert KlController(0.05).update(1000.0, episodes=256) == 0.05


def test_steps_compound() -> None:
    controller = KlController(0.2, target=6.0, horizon=1_000)
    controller.update(12.0, episodes=500)
    assert controller.update(12.0, episodes=500) == pytest.approx(0.2 * 1.1 * 1.1, abs=1e-12)


@pytest.mark.parametrize(
    ("coefficient", "target", "horizon", "word"),
    [(-0.1, None, 10, "negative"), (0.1, 0.0, 10, "target"), (0.1, 6.0, 0, "horizon")],
)
def test_senseless_settings_are_refused(
    coefficient: float, target: float | None, horizon: int, word: str
) -> None:
    with pytest.raises(ValueError, match=word):
        KlController(coefficient, target, horizon)
