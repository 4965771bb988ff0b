"""Three people in every test: ada annotates, ben annotates too and must not see ada's, rosa researches.

olga researches in another project and must see nothing of this one.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from labelplatform.accounts.models import Project, Role, User
from labelplatform.jobs.models import Job
from labelplatform.jobs.tasks import run_job
from tests.labelplatform.builders import build_membership, build_project, build_user


@pytest.fixture
def ada(db: None) -> User:
    return build_user("ada")


@pytest.fixture
def ben(db: None) -> User:
    return build_user("ben")


@pytest.fixture
def rosa(db: None) -> User:
    return build_user("rosa")


@pytest.fixture
def olga(db: None) -> User:
    return build_user("olga")


@pytest.fixture
def project(ada: User, ben: User, rosa: User) -> Project:
    project = build_project("harbour")
    build_membership(project, ada, Role.ANNOTATOR)
    build_membership(project, ben, Role.ANNOTATOR)
    build_membership(project, rosa, Role.RESEARCHER)
    return project


@pytest.fixture
def other_project(olga: User) -> Project:
    return build_project("elsewhere", researcher=olga)


@pytest.fixture
def sign_in() -> Callable[[User], Client]:
    """A browser of its own for each person."""

    def open_browser(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return open_browser


@pytest.fixture
def run_jobs(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Job]]:
    """Runs every queued job to its end by the real task body with real child processes, only without Celery.

    Jobs that finishing jobs enqueue are run too. The jobs that ran come back in their order.
    """
    # The database is empty and counts from any number: a run folder of an earlier test may bear the same.
    shutil.rmtree(Path(settings.ARTIFACTS_DIR) / "jobs", ignore_errors=True)
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        monkeypatch.setenv("DATABASE_URL", f"sqlite:///{name}")
    else:
        monkeypatch.setenv("DATABASE_URL", _server_url(name))

    def drain() -> list[Job]:
        ran = []
        while job := Job.objects.filter(state=Job.State.QUEUED).order_by("pk").first():
            run_job(job.pk)
            ran.append(Job.objects.get(pk=job.pk))
        return ran

    return drain


def _server_url(name: str) -> str:
    server = connection.settings_dict
    person = f"{quote(server['USER'])}:{quote(server['PASSWORD'])}"
    if str(server["HOST"]).startswith("/"):
        return f"postgres://{person}@/{name}?host={quote(server['HOST'])}"
    return f"postgres://{person}@{server['HOST']}:{server['PORT'] or 5432}/{name}"
