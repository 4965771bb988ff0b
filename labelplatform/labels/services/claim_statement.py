"""The claim as one statement, the same for SQLite and PostgreSQL but for row locks.

It takes, in this order: what the person holds or had begun and let lapse; what others let lapse or gave back, the
longest waiting first; the first open slot beyond the person's place in the queue. A place in the queue is only a
shortcut past the slots of items the person has had: without it, somebody far ahead of the others would walk over all
of those at every claim. Where nothing lies beyond it, the whole queue is looked through once more.

PostgreSQL skips the slots that another claim is just taking, but waits for the person's own. SQLite knows no row
locks; its one writer is begun IMMEDIATE.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from labelplatform.labels.models import Campaign, Slot

# What somebody had, gave a label on or skipped is not offered again.
UNTOUCHED = """
    NOT EXISTS (SELECT 1 FROM labels_slot m
                WHERE m.item_id = s.item_id AND m.annotator_id = %(me)s AND m.state <> 'open')
    AND NOT EXISTS (SELECT 1 FROM labels_ranking r WHERE r.item_id = s.item_id AND r.annotator_id = %(me)s)
    AND NOT EXISTS (SELECT 1 FROM labels_skip k WHERE k.item_id = s.item_id AND k.annotator_id = %(me)s)
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
    ORDER BY s.lease_expires_at, s.id LIMIT 1
"""  # noqa: S608  (only constants of this file are put together)
OPEN = f"""
    SELECT s.id FROM labels_slot s
    WHERE s.campaign_id = %(campaign)s AND s.state = 'open' AND s.queue_place > %(beyond)s AND {UNTOUCHED} %(gate)s
    ORDER BY s.queue_place, s.id LIMIT 1
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
# Below every place: where those who have yet to qualify look, the gold in reserve being theirs.
RESERVE = "-1000000000"
KEEP_PLACE = """
    INSERT INTO labels_queueplace (campaign_id, annotator_id, place) VALUES (%s, %s, %s)
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


def take(wish: Wish) -> Slot | None:
    """Promise a slot to this person and return it, or None; two statements, three where the queue's end is near."""
    slot = _run(wish, f"COALESCE(({PLACE}), {BEFORE_ALL})")
    if slot is None:
        return _run(wish, BEFORE_ALL)
    if slot.promised == 1 and slot.lease_token == wish.token and slot.queue_place >= 0:
        # It came from the queue, not back from somebody: all before it is taken, or not for this person.
        with connection.cursor() as cursor:
            cursor.execute(KEEP_PLACE, [wish.campaign.pk, wish.annotator, slot.queue_place])
    return slot


def _run(wish: Wish, beyond: str) -> Slot | None:
    gated = wish.campaign.qualification_items > 0
    statement = _statement(beyond, gated=gated)
    if not wish.campaign.gives_rankings:
        # Such a campaign's labels stand in a table of their own: one sub-select in place of the other.
        statement = statement.replace("FROM labels_ranking r", "FROM labels_label r")
    return next(iter(Slot.objects.raw(statement, _parameters(wish))), None)


def _statement(beyond: str, *, gated: bool) -> str:
    locks = connection.features.has_select_for_update_skip_locked
    own, others = ("FOR UPDATE OF s", "FOR UPDATE OF s SKIP LOCKED") if locks else ("", "")
    gate = GATE if gated else ""
    start = f"CASE WHEN {ADMITTED} THEN {beyond} ELSE {RESERVE} END" if gated else beyond
    opened = OPEN.replace("%(beyond)s", start).replace("%(gate)s", gate)
    lapsed = LAPSED.replace("%(gate)s", gate)
    return f"""
        UPDATE labels_slot SET state = 'leased', annotator_id = %(me)s, lease_expires_at = %(until)s,
            lease_token = CASE WHEN annotator_id = %(me)s THEN lease_token ELSE %(token)s END,
            promised = promised + CASE WHEN annotator_id = %(me)s THEN 0 ELSE 1 END
        WHERE id = COALESCE(({MINE} {own}), ({lapsed} {others}), ({opened} {others}))
        RETURNING *
    """  # noqa: S608  (only constants of this file are put together)


def _parameters(wish: Wish) -> dict[str, object]:
    token, moment = Slot._meta.get_field("lease_token"), Slot._meta.get_field("lease_expires_at")
    return {
        "me": wish.annotator,
        "campaign": wish.campaign.pk,
        "token": token.get_db_prep_value(wish.token, connection),
        "beside": token.get_db_prep_value(wish.beside or NOWHERE, connection),
        "now": moment.get_db_prep_value(wish.now, connection),
        "until": moment.get_db_prep_value(wish.until, connection),
    }
