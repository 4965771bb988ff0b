"""Reading conversations; only ever one's own."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from labelplatform.accounts.models import Membership, Project, Role, User
from labelplatform.chat.models import Answer, Conversation, Turn
from labelplatform.jobs.models import Artifact
from labelplatform.prompts.models import Response

MODEL_KINDS = (Artifact.Kind.BASE_MODEL, Artifact.Kind.POLICY)


@dataclass(frozen=True)
class Model:
    """A model to talk with: by name for those who may know, by number for annotators."""

    number: int
    name: str
    artifact: Artifact


def models(project: Project, membership: Membership) -> list[Model]:
    """The project's models. An annotator who knew which is which could not judge it blind."""
    blind = membership.role == Role.ANNOTATOR
    found = Artifact.objects.filter(project=project, kind__in=MODEL_KINDS).order_by("pk")
    return [
        Model(number, _("Model %(n)d") % {"n": number} if blind else artifact.name, artifact)
        for number, artifact in enumerate(found, 1)
    ]


def conversations(project: Project, member: User) -> QuerySet[Conversation]:
    """A person's conversations in a project, newest first."""
    return Conversation.objects.filter(project=project, member=member).select_related("policy")


@dataclass(frozen=True)
class ShownAnswer:
    """One answer of a turn; without a response it is on its way, or will never come."""

    answer: Answer
    response: Response | None

    @property
    def text(self) -> str | None:
        """What the policy said, once it did."""
        return self.response.text if self.response else None

    @property
    def pending(self) -> bool:
        """Whether it may still come."""
        return self.response is None and not self.answer.job.is_finished


@dataclass(frozen=True)
class ShownTurn:
    """A message with its answers, as the page shows it."""

    turn: Turn
    message: str
    answers: Sequence[ShownAnswer]

    @property
    def pending(self) -> bool:
        """Whether an answer is on its way."""
        return any(one.pending for one in self.answers)


def turns(conversation: Conversation) -> list[ShownTurn]:
    """The whole conversation, in three statements."""
    found = list(
        conversation.turns.select_related("prompt").prefetch_related("answers__job").order_by("ordinal")
    )
    jobs = {answer.job_id for turn in found for answer in turn.answers.all()}
    by_job = {response.job_id: response for response in Response.objects.filter(job__in=jobs)}
    return [
        ShownTurn(
            turn,
            turn.prompt.last_message,
            [ShownAnswer(answer, by_job.get(answer.job_id)) for answer in turn.answers.all()],
        )
        for turn in found
    ]


def answers(turn: Turn) -> list[ShownAnswer]:
    """The answers of one turn, oldest first."""
    found = list(turn.answers.select_related("job").order_by("ordinal"))
    responses = Response.objects.filter(prompt=turn.prompt_id, job__in=[answer.job_id for answer in found])
    by_job = {response.job_id: response for response in responses}
    return [ShownAnswer(answer, by_job.get(answer.job_id)) for answer in found]


def pending(turn: Turn) -> bool:
    """Whether an answer to this turn is on its way."""
    return any(one.pending for one in answers(turn))
