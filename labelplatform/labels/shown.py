"""An item as one annotator sees it: letters, texts and their own draft, and nothing that tells who wrote what."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import BigAutoField, OuterRef, QuerySet, UUIDField
from django.utils import timezone

from labelplatform.accounts.models import Project, User
from labelplatform.compiled_queries import Compiled, Given, Listed
from labelplatform.labels.kinds import Matter
from labelplatform.labels.models import Campaign, Draft, ItemResponse, Lease, Slot
from labelplatform.labels.orders import letters
from labelplatform.labels.rules import HIGHEST_RATING, LOWEST_RATING
from labelplatform.prompts.models import Prompt

_LEASE = Compiled(
    lambda: (
        Lease.objects.select_related("slot__campaign", "slot__item")
        .filter(
            token=Given("token", UUIDField()),
            annotator=Given("annotator", BigAutoField()),
            slot__campaign__project=Given("project", BigAutoField()),
        )
        .annotate(response_ids=Listed(_in_place(OuterRef("slot__item")), "response_id"))
    )
)
_CAMPAIGN = Compiled(
    lambda: Campaign.objects.filter(pk=Given("pk", BigAutoField()), project=Given("project", BigAutoField()))
)


def _in_place(item: "Given | OuterRef") -> "QuerySet[ItemResponse]":
    return ItemResponse.objects.filter(item=item).order_by("position")


_PROMPT = Compiled(
    lambda: (
        Prompt.objects.filter(items=Given("item", BigAutoField()))
        .order_by()
        .annotate(texts=Listed(_in_place(Given("item", BigAutoField())), "response__text"))
    )
)
_DRAFT = Compiled(
    lambda: Draft.objects.filter(
        slot=Given("slot", BigAutoField()), annotator=Given("annotator", BigAutoField())
    ).values_list("state")
)


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
    lease: Lease | None = _LEASE.first(token=token, annotator=annotator.pk, project=project.pk)
    if lease is None:
        return None
    lease.slot.campaign.project = project
    lease.slot.item.__dict__["response_ids"] = lease.response_ids  # type: ignore[attr-defined]
    return lease.slot


def campaign_of(project: Project, pk: int) -> Campaign | None:
    """The project's campaign of this number, as the claim needs it."""
    campaign: Campaign | None = _CAMPAIGN.first(pk=pk, project=project.pk)
    if campaign is not None:
        campaign.project = project
    return campaign


def is_held(slot: Slot, token: uuid.UUID) -> bool:
    """Whether the slot is still promised under this token."""
    return slot.state == Slot.State.LEASED and slot.lease_token == token


def responses_by_letter(slot: Slot) -> dict[str, int]:
    """The slot's letters with the responses they stand for, in the order shown. For the server only."""
    stored = slot.item.response_ids
    return dict(zip(letters(len(stored)), (stored[place] for place in slot.shown_order), strict=True))


def _draft(slot: Slot, annotator: User) -> dict[str, Any]:
    """What this person left unfinished."""
    if slot.is_fresh:
        return {}
    (state,) = _DRAFT.first(slot=slot.pk, annotator=annotator.pk) or ({},)
    return dict(state)


def shown_item(
    slot: Slot, annotator: User, token: uuid.UUID, typed: Mapping[str, str] | None = None
) -> ShownItem:
    """What to put on the page, in two statements; `typed` is what a refused form had in its boxes."""
    prompt: Any
    (prompt,) = _PROMPT.rows(item=slot.item_id)
    stored: list[str] = prompt.texts
    draft = _draft(slot, annotator)
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
        messages=prompt.messages,
        context=prompt.context,
        language=prompt.language,
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
    draft = _draft(slot, annotator)
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
