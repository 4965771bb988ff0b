"""Three people in every test: ada annotates, ben annotates too and must not see ada's, rosa researches.

olga researches in another project and must see nothing of this one.
"""

from collections.abc import Callable

import pytest
from django.test import Client

from labelplatform.accounts.models import Project, Role, User
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
