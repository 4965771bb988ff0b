"""The jobs' pages: who sees them, what they show, what never shows."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.test import Client

from labelplatform.accounts.models import Project, User
from labelplatform.jobs.models import Job
from tests.labelplatform.jobs.toys import toy

SignIn = Callable[[User], Client]
Drain = Callable[[], list[Job]]


def test_index_shows_all_jobs_the_running_first(sign_in: SignIn, project: Project, rosa: User) -> None:
    first, second = toy(project, rosa, number=1), toy(project, rosa, number=2)
    Job.objects.filter(pk=first.pk).update(
        state="running",
        fence=1,
        heartbeat_at=first.created_at,
        progress={"step": 1, "steps": 4, "seconds": 10},
    )
    page = sign_in(rosa).get("/p/harbour/jobs/").content.decode()
    assert page.index(f"Toy {first.pk}") < page.index(f"Toy {second.pk}")
    assert "30 s left" in page


def test_index_costs_the_same_for_one_job_and_for_many(
    sign_in: SignIn,
    project: Project,
    rosa: User,
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    client = sign_in(rosa)
    toy(project, rosa, number=0)
    client.get("/p/harbour/jobs/")
    with django_assert_max_num_queries(8):
        client.get("/p/harbour/jobs/")
    for number in range(1, 30):
        toy(project, rosa, number=number)
    with django_assert_max_num_queries(8):
        client.get("/p/harbour/jobs/")


def test_job_shows_progress_log_and_the_command_that_repeats_it(
    run_jobs: Drain, sign_in: SignIn, project: Project, rosa: User
) -> None:
    toy(project, rosa)
    (job,) = run_jobs()
    page = sign_in(rosa).get(f"/p/harbour/jobs/{job.pk}/").content.decode()
    assert "the last line" in page
    assert "child.py write --out OUT" in page
    assert "Cancel job" not in page


def test_job_live_asks_to_be_called_again_while_the_job_goes_on(
    sign_in: SignIn, project: Project, rosa: User
) -> None:
    job = toy(project, rosa)
    client = sign_in(rosa)
    assert client.get(f"/p/harbour/jobs/{job.pk}/live/")["X-Live"] == "on"
    client.post(f"/p/harbour/jobs/{job.pk}/cancel/")
    assert "X-Live" not in client.get(f"/p/harbour/jobs/{job.pk}/live/")


def test_cancel_takes_a_waiting_job_back(sign_in: SignIn, project: Project, rosa: User) -> None:
    job = toy(project, rosa)
    response = sign_in(rosa).post(f"/p/harbour/jobs/{job.pk}/cancel/")
    assert response["Location"] == f"/p/harbour/jobs/{job.pk}/"
    job.refresh_from_db()
    assert job.state == "cancelled"


@pytest.mark.parametrize("page", ["", "live/", "{pk}/", "{pk}/live/"])
def test_pages_are_closed_to_annotators_and_to_other_projects(
    sign_in: SignIn, project: Project, other_project: Project, ada: User, rosa: User, olga: User, page: str
) -> None:
    address = f"/p/harbour/jobs/{page.format(pk=toy(project, rosa).pk)}"
    assert sign_in(rosa).get(address).status_code == 200
    assert sign_in(ada).get(address).status_code == 403
    assert sign_in(olga).get(address).status_code == 404


def test_job_of_another_project_is_not_there(
    sign_in: SignIn, project: Project, other_project: Project, rosa: User, olga: User
) -> None:
    job = toy(other_project, olga)
    client = sign_in(rosa)
    assert client.get(f"/p/harbour/jobs/{job.pk}/").status_code == 404
    assert client.post(f"/p/harbour/jobs/{job.pk}/cancel/").status_code == 404
    job.refresh_from_db()
    assert job.state == "queued"
