"""A project of spans and demonstrations, served by the web process alone: a program of its own.

    python -m tests.journeys.span_stage prepare

One campaign for each way to work, each with a person of its own.
"""

import os
import sys

import django

from tests.journeys.ranking_stage import PASSWORD

# Lines end in two ways, and the texts hold what is counted differently in code points, in UTF-16 and by eye.
SOURCE = (
    "Lima is the capital of Peru. 👍🏽\r\n"
    "It was founded by Francisco Pizarro in 1535.\n"
    "利马是秘鲁的首都，也是该国最大的城市。\n"
    "לימה היא בירת פרו."
)
ANSWER = (
    "Lima 👩‍👩‍👧 is in Chile 👍🏽.\r\n"
    "Boli\u0301var founded it in 1821, says the source.\n"
    "利马是智利的首都。\n"
    "לימה היא בירת צילה."
)
PARAGRAPH = "Lima is the capital and largest city of Peru, and it lies on the coast of the Pacific. " * 5
LONG = "\n\n".join(PARAGRAPH for _ in range(12))
CAMPAIGNS = {
    "By keys": (SOURCE, ANSWER, 6),
    "By mouse": (SOURCE, ANSWER, 4),
    "By touch": (SOURCE, ANSWER, 4),
    "Restored": (SOURCE, ANSWER, 3),
    "Looked at": (LONG, LONG, 6),
}
WRITING = {"Written": 20, "Unscripted": 20, "Shown": 1}


def prepare() -> None:
    """Database, people, project and its campaigns."""
    from django.core.management import call_command

    from labelplatform.accounts.models import Role
    from labelplatform.accounts.services import create_project, create_user, set_role
    from labelplatform.labels import services
    from labelplatform.prompts.services import create_prompt_set, import_prompts, import_responses

    call_command("migrate", verbosity=0)
    project = create_project(name="Harbour", slug="harbour", by=None)
    rosa = create_user(username="rosa", password=PASSWORD, by=None)
    set_role(project=project, user=rosa, role=Role.RESEARCHER, by=None)

    def campaign(name: str, kind: str, asks: dict[str, object], lines: list[dict[str, object]]) -> None:
        person = create_user(username=name.lower().replace(" ", "-"), password=PASSWORD, by=None)
        set_role(project=project, user=person, role=Role.ANNOTATOR, by=None)
        prompt_set = create_prompt_set(project=project, name=name, by=rosa)
        put = import_responses if "response" in lines[0] else import_prompts
        put(prompt_set=prompt_set, lines=lines, by=rosa)
        prompts = prompt_set.prompts.prefetch_related("responses")
        stages = services.Stages(asks=asks)
        services.create_campaign_over(
            prompts=prompts, project=project, name=name, by=rosa, kind=kind, stages=stages
        )

    for name, (source, answer, items) in CAMPAIGNS.items():
        asked = [{"role": "user", "content": "Say in short what the text says."}]
        written = {"policy": "somebody", "seed": 0, "sampling": {}, "response": answer}
        lines = [
            {"id": f"{name}-{n}", "prompt": asked, "context": source, **written, "seed": n}
            for n in range(items)
        ]
        campaign(name, "spans", {}, lines)
    for name, fewest in WRITING.items():
        lines = [
            {"id": f"{name}-{n}", "prompt": [{"role": "user", "content": f"Where is **Lima**? ({n})"}]}
            for n in range(4)
        ]
        campaign(name, "demonstration", {"fewest_characters": fewest}, lines)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labelplatform.settings")
    django.setup()
    assert sys.argv[1] == "prepare"
    prepare()
