"""The project under load, made in the database that the environment names: run as a program of its own.

    python -m benchmarks.labelling.fixture ANNOTATORS ITEMS OVERLAP OUT.json

Four answers of 120 words to each prompt, as the peer was measured with. OUT.json gets the campaign's id and a signed-in
session for each annotator: signing in is not what is measured.
"""

import json
import random
import sys
from pathlib import Path

import django

WORDS = (
    "river city harbour ship grain salt bridge market old land water stone tower road field winter".split()
)
ANSWERS, ANSWER_WORDS = 4, 120


def main() -> None:
    """Make it."""
    annotators, items, overlap = map(int, sys.argv[1:4])
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from labelplatform.accounts.models import Role, User
    from labelplatform.accounts.services import create_project, create_user, set_role
    from labelplatform.labels.services import create_campaign_over
    from labelplatform.prompts.services import create_prompt_set, import_responses

    by = create_user(username="researcher", password=None, by=None)
    project = create_project(name="Load", slug="load", by=by)
    set_role(project=project, user=by, role=Role.RESEARCHER, by=None)
    prompt_set = create_prompt_set(project=project, name="load", by=by)
    import_responses(prompt_set=prompt_set, lines=lines(items), by=by)
    campaign = create_campaign_over(
        prompts=prompt_set.prompts.prefetch_related("responses"),
        project=project,
        name="load",
        by=by,
        overlap=overlap,
    )
    people = []
    for number in range(annotators):
        person = create_user(username=f"annotator-{number}", password=None, by=None)
        set_role(project=project, user=person, role=Role.ANNOTATOR, by=None)
        people.append(person)
    told = {
        "campaign": campaign.pk,
        "slug": project.slug,
        "sessions": [session_of(person) for person in people],
    }
    Path(sys.argv[4]).write_text(json.dumps(told), "utf-8")
    assert User.objects.count() == annotators + 1


def lines(items: int) -> list[dict[str, object]]:
    """Response lines whose texts say which item and which answer they are."""
    chance = random.Random(0)
    made: list[dict[str, object]] = []
    for item in range(items):
        prompt = [{"role": "user", "content": f"item-{item}-of-the-load {words(chance, 40)}"}]
        made += [
            {
                "id": f"item-{item}",
                "prompt": prompt,
                "response": f"answer-{answer}-of-item-{item} {words(chance, ANSWER_WORDS)}",
                "response_id": f"answer-{answer}",
                "policy": "load",
                "seed": answer,
                "sampling": {},
            }
            for answer in range(ANSWERS)
        ]
    return made


def words(chance: random.Random, count: int) -> str:
    return " ".join(chance.choice(WORDS) for _ in range(count))


def session_of(person: object) -> str:
    """The cookie of somebody who has signed in."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    from labelplatform.accounts.models import User
    from labelplatform.accounts.sessions import SessionStore

    assert isinstance(person, User)
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.create()
    assert session.session_key is not None
    return session.session_key


if __name__ == "__main__":
    django.setup()
    main()
