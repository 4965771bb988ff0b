"""Campaigns of single answers and labels of them in one line each."""

import uuid
from typing import Any

from labelplatform.accounts.models import Project, User
from labelplatform.labels import services
from labelplatform.labels.kinds import KINDS
from labelplatform.labels.models import Campaign, Label, Slot
from tests.labelplatform.labels.building import build_prompt_set

THREE_H = {"helpful": 5, "honest": 6, "harmless": 7}


def build_label_campaign(
    project: Project,
    by: User,
    *,
    kind: str = "rating",
    prompts: int = 2,
    answers: int = 2,
    overlap: int = 1,
    name: str = "labels",
    asks: dict[str, object] | None = None,
) -> Campaign:
    prompt_set = build_prompt_set(project, by, prompts=prompts, answers=answers, name=f"prompts of {name}")
    return services.create_campaign_over(
        prompts=prompt_set.prompts.prefetch_related("responses"),
        project=project,
        name=name,
        by=by,
        kind=kind,
        overlap=overlap,
        stages=services.Stages(asks=asks or {}),
    )


def said(campaign: Campaign, **ratings: int) -> dict[str, Any]:
    """A body that answers all that is asked: 4, unless told."""
    names = campaign.asks.get("names") or KINDS[campaign.kind].usual_names  # type: ignore[attr-defined]
    return {"ratings": {name: ratings.get(name, 4) for name in names}, "flags": []}


def give(slot: Slot, by: User, body: dict[str, Any] | None = None, **told: Any) -> Label:
    """Submit under the slot's present lease, with a new key unless told."""
    assert slot.lease_token is not None
    return services.submit_label(
        slot=slot,
        lease_token=told.pop("lease_token", slot.lease_token),
        submission=told.pop("submission", uuid.uuid4()),
        body=said(slot.campaign) if body is None else body,
        seconds=told.pop("seconds", 9.5),
        by=by,
        **told,
    )
