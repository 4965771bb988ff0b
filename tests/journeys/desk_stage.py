"""A project in which labels were given, reviewed, returned, disputed and compared: for a look at each page about that.

python -m tests.journeys.desk_stage prepare
"""

import os
import sys
import uuid
from typing import Any

import django

from tests.journeys.ranking_stage import CHINESE, ENGLISH, NINE, PASSWORD

PEOPLE = {"ada": "annotator", "ben": "annotator", "vera": "reviewer", "rosa": "researcher"}


def prepare() -> None:
    """Database, people, a campaign of orders and one of ratings, with labels of two people who disagree."""
    from django.core.management import call_command

    from labelplatform.accounts.services import create_project, create_user, set_role
    from labelplatform.labels import services
    from labelplatform.prompts.services import create_prompt_set, import_responses

    call_command("migrate", verbosity=0)
    project = create_project(name="Harbour", slug="harbour", by=None)
    people = {name: create_user(username=name, password=PASSWORD, by=None) for name in PEOPLE}
    for name, role in PEOPLE.items():
        set_role(project=project, user=people[name], role=role, by=None)
    rosa = people["rosa"]
    prompt_set = create_prompt_set(project=project, name="Lisbon", by=rosa)
    lines = [
        {
            "id": f"lisbon-{item}",
            "prompt": [{"role": "user", "content": f"Where is Lisbon, and on which river? ({item})"}],
            "response": answer,
            "policy": "somebody",
            "seed": place,
            "sampling": {},
        }
        for item in range(6)
        for place, answer in enumerate(NINE[:4])
    ]
    import_responses(prompt_set=prompt_set, lines=lines, by=rosa)
    prompts = list(prompt_set.prompts.all())
    orders = services.create_campaign(project=project, name="Orders", by=rosa, kind="ranking", overlap=2)
    services.set_stages(campaign=orders, stages=services.Stages(True, True, {}), by=rosa)
    services.publish_guidelines(campaign=orders, by=rosa, english=ENGLISH, chinese=CHINESE)
    services.add_items(campaign=orders, prompts=prompts, by=rosa)
    ratings = services.create_campaign(project=project, name="Ratings", by=rosa, kind="rating", overlap=2)
    services.add_items(campaign=ratings, prompts=prompts[:3], by=rosa)
    _label(orders, ratings, people)
    _write(project, prompts[:1], people)


def _write(project: Any, prompts: Any, people: dict[str, Any]) -> None:
    """A prompt to qualify by, and what ada wrote for it."""
    from labelplatform.labels import services

    rosa = people["rosa"]
    written = services.create_campaign(project=project, name="Written", by=rosa, kind="demonstration")
    services.add_items(campaign=written, prompts=prompts, by=rosa)
    services.set_gold_label(item=written.items.get(), ratings={}, explanation="", by=rosa)
    services.set_quality(campaign=written, by=rosa, qualification_items=1)
    slot = services.claim(campaign=written, annotator=people["ada"])
    assert slot is not None
    assert slot.lease_token is not None
    services.submit_label(
        slot=slot,
        lease_token=slot.lease_token,
        submission=uuid.uuid4(),
        body={"response": "In Portugal, on the **Tagus**."},
        seconds=40.0,
        by=people["ada"],
    )


def _label(orders: Any, ratings: Any, people: dict[str, Any]) -> None:
    from labelplatform.labels import rules, services

    for name, turned in (("ada", False), ("ben", True)):
        for _item in range(4):
            slot = services.claim(campaign=orders, annotator=people[name])
            assert slot is not None
            assert slot.lease_token is not None
            order = sorted(slot.item.response_ids, reverse=turned)
            judgement = rules.Judgement(
                [[one] for one in order],
                seconds=30.0,
                ratings={one: {rules.OVERALL: 6 - at} for at, one in enumerate(order)},
            )
            services.submit_judgement(
                slot=slot,
                lease_token=slot.lease_token,
                submission=uuid.uuid4(),
                judgement=judgement,
                by=people[name],
            )
        for number in range(11):
            slot = services.claim(campaign=ratings, annotator=people[name])
            assert slot is not None
            assert slot.lease_token is not None
            value = 2 + number % 5 if turned else 5
            said = {"ratings": {"helpful": value, "honest": 5, "harmless": 7}, "flags": []}
            services.submit_label(
                slot=slot,
                lease_token=slot.lease_token,
                submission=uuid.uuid4(),
                body=said,
                seconds=12.0,
                by=people[name],
            )
    vera = people["vera"]
    drawn = services.draw_reviews(campaign=orders, annotator=people["ada"], share=1, by=vera)
    note = "Read answer B again: the Ebro is a river of Spain, and Lisbon lies on the Tagus."
    services.review_label(review=drawn[0], verdict="returned", by=vera, note=note)
    services.review_label(review=drawn[1], verdict="accepted", by=vera)
    services.ask_for_decision(item=orders.items.order_by("pk").first(), by=vera)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labelplatform.settings")
    django.setup()
    assert sys.argv[1] == "prepare"
    prepare()
