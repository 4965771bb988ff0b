"""How reliable each annotator is: Bradley-Terry with annotator effects over all labels of a campaign, as a job.

The quality page reckons what takes half a second at once. This takes minutes where labels are many, so a worker does
it with the public command (`evaluator agreement`) and the page shows what was found and as of when.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy

from evaluator.errors import BadInput
from evaluator.specs import AgreementSpec
from labelplatform.accounts.models import User
from labelplatform.jobs.models import Job
from labelplatform.jobs.whiskers import NARROW, Scale, Whisker, shared_scale, whisker
from labelplatform.labels import queries
from labelplatform.labels.models import Campaign, ReliabilityRun
from trainer import json_lines

KIND, TITLE = "annotator-reliability", gettext_lazy("Annotator reliability")
RESAMPLES = 200
WANTED = {"campaign", "last_ranking", "seed"}
# β of a coin.
COIN = 0.0


def filters(campaign: int, last_ranking: int) -> dict[str, object]:
    """Which labels the model sees: all that annotators gave up to a moment, those of gold and of repeats too."""
    return {
        "campaigns": [campaign],
        "last_ranking": last_ranking,
        "with_gold": True,
        "with_repeats": True,
        "decisions": queries.DECISIONS_NONE,
    }


def model_lines(campaign: Campaign, last_ranking: int) -> Iterator[Mapping[str, object]]:
    """Ranking lines as the model wants them: annotators are accounts' ids, a repeat is a later label of its item."""
    chosen = filters(campaign.pk, last_ranking)
    found = queries.rankings(campaign.project, chosen)
    told = found.values_list("annotator", "item__repeat__original__key").iterator(chunk_size=2000)
    lines = queries.ranking_lines(campaign.project, chosen)
    for (annotator, original), line in zip(told, lines, strict=True):
        yield {**line, "annotator": str(annotator), "item": original or line["item"]}


def validate(spec: Mapping[str, Any]) -> None:
    """Refuse a spec that can never run."""
    if not set(spec) >= WANTED:
        raise ValidationError(f"{KIND}: wanted {', '.join(sorted(WANTED))}")
    try:
        AgreementSpec(Path("rankings"), Path("out"), resamples=RESAMPLES, seed=spec["seed"])
    except (BadInput, TypeError) as error:
        raise ValidationError(str(error)) from error


def command(job: Job, run_folder: Path) -> list[str]:
    """`evaluator agreement` of the campaign's labels, which are written beside the spec."""
    campaign = Campaign.objects.select_related("project").get(pk=job.spec["campaign"], project=job.project)
    rankings = run_folder / "rankings.jsonl"
    json_lines.write_atomically(rankings, model_lines(campaign, job.spec["last_ranking"]))
    words = ["agreement", str(rankings), "--seed", str(job.spec["seed"]), "--resamples", str(RESAMPLES)]
    out = ["--out", str(run_folder / "out"), "--progress", "json"]
    return [sys.executable, "-m", "evaluator", *words, *out]


@dataclass(frozen=True)
class Row:
    """One annotator in the table; `flag` says what the whole interval says of them, if anything."""

    user: User
    reliability: Mapping[str, Any]
    accuracy: Mapping[str, Any]
    whisker: Whisker | None
    flag: str


@dataclass(frozen=True)
class Model:
    """What the newest finished run found, and the run under way."""

    run: ReliabilityRun | None
    running: ReliabilityRun | None
    scale: Scale | None
    rows: list[Row]
    # Labels that have come in since.
    newer: int


def model(campaign: Campaign) -> Model:
    """The reliability model for the quality page; three statements."""
    runs = list(campaign.reliability_runs.select_related("job").order_by("-pk")[:10])
    run = next((one for one in runs if one.report_id), None)
    running = next((one for one in runs if not one.job.is_finished), None)
    if run is None:
        return Model(None, running, None, [], 0)
    ends = [figure["reliability"][end] for figure in run.figures for end in ("value", "low", "high")]
    scale = shared_scale(ends, include=(COIN,), width=NARROW)
    users = User.objects.in_bulk([figure["user"] for figure in run.figures])
    rows = [_row(users[figure["user"]], figure, scale) for figure in run.figures if figure["user"] in users]
    newest = filters(campaign.pk, 0) | {"last_ranking": None}
    newer = queries.rankings(campaign.project, newest).filter(pk__gt=run.last_ranking).count()
    return Model(run, running, scale, sorted(rows, key=_lowest_first), newer)


def _row(user: User, figure: Mapping[str, Any], scale: Scale | None) -> Row:
    found = figure["reliability"]
    drawn = whisker(scale, found["value"], found["low"], found["high"], digits=2) if scale else None
    return Row(user, found, figure["accuracy"], drawn, _flag(found))


def _flag(found: Mapping[str, Any]) -> str:
    if found["high"] is not None and found["high"] < COIN:
        return "upside-down"
    return "coin" if found["low"] is not None and found["low"] <= COIN else ""


def _lowest_first(row: Row) -> tuple[bool, float, str]:
    value = row.reliability["value"]
    return value is None, value or 0.0, row.user.username
