"""A conversation: say something, read the answer, ask again, say which was better."""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from labelplatform.accounts.models import Project, User
from labelplatform.chat import queries, services
from labelplatform.chat.models import Answer, Conversation
from labelplatform.jobs.models import Artifact, Job
from labelplatform.labels.models import Ranking
from labelplatform.labels.queries import ranking_line
from labelplatform.prompts.models import Response
from labelplatform.prompts.services import import_responses
from tests.labelplatform.builders import build_artifact

SignIn = Callable[[User], Client]


@pytest.fixture
def policy(project: Project) -> Artifact:
    return build_artifact(project, name="zebra-policy")


@pytest.fixture
def conversation(project: Project, policy: Artifact, ada: User) -> Conversation:
    return services.start_conversation(project=project, policy=policy, by=ada)


def answered(answer: Answer, text: str) -> Response:
    """What the job's collecting does."""
    prompt = answer.turn.prompt
    line = {
        "id": prompt.key,
        "prompt": prompt.messages,
        "response": text,
        "policy": "p",
        "seed": 1,
        "sampling": {},
    }
    import_responses(
        prompt_set=prompt.prompt_set,
        lines=[{**line, "response_id": f"job{answer.job_id}-1"}],
        policy=answer.turn.conversation.policy,
        recorded=False,
        job=answer.job,
        by=None,
    )
    Job.objects.filter(pk=answer.job_id).update(state="succeeded", finished_at=timezone.now())
    return Response.objects.get(job=answer.job_id)


def say(
    conversation: Conversation, text: str, reply: str | None = None, after: Answer | None = None
) -> Answer:
    turn = services.send_message(conversation=conversation, text=text, by=conversation.member, after=after)
    answer = turn.answers.get()
    if reply is not None:
        answered(answer, reply)
    return answer


def again(answer: Answer, reply: str | None = None) -> Answer:
    other = services.regenerate(turn=answer.turn, by=answer.turn.conversation.member)
    if reply is not None:
        answered(other, reply)
    return other


def test_a_message_is_a_prompt_and_its_answer_a_job(conversation: Conversation) -> None:
    answer = say(conversation, "Hello?")
    assert (answer.job.kind, answer.job.queue) == ("sample", "cpu")
    assert answer.job.spec["prompts"] == [answer.turn.prompt.key]
    assert answer.turn.prompt.messages == [{"role": "user", "content": "Hello?"}]
    (shown,) = queries.turns(conversation)
    assert shown.pending
    assert shown.answers[0].text is None


@pytest.mark.parametrize(
    ("config", "tokens"), [("{}", 64), ('{"max_position_embeddings": 40}', 20), ("no json", 64)]
)
def test_a_model_with_a_short_memory_is_asked_for_less(
    project: Project, ada: User, config: str, tokens: int
) -> None:
    policy = build_artifact(project, files={"config.json": config})
    answer = say(services.start_conversation(project=project, policy=policy, by=ada), "Hello?")
    assert answer.job.spec["sampling"]["max_new_tokens"] == tokens


def test_the_next_message_holds_the_whole_talk(conversation: Conversation) -> None:
    say(conversation, "One?", "first")
    second = say(conversation, "Two?")
    assert [message["content"] for message in second.turn.prompt.messages] == ["One?", "first", "Two?"]


def test_a_reply_follows_the_answer_that_was_shown(conversation: Conversation) -> None:
    first = say(conversation, "One?", "first")
    again(first, "second")
    follow = say(conversation, "Two?", after=first)
    assert follow.turn.prompt.messages[1]["content"] == "first"


def test_nobody_talks_over_an_answer(conversation: Conversation) -> None:
    answer = say(conversation, "One?")
    with pytest.raises(services.ChatRefused, match="Wait"):
        say(conversation, "Two?")
    with pytest.raises(services.ChatRefused, match="on its way"):
        again(answer)


@pytest.mark.parametrize("text", ["", "  \n", "x" * 4001, "nul \0"])
def test_what_cannot_be_said(conversation: Conversation, text: str) -> None:
    with pytest.raises(services.ChatRefused):
        say(conversation, text)
    assert not conversation.turns.exists()


def test_regenerate_keeps_both_answers_and_takes_another_seed(conversation: Conversation) -> None:
    first = say(conversation, "Hello?", "first")
    second = again(first, "second")
    assert first.job.spec["seed"] != second.job.spec["seed"]
    (shown,) = queries.turns(conversation)
    assert [one.text for one in shown.answers] == ["first", "second"]


@pytest.mark.parametrize(
    ("preference", "tiers"), [("better", [["2"], ["1"]]), ("same", [["1", "2"]]), ("worse", [["1"], ["2"]])]
)
def test_what_is_said_about_the_new_answer_is_a_comparison(
    conversation: Conversation, ada: User, preference: str, tiers: list[list[str]]
) -> None:
    first = say(conversation, "Hello?", "first")
    second = again(first, "second")
    services.compare(answer=second, preference=preference, by=ada)
    services.compare(answer=second, preference=preference, by=ada)
    line = ranking_line(Ranking.objects.get())
    keys = {"1": f"job{first.job_id}-1", "2": f"job{second.job_id}-1"}
    assert line["tiers"] == [[keys[name] for name in tier] for tier in tiers]
    assert (line["kind"], line["source"], line["annotator"]) == ("comparison", "regenerate", "ada")
    with pytest.raises(services.ChatRefused):
        services.compare(answer=second, preference="dismissed", by=ada)


