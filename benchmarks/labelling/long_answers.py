"""A campaign of nine long answers each, for the benchmark of the ranking page: a program of its own.

python -m benchmarks.labelling.long_answers WORDS ITEMS FIXTURE.json
"""

import json
import os
import random
import sys
from pathlib import Path

import django

USERNAME, PASSWORD = "ada", "correct horse battery staple"
ANSWERS, WORDS_A_PARAGRAPH = 9, 90
VOCABULARY = (
    "the river city harbour council learned that every bridge between old quarters needs careful repair because water "
    "slowly moves stones while engineers measure pressure, weight and sound; people often prefer short explanations "
    "although longer ones hold more examples and numbers like 1755 or 42"
).split()


def answer(words: int, chance: random.Random) -> str:
    """Paragraphs, lists, code and a table as models write them, of so many words."""
    found: list[str] = []
    left, number = words, 0
    while left > 0:
        count, number = min(left, WORDS_A_PARAGRAPH), number + 1
        told = [chance.choice(VOCABULARY) for _word in range(count)]
        if number % 5 == 2:
            found.append(
                "\n".join(f"- **{told[at]}** {' '.join(told[at + 1 : at + 9])}" for at in range(0, count, 9))
            )
        elif number % 7 == 3:
            found.append(
                "```python\n" + "\n".join(f"{word} = {at}" for at, word in enumerate(told[:12])) + "\n```"
            )
            count = 12
        else:
            found.append((f"## Part {number}\n\n" if number % 4 == 1 else "") + " ".join(told) + ".")
        left -= count
    return "\n\n".join(found)


def prepare(words: int, items: int) -> None:
    """Database, one annotator, one campaign: first rated, then put in order."""
    from django.core.management import call_command

    from labelplatform.accounts.models import Role
    from labelplatform.accounts.services import create_project, create_user, set_role
    from labelplatform.labels import services
    from labelplatform.prompts.services import create_prompt_set, import_responses

    call_command("migrate", verbosity=0)
    project = create_project(name="Harbour", slug="harbour", by=None)
    ada = create_user(username=USERNAME, password=PASSWORD, by=None)
    set_role(project=project, user=ada, role=Role.ANNOTATOR, by=None)
    prompt_set = create_prompt_set(project=project, name="Long", by=None)
    chance = random.Random(words)
    lines = [
        {
            "id": f"long-{item}",
            "prompt": [{"role": "user", "content": f"Tell me all about the harbour ({item})."}],
            "response": answer(words, chance),
            "policy": "somebody",
            "seed": place,
            "sampling": {},
        }
        for item in range(items)
        for place in range(ANSWERS)
    ]
    import_responses(prompt_set=prompt_set, lines=lines, by=ada)
    campaign = services.create_campaign(project=project, name="Long", by=None)
    services.set_stages(campaign=campaign, stages=services.Stages(rate_first=True), by=None)
    services.add_items(campaign=campaign, prompts=list(prompt_set.prompts.all()), by=None)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labelplatform.settings")
    django.setup()
    prepare(int(sys.argv[1]), int(sys.argv[2]))
    Path(sys.argv[3]).write_text(json.dumps({"username": USERNAME, "password": PASSWORD}), "utf-8")
