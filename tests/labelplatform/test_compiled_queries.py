"""Statements that are put together once find, change and insert just what Django's own would."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import BigAutoField, CharField, DateTimeField, F, JSONField, OuterRef, UUIDField
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from labelplatform.accounts.models import AuditEntry, Project, User
from labelplatform.compiled_queries import Columns, Compiled, CompiledChange, Given, Insertion, Listed
from labelplatform.labels.models import Draft, Item, ItemResponse, Lease, Slot
from tests.labelplatform.labels.building import build_campaign, claimed

pytestmark = pytest.mark.django_db


@pytest.fixture
def slot(project: Project, ada: User, rosa: User) -> Slot:
    return claimed(build_campaign(project, rosa, prompts=2), ada)


def columns(one: object) -> dict[str, object]:
    return {name: value for name, value in vars(one).items() if name != "_state"}


def test_objects_come_whole_with_what_belongs_to_them(slot: Slot, ada: User, project: Project) -> None:
    lease = Compiled(
        lambda: Lease.objects.select_related("slot__campaign", "slot__item").filter(
            token=Given("token", UUIDField()), slot__campaign__project__slug="load"
        )
    )
    assert lease.first(token=slot.lease_token) is None
    Project.objects.filter(pk=project.pk).update(slug="load")
    with CaptureQueriesContext(connection) as statements:
        (found,) = lease.rows(token=slot.lease_token)
        assert found.slot.campaign.name == "ranking"
    assert len(statements) == 1
    plain = Lease.objects.get()
    for name in ("id", "slot_id", "annotator_id", "token", "claimed_at"):
        assert getattr(found, name) == getattr(plain, name)
    assert columns(found.slot.item) == columns(slot.item)
    for name in ("state", "shown_order", "lease_token", "lease_expires_at", "annotator_id"):
        assert getattr(found.slot, name) == getattr(Slot.objects.get(pk=slot.pk), name)
    assert (found._state.adding, found._state.db) == (False, "default")


def test_each_run_has_values_of_its_own_and_other_threads_of_work_do_not_mix(ada: User, ben: User) -> None:
    by_name = Compiled(lambda: User.objects.filter(username=Given("name", CharField())))
    assert by_name.first(name="ada") == ada
    assert by_name.first(name="ben") == ben
    assert by_name.first(name="' OR 1=1 --") is None
    assert by_name.rows(name="nobody") == []


def test_plain_values_are_converted_as_everywhere(slot: Slot) -> None:
    told = Compiled(
        lambda: Slot.objects.filter(pk=Given("pk", BigAutoField())).values_list(
            "lease_token", "lease_expires_at", "shown_order"
        )
    )
    assert told.rows(pk=slot.pk) == [(slot.lease_token, slot.lease_expires_at, slot.shown_order)]


def test_whole_rows_of_our_own_statements_become_objects(slot: Slot) -> None:
    whole = Columns(Slot)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {whole.names} FROM labels_slot WHERE id = %s", [slot.pk])
        found = whole.made(cursor.fetchone())
    assert columns(found) == columns(Slot.objects.get(pk=slot.pk))


def test_new_rows_get_keys_times_and_defaults(slot: Slot, ada: User) -> None:
    before = timezone.now()
    entries = [
        AuditEntry(by=ada, verb=verb, object_kind="k", object_id="1", detail={"n": 1}) for verb in "ab"
    ]
    assert Insertion(AuditEntry).insert(*entries)
    for entry in entries:
        stored = AuditEntry.objects.get(pk=entry.pk)
        assert (stored.verb, stored.detail, stored.project) == (entry.verb, {"n": 1}, None)
        assert before <= stored.at <= timezone.now()
        assert entry == stored
        assert not entry._state.adding


def test_a_row_that_is_there_stays_and_is_told(slot: Slot, ada: User) -> None:
    insertion = Insertion(Draft, or_nothing=True)
    assert insertion.insert(Draft(slot=slot, annotator=ada, state={"places": {"A": 1}}))
    second = Draft(slot=slot, annotator=ada, state={"places": {"A": 2}})
    assert not insertion.insert(second)
    assert not second.pk
    assert Draft.objects.get().state == {"places": {"A": 1}}


def test_changes_say_how_many_rows_they_changed(slot: Slot, ada: User, ben: User) -> None:
    Draft.objects.create(slot=slot, annotator=ada, state={"n": 1})
    rewrite = CompiledChange(
        lambda: Draft.objects.filter(annotator=Given("annotator", BigAutoField())),
        state=Given("state", JSONField()),
        at=Given("at", DateTimeField()),
    )
    later = timezone.now() + timedelta(days=1)
    assert rewrite.run(annotator=ben.pk, state={"n": 2}, at=later) == 0
    assert Draft.objects.get().state == {"n": 1}
    assert rewrite.run(annotator=ada.pk, state={"n": 3}, at=later) == 1
    assert (Draft.objects.get().state, Draft.objects.get().at) == ({"n": 3}, later)
    forget = CompiledChange(lambda: Draft.objects.filter(annotator=Given("annotator", BigAutoField())))
    assert forget.run(annotator=ben.pk) == 0
    assert forget.run(annotator=ada.pk) == 1
    assert not Draft.objects.exists()


def test_a_change_inside_a_transaction_that_fails_is_undone(slot: Slot, ada: User) -> None:
    fill = CompiledChange(
        lambda: Slot.objects.filter(pk=Given("pk", BigAutoField())), lease_token=Given("token", UUIDField())
    )
    with transaction.atomic():
        assert fill.run(pk=slot.pk, token=uuid4()) == 1
        transaction.set_rollback(True)
    assert Slot.objects.get(pk=slot.pk).lease_token == slot.lease_token


def test_without_that_wish_a_row_that_is_there_is_an_error(slot: Slot, ada: User) -> None:
    Draft.objects.create(slot=slot, annotator=ada)
    with pytest.raises(IntegrityError), transaction.atomic():
        Insertion(Draft).insert(Draft(slot=slot, annotator=ada))


def test_what_belongs_to_a_row_comes_as_a_list_in_its_order(slot: Slot) -> None:
    places = slot.item.placed_responses.order_by("position")
    item = Compiled(
        lambda: Item.objects.filter(pk=Given("pk", BigAutoField())).annotate(
            backwards=Listed(
                ItemResponse.objects.filter(item=OuterRef("pk")).order_by("-position"), "response_id"
            ),
            texts=Listed(
                ItemResponse.objects.filter(item=OuterRef("pk")).order_by("position"), "response__text"
            ),
            again=F("campaign_id"),
        )
    )
    with CaptureQueriesContext(connection) as statements:
        found = item.first(pk=slot.item_id)
    assert len(statements) == 1
    assert found is not None
    assert found.backwards == [place.response_id for place in places][::-1]
    assert found.texts == [place.response.text for place in places]
    assert found.again == slot.item.campaign_id
    ItemResponse.objects.filter(item=slot.item).delete()
    (found,) = item.rows(pk=slot.item_id)
    assert found.backwards == []