def test_closing_the_bar_says_nothing(conversation: Conversation, ada: User) -> None:
    second = again(say(conversation, "Hello?", "first"), "second")
    services.compare(answer=second, preference="dismissed", by=ada)
    assert not Ranking.objects.exists()
    assert Answer.objects.get(pk=second.pk).compared == "dismissed"


def test_there_must_be_two_answers(conversation: Conversation, ada: User) -> None:
    first = say(conversation, "Hello?", "first")
    for answer in (first, again(first)):
        with pytest.raises(services.ChatRefused, match="not two answers"):
            services.compare(answer=answer, preference="better", by=ada)
    with pytest.raises(services.ChatRefused, match="better, same or worse"):
        services.compare(answer=first, preference="nonsense", by=ada)


def test_a_conversation_is_ones_own(conversation: Conversation, ben: User, rosa: User) -> None:
    answer = say(conversation, "Hello?", "first")
    second = again(answer, "second")
    for act in (
        lambda: services.send_message(conversation=conversation, text="Hi", by=ben),
        lambda: services.regenerate(turn=answer.turn, by=ben),
        lambda: services.compare(answer=second, preference="better", by=ben),
    ):
        with pytest.raises(services.ChatRefused, match="somebody else"):
            act()


def test_only_models_of_the_project_talk(project: Project, other_project: Project, ada: User) -> None:
    for artifact in (build_artifact(other_project), build_artifact(project, Artifact.Kind.REPORT)):
        with pytest.raises(services.ChatRefused):
            services.start_conversation(project=project, policy=artifact, by=ada)


def test_the_pages_from_start_to_comparison(
    project: Project, policy: Artifact, ada: User, sign_in: SignIn
) -> None:
    browser = sign_in(ada)
    begun = browser.post(reverse("chat:start", args=["harbour"]), {"model": "1"})
    conversation = Conversation.objects.get()
    room = reverse("chat:conversation", args=["harbour", conversation.pk])
    assert begun.headers["Location"] == room
    browser.post(reverse("chat:send", args=["harbour", conversation.pk]), {"text": "Hello?", "after": ""})
    live = reverse("chat:conversation_live", args=["harbour", conversation.pk])
    assert browser.get(live).headers["X-Live"] == "on"
    first = Answer.objects.get()
    answered(first, "**first**")
    assert "X-Live" not in browser.get(live).headers
    assert "<strong>first</strong>" in browser.get(room).content.decode()
    browser.post(reverse("chat:regenerate", args=["harbour", conversation.pk, 1]))
    second = Answer.objects.order_by("pk")[1]
    answered(second, "second")
    page = browser.get(room).content.decode()
    assert "Compared with the previous answer:" in page
    browser.post(
        reverse("chat:compare", args=["harbour", conversation.pk, second.pk]), {"preference": "better"}
    )
    assert Ranking.objects.get().annotator == ada
    assert "Compared with the previous answer:" not in browser.get(room).content.decode()


def test_annotators_talk_blind_and_researchers_know(
    conversation: Conversation, rosa: User, ada: User, sign_in: SignIn
) -> None:
    say(conversation, "Hello?", "first")
    for page in (
        reverse("chat:index", args=["harbour"]),
        reverse("chat:conversation", args=["harbour", conversation.pk]),
        reverse("chat:conversation_live", args=["harbour", conversation.pk]),
    ):
        text = sign_in(ada).get(page).content.decode()
        assert "zebra-policy" not in text
        assert re.search(r"Model 1", text)
    assert "zebra-policy" in sign_in(rosa).get(reverse("chat:index", args=["harbour"])).content.decode()


def test_other_peoples_conversations_are_not_there(
    conversation: Conversation, ben: User, rosa: User, olga: User, other_project: Project, sign_in: SignIn
) -> None:
    answer = say(conversation, "Hello?", "first")
    own = [conversation.pk]
    addresses = [
        ("get", reverse("chat:conversation", args=["harbour", *own])),
        ("get", reverse("chat:conversation_live", args=["harbour", *own])),
        ("post", reverse("chat:send", args=["harbour", *own])),
        ("post", reverse("chat:regenerate", args=["harbour", *own, 1])),
        ("post", reverse("chat:compare", args=["harbour", *own, answer.pk])),
    ]
    for method, address in addresses:
        for person in (ben, rosa, olga):
            assert getattr(sign_in(person), method)(address, {"text": "Hi"}).status_code == 404
        assert getattr(sign_in(olga), method)(address.replace("harbour", "elsewhere")).status_code == 404
        assert "/sign-in/" in getattr(Client(), method)(address).headers["Location"]
    assert conversation.turns.count() == 1


def test_an_unknown_model_is_refused_kindly(
    project: Project, policy: Artifact, ada: User, sign_in: SignIn
) -> None:
    answer = sign_in(ada).post(reverse("chat:start", args=["harbour"]), {"model": "99"}, follow=True)
    assert "Choose one of the models." in answer.content.decode()
    assert not Conversation.objects.exists()


def test_a_failed_answer_says_so_and_can_be_asked_again(
    conversation: Conversation, ada: User, sign_in: SignIn
) -> None:
    answer = say(conversation, "Hello?")
    Job.objects.filter(pk=answer.job_id).update(state="failed", finished_at=timezone.now())
    page = sign_in(ada).get(reverse("chat:conversation", args=["harbour", conversation.pk])).content.decode()
    assert "This answer failed." in page
    assert again(answer).ordinal == 2
