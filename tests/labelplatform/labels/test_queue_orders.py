"""What is labelled next: what may be asked, what the queue becomes, and that nobody at work is touched."""

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from labelplatform.accounts.models import AuditEntry, Project, User
from labelplatform.jobs.models import Artifact, Job
from labelplatform.jobs.services import cancel
from labelplatform.labels import queries, queue_orders, services
from labelplatform.labels.choosing import KIND
from labelplatform.labels.models import Campaign, ChosenItem, Item, QueueOrder, QueuePlace, Slot
from labelplatform.labels.services.queue_orders import Choice
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.labels.building import build_campaign, claimed, submit
from tests.labelplatform.labels.ordering import (
    arms,
    asked,
    build_reward_models,
    kept,
    line_of,
    put_in_order,
    queue,
)
from tests.labelplatform.world import finish

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(project: Project, rosa: User) -> Campaign:
    return build_campaign(project, rosa, prompts=8, overlap=2)


def items_of(campaign: Campaign) -> list[Item]:
    return list(campaign.items.order_by("pk"))


def test_the_queue_is_the_same_places_with_the_items_in_the_new_order(campaign: Campaign, rosa: User) -> None:
    items = items_of(campaign)
    places = sorted(Slot.objects.filter(campaign=campaign).values_list("queue_place", flat=True))
    order = put_in_order(campaign, rosa, items[::-1], controls=(2, 5))
    assert queue(campaign) == [item.pk for item in items[::-1] for _slot in range(2)]
    assert sorted(Slot.objects.filter(campaign=campaign).values_list("queue_place", flat=True)) == places
    assert [item for item, arm in arms(order).items() if arm == "control"] == [items[6].pk, items[3].pk]
    assert order.in_force_at is not None
    kept_rows = order.chosen_items.values_list("place", "item", "value")
    assert list(kept_rows) == [(n, items[8 - n].pk, 1 - n / 8) for n in range(1, 9)]
    verbs = AuditEntry.objects.filter(object_id=str(order.pk), object_kind="labels.queueorder")
    assert list(verbs.order_by("pk").values_list("verb", flat=True)) == [
        "choose what is labelled next",
        "put order in force",
    ]


def test_people_are_given_items_in_the_new_order(
    campaign: Campaign, rosa: User, ada: User, ben: User
) -> None:
    items = items_of(campaign)
    first = claimed(campaign, ada)
    submit(first, ada)
    put_in_order(campaign, rosa, items[:0:-1])
    assert [_next(campaign, ada).item_id for _turn in range(7)] == [item.pk for item in items[:0:-1]]
    # Whoever comes later is given what was begun first, then the same order.
    assert [_next(campaign, ben).item_id for _turn in range(3)] == [items[0].pk, items[7].pk, items[6].pk]


def _next(campaign: Campaign, person: User) -> Slot:
    slot = claimed(campaign, person)
    submit(slot, person)
    return slot


def test_a_place_in_the_queue_hides_nothing_that_moved_before_it(
    campaign: Campaign, rosa: User, ada: User
) -> None:
    items = items_of(campaign)
    _next(campaign, ada)
    last = Slot.objects.filter(campaign=campaign).order_by("-queue_place")[0].queue_place
    QueuePlace.objects.filter(campaign=campaign, annotator=ada).update(place=last)
    put_in_order(campaign, rosa, items[:1:-1])
    first = Slot.objects.filter(item=items[7]).order_by("queue_place")[0].queue_place
    assert QueuePlace.objects.get(campaign=campaign, annotator=ada).place < first < last


