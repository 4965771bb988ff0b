"""The claim as one statement, the same for SQLite and PostgreSQL but for row locks.

It takes, in this order: what the person holds or had begun and let lapse; what others let lapse or gave back, the
longest waiting first; the first open slot beyond the person's place in the queue. A place in the queue is only a
shortcut past the slots of items the person has had: without it, somebody far ahead of the others would walk over all
of those at every claim. Where nothing lies beyond it, the whole queue is looked through once more.

PostgreSQL skips the slots that another claim is just taking, but waits for the person's own. SQLite knows no row
locks; its one writer is begun IMMEDIATE.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connection

from labelplatform.compiled_queries import Columns
from labelplatform.labels.models import Campaign, Slot
from labelplatform.labels.services.routing import EVERYTHING, Gate

_SLOT = Columns(Slot)

# What somebody had, gave a label on or skipped is not offered again. OFFSET keeps PostgreSQL from making these joins,
# which it would choose by statistics that are always behind a queue: each is a look into an index for one candidate.
# For the same reason the orders below are those of an index, so that the first that will do ends the search.
UNTOUCHED = """
    NOT EXISTS (SELECT 1 FROM labels_slot m
                WHERE m.item_id = s.item_id AND m.annotator_id = %(me)s AND m.state <> 'open' LIMIT 1 OFFSET 0)
    AND NOT EXISTS (SELECT 1 FROM labels_ranking r
                    WHERE r.item_id = s.item_id AND r.annotator_id = %(me)s LIMIT 1 OFFSET 0)
    AND NOT EXISTS (SELECT 1 FROM labels_skip k
                    WHERE k.item_id = s.item_id AND k.annotator_id = %(me)s LIMIT 1 OFFSET 0)
"""
MINE = """
    SELECT s.id FROM labels_slot s
    WHERE s.annotator_id = %(me)s AND s.campaign_id = %(campaign)s AND s.state = 'leased'
      AND s.lease_token <> %(beside)s
      AND NOT EXISTS (SELECT 1 FROM labels_skip k WHERE k.item_id = s.item_id AND k.annotator_id = %(me)s)
    ORDER BY CASE WHEN s.lease_expires_at >= %(now)s THEN 0 ELSE 1 END,
      CASE WHEN EXISTS (SELECT 1 FROM labels_draft d WHERE d.slot_id = s.id AND d.annotator_id = %(me)s)
           THEN 0 ELSE 1 END, s.queue_place, s.id
    LIMIT 1
"""
LAPSED = f"""
    SELECT s.id FROM labels_slot s
    WHERE s.campaign_id = %(campaign)s AND s.state = 'leased' AND s.lease_expires_at < %(now)s AND {UNTOUCHED} %(gate)s
    ORDER BY s.lease_expires_at LIMIT 1
"""  # noqa: S608  (only constants of this file are put together)
OPEN = f"""
    SELECT s.id FROM labels_slot s
    WHERE s.campaign_id = %(campaign)s AND s.state = 'open' AND s.queue_place > %(beyond)s AND {UNTOUCHED} %(gate)s
    ORDER BY s.queue_place LIMIT 1
"""  # noqa: S608  (only constants of this file are put together)
PLACE = """
    SELECT q.place FROM labels_queueplace q
    WHERE q.campaign_id = %(campaign)s AND q.annotator_id = %(me)s
"""
# A campaign that asks for gold first: who has not qualified yet is given gold alone, who did not is given nothing.
ADMITTED = """
    EXISTS (SELECT 1 FROM labels_qualification a WHERE a.campaign_id = %(campaign)s AND a.annotator_id = %(me)s
            AND a.state IN ('passed', 'overridden'))
"""
GATE = f"""
    AND ({ADMITTED} OR (EXISTS (SELECT 1 FROM labels_golditem g WHERE g.item_id = s.item_id)
      AND NOT EXISTS (SELECT 1 FROM labels_qualification f WHERE f.campaign_id = %(campaign)s
                      AND f.annotator_id = %(me)s AND f.state = 'failed')))
"""  # noqa: S608  (only constants of this file are put together)
# A campaign with hidden repeats: a twin is for the person whose item it repeats alone, also where its promise lapsed.
NOBODY_ELSES_REPEAT = """
    AND NOT EXISTS (SELECT 1 FROM labels_repeatitem t WHERE t.item_id = s.item_id AND t.annotator_id <> %(me)s)
"""
# Below every place: where those who have yet to qualify look, the gold in reserve being theirs.
RESERVE = "-1000000000"
# That the slot was promised, kept for good; only where it was not theirs already.
PROMISED = """
    INSERT INTO labels_lease (slot_id, annotator_id, token, claimed_at)
    SELECT id, annotator_id, lease_token, %(now)s FROM taken WHERE lease_token = %(token)s
