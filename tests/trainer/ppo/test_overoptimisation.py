"""The watch: silent on noise and on honest gains, loud when the two judges part."""

import json
import random

import pytest

from trainer.ppo.overoptimisation import OverOptimisationWatch, WatchedUpdate, watched

EPISODES = 64


def told(
    watch: OverOptimisationWatch, curve: list[tuple[float, float]], seed: int | None = None
) -> list[dict[str, float]]:
    """What the watch says along a curve of (trained-on, held-out) means; with a seed, as noisy as samples are."""
    drawn = random.Random(seed)
    noise = 0.0 if seed is None else EPISODES**-0.5
    return [
        watch.tell(
            WatchedUpdate(
                update,
                kl=update / 2,
                episodes=EPISODES,
                trained=trained + drawn.gauss(0, noise),
                heldout=heldout + drawn.gauss(0, noise),
                heldout_variance=1.0,
            )
        )
        for update, (trained, heldout) in enumerate(curve, start=1)
    ]


def test_figures_of_two_windows_by_hand() -> None:
    watch = OverOptimisationWatch(window=2)
    said = told(watch, [(0.0, 1.0), (0.0, 3.0), (1.0, 0.0), (1.0, 0.0)])
    assert said[1] == {"heldout_fall": 0.0, "trained_rise": 0.0, "overoptimised": 0.0}
    # Windows (1, 3) and (0, 0): means 2 and 0; each error is sqrt(2·(1/64)/4), their hypotenuse 1/8.
    assert said[3]["heldout_fall"] == pytest.approx(2.0 / 0.125)
    assert said[3]["trained_rise"] == pytest.approx(1.0)
    assert said[3]["overoptimised"] == 1.0
    # Already the window (3, 0) lies half a unit, four errors, below: not yet enough.
    assert said[2]["heldout_fall"] == pytest.approx(4.0)
    assert said[2]["overoptimised"] == 0.0
    assert (watch.alarm_update, watch.alarm_kl) == (4, 2.0)


def test_the_alarm_stays_once_raised_and_names_its_first_update() -> None:
    watch = OverOptimisationWatch(window=1)
    said = told(watch, [(0.0, 5.0), (1.0, 0.0), (2.0, 6.0), (3.0, -5.0)])
    assert [one["overoptimised"] for one in said] == [0.0, 1.0, 1.0, 1.0]
    assert watch.alarm_update == 2


def test_a_fall_of_both_scores_is_no_over_optimisation() -> None:
    watch = OverOptimisationWatch(window=1)
    assert told(watch, [(5.0, 5.0), (4.0, 0.0)])[-1]["overoptimised"] == 0.0


@pytest.mark.parametrize("rise", [0.0, 0.02])
def test_noise_and_honest_gains_raise_no_alarm(rise: float) -> None:
    for seed in range(40):
        watch = OverOptimisationWatch()
        told(watch, [(step * rise, step * rise) for step in range(150)], seed)
        assert watch.alarm_update is None


def test_a_held_out_score_that_turns_while_the_other_rises_is_found_on_every_seed() -> None:
    turning = [(0.05 * step, 0.05 * min(step, 30) - 0.05 * max(step - 30, 0)) for step in range(60)]
    for seed in range(20):
        watch = OverOptimisationWatch()
        told(watch, turning, seed)
        assert watch.alarm_update is not None
        assert 31 < watch.alarm_update < 55


def test_a_watch_goes_on_from_its_own_json() -> None:
    curve = [(0.0, 3.0), (1.0, 2.0), (2.0, 0.0), (3.0, -3.0)]
    whole, first, second = (OverOptimisationWatch(window=1) for _ in range(3))
    wanted = told(whole, curve)
    told(first, curve[:2])
    second.restore(json.loads(json.dumps(first.state())))
    assert second == first
    found = [second.tell(one) for one in whole.seen[2:]]
    assert found == wanted[2:]


def test_without_a_held_out_model_there_is_nothing_to_watch() -> None:
    watch = OverOptimisationWatch()
    assert watched(watch, 1, {"kl": 0.0, "score": 1.0}, 64) == {}
    figures = {"kl": 0.5, "score": 1.0, "score_heldout": 0.25, "score_heldout_variance": 4.0}
    assert set(watched(watch, 3, figures, 64)) == {"heldout_fall", "trained_rise", "overoptimised"}
    assert watch.seen == [WatchedUpdate(3, 0.5, 64, 1.0, 0.25, 4.0)]
