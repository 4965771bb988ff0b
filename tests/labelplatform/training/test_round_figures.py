"""What each round measured: small cases counted by hand."""

from typing import Any

import pytest

from labelplatform.accounts.models import Project, User
from labelplatform.jobs.models import Artifact
from labelplatform.labels.models import Placement, Ranking
from labelplatform.training.round_figures import RoundRow, round_rows
from labelplatform.training.round_models import Round
from labelplatform.training.round_plots import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Measured,
    PointPlan,
    draw_rounds,
)
from labelplatform.training.round_steps import advance
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.training.round_building import (
    answer,
    begin,
    begin_next,
    build_prompts,
    fresh,
    rank,
    until_done,
)

PLAN = PointPlan(title="Wins", caption="", include=(0.0, 1.0), reference=(0.5, "as good"))


@pytest.fixture(autouse=True)
def _stock(project: Project, rosa: User) -> None:
    build_prompts(project, rosa)
    build_artifact(project, Artifact.Kind.BASE_MODEL, "base")
    build_artifact(project, Artifact.Kind.POLICY, "start")


@pytest.fixture
def two(project: Project, rosa: User, ada: User) -> list[Round]:
    """Round 0 is done; people can rank in round 1, three answers of the newest policy beside one of round 0's."""
    first = until_done(begin(project, rosa), ada)
    second = begin_next(first, rosa, seed=1)
    answer(second)
    advance(second.pk)
    return [fresh(first), fresh(second)]


def rows(two: list[Round]) -> list[RoundRow]:
    return list(round_rows(two[0].series))


def test_accuracy_and_kl_are_those_of_the_rounds_own_runs(two: list[Round], ada: User) -> None:
    first, second = rows(two)
    accuracy = first.heldout_accuracy
    assert (accuracy.value, accuracy.low, accuracy.high, accuracy.n) == (0.7, 0.6, 0.8, 40)
    assert (first.kl.value, first.kl.low, first.kl.n) == (1.5, None, None)
    assert (second.heldout_accuracy.value, second.kl.value) == (None, None)
    assert "not come to its end" in second.kl.reason
    rank(two[1], ada, 1)
    assert rows(two)[0].heldout_accuracy.value == 0.7


def test_a_run_that_held_nothing_out_says_so(two: list[Round]) -> None:
    run = two[0].reward_model
    assert run is not None
    assert run.output is not None
    run.output.detail = {"metrics": {"heldout_accuracy": None}}
    run.output.save()
    assert "nothing was held out" in rows(two)[0].heldout_accuracy.reason


def test_wins_against_round_0_want_ten_items(two: list[Round], ada: User) -> None:
    first, second = rows(two)
    assert (first.win_rate.value, first.win_rate.reason) == (None, "it asks the policy of round 0 itself")
    assert "0 items that tell, wanted 10" in second.win_rate.reason
    rank(two[1], ada, 9)
    second = rows(two)[1]
    assert (second.win_rate.value, second.win_rate.n) == (None, 9)
    assert "9 items that tell, wanted 10" in second.win_rate.reason
    rank(two[1], ada, 1)
    won = rows(two)[1].win_rate
    assert (won.value, won.n, won.high) == (1.0, 10, 1.0)
    # Wilson's interval of 10 of 10.
    assert won.low == pytest.approx(0.7224672, abs=1e-6)


def place(ranking: Ranking, row: Round, ours: list[int | None], theirs: int | None) -> None:
    """Other tiers for an existing ranking: three answers of the round's policy, one of round 0's."""
    mine = ranking.placements.filter(response__policy=row.policy_id).order_by("pk")
    for placement, tier in zip(mine, ours, strict=True):
        Placement.objects.filter(pk=placement.pk).update(tier=tier)
    ranking.placements.filter(response__policy=row.series.policy_id).update(tier=theirs)


def test_a_tie_is_half_a_win_and_no_tier_is_below_all(two: list[Round], ada: User) -> None:
    rank(two[1], ada, 10)
    found = list(Ranking.objects.filter(item__campaign=two[1].campaign_id).order_by("pk"))
    place(found[0], two[1], [1, 2, 3], 2)  # won, tied, lost: 1/2
    place(found[1], two[1], [2, 3, 4], 1)  # 0
    place(found[2], two[1], [1, None, None], None)  # one pair is known, and won: 1
    place(found[3], two[1], [None, None, 1], 1)  # 0, 0, 1/2: 1/6
    won = rows(two)[1].win_rate
    assert won.value == pytest.approx((0.5 + 0 + 1 + 1 / 6 + 6) / 10)
    assert won.value is not None
    assert won.low is not None
    assert won.high is not None
    assert 0.3 < won.low < won.value < won.high < 1


def test_late_work_and_other_campaigns_do_not_count(two: list[Round], ada: User) -> None:
    rank(two[1], ada, 10)
    late = Ranking.objects.filter(item__campaign=two[1].campaign_id).first()
    assert late is not None
    Ranking.objects.filter(pk=late.pk).update(surplus=True)
    assert rows(two)[1].win_rate.n == 9
    assert Ranking.objects.count() > 10


def test_the_figures_cost_the_same_for_two_rounds_and_for_four(
    two: list[Round], project: Project, rosa: User, ada: User, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(2):
        rows(two)
    last = two[1]
    rank(last, ada, 12)
    for number in (2, 3):
        Round.objects.filter(pk=last.pk).update(stopped_at=last.created_at)
        last = begin_next(last, rosa, seed=number)
        answer(last)
        advance(last.pk)
    with django_assert_num_queries(2):
        assert len(rows(two)) == 4


# The panel


def test_points_stand_at_their_rounds_and_values() -> None:
    panel = draw_rounds([Measured(0, None), Measured(1, 0.5, 0.25, 1.0), Measured(2, 1.0)], PLAN)
    assert panel is not None
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    first, second = panel.points
    assert first.x == pytest.approx(LEFT + width * 0.5)
    assert second.x == pytest.approx(LEFT + width * 5 / 6, abs=0.1)
    assert [first.y, first.low, first.high] == pytest.approx(
        [TOP + height / 2, TOP + height * 0.75, TOP], abs=0.1
    )
    assert second.low == second.high == second.y == pytest.approx(TOP)
    assert first.text == "0.500 (0.250 – 1.000)"
    assert [tick.label for tick in panel.x_ticks] == ["0", "1", "2"]
    assert panel.reference is not None
    assert panel.reference.position == pytest.approx(TOP + height / 2)
    assert panel.reference.label == "as good"
    assert panel.path == f"M{first.x} {first.y} L{second.x} {second.y}"
    assert panel.description == "Wins. 1: 0.500 (0.250 – 1.000); 2: 1.000"


def test_nothing_measured_is_not_drawn_and_many_rounds_have_few_ticks() -> None:
    assert draw_rounds([Measured(0, None)], PLAN) is None
    panel = draw_rounds([Measured(number, 0.5) for number in range(30)], PLAN)
    assert panel is not None
    assert [tick.label for tick in panel.x_ticks] == [str(number) for number in range(0, 30, 3)]
    assert len(panel.points) == 30
