"""Who is in the demo: made once, with random passwords that only their hash outlives."""

import pytest

from labelplatform.accounts.models import Membership, Project, User
from labelplatform.demo import people

pytestmark = pytest.mark.django_db


def test_people_are_made_once_and_their_passwords_are_told_once() -> None:
    first = people.gather()
    assert set(first.new_passwords) == {first.annotator.username, first.researcher.username}
    second = people.gather()
    assert second.new_passwords == {}
    assert (second.atlas, second.assistant) == (first.atlas, first.assistant)
    assert (User.objects.count(), Project.objects.count(), Membership.objects.count()) == (3, 2, 5)


def test_passwords_are_random_and_kept_as_hashes() -> None:
    told = people.gather().new_passwords
    assert len(set(told.values())) == 2
    for username, password in told.items():
        user = User.objects.get(username=username)
        assert len(password) >= 12
        assert password not in user.password
        assert user.check_password(password)


def test_each_has_the_role_the_demo_needs() -> None:
    cast = people.gather()
    roles = {(m.project.slug, m.user.username): m.role for m in Membership.objects.all()}
    for project in (people.ATLAS, people.ASSISTANT):
        assert roles[project, cast.annotator.username] == "annotator"
        assert roles[project, cast.researcher.username] == "researcher"


def test_the_simulated_annotator_is_no_person_and_cannot_sign_in() -> None:
    simulated = people.gather().simulated
    assert simulated.kind == User.Kind.SIMULATED
    assert not simulated.has_usable_password()