"""
# It came from the queue, not back from somebody: all before it is taken, or not for this person.
KEPT_PLACE = """
    INSERT INTO labels_queueplace (campaign_id, annotator_id, place)
    SELECT campaign_id, annotator_id, queue_place FROM taken WHERE lease_token = %(token)s
    AND promised = 1 AND queue_place >= 0
    ON CONFLICT (campaign_id, annotator_id) DO UPDATE SET place = excluded.place
"""
NOWHERE = uuid.UUID(int=0)
BEFORE_ALL = "-1"


@dataclass(frozen=True)
class Wish:
    """Who wants a slot of which campaign, beside which lease, promised from when until when under which token."""

    campaign: Campaign
    annotator: int
    token: uuid.UUID
    now: datetime
    until: datetime
    beside: uuid.UUID | None = None
    # What else an item must be (services/routing.py): plain for almost every campaign.
    gate: Gate = EVERYTHING


def take(wish: Wish) -> Slot | None:
    """Promise a slot to this person and return it, or None; keeps the promise and their place in the queue as well.

    PostgreSQL does it in one statement, SQLite in one for each row; one more where the queue's end is near.
    """
    slot = _run(wish, f"COALESCE(({PLACE}), {BEFORE_ALL})", keeps_place=True)
    slot = slot or _run(wish, BEFORE_ALL, keeps_place=False)
    if slot is not None:
        slot.is_fresh = slot.promised == 1 and slot.lease_token == wish.token
    return slot


def _run(wish: Wish, beyond: str, *, keeps_place: bool) -> Slot | None:
    campaign = wish.campaign
    taking = _statement(
        connection.vendor,
        beyond,
        gated=campaign.qualification_items > 0,
        repeats=campaign.has_repeats,
        also=wish.gate.condition,
        # Labels that are no orders stand in a table of their own: one sub-select in place of the other.
        labels="labels_ranking" if campaign.gives_rankings else "labels_label",
    )
    deeds = (PROMISED, KEPT_PLACE) if keeps_place else (PROMISED,)
    return (_at_once if connection.vendor == "postgresql" else _one_by_one)(taking, deeds, wish)


def _at_once(taking: str, deeds: Sequence[str], wish: Wish) -> Slot | None:
    written = "".join(f", written_{n} AS ({deed})" for n, deed in enumerate(deeds))
    with connection.cursor() as cursor:
        cursor.execute(f"WITH taken AS ({taking}) {written} SELECT * FROM taken", _parameters(wish))  # noqa: S608
        row = cursor.fetchone()
    return None if row is None else _SLOT.made(row)


def _one_by_one(taking: str, deeds: Sequence[str], wish: Wish) -> Slot | None:
    """SQLite knows no statement within a statement that changes anything: the same deeds, read from the row itself."""
    parameters = _parameters(wish)
    with connection.cursor() as cursor:
        cursor.execute(taking, parameters)
        row = cursor.fetchone()
        if row is None:
            return None
        slot = _SLOT.made(row)
        if slot.lease_token == wish.token:
            for deed in deeds:
                own = deed.replace("FROM taken WHERE", "FROM labels_slot WHERE id = %(slot)s AND")
                cursor.execute(own, parameters | {"slot": slot.pk})
    return slot


@cache
def _statement(vendor: str, beyond: str, *, gated: bool, repeats: bool, also: str, labels: str) -> str:
    """The statement for this thread's database, which is of this kind."""
    locks = connection.features.has_select_for_update_skip_locked
    own, others = ("FOR UPDATE OF s", "FOR UPDATE OF s SKIP LOCKED") if locks else ("", "")
    gate = (GATE if gated else "") + (NOBODY_ELSES_REPEAT if repeats else "") + also
    start = f"CASE WHEN {ADMITTED} THEN {beyond} ELSE {RESERVE} END" if gated else beyond
    opened = OPEN.replace("%(beyond)s", start).replace("%(gate)s", gate)
    lapsed = LAPSED.replace("%(gate)s", gate)
    taking = f"""
        UPDATE labels_slot SET state = 'leased', annotator_id = %(me)s, lease_expires_at = %(until)s,
            lease_token = CASE WHEN annotator_id = %(me)s THEN lease_token ELSE %(token)s END,
            promised = promised + CASE WHEN annotator_id = %(me)s THEN 0 ELSE 1 END
        WHERE id = COALESCE(({MINE} {own}), ({lapsed} {others}), ({opened} {others}))
        RETURNING {_SLOT.names}
    """  # noqa: S608  (only constants of this file are put together)
    return taking.replace("FROM labels_ranking r", f"FROM {labels} r")


def _parameters(wish: Wish) -> dict[str, Any]:
    token, moment = Slot._meta.get_field("lease_token"), Slot._meta.get_field("lease_expires_at")
    return {
        "me": wish.annotator,
        "campaign": wish.campaign.pk,
        "token": token.get_db_prep_value(wish.token, connection),
        "beside": token.get_db_prep_value(wish.beside or NOWHERE, connection),
        "now": moment.get_db_prep_value(wish.now, connection),
        "until": moment.get_db_prep_value(wish.until, connection),
        **wish.gate.parameters,
    }