def test_what_was_begun_since_stays_where_it_is_and_is_in_no_arm(
    campaign: Campaign, rosa: User, ada: User, ben: User
) -> None:
    items = items_of(campaign)
    order = kept(asked(campaign, rosa), items[::-1], controls=(8,))
    held, done = claimed(campaign, ada), claimed(campaign, ben)
    submit(done, ben)
    assert not queue_orders.labelled_items(order).exists()
    services.put_in_force(order=order)
    held.refresh_from_db()
    assert (held.state, held.annotator_id, held.item_id) == (Slot.State.LEASED, ada.pk, items[0].pk)
    assert set(arms(order)) == {item.pk for item in items if item.pk not in (held.item_id, done.item_id)}
    assert order.chosen_items.filter(item=held.item_id).count() == 0
    untouched = Slot.objects.filter(item__in=[held.item_id, done.item_id])
    assert all(slot.queue_place // 64 == slot.item_id for slot in untouched)
    submit(held, ada)


def test_an_item_given_back_was_begun(campaign: Campaign, rosa: User, ada: User) -> None:
    held = claimed(campaign, ada)
    assert held.lease_token is not None
    Slot.objects.filter(pk=held.pk).update(
        state=Slot.State.OPEN, annotator=None, lease_token=None, lease_expires_at=None
    )
    waiting = set(queue_orders.waiting_items(campaign).values_list("pk", flat=True))
    assert waiting == {item.pk for item in items_of(campaign)} - {held.item_id}
    order = kept(asked(campaign, rosa), items_of(campaign)[::-1])
    services.put_in_force(order=order)
    assert held.item_id not in arms(order)


def test_gold_and_what_is_set_aside_do_not_wait(campaign: Campaign, rosa: User) -> None:
    items = items_of(campaign)
    order = kept(asked(campaign, rosa), items[::-1])
    right = items[0].response_ids
    services.set_gold(item=items[0], tiers=[right[:1], right[1:]], explanation="", by=rosa)
    Slot.objects.filter(item=items[1]).update(state=Slot.State.PARKED)
    waiting = set(queue_orders.waiting_items(campaign).values_list("pk", flat=True))
    assert waiting == {item.pk for item in items[2:]}
    # Dealt over the queue, gold stands among what waits, and still is none of it.
    Campaign.objects.filter(pk=campaign.pk).update(gold_rate=0.5)
    services.mix_in_gold(campaign=Campaign.objects.get(pk=campaign.pk), seed=1)
    assert items[0].slots.filter(queue_place__gte=0, promised=0).exists()
    assert set(queue_orders.waiting_items(campaign).values_list("pk", flat=True)) == waiting
    places = dict(items[0].slots.values_list("pk", "queue_place"))
    services.put_in_force(order=order)
    assert set(arms(order)) == waiting
    assert dict(items[0].slots.values_list("pk", "queue_place")) == places


def test_reserve_is_no_part_of_the_queue(campaign: Campaign, rosa: User) -> None:
    items = items_of(campaign)
    Slot.objects.filter(item=items[0]).update(queue_place=-1)
    assert items[0] not in set(queue_orders.waiting_items(campaign))
    order = kept(asked(campaign, rosa), items)
    assert not order.chosen_items.filter(item=items[0]).exists()


def test_a_label_without_a_slot_is_a_beginning_too(campaign: Campaign, rosa: User) -> None:
    item = items_of(campaign)[0]
    waiting = next(iter(queries.unranked_items(campaign)))
    line = {
        "id": "from-elsewhere",
        "prompt": waiting.prompt,
        "prompt_id": waiting.prompt_id,
        "item": waiting.item,
        "responses": waiting.responses,
        "tiers": [[response["id"]] for response in waiting.responses],
        "annotator": "somebody",
        "kind": "ranking",
    }
    services.record_rankings(campaign=campaign, rankings=[line], by=rosa)
    assert item not in set(queue_orders.waiting_items(campaign))


def test_no_more_than_a_quarter_of_what_waits_is_locked_at_once(
    campaign: Campaign, rosa: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from labelplatform.labels.services import queue_orders as verbs

    sizes = []
    place_some = verbs._place_some

    def watched(order: QueueOrder, size: int) -> int:
        sizes.append(place_some(order, size))
        return sizes[-1]

    monkeypatch.setattr(verbs, "_place_some", watched)
    put_in_order(campaign, rosa, items_of(campaign)[::-1])
    assert sizes == [2, 2, 2, 2, 0]


def test_a_broken_off_order_goes_on_where_it_was(campaign: Campaign, rosa: User, ada: User) -> None:
    from labelplatform.labels.services import queue_orders as verbs

    items = items_of(campaign)
    order = kept(asked(campaign, rosa), items[::-1])
    assert verbs._place_some(order, 3) == 3
    slot = next(s for s in Slot.objects.filter(item=items[7]) if s.state == Slot.State.OPEN)
    # Somebody begins an item that has its new place already: it stays in its arm.
    Slot.objects.filter(pk=slot.pk).update(promised=1)
    assert services.put_in_force(order=order) == 8
    assert queue(campaign) == [item.pk for item in items[::-1] for _slot in range(2)]
    at = order.in_force_at
    assert services.put_in_force(order=order) == 8
    assert order.in_force_at == at


def test_a_later_order_takes_over_and_an_earlier_one_cannot_undo_it(
    campaign: Campaign, rosa: User, ada: User
) -> None:
    items = items_of(campaign)
    earlier = put_in_order(campaign, rosa, items[::-1])
    _next(campaign, ada)
    later = put_in_order(campaign, rosa, items[:7])
    assert set(arms(earlier)) == {items[7].pk}
    assert set(arms(later)) == {item.pk for item in items[:7]}
    with pytest.raises(services.OrderRefused, match="A later order is in force"):
        services.put_in_force(order=earlier)


def test_statements_do_not_grow_with_what_waits(project: Project, rosa: User) -> None:
    counts = []
    for number in (8, 40):
        campaign = build_campaign(project, rosa, prompts=number, name=f"of {number}")
        order = asked(campaign, rosa)
        with CaptureQueriesContext(connection) as keeping:
            kept(order, items := items_of(campaign), lines=[line_of(item) for item in items])
        with CaptureQueriesContext(connection) as placing:
            services.put_in_force(order=order)
        lines = [line for line in placing.captured_queries if "labels_" in line["sql"]]
        # The lines themselves are made in the test, one statement each.
        counts.append((len(keeping) - number, len(lines)))
    assert counts[0] == counts[1]


def test_the_lines_of_what_waits_are_response_lines(campaign: Campaign, rosa: User, ada: User) -> None:
    begun = claimed(campaign, ada)
    with CaptureQueriesContext(connection) as found:
        lines = list(queue_orders.waiting_response_lines(campaign))
    assert len(found) <= 3
    assert len(lines) == 7 * 4
    keys = {item.key for item in items_of(campaign)} - {begun.item.key}
    assert {line["item"] for line in lines} == keys
    first = lines[0]
    assert first["policy"] == "first-policy"
    assert {"id", "prompt", "response", "seed", "sampling", "response_id"} <= set(first)


def test_a_response_by_a_person_has_the_keys_that_the_format_wants(campaign: Campaign) -> None:
    response = items_of(campaign)[0].responses.first()
    assert response is not None
    response.provenance, response.seed = {}, None
    response.save()
    line = next(
        line for line in queue_orders.waiting_response_lines(campaign) if line["response_id"] == response.key
    )
    assert (line["policy"], line["seed"]) == ("person", 0)


@pytest.mark.parametrize(
    ("models", "choice", "told"),
    [
        (0, Choice(), "Choose one reward model at least"),
        (1, Choice(), "One reward model has nobody to disagree with"),
    ],
)
def test_what_cannot_be_chosen_by_is_refused(
    campaign: Campaign, rosa: User, models: int, choice: Choice, told: str
) -> None:
    chosen = build_reward_models(campaign.project, models)
    with pytest.raises(services.OrderRefused, match=told):
        services.start_order(campaign=campaign, reward_models=chosen, choice=choice, by=rosa)
    assert not QueueOrder.objects.exists()


def test_one_reward_model_is_enough_for_the_margin(campaign: Campaign, rosa: User) -> None:
    (model,) = build_reward_models(campaign.project, 1)
    order = services.start_order(
        campaign=campaign,
        reward_models=[model],
        choice=Choice(rule="margin", control_share=0.5, seed=7),
        by=rosa,
    )
    assert order.job.spec == {
        "campaign": campaign.pk,
        "by": "margin",
        "control_share": 0.5,
        "seed": 7,
        "reward_models": [model.digest],
    }
    assert list(order.job.inputs.all()) == [model]


def test_a_policy_is_no_reward_model(campaign: Campaign, rosa: User) -> None:
    policy = build_artifact(campaign.project, Artifact.Kind.POLICY)
    models = [*build_reward_models(campaign.project, 2), policy]
    with pytest.raises(services.OrderRefused, match="Choose one reward model"):
        services.start_order(campaign=campaign, reward_models=models, choice=Choice(), by=rosa)


def test_another_projects_reward_model_is_refused(
    campaign: Campaign, rosa: User, other_project: Project
) -> None:
    models = build_reward_models(other_project, 2)
    with pytest.raises(ValidationError, match="another project"):
        services.start_order(campaign=campaign, reward_models=models, choice=Choice(), by=rosa)


def test_one_order_of_a_campaign_at_a_time(campaign: Campaign, rosa: User) -> None:
    order = asked(campaign, rosa)
    with pytest.raises(services.OrderRefused, match="is being reckoned"):
        asked(campaign, rosa)
    cancel(job=order.job, by=rosa)
    again = asked(campaign, rosa)
    finish(again.job)
    # The same wish later is another order.
    assert asked(campaign, rosa).job_id not in (order.job_id, again.job_id)


def test_one_item_is_no_order(project: Project, rosa: User) -> None:
    campaign = build_campaign(project, rosa, prompts=1)
    with pytest.raises(services.OrderRefused, match="Fewer than two items wait"):
        asked(campaign, rosa)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"by": "luck"}, "by: found"),
        ({"control_share": 0.0}, "control_share: found"),
        ({"control_share": 1.0}, "control_share: found"),
        ({"reward_models": ["one"]}, "reward_models: wanted 2"),
        ({"by": "margin", "reward_models": []}, "reward_models: wanted 1"),
        ({"seed": None}, "wanted campaign, by"),
    ],
)
def test_a_spec_that_can_never_run_is_refused(wrong: dict[str, object], told: str) -> None:
    good = {"campaign": 1, "by": "disagreement", "control_share": 0.2, "seed": 0, "reward_models": ["a", "b"]}
    KIND.validate(good)
    bad = {**good, **wrong}
    if bad["seed"] is None:
        del bad["seed"]
    with pytest.raises(ValidationError, match=told):
        KIND.validate(bad)


