"""What lies on the annotator's desk: one sheet per kind of label. The desk (annotating.py) is the same for all.

A sheet shows an item, reads what a form says and hands it to its verb, and knows what a draft of it looks like.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.http import QueryDict
from django.utils.translation import gettext as _

from labelplatform.accounts.models import User
from labelplatform.labels import kinds, rules, services, shown
from labelplatform.labels.flag_names import flag_choices
from labelplatform.labels.forms import LabelForm, RankingForm, parse_draft
from labelplatform.labels.kinds import Unreadable
from labelplatform.labels.logs import Log, parse_log
from labelplatform.labels.matters import matter_of
from labelplatform.labels.models import Campaign, Label, Ranking, Slot
from labelplatform.labels.orders import letters
from labelplatform.labels.preview_words import stored_words
from labelplatform.prompts.lines import LineRefused, check_storable

# What every page's draft holds beside what was said: where one stood, what can be undone, who wrote.
DRAFT_KEYS = (
    "focus",
    "raw",
    "read",
    "history",
    "future",
    "log",
    "seconds",
    "at",
    "version",
    "base",
    "writer",
)
# The answer of a sheet with one answer, in the page's log.
ONLY_LETTER = "A"


class Sheet(Protocol):
    """One kind of label on the desk."""

    @property
    def template(self) -> str:
        """The page."""

    def shown(
        self, slot: Slot, annotator: User, token: uuid.UUID, typed: QueryDict | None
    ) -> dict[str, object]:
        """What the page needs; `typed` is what a form that is not taken had in its boxes."""

    def submit(self, post: QueryDict, *, slot: Slot, token: uuid.UUID, by: User) -> Ranking | Label:
        """Hand what the form says to its verb; Unreadable where it says nothing that could be a label."""

    def tried(self, post: QueryDict, *, slot: Slot) -> list[tuple[str, str]]:
        """What `submit` would store, in words; nothing is stored. Refused as `submit` refuses."""

    def draft(self, body: bytes, slot: Slot) -> dict[str, object] | None:
        """A draft that has the shape of one, or None."""


class RankingSheet:
    """Answers under letters, to be put in order."""

    template = "labels/rank.html"

    def shown(
        self, slot: Slot, annotator: User, token: uuid.UUID, typed: QueryDict | None
    ) -> dict[str, object]:
        """The item under its letters."""
        return {
            "item": shown.shown_item(slot, annotator, token, typed=typed),
            "flags": flag_choices(),
        }

    def submit(self, post: QueryDict, *, slot: Slot, token: uuid.UUID, by: User) -> Ranking:
        """Places, ratings and flags by letter."""
        submission, judgement, log = self.read(post, slot=slot)
        return services.submit_judgement(
            slot=slot, lease_token=token, submission=submission, judgement=judgement, by=by, log=log
        )

    def read(self, post: QueryDict, *, slot: Slot) -> tuple[uuid.UUID, rules.Judgement, Log | None]:
        """What the form says, by response ids, with its key and its log; Unreadable where it says nothing."""
        responses = shown.responses_by_letter(slot)
        form = RankingForm(post, letters=list(responses))
        if not form.is_valid():
            told = _(
                "Places are whole numbers from 1 (best) to %(last)d, ratings from 1 to 7 (best). "
                "Nothing was stored; your text boxes are as you left them."
            )
            raise Unreadable(told % {"last": len(responses)})
        log = parse_log(post.get("log", ""), letters=list(responses))
        return form.cleaned_data["submission"], form.judgement(responses), log

    def tried(self, post: QueryDict, *, slot: Slot) -> list[tuple[str, str]]:
        """The order, ratings and flags, by letter."""
        responses = shown.responses_by_letter(slot)
        form = RankingForm(post, letters=list(responses))
        if not form.is_valid():
            told = _("Places are whole numbers from 1 (best) to %(last)d, ratings from 1 to 7 (best).")
            raise Unreadable(told % {"last": len(responses)})
        judgement = form.judgement(responses)
        rules.check_submitted(judgement, campaign=slot.campaign, responses=slot.item.response_ids)
        return stored_words(judgement, responses)

    def draft(self, body: bytes, slot: Slot) -> dict[str, object] | None:
        """Places, ratings and flags by letter, and what the page needs to go on."""
        return parse_draft(body, letters(len(slot.shown_order)))


@dataclass(frozen=True)
class LabelSheet:
    """One answer, or none, and what its kind asks about it."""

    kind: kinds.LabelKind

    @property
    def template(self) -> str:
        """The kind's own page."""
        return self.kind.template

    def shown(
        self, slot: Slot, annotator: User, token: uuid.UUID, typed: QueryDict | None
    ) -> dict[str, object]:
        """The item, and what the kind says of it."""
        matter = matter_of(slot.item, slot.campaign)
        item, kept = shown.shown_matter(slot, annotator, token, matter)
        return {"item": item, **self.kind.shown(matter, kept, typed)}

    def submit(self, post: QueryDict, *, slot: Slot, token: uuid.UUID, by: User) -> Label:
        """What the kind reads from the form."""
        form = _whole(post)
        return services.submit_label(
            slot=slot,
            lease_token=token,
            submission=form.cleaned_data["submission"],
            body=self.kind.read(post, matter_of(slot.item, slot.campaign)),
            seconds=form.cleaned_data["seconds"],
            by=by,
            log=parse_log(post.get("log", ""), letters=[ONLY_LETTER], free=True),
        )

    def tried(self, post: QueryDict, *, slot: Slot) -> list[tuple[str, str]]:
        """What the kind says of it, and the time."""
        form, matter = _whole(post), matter_of(slot.item, slot.campaign)
        told = self.kind.words(self.kind.check(self.kind.read(post, matter), matter), matter)
        seconds = form.cleaned_data["seconds"]
        return told if seconds is None else [*told, (_("Seconds"), f"{seconds:g}")]

    def draft(self, body: bytes, slot: Slot) -> dict[str, object] | None:
        """What the kind keeps, and what the page needs to go on."""
        try:
            state: Any = json.loads(body)
            if not isinstance(state, Mapping) or not self.kind.fits(
                state, matter_of(slot.item, slot.campaign)
            ):
                return None
            check_storable(state)
        except (ValueError, RecursionError, LineRefused):
            return None
        known: Sequence[str] = (*self.kind.draft_keys, *DRAFT_KEYS)
        return {key: state[key] for key in known if key in state}


def _whole(post: QueryDict) -> LabelForm:
    """The part of the form that all kinds have."""
    form = LabelForm(post)
    if not form.is_valid():
        raise Unreadable(_("This form is not whole: reload the page. Nothing was stored."))
    return form


RANKING_SHEET = RankingSheet()


def sheet_of(campaign: Campaign) -> Sheet:
    """The sheet of a campaign's kind."""
    kind = kinds.kind_of(campaign)
    return RANKING_SHEET if kind is None else LabelSheet(kind)
