"""The regression report: words first, harm first, and the baseline that abstains."""

import pytest
from django.test import Client
from django.utils.translation import override

from labelplatform.evaluations.models import ComparisonRun, MeasuredEffect
from labelplatform.reports.queries import regression as reports
from tests.labelplatform.world import Stock


def effect(
    name: str, value: float, better: str, verdict: str = "", p_value: float | None = None
) -> MeasuredEffect:
    return MeasuredEffect(
        name=name,
        value=value,
        better=better,
        verdict=verdict,
        p_value=p_value,
        baseline_value=0.4,
        candidate_value=0.4 + value,
    )


def test_the_most_harmful_stands_first() -> None:
    effects = [
        effect("abstained", 0.9, "neither"),
        effect("right", 0.1, "higher"),
        effect("wrong", 0.3, "lower"),
        effect("grade", -0.2, "higher"),
        effect("wrong", -0.3, "lower"),
    ]
    ordered = [(each.name, each.value) for each in reports.by_harm(effects)]
    assert ordered == [("wrong", 0.3), ("grade", -0.2), ("right", 0.1), ("wrong", -0.3), ("abstained", 0.9)]


def test_headline_names_what_was_lost_before_what_was_won() -> None:
    effects = [
        effect("wrong", 0.3, "lower", "regression"),
        effect("right", 0.2, "higher", "improvement"),
        effect("grade", 0.0, "higher", "not-enough-data"),
    ]
    assert reports.headline("regression", effects) == "Regression confirmed: wrong. Better: right."
    assert reports.headline("regression", effects[:1]) == "Regression confirmed: wrong."


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("improvement", "No regression confirmed; better: right."),
        ("no-change-confirmed", "No regression: every change is smaller than the margin."),
        ("not-enough-data", "No regression confirmed, but there is not enough data to rule one out."),
    ],
)
def test_headline_says_the_verdict_in_words(verdict: str, words: str) -> None:
    effects = [effect("right", 0.2, "higher", "improvement", 0.001)]
    assert reports.headline(verdict, effects) == words
    look = [*effects, effect("wrong", 0.1, "lower", "not-enough-data", 0.03)]
    assert reports.headline(verdict, look) == f"{words} 1 figure is worth a look."


@pytest.mark.parametrize(
    ("value", "verdict", "p_value", "look"),
    [
        (-0.1, "not-enough-data", 0.03, True),
        (-0.1, "not-enough-data", 0.3, False),
        (0.1, "not-enough-data", 0.03, False),
        (-0.1, "regression", 0.001, False),
        (-0.1, "", None, False),
    ],
)
def test_worth_a_look_is_worse_unlikely_and_unconfirmed(
    value: float, verdict: str, p_value: float | None, look: bool
) -> None:
    assert reports.worth_a_look(effect("grade", value, "higher", verdict, p_value)) is look


def test_abstaining_is_measured_against_the_same_baseline() -> None:
    assert reports.abstaining_effect(effect("grade", 0.2, "higher")) == pytest.approx(0.1)
    assert reports.abstaining_effect(effect("wrong", 0.2, "lower")) == pytest.approx(-0.4)
    assert reports.abstaining_effect(effect("abstained", 0.2, "neither")) == pytest.approx(0.6)
    assert reports.abstaining_effect(effect("pair_accuracy", 0.2, "higher")) is None


def test_rows_are_the_stored_effects_with_the_abstaining_mark(stock: Stock) -> None:
    run = stock.comparison
    assert run is not None
    report = reports.regression(run)
    assert {row.effect.pk for row in report.rows} == set(run.effects.values_list("pk", flat=True))
    assert report.scale is not None
    for row in report.rows:
        if row.whisker is None:
            assert row.effect.value is None
            continue
        assert row.effect.value is not None
        assert row.whisker.x == report.scale.x(row.effect.value)
        assert row.whisker.zero == report.scale.x(0.0)
        assert row.abstaining is not None
        assert [mark.x for mark in row.whisker.marks] == [report.scale.x(row.abstaining)]


def test_another_suite_draws_no_abstaining_mark(stock: Stock) -> None:
    run = ComparisonRun.objects.select_related("candidate", "report").get()
    run.candidate.suite = "reward-agreement"
    report = reports.regression(run)
    assert {row.abstaining for row in report.rows} == {None}
    assert not any(row.whisker.marks for row in report.rows if row.whisker)


def test_the_page_opens_with_words_and_shows_each_stored_effect(stock: Stock) -> None:
    run = stock.comparison
    assert run is not None
    browser = Client()
    browser.force_login(stock.people["researcher"])
    page = browser.get(f"/p/harbour/reports/comparisons/{run.pk}/").content.decode()
    assert page.index("No regression confirmed") < page.index("<table")
    for stored in run.effects.exclude(value=None):
        shown = f"{stored.value:.3f} ({stored.low:.3f} – {stored.high:.3f})".replace("-", "−")
        assert shown in page
    assert "not enough data" in page
    assert "9 questions" in page


def bought(often: float, right: float, grade: float = 0.2) -> str:
    """The reason for these changes: grade on the often-seen tier afterwards, change of right and of grade overall."""
    told = [
        effect("grade", grade, "higher"),
        effect("right", right, "higher"),
        effect("grade", often - 0.4, "higher"),
    ]
    told[2].group = "tier=often"
    return reports.bought_by_forgetting(told)


def test_a_rise_is_bought_by_forgetting_when_what_was_known_is_lost() -> None:
    assert bought(often=0.7, right=0.0) == ""
    assert bought(often=0.7, right=-0.049) == ""
    assert "0.051 of the share right was lost" in bought(often=0.7, right=-0.051)
    assert "always abstaining earns 0.5" in bought(often=0.5, right=0.1)
    assert bought(often=0.501, right=0.1) == ""
    assert bought(often=0.1, right=-0.5, grade=-0.1) == ""


def test_a_policy_that_always_abstains_is_caught_without_any_tier() -> None:
    assert reports.bought_by_forgetting([effect("grade", 0.1, "higher"), effect("right", -0.4, "higher")])


def test_headline_names_the_whole_before_its_slices_and_the_largest_gain_first() -> None:
    told = [effect("right", 0.1, "higher", "improvement"), effect("wrong", -0.3, "lower", "improvement")]
    sliced = effect("grade", 0.9, "higher", "improvement")
    sliced.group = "tier=often"
    words = "No regression confirmed; better: wrong, right, grade (tier: often)."
    assert reports.headline("improvement", [sliced, *told]) == words


def test_items_say_what_came_of_each_side_in_the_readers_language(stock: Stock) -> None:
    run = stock.comparison
    assert run is not None
    assert run.report is not None
    sides = {"baseline": {"outcome": "right"}, "candidate": {"outcome": "wrong"}}
    run.report.detail = {"worst_items": [{"id": "q", **sides}]}
    with override("zh-hans"):
        (item,) = reports.regression(run).worst
    assert (item["baseline"]["outcome"], item["candidate"]["outcome"]) == ("答对", "答错")