def test_the_distribution_counts_both_arms(campaign: Campaign, rosa: User) -> None:
    order = kept(asked(campaign, rosa), items_of(campaign), controls=(1, 8))
    bins = queue_orders.distribution(order)
    assert len(bins) == 10
    assert (bins[0].low, bins[-1].high) == pytest.approx((0.0, 7 / 8))
    assert sum(one.chosen for one in bins) == 6
    assert (bins[0].control, bins[-1].control, bins[-1].chosen) == (1, 1, 0)
    assert (bins[0].fullest, bins[0].control_width, bins[0].chosen_width, bins[0].control_start) == (
        1,
        158,
        0,
        0.5,
    )
    same = kept(asked(campaign, rosa), [], lines=[line_of(item) for item in items_of(campaign)])
    (only,) = queue_orders.distribution(same)
    assert (only.chosen, only.low, only.high) == (8, 0.1, 0.1)
    assert queue_orders.distribution(asked(campaign, rosa)) == []


def test_the_gain_is_of_labels_given_under_the_order(
    campaign: Campaign, rosa: User, ada: User, ben: User
) -> None:
    items = items_of(campaign)
    before = _next(campaign, ada)
    waiting = [item for item in items if item.pk != before.item_id]
    lines = [
        line_of(item, arm="control" if n % 2 else "chosen", best=n % 2) for n, item in enumerate(waiting)
    ]
    order = kept(asked(campaign, rosa), waiting, lines=lines)
    services.put_in_force(order=order)
    _next(campaign, ben)
    for _turn in range(3):
        _next(campaign, ada)
    assert [row.item_id for row in queue_orders.labelled_items(order)] == [item.pk for item in waiting[:3]]
    found = queue_orders.gain(order)
    assert dict(found.comparison.items) == {"chosen": 2, "control": 1}
    assert dict(found.comparison.labels) == {"chosen": 2, "control": 1}
    assert found.items_left_out == 0
    counted = vars(queue_orders.orders_of(campaign).get(pk=order.pk))
    assert (counted["placed"], counted["labelled"]) == (7, 3)
    right = waiting[0].response_ids
    services.set_gold(item=waiting[0], tiers=[right[:1], right[1:]], explanation="", by=rosa)
    assert queue_orders.labelled_items(order).count() == 2


def test_the_gain_reads_a_fixed_number_of_statements(project: Project, rosa: User, ada: User) -> None:
    counts = []
    for number in (4, 14):
        campaign = build_campaign(project, rosa, prompts=number, name=f"of {number}")
        order = put_in_order(campaign, rosa, items_of(campaign), controls=(2,))
        for _turn in range(number):
            _next(campaign, ada)
        with CaptureQueriesContext(connection) as found:
            queue_orders.gain(order)
        counts.append(len(found))
    assert counts[0] == counts[1] <= 5


def test_a_lost_job_leaves_the_queue_alone(campaign: Campaign, rosa: User) -> None:
    items = items_of(campaign)
    order = asked(campaign, rosa)
    Job.objects.filter(pk=order.job_id).update(state=Job.State.LOST)
    assert queue(campaign) == [item.pk for item in items for _slot in range(2)]
    assert not ChosenItem.objects.exists()
