"""A project with three ladders: one at its end with a drawn report, one with too few sizes, one that has stopped.

python -m tests.journeys.emergence_stage prepare
"""

import os
import sys
from typing import Any

import django

from tests.journeys.ranking_stage import PASSWORD


def prepare() -> None:
    """Database, a researcher, and the ladders as workers would have left them."""
    from django.core.management import call_command

    from evaluator.plots.folder import draw_report
    from labelplatform.accounts.services import create_project, create_user, set_role
    from labelplatform.jobs.models import Job
    from labelplatform.ladders.models import EmergenceRun
    from tests.labelplatform.ladders import building

    call_command("migrate", verbosity=0)
    project = create_project(name="Harbour", slug="harbour", by=None)
    rosa = create_user(username="rosa", password=PASSWORD, by=None)
    set_role(project=project, user=rosa, role="researcher", by=None)
    _ladder, run = building.climb(project, rosa)
    assert run.report is not None
    draw_report(run.report.path)
    few = building.begin_ladder(project, rosa, name="too few", sizes=building.SIZES[:2])
    for rung in few.rungs.all():
        building.end_training(rung)
        building.end_evaluation(rung, 0.3)
    short = building.emergence_report((building.CURVE, "not enough sizes"))
    building.end_emergence(EmergenceRun.objects.get(ladder=few), short)
    _stop(building.begin_ladder(project, rosa, name="stopped"), Job)


def _stop(ladder: Any, job: Any) -> None:
    """Its first rung has failed; the others wait for a worker that this stage has not."""
    from tests.labelplatform.world import finish

    first = ladder.rungs.all()[0].training.job
    finish(first)
    job.objects.filter(pk=first.pk).update(state=job.State.FAILED, failure="no memory left (exit code 1)")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labelplatform.settings")
    django.setup()
    assert sys.argv[1] == "prepare"
    prepare()
