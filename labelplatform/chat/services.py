"""Talking with a policy, asking it again, and saying which answer was better."""

import uuid
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from labelplatform.accounts.models import Project, User
from labelplatform.accounts.services import record
from labelplatform.chat import queries
from labelplatform.chat.models import Answer, Conversation, Turn
from labelplatform.jobs.models import Artifact
from labelplatform.labels.services import record_comparison
from labelplatform.prompts.models import PromptSet
from labelplatform.prompts.services import import_prompts, request_responses
from trainer import json_lines
from trainer.errors import BadInput

PROMPT_SET = "Chat"
SAMPLING = {"temperature": 0.8, "top_p": 0.95}
LONGEST_ANSWER = 64
LONGEST_MESSAGE = 4000


class ChatRefused(Exception):
    """Something that cannot be said or asked now; the message is for the person."""


@transaction.atomic
def start_conversation(*, project: Project, policy: Artifact, by: User) -> Conversation:
    """Begin to talk with a model of this project."""
    if policy.project_id != project.pk or policy.kind not in queries.MODEL_KINDS:
        raise ChatRefused(_("There is no such model in this project."))
    conversation = Conversation.objects.create(project=project, member=by, policy=policy)
    record(by=by, verb="started conversation", obj=conversation, project=project)
    return conversation


@transaction.atomic
def send_message(*, conversation: Conversation, text: str, by: User, after: Answer | None = None) -> Turn:
    """Say something, as a reply to `after` (the newest answer unless told); a job samples the answer."""
    _own(conversation, by)
    if not text.strip() or len(text) > LONGEST_MESSAGE or "\0" in text:
        raise ChatRefused(_("Write a message of 1 to %(most)d characters.") % {"most": LONGEST_MESSAGE})
    # One conversation grows by one message at a time, also from two windows.
    Conversation.objects.select_for_update().get(pk=conversation.pk)
    turn = conversation.turns.order_by("ordinal").last()
    messages = _so_far(turn, after) if turn else []
    messages.append({"role": "user", "content": text})
    ordinal = turn.ordinal + 1 if turn else 1
    prompt_set, _made = PromptSet.objects.get_or_create(project=conversation.project, name=PROMPT_SET)
    key = f"chat-{conversation.pk}-{ordinal}"
    import_prompts(prompt_set=prompt_set, lines=[{"id": key, "prompt": messages}], by=by)
    new = Turn.objects.create(
        conversation=conversation, ordinal=ordinal, prompt=prompt_set.prompts.get(key=key)
    )
    _ask(new, by)
    return new


def _so_far(turn: Turn, after: Answer | None) -> list[dict[str, Any]]:
    """The talk up to and with the chosen answer to the last message."""
    answered = [answer for answer in queries.answers(turn) if answer.text is not None]
    chosen = next((one for one in answered if after is not None and one.answer.pk == after.pk), None)
    if not answered or queries.pending(turn):
        raise ChatRefused(_("Wait for the answer first."))
    told = chosen or answered[-1]
    return [*turn.prompt.messages, {"role": "assistant", "content": told.text}]


@transaction.atomic
def regenerate(*, turn: Turn, by: User) -> Answer:
    """Ask for another answer to the same message, with another seed; the earlier ones are kept."""
    _own(turn.conversation, by)
    if queries.pending(turn):
        raise ChatRefused(_("An answer is on its way already."))
    return _ask(turn, by)


def _ask(turn: Turn, by: User) -> Answer:
    ordinal = turn.answers.count() + 1
    job = request_responses(
        prompt_set=turn.prompt.prompt_set,
        policy=turn.conversation.policy,
        responses_per_prompt=1,
        sampling={**SAMPLING, "max_new_tokens": _longest_answer(turn.conversation.policy)},
        seed=ordinal,
        by=by,
        prompts=[turn.prompt],
    )
    return Answer.objects.create(turn=turn, ordinal=ordinal, job=job)


def _longest_answer(policy: Artifact) -> int:
    """How many tokens to ask for: of a model with a short memory at most half, so that the message finds room."""
    try:
        config = json_lines.read_json(policy.path / "config.json")
    except BadInput:
        return LONGEST_ANSWER
    room = config.get("max_position_embeddings")
    return max(1, min(LONGEST_ANSWER, room // 2)) if isinstance(room, int) else LONGEST_ANSWER


@transaction.atomic
def compare(*, answer: Answer, preference: str, by: User) -> Answer:
    """Say whether an answer is better than, the same as or worse than the one before it, or that one will not say."""
    _own(answer.turn.conversation, by)
    if preference not in Answer.Preference.values:
        raise ChatRefused(_("Say better, same or worse."))
    answer = Answer.objects.select_for_update().get(pk=answer.pk)
    shown = queries.answers(answer.turn)
    place = next(n for n, one in enumerate(shown) if one.answer.pk == answer.pk)
    first, second = (shown[place - 1].response, shown[place].response) if place else (None, None)
    if first is None or second is None:
        raise ChatRefused(_("There are not two answers to compare yet."))
    if answer.compared and answer.compared != preference:
        raise ChatRefused(_("You compared these two answers before."))
    if preference != Answer.Preference.DISMISSED:
        submission = uuid.uuid5(uuid.NAMESPACE_OID, f"chat answer {answer.pk}")
        record_comparison(first=first, second=second, preference=preference, submission=submission, by=by)
    answer.compared = preference
    answer.save(update_fields=["compared"])
    return answer


def _own(conversation: Conversation, by: User) -> None:
    if conversation.member_id != by.pk:
        raise ChatRefused(_("This is somebody else's conversation."))
