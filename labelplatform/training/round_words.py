"""Rounds as their pages show them: steps with their links, wishes in words, panels over the rounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from labelplatform.accounts.models import Project
from labelplatform.jobs.models import Job
from labelplatform.training import round_queries
from labelplatform.training.round_figures import Figure, RoundRow
from labelplatform.training.round_models import Round, RoundSeries, RoundStep
from labelplatform.training.round_plots import Measured, PointPanel, PointPlan, draw_rounds


@dataclass(frozen=True)
class SeriesRow:
    """One line of the list of series."""

    series: RoundSeries
    newest: Round | None
    state: str


def series_rows(project: Project) -> list[SeriesRow]:
    """Every series with its newest round; two statements."""
    newest = round_queries.latest_of_each(project)
    rows = [(series, newest.get(series.pk)) for series in round_queries.series_of(project)]
    return [
        SeriesRow(series, last, round_queries.state_of(last) if last is not None else "")
        for series, last in rows
    ]


@dataclass(frozen=True)
class StepCard:
    """One step of a round: whether it is behind, here or ahead, and where what it made is to be seen."""

    title: str
    place: str
    state: str
    href: str
    made: str
    jobs: tuple[Job, ...]


@dataclass(frozen=True)
class LiveRound:
    """What changes on a round's page while it goes on."""

    round: Round
    state: str
    steps: tuple[StepCard, ...]
    rankings: int
    failures: tuple[str, ...]

    @property
    def may_resume(self) -> bool:
        """Whether something is to be resumed."""
        return self.round.step != RoundStep.DONE and (
            self.round.stopped_at is not None or self.state == str(Job.State.FAILED)
        )

    @property
    def may_stop(self) -> bool:
        """Whether there is something to stop."""
        return self.round.is_moving

    @property
    def may_settle(self) -> bool:
        """Whether fewer rankings than wanted could do."""
        return self.round.is_moving and self.round.step == RoundStep.RANK

    @property
    def seen(self) -> str:
        """What the buttons of the page depend on."""
        return f"{self.round.step}-{self.may_resume}"


def live_round(row: Round) -> LiveRound:
    """A round as its page shows it; two statements with the rankings counted."""
    state, here = round_queries.state_of(row), list(RoundStep).index(RoundStep(row.step))
    jobs = round_queries.jobs_of(row)
    broken = [job.failure for job in jobs if job.state in round_queries.BROKEN and job.failure]
    cards = [_card(row, step, _place(at, here), state) for at, step in enumerate(list(RoundStep)[:-1])]
    failures = tuple(words for words in (row.failure, *broken) if words)
    return LiveRound(row, state, tuple(cards), round_queries.rankings_in(row), failures)


def _place(at: int, here: int) -> str:
    return "done" if at < here else "here" if at == here else "ahead"


def _card(row: Round, step: RoundStep, place: str, state: str) -> StepCard:
    shown = {"done": str(Job.State.SUCCEEDED), "here": state, "ahead": ""}[place]
    address, made = _made(row, step)
    href = reverse(address[0], args=[row.series.project.slug, address[1]]) if address else ""
    jobs = tuple(round_queries.jobs_of(row)) if place == "here" else ()
    return StepCard(str(step.label), place, shown, href, made, jobs)


def _made(row: Round, step: RoundStep) -> tuple[tuple[str, int] | None, str]:
    """The address and the name of what a step made, or is making."""
    found: dict[RoundStep, Callable[[], tuple[tuple[str, int] | None, str]]] = {
        RoundStep.SAMPLE: lambda: (("prompts:prompt_set", row.prompt_set_id), row.prompt_set.name),
        RoundStep.RANK: lambda: _link("labels:campaign", row.campaign),
        RoundStep.FREEZE: lambda: _link("snapshots:snapshot", row.snapshot),
        RoundStep.REWARD_MODEL: lambda: _link("training:run", row.reward_model),
        RoundStep.PPO: lambda: _link("training:run", row.ppo),
    }
    return found[step]()


def _link(address: str, made: Any) -> tuple[tuple[str, int] | None, str]:
    return (None, "") if made is None else ((address, made.pk), str(made))


def asked(row: Round) -> list[tuple[str, object]]:
    """The wishes of a round in words."""
    wishes: list[tuple[str, object]] = [
        (_("Answers by"), row.policy.name),
        (_("Prompts"), row.prompt_set.name),
        (_("Rankings wanted"), row.wanted_rankings),
        (_("Answers to each prompt"), row.answers),
        (_("People an item"), row.overlap),
        (_("The reward model learns from"), Round.LearnsFrom(row.learns_from).label),
        (_("The reward model starts from"), row.reward_model_start.name),
        (_("PPO starts from"), row.start.name),
        (_("Seed"), row.seed),
    ]
    if row.learns_from == Round.LearnsFrom.ALL and row.older_weight < 1:
        wishes.insert(6, (_("Weight of older rankings"), row.older_weight))
    if row.anchors is not None:
        wishes.insert(4, (_("Beside them, one answer by"), row.series.policy.name))
    return wishes


def panels(rows: Sequence[RoundRow]) -> tuple[PointPanel, ...]:
    """The three figures over all rounds; one that no round measured is not drawn."""
    plans = (
        (
            PointPlan(
                title=_("Held-out accuracy"),
                caption=_("Share of held-out pairs that the reward model of a round orders as people did."),
                include=(1.0,),
                reference=(0.5, _("chance")),
            ),
            [row.heldout_accuracy for row in rows],
        ),
        (
            PointPlan(
                title=_("KL to the start"),
                caption=_(
                    "How far the PPO of a round moved the policy from where it started, in nats of a response."
                ),
                include=(0.0,),
            ),
            [row.kl for row in rows],
        ),
        (
            PointPlan(
                title=_("Win rate against round 0"),
                caption=_("How often people put an answer of a round above one of round 0, a tie half."),
                include=(0.0, 1.0),
                reference=(0.5, _("as good")),
            ),
            [row.win_rate for row in rows],
        ),
    )
    drawn = (draw_rounds(_measured(rows, figures), plan) for plan, figures in plans)
    return tuple(panel for panel in drawn if panel is not None)


def _measured(rows: Sequence[RoundRow], figures: Sequence[Figure]) -> list[Measured]:
    return [
        Measured(row.round.number, figure.value, figure.low, figure.high)
        for row, figure in zip(rows, figures, strict=True)
    ]
