"""What follows from labels and items that come in later and not by our page: third opinions, admission, gold."""

import pytest

from labelplatform.accounts.models import Project, User
from labelplatform.labels import queries, services
from labelplatform.labels.models import Adjudication, Campaign, GoldItem, Item, Qualification, RepeatItem
from tests.labelplatform.labels.building import build_campaign, build_prompt_set
from tests.labelplatform.labels.test_gold import build_gilded, gold_of, in_queue


def lines(item: Item, *annotators: str) -> list[dict[str, object]]:
    """Ranking lines of one item, every second person the other way round."""
    (found,) = [one for one in queries.unranked_items(item.campaign) if one.item == item.key]
    ids = [[response["id"]] for response in found.responses]
    return [
        {
            "id": f"{item.key}-{name}",
            "prompt": found.prompt,
            "prompt_id": found.prompt_id,
            "item": found.item,
            "responses": found.responses,
            "tiers": ids[::-1] if number % 2 else ids,
            "annotator": name,
            "kind": "ranking",
        }
        for number, name in enumerate(annotators)
    ]


@pytest.mark.parametrize(("most", "slots", "to_decide"), [(3, 3, 0), (2, 2, 1)])
def test_imported_labels_that_disagree_ask_for_more(
    project: Project, rosa: User, most: int, slots: int, to_decide: int
) -> None:
    campaign = build_campaign(project, rosa, prompts=2, overlap=2)
    services.set_quality(
        campaign=campaign, by=rosa, third_opinion_below=0.8, most_labels=most, repeat_rate=0.2
    )
    item, other = campaign.items.all()
    services.record_rankings(campaign=campaign, rankings=lines(item, "x", "y"), by=rosa)
    assert (item.slots.count(), other.slots.count()) == (slots, 2)
    assert Adjudication.objects.filter(item=item).count() == to_decide
    assert not RepeatItem.objects.exists()


def test_imported_labels_beyond_what_was_wanted_ask_for_nothing(project: Project, rosa: User) -> None:
    campaign = build_campaign(project, rosa, prompts=1, overlap=1)
    services.set_quality(campaign=campaign, by=rosa, third_opinion_below=0.8)
    item = campaign.items.get()
    stored = services.record_rankings(campaign=campaign, rankings=lines(item, "x", "y"), by=rosa)
    assert [ranking.surplus for ranking in stored] == [False, True]
    assert item.slots.count() == 1


def test_a_campaign_of_imports_alone_has_nothing_to_ask(project: Project, rosa: User) -> None:
    source = build_campaign(project, rosa, prompts=1, overlap=1)
    told = lines(source.items.get(), "x", "y")
    campaign = services.create_campaign(
        project=project, name="imports", by=rosa, source=Campaign.Source.IMPORT, overlap=0
    )
    services.set_quality(campaign=campaign, by=rosa, third_opinion_below=0.8, most_labels=1)
    assert len(services.record_rankings(campaign=campaign, rankings=told, by=rosa)) == 2
    assert not Adjudication.objects.exists()
    assert not campaign.slots.exists()


def test_gold_labelled_elsewhere_counts_for_admission(project: Project, rosa: User, ada: User) -> None:
    campaign = build_gilded(project, rosa, rate=0.1, gold=5, prompts=4)
    services.set_quality(campaign=campaign, by=rosa, qualification_items=5)
    told = [line for item in Item.objects.filter(pk__in=gold_of(campaign)) for line in lines(item, "x")]
    services.record_rankings(campaign=campaign, rankings=told, by=rosa, annotator=ada)
    assert Qualification.objects.get(campaign=campaign, annotator=ada).state == Qualification.State.PASSED


def test_gold_is_dealt_over_items_that_are_added(project: Project, rosa: User) -> None:
    campaign = build_gilded(project, rosa, rate=0.25, gold=6, prompts=6)
    before = in_queue(campaign)
    assert sum(item in gold_of(campaign) for item in before) == 2
    more = build_prompt_set(project, rosa, prompts=12, name="more")
    services.add_items(campaign=campaign, prompts=more.prompts.all(), by=rosa)
    after, gold = in_queue(campaign), gold_of(campaign)
    assert sum(item in gold for item in after) == 6
    half = after[len(after) // 2 :]
    assert sum(item in gold for item in half) == pytest.approx(3, abs=1)


def test_without_a_share_of_gold_nothing_is_dealt(project: Project, rosa: User) -> None:
    campaign = build_gilded(project, rosa, rate=0.0, gold=2, prompts=3)
    more = build_prompt_set(project, rosa, prompts=3, name="more")
    services.add_items(campaign=campaign, prompts=more.prompts.all(), by=rosa)
    assert not set(in_queue(campaign)) & gold_of(campaign)
    assert GoldItem.objects.count() == 2
