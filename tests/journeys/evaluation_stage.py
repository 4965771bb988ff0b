"""A project whose recorded answers wait to be measured, put into a running platform: a program of its own.

    python -m tests.journeys.evaluation_stage prepare

hana researches, abe annotates; two writers' answers to the same questions stand beside them as recorded responses.
"""

import os
import sys
from typing import Any

import django

from tests.journeys.stage import PASSWORD

COUNTRIES = {
    "Lima": "Peru",
    "Quito": "Ecuador",
    "Bogotá": "Colombia",
    "Oslo": "Norway",
    "Accra": "Ghana",
    "Hanoi": "Vietnam",
}
SAID = {
    "Careful": ["In Peru.", "In Ecuador.", "I do not know.", "In Norway.", "I do not know.", "In Vietnam."],
    "Bold": ["In Peru.", "In Peru.", "In Colombia.", "In Sweden.", "In Ghana.", "In Laos."],
}


def question(city: str, country: str) -> dict[str, Any]:
    return {
        "id": city,
        "prompt": [{"role": "user", "content": f"In which country is {city}?"}],
        "references": [country],
        "domain": "America" if country in ("Peru", "Ecuador", "Colombia") else "elsewhere",
    }


def prepare() -> None:
    """People, project, questions as a prompt set, and two artifacts of recorded responses."""
    from labelplatform.accounts.models import Role
    from labelplatform.accounts.services import create_project, create_user, set_role
    from labelplatform.jobs.models import Artifact
    from labelplatform.jobs.stored_files import store_files
    from labelplatform.prompts.services import create_prompt_set, import_prompts

    project = create_project(name="Capitals", slug="capitals", by=None)
    hana = create_user(username="hana", password=PASSWORD, by=None)
    abe = create_user(username="abe", password=PASSWORD, by=None)
    set_role(project=project, user=hana, role=Role.RESEARCHER, by=None)
    set_role(project=project, user=abe, role=Role.ANNOTATOR, by=None)
    asked = [question(city, country) for city, country in COUNTRIES.items()]
    prompt_set = create_prompt_set(project=project, name="Capitals", by=hana)
    import_prompts(prompt_set=prompt_set, lines=asked, by=hana)
    for writer, answers in SAID.items():
        lines = [
            {**line, "response": answer, "policy": writer, "seed": 0, "sampling": {}}
            for line, answer in zip(asked, answers, strict=True)
        ]
        store_files(
            project=project,
            kind=Artifact.Kind.RESPONSES,
            name=writer,
            files={"responses.jsonl": lines},
            by=hana,
        )


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labelplatform.settings")
    django.setup()
    assert sys.argv[1] == "prepare"
    prepare()
