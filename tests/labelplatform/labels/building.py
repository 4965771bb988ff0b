"""Prompts with answers, campaigns and judgements in one line each."""

import uuid
from collections.abc import Sequence

from labelplatform.accounts.models import Project, User
from labelplatform.labels import services
from labelplatform.labels.models import Campaign, Ranking, Slot
from labelplatform.prompts.models import PromptSet
from labelplatform.prompts.services import create_prompt_set, import_responses


def response_lines(prompts: int, answers: int, policy: str = "first-policy") -> list[dict[str, object]]:
    return [
        {
            "id": f"q{number}",
            "prompt": [{"role": "user", "content": f"Question {number}?"}],
            "response": f"answer {place} to {number}",
            "policy": policy,
            "seed": place,
            "sampling": {"temperature": 1.0},
        }
        for number in range(prompts)
        for place in range(answers)
    ]


def build_prompt_set(
    project: Project, by: User, *, prompts: int = 3, answers: int = 4, name: str = "questions"
) -> PromptSet:
    prompt_set = create_prompt_set(project=project, name=name, by=by)
    import_responses(prompt_set=prompt_set, lines=response_lines(prompts, answers), by=by)
    return prompt_set


def build_campaign(
    project: Project, by: User, *, prompts: int = 3, answers: int = 4, overlap: int = 1, name: str = "ranking"
) -> Campaign:
    prompt_set = build_prompt_set(project, by, prompts=prompts, answers=answers, name=f"prompts of {name}")
    campaign = services.create_campaign(project=project, name=name, by=by, overlap=overlap)
    services.add_items(campaign=campaign, prompts=prompt_set.prompts.all(), by=by)
    return campaign


def in_order(slot: Slot) -> list[list[int]]:
    """One tier for each of the slot's responses, as they are stored."""
    return [[response] for response in slot.item.placed_responses.values_list("response", flat=True)]


def submit(slot: Slot, by: User, tiers: Sequence[Sequence[int]] | None = None, **told: object) -> Ranking:
    """Submit under the slot's present lease, with a new key unless told."""
    assert slot.lease_token is not None
    return services.submit_ranking(
        slot=slot,
        lease_token=told.pop("lease_token", slot.lease_token),  # type: ignore[arg-type]
        submission=told.pop("submission", uuid.uuid4()),  # type: ignore[arg-type]
        tiers=in_order(slot) if tiers is None else tiers,
        seconds=12.5,
        by=by,
        **told,  # type: ignore[arg-type]
    )


def claimed(campaign: Campaign, annotator: User) -> Slot:
    slot = services.claim(campaign=campaign, annotator=annotator)
    assert slot is not None
    return slot
