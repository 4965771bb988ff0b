"""A project whose only business is ranking, served by the web process alone: a program of its own.

    python -m tests.journeys.ranking_stage prepare

One campaign for each way to work, each with several items, so that every journey has items that nobody has touched.
"""

import os
import sys
from dataclasses import dataclass, field

import django

PASSWORD = "correct horse battery staple"
NINE = (
    "Lisbon lies on the **Tagus**, close to the Atlantic.",
    "I do not know.",
    "It is in Spain, on the Ebro.\n\n- a river\n- a bridge",
    "里斯本是葡萄牙的首都，位于特茹河畔。",
    "Portugal! It has been its capital since 1255.",
    "The mean is $\\bar{x} = \\frac{1}{n}\\sum x_i$.",
    "```python\nprint('a long line of code that scrolls inside of its card and never widens the page itself')\n```",
    "| city | country |\n|---|---|\n| Lisbon | Portugal |",
    "Somewhere in Europe, I think; perhaps Porto is nearer to the sea.",
)
PARAGRAPH = "Lisbon is the capital of Portugal, a city on the Tagus, and one reads about it at length. " * 4
LONG = "\n\n".join(f"{number}. {PARAGRAPH}" for number in range(24))

ENGLISH = """# What is better

Right before *I do not know* before wrong. Ties are welcome.

::: good
Lisbon is in Portugal.
:::
::: bad
It is in Spain.
:::"""
CHINESE = "# 什么更好\n\n正确优于*我不知道*，*我不知道*优于错误。"


@dataclass(frozen=True)
class Work:
    """One campaign: its answers, its switches, how many items of it."""

    answers: tuple[str, ...]
    rate_first: bool = False
    presort: bool = False
    kind: str = "ranking"
    items: int = 4
    # Of labels that are no orders: what is asked, and what the prompts' lines tell beside the prompt.
    asks: dict[str, object] = field(default_factory=dict)
    told: dict[str, object] = field(default_factory=dict)


CAMPAIGNS = {
    "With a proposal": Work(NINE, rate_first=True, presort=True, items=9),
    "Without a proposal": Work(NINE, rate_first=True),
    "Order alone": Work(NINE, items=6),
    "Four": Work(NINE[:4], rate_first=True, presort=True, items=8),
    "Long": Work((LONG, NINE[0], LONG), items=3),
    "Two": Work(NINE[:2], kind="comparison", items=3),
    "Rated": Work(NINE[:2], kind="rating", items=4),
    "Touched": Work(NINE[:2], kind="rating", items=1),
    "Overall": Work((LONG, NINE[0]), kind="rating", items=2, asks={"names": ["overall"]}),
    "Honest": Work(
        NINE[:2],
        kind="honesty",
        items=3,
        told={
            "correct_answers": ["Lisbon is in Portugal.", "里斯本在葡萄牙。"],
            "incorrect_answers": ["Lisbon is in Spain."],
            "source": "https://en.wikipedia.org/wiki/Lisbon",
        },
    ),
    "Guided": Work(NINE[:4], items=4),
    "Killed": Work(NINE, rate_first=True, items=3),
    "Skipped": Work(NINE[:4], items=9),
}


def prepare() -> None:
    """Database, people, project and its campaigns."""
    from django.core.management import call_command

    from labelplatform.accounts.models import Role
    from labelplatform.accounts.services import create_project, create_user, set_role
    from labelplatform.labels import services
    from labelplatform.prompts.services import create_prompt_set, import_responses

    call_command("migrate", verbosity=0)
    project = create_project(name="Harbour", slug="harbour", by=None)
    rosa = create_user(username="rosa", password=PASSWORD, by=None)
    set_role(project=project, user=rosa, role=Role.RESEARCHER, by=None)
    for name, work in CAMPAIGNS.items():
        person = create_user(username=name.lower().replace(" ", "-"), password=PASSWORD, by=None)
        set_role(project=project, user=person, role=Role.ANNOTATOR, by=None)
        prompt_set = create_prompt_set(project=project, name=name, by=rosa)
        lines = [
            {
                "id": f"{name}-{item}",
                "prompt": [{"role": "user", "content": f"Where is Lisbon? ({item})"}],
                "response": answer,
                "policy": "somebody",
                "seed": place,
                "sampling": {},
                **work.told,
            }
            for item in range(work.items)
            for place, answer in enumerate(work.answers)
        ]
        import_responses(prompt_set=prompt_set, lines=lines, by=rosa)
        campaign = services.create_campaign(project=project, name=name, by=rosa, kind=work.kind)
        stages = services.Stages(work.rate_first, work.presort, work.asks)
        services.set_stages(campaign=campaign, stages=stages, by=rosa)
        if name == "Guided":
            services.publish_guidelines(campaign=campaign, by=rosa, english=ENGLISH, chinese=CHINESE)
        services.add_items(campaign=campaign, prompts=list(prompt_set.prompts.all()), by=rosa)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labelplatform.settings")
    django.setup()
    assert sys.argv[1] == "prepare"
    prepare()
