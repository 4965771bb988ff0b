"""An item as one annotator sees it: letters, texts and their own draft, and nothing that tells who wrote what."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from labelplatform.accounts.models import Project, User
from labelplatform.labels.kinds import Matter
from labelplatform.labels.models import Campaign, Draft, ItemResponse, Lease, Slot
from labelplatform.labels.orders import letters
from labelplatform.labels.rules import HIGHEST_RATING, LOWEST_RATING


@dataclass(frozen=True)
class ShownAnswer:
    """One answer under its letter."""

    letter: str
    text: str
    tier: int | str | None
    rating: int | str | None
    flags: frozenset[str]

    @property
    def flagged(self) -> str:
        """The flags as one word."""
        return ",".join(sorted(self.flags))


@dataclass(frozen=True)
class ShownItem:
    """All that the ranking page knows of an item."""

    campaign: Campaign
    token: uuid.UUID
    messages: Sequence[Mapping[str, str]]
    context: str
    language: str
    answers: Sequence[ShownAnswer]
    draft: str
    seconds_left: int
    unacceptable: bool

    @property
    def asked(self) -> str:
        """What was asked last: enough of a prompt to remember it by."""
        return self.messages[-1]["content"] if self.messages else ""

    @property
    def ratings(self) -> list[int]:
        """The ratings that can be given: 1 is worst."""
        return list(range(LOWEST_RATING, HIGHEST_RATING + 1))


def slot_of(project: Project, annotator: User, token: uuid.UUID) -> Slot | None:
    """The slot that this person was promised under this token once; None for anybody else's."""
    found = Lease.objects.filter(token=token, annotator=annotator, slot__campaign__project=project)
    lease = found.select_related("slot__campaign", "slot__item").first()
    if lease is None:
        return None
    lease.slot.campaign.project = project
    return lease.slot


def is_held(slot: Slot, token: uuid.UUID) -> bool:
    """Whether the slot is still promised under this token."""
    return slot.state == Slot.State.LEASED and slot.lease_token == token


def responses_by_letter(slot: Slot) -> dict[str, int]:
    """The slot's letters with the responses they stand for, in the order shown. For the server only."""
    stored = slot.item.response_ids
    return dict(zip(letters(len(stored)), (stored[place] for place in slot.shown_order), strict=True))


def shown_item(
    slot: Slot, annotator: User, token: uuid.UUID, typed: Mapping[str, str] | None = None
) -> ShownItem:
    """What to put on the page, in two statements; `typed` is what a refused form had in its boxes."""
    placed = ItemResponse.objects.filter(item=slot.item_id).order_by("position")
    stored = list(placed.values_list("response__text", flat=True))
    drafts = Draft.objects.filter(slot=slot, annotator=annotator)
    draft: dict[str, Any] = drafts.values_list("state", flat=True).first() or {}
    flags = draft.get("flags", {})
    tiers, ratings = draft.get("places", {}), draft.get("ratings", {})
    if typed:
        tiers = {letter: typed.get(f"place-{letter}", "")[:2] for letter in letters(len(stored))}
        ratings = {letter: typed.get(f"rating-{letter}", "")[:2] for letter in letters(len(stored))}
    answers = [
        ShownAnswer(
            letter, stored[place], tiers.get(letter), ratings.get(letter), frozenset(flags.get(letter, ()))
        )
        for letter, place in zip(letters(len(stored)), slot.shown_order, strict=True)
    ]
    return ShownItem(
        campaign=slot.campaign,
        token=token,
        messages=slot.item.prompt.messages,
        context=slot.item.prompt.context,
        language=slot.item.prompt.language,
        answers=answers,
        draft=json.dumps(draft),
        seconds_left=_seconds_left(slot),
        unacceptable=bool(draft.get("unacceptable")),
    )


@dataclass(frozen=True)
class ShownMatter:
    """All that the page of a single answer, or of none, knows of an item."""

    campaign: Campaign
    token: uuid.UUID
    messages: Sequence[Mapping[str, str]]
    context: str
    language: str
    text: str
    draft: str
    seconds_left: int

    @property
    def asked(self) -> str:
        """What was asked last: enough of a prompt to remember it by."""
        return self.messages[-1]["content"] if self.messages else ""


def shown_matter(
    slot: Slot, annotator: User, token: uuid.UUID, matter: Matter
) -> tuple[ShownMatter, dict[str, Any]]:
    """What to put on the page, and the draft it was left with."""
    drafts = Draft.objects.filter(slot=slot, annotator=annotator)
    draft: dict[str, Any] = drafts.values_list("state", flat=True).first() or {}
    item = ShownMatter(
        campaign=slot.campaign,
        token=token,
        messages=matter.messages,
        context=matter.context,
        language=slot.item.prompt.language,
        text=matter.response,
        draft=json.dumps(draft),
        seconds_left=_seconds_left(slot),
    )
    return item, draft


def _seconds_left(slot: Slot) -> int:
    left = (slot.lease_expires_at - timezone.now()).total_seconds() if slot.lease_expires_at else 0
    return max(0, int(left))
