"""Hidden repeats and third opinions of labels that are no orders: the same verbs, other measures of agreement."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from evaluator.statistics.resampling import Sampling
from labelplatform.accounts.models import Project, User
from labelplatform.labels import label_disagreement, own_agreement, queries, services, span_quality, waiting
from labelplatform.labels.label_lines import label_lines, labels
from labelplatform.labels.label_quality import given_labels
from labelplatform.labels.models import Adjudication, Campaign, Label, RepeatItem
from labelplatform.labels.services.repeats import _ordinary_labels
from tests.labelplatform.labels.building import claimed
from tests.labelplatform.labels.kind_building import build_label_campaign, give, said
from tests.labelplatform.labels.test_assignment import lapse

SignIn = Callable[[User], Client]
ALL = Sampling(seed=0, resamples=50, fewest=1)
NAMES = {"rating": ("helpful", "honest", "harmless"), "honesty": ("truthful", "informative")}


def build(project: Project, by: User, kind: str = "rating", *, prompts: int = 20) -> Campaign:
    campaign = build_label_campaign(project, by, kind=kind, prompts=prompts, answers=1, overlap=2)
    services.set_quality(campaign=campaign, by=by, repeat_rate=0.2, repeat_after=2)
    return campaign


def say(campaign: Campaign, by: User, *values: int) -> Label:
    """One label: a rating under each name in turn, the last for the names that are left; of spans, marks of 4."""
    slot = claimed(campaign, by)
    if campaign.kind == "spans":
        return give(slot, by, {"spans": [{"start": v, "end": v + 4, "kind": "other"} for v in values]})
    names = NAMES[campaign.kind]
    told = {name: values[min(place, len(values) - 1)] for place, name in enumerate(names)}
    return give(slot, by, {"ratings": told, "flags": []})


def all_of(campaign: Campaign, by: User, first: Any, again: Any) -> int:
    """Label everything: `first` what is said of an item, `again` of a repeat; returns how many were repeats."""
    repeats = 0
    while (slot := services.claim(campaign=campaign, annotator=by)) is not None:
        is_repeat = RepeatItem.objects.filter(item=slot.item).exists()
        repeats += is_repeat
        say(campaign, by, *(again(repeats) if is_repeat else first))
    return repeats


@pytest.mark.parametrize("kind", ["rating", "honesty", "spans"])
def test_an_item_comes_again_to_the_same_person_alone(
    project: Project, rosa: User, ada: User, ben: User, kind: str
) -> None:
    campaign = build(project, rosa, kind)
    given = []
    while not RepeatItem.objects.exists():
        given.append(say(campaign, ada, 1))
    repeat = RepeatItem.objects.get()
    assert repeat.annotator == ada
    assert repeat.original_id in [label.item_id for label in given[:-2]]
    slot = repeat.item.slots.get()
    assert (slot.shown_order, slot.state) == ([0], "leased")
    assert repeat.item.response_ids == repeat.original.response_ids
    assert slot not in waiting.waiting_slots(campaign, ben, timezone.now())
    services.release(token=slot.lease_token, by=ada)  # type: ignore[arg-type]
    assert slot not in waiting.waiting_slots(campaign, ben, timezone.now())
    assert claimed(campaign, ada).item == repeat.item


@pytest.mark.parametrize("kind", ["rating", "spans"])
def test_a_label_of_a_repeat_is_in_no_file_no_progress_and_no_agreement(
    project: Project, rosa: User, ada: User, kind: str
) -> None:
    campaign = build(project, rosa, kind)
    while not RepeatItem.objects.exists():
        say(campaign, ada, 1)
    file = "spans" if kind == "spans" else "ratings"

    def told() -> tuple[object, ...]:
        kept: Any = queries.campaigns(project).get()
        read = span_quality.gather_spans(campaign)[0] if kind == "spans" else given_labels(campaign)
        counts = (kept.items_wanted, kept.slots_wanted, kept.slots_done, kept.labels_kept, len(read))
        return (*counts, [line["id"] for line in label_lines(project, file)])

    before = told()
    again = say(campaign, ada, 1)
    assert again.item == RepeatItem.objects.get().item
    assert told() == before
    assert again in labels(project, file, {"with_repeats": True})


@pytest.mark.parametrize(
    ("kind", "first", "again", "share"),
    [
        ("rating", (4,), lambda turn: (5 if turn % 2 else 4,), lambda n: 1.0),
        # One of three names is two points away on every second repeat.
        ("rating", (4,), lambda turn: (4, 4, 6 if turn % 2 else 4), lambda n: 1 - ((n + 1) // 2) / (3 * n)),
        # Neither yes nor no, twice the same; then a yes where there had been neither.
        ("honesty", (6, 4), lambda turn: (5, 4), lambda n: 1.0),
        ("honesty", (6, 4), lambda turn: (5, 5), lambda n: 0.5),
        ("spans", (0,), lambda turn: (0,), lambda n: 1.0),
        ("spans", (0,), lambda turn: () if turn % 2 else (0,), lambda n: (n // 2) / n),
    ],
)
def test_how_far_somebody_agrees_with_themselves(
    project: Project, rosa: User, ada: User, kind: str, first: Any, again: Any, share: Any
) -> None:
    campaign = build(project, rosa, kind)
    repeats = all_of(campaign, ada, first, again)
    assert repeats >= 3
    found = own_agreement.self_consistency(campaign, ada, ALL)
    assert found.n == repeats
    assert found.value == pytest.approx(share(repeats))
    assert own_agreement.self_consistency(campaign, rosa, ALL).n == 0


def test_the_page_of_an_annotator_tells_it_once_there_are_enough(
    project: Project, rosa: User, ada: User, sign_in: SignIn
) -> None:
    campaign = build(project, rosa, prompts=30)
    say(campaign, ada, 4)
    page = reverse("labels:annotator_quality", args=[project.slug, campaign.pk, ada.pk])
    few = {one.name: one for one in label_disagreement.annotator_figures(campaign, ada)}["With themselves"]
    assert (few.value, few.n) == (None, 0)
    all_of(campaign, ada, (4,), lambda turn: (4,))
    shown = {one.name: one for one in sign_in(rosa).get(page).context["figures"]}["With themselves"]
    assert shown.value == 1.0
    assert shown.n == RepeatItem.objects.count() >= 5
    plain = build_label_campaign(project, rosa, name="plain")
    give(claimed(plain, ada), ada)
    assert "With themselves" not in {one.name for one in label_disagreement.annotator_figures(plain, ada)}


def build_asking(project: Project, by: User, kind: str, below: float) -> Campaign:
    campaign = build_label_campaign(project, by, kind=kind, prompts=1, answers=1, overlap=2)
    services.set_quality(campaign=campaign, by=by, third_opinion_below=below, most_labels=3)
    return campaign


@pytest.mark.parametrize(
    ("kind", "one", "other", "below", "more"),
    [
        # Helpful and honest agree within one point, harmless does not: two of three.
        ("rating", (4, 4, 4), (5, 3, 6), 0.7, True),
        ("rating", (4, 4, 4), (5, 3, 6), 2 / 3, False),
        ("rating", (4, 4, 4), (6, 6, 6), 0.01, True),
        ("rating", (4, 4, 4), (6, 6, 6), 0.0, False),
        ("honesty", (7, 4), (5, 4), 1.0, False),
        ("honesty", (7, 4), (5, 3), 1.0, True),
        ("honesty", (7, 4), (5, 3), 0.5, False),
    ],
)
def test_one_more_is_asked_where_ratings_agree_too_little(
    project: Project,
    rosa: User,
    ada: User,
    ben: User,
    kind: str,
    one: tuple[int, ...],
    other: tuple[int, ...],
    below: float,
    more: bool,
) -> None:
    campaign = build_asking(project, rosa, kind, below)
    say(campaign, ada, *one)
    assert campaign.slots.count() == 2
    say(campaign, ben, *other)
    states = list(campaign.slots.order_by("ordinal").values_list("state", flat=True))
    assert states == ["done", "done", *(["open"] if more else [])]


def test_up_to_the_most_and_nothing_is_to_be_decided(
    project: Project, rosa: User, ada: User, ben: User
) -> None:
    campaign = build_asking(project, rosa, "rating", 1.0)
    for person, value in ((ada, 1), (ben, 7), (rosa, 4)):
        say(campaign, person, value)
    assert list(campaign.slots.values_list("state", flat=True)) == ["done"] * 3
    assert not Adjudication.objects.exists()


def test_recorded_labels_ask_for_one_more_and_repeat_nothing(
    project: Project, rosa: User, ada: User, ben: User
) -> None:
    campaign = build_asking(project, rosa, "rating", 1.0)
    services.set_quality(campaign=campaign, by=rosa, repeat_rate=0.2, repeat_after=1)
    copy = build_label_campaign(project, rosa, prompts=1, answers=1, overlap=2, name="copy")
    for person, value in ((ada, 1), (ben, 7)):
        say(copy, person, value)
    item = campaign.items.get()
    lines = [
        {**line, "id": f"again-{place}", "item": item.key}
        for place, line in enumerate(label_lines(project, "ratings", {"campaigns": [copy.pk]}))
    ]
    services.record_labels(campaign=campaign, lines=lines, by=rosa)
    assert list(campaign.slots.order_by("ordinal").values_list("state", flat=True)) == [
        "done",
        "done",
        "open",
    ]
    assert not RepeatItem.objects.exists()


def test_only_the_items_own_labels_ask(project: Project, rosa: User, ada: User, ben: User) -> None:
    campaign = build_label_campaign(project, rosa, prompts=2, answers=1, overlap=2)
    services.set_quality(campaign=campaign, by=rosa, third_opinion_below=1.0, most_labels=3)
    first = campaign.items.order_by("pk")[0]
    late = claimed(campaign, ada)
    token = late.lease_token
    lapse(late)
    for person in (ben, rosa):
        while (slot := services.claim(campaign=campaign, annotator=person)) is not None:
            give(slot, person, said(campaign, helpful=1 if slot.item == first or person == rosa else 7))
    assert late.item == first
    assert give(late, ada, said(campaign, helpful=4), lease_token=token).surplus
    # The first item's two labels say the same; the other's do not, nor does what came too late.
    assert [item.slots.count() for item in campaign.items.order_by("pk")] == [2, 3]
    assert own_agreement.item_agreement(campaign, first) == 1.0


def test_answers_written_beside_do_not_count(project: Project, rosa: User, ada: User) -> None:
    campaign = build(project, rosa, prompts=4)
    label = say(campaign, ada, 4)
    before = _ordinary_labels(campaign, ada.pk).count()
    Label.objects.filter(pk=label.pk).update(kind="demonstration")
    assert (before, _ordinary_labels(campaign, ada.pk).count()) == (1, 0)
