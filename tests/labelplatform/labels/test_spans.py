"""Spans as labels: of the very texts that were shown, whole, and the same after a way out and in again."""

from __future__ import annotations

import json
import random
import uuid
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from evaluator.spans import KINDS as SPAN_KINDS
from evaluator.spans import text_digest
from labelplatform.accounts.models import Project, User
from labelplatform.labels import kinds, services
from labelplatform.labels.kinds.kind import Matter, Unreadable
from labelplatform.labels.kinds.spans import SPANS, source_of
from labelplatform.labels.label_lines import label_lines
from labelplatform.labels.models import Campaign, Draft, Label, Slot
from labelplatform.labels.services import JudgementRefused
from labelplatform.labels.services.label_recording import LabelLinesRefused, record_labels
from labelplatform.prompts.services import create_prompt_set, import_responses
from tests.evaluator.lines import steady
from tests.labelplatform.labels.building import claimed
from trainer.errors import BadInput

CONTEXT = "Lima is the capital of Peru. 利马"
RESPONSE = "👍🏽 Lima is in Chile.\nE\u0301l"
MATTER = Matter({}, [{"role": "user", "content": "Where?"}], CONTEXT, None, RESPONSE)
ONE = {"start": 11, "end": 19, "kind": "contradicts", "source_start": 8, "source_end": 27}
TWO = {"start": 0, "end": 2, "kind": "not-in-source"}


def form(spans: object = (), **more: str) -> QueryDict:
    told = QueryDict(mutable=True)
    told.update({"digest": text_digest(CONTEXT, RESPONSE), "spans": json.dumps(list(spans)), **more})  # type: ignore[call-overload]
    return told


def test_what_the_page_sends_is_read_and_put_in_the_order_of_the_text() -> None:
    body = SPANS.check(SPANS.read(form([ONE, TWO]), MATTER), MATTER)
    assert body == {"spans": [TWO, ONE]}
    other = SPANS.check(SPANS.read(form([TWO, ONE]), MATTER), MATTER)
    assert kinds.digest(body) == kinds.digest(other)
    assert RESPONSE[11:19] == "in Chile"
    assert CONTEXT[8:27] == "the capital of Peru"


def test_the_order_of_the_text_is_by_every_part_of_a_span() -> None:
    told = [
        {"start": 0, "end": 2, "kind": "other"},
        {"start": 0, "end": 2, "kind": "other", "source_start": 0, "source_end": 1},
        {"start": 0, "end": 2, "kind": "other", "source_start": 0, "source_end": 2},
        {"start": 0, "end": 3, "kind": "contradicts"},
        {"start": 0, "end": 3, "kind": "other"},
        {"start": 1, "end": 2, "kind": "other"},
    ]
    for seed in range(8):
        shuffled = random.Random(seed).sample(told, len(told))
        assert SPANS.check({"spans": shuffled}, MATTER) == {"spans": told}


def test_other_texts_than_those_shown_are_refused() -> None:
    with pytest.raises(Unreadable, match="texts have changed"):
        SPANS.read(form([ONE]), Matter({}, MATTER.messages, CONTEXT + " ", None, RESPONSE))
    with pytest.raises(Unreadable, match="texts have changed"):
        SPANS.read(form([ONE]), Matter({}, MATTER.messages, CONTEXT, None, RESPONSE + " "))
    with pytest.raises(Unreadable, match="texts have changed"):
        SPANS.read(form([ONE], digest=""), MATTER)


def test_that_nothing_is_invented_must_be_said() -> None:
    with pytest.raises(Unreadable, match="or say that nothing is"):
        SPANS.read(form(), MATTER)
    assert SPANS.check(SPANS.read(form(nothing="1"), MATTER), MATTER) == {"spans": []}
    # Whoever marked something did not say so.
    assert SPANS.read(form([TWO], nothing="1"), MATTER) == {"spans": [TWO]}


@pytest.mark.parametrize("spans", ["", "[", "{}", "[1]", '"a"', "null", "[[]]", "[" * 100_000])
def test_what_is_no_list_of_spans_is_refused(spans: str) -> None:
    told = form()
    told["spans"] = spans
    with pytest.raises((Unreadable, JudgementRefused), match="Nothing was stored"):
        SPANS.check(SPANS.read(told, MATTER), MATTER)


@pytest.mark.parametrize(
    "span",
    [
        {**TWO, "end": len(RESPONSE) + 1},
        {**TWO, "start": 2},
        {**TWO, "kind": "wrong"},
        {**TWO, "source_start": 1},
        {**ONE, "source_end": len(CONTEXT) + 1},
    ],
)
def test_spans_that_do_not_fit_are_refused(span: dict[str, object]) -> None:
    with pytest.raises(JudgementRefused, match="do not fit the answer"):
        SPANS.check({"spans": [span]}, MATTER)
    assert not SPANS.fits({"spans": [span]}, MATTER)


def test_a_draft_has_the_shape_of_one() -> None:
    assert SPANS.fits({}, MATTER)
    assert SPANS.fits({"spans": [ONE, TWO], "nothing": False, "current": -1}, MATTER)
    assert SPANS.fits({"spans": [], "nothing": True, "current": 0}, MATTER)
    wrongs: tuple[dict[str, object], ...] = (
        {"spans": {}},
        {"spans": None},
        {"nothing": "yes"},
        {"current": None},
        {"current": True},
    )
    for wrong in wrongs:
        assert not SPANS.fits(wrong, MATTER)


def test_where_there_is_no_context_the_prompt_is_the_source() -> None:
    bare = Matter({}, MATTER.messages, "", None, RESPONSE)
    told = SPANS.from_line(line(context="Where?", prompt=MATTER.messages, spans=[]))
    assert (told.context, told.detail) == ("", {})
    assert source_of(bare) == "Where?"
    assert source_of(MATTER) == CONTEXT
    shown = SPANS.shown(bare, {}, None)
    assert (shown["source"], shown["about_prompt"]) == ("Where?", True)
    assert shown["texts"] == {"answer": RESPONSE, "source": "Where?"}
    assert shown["digest"] == text_digest("Where?", RESPONSE)
    assert SPANS.shown(MATTER, {}, None)["about_prompt"] is False
    assert [name for name, *_words in SPANS.shown(MATTER, {}, None)["kinds"]] == list(SPAN_KINDS)  # type: ignore[attr-defined]


def line(number: int = 1, **more: Any) -> dict[str, Any]:
    told = {
        "id": f"s{number}",
        "item": "i",
        "context": CONTEXT,
        "response": RESPONSE,
        "spans": [TWO, ONE],
        "annotator": "ann",
    }
    return {**told, **more}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"spans": [{**TWO, "end": 99}]}, "spans[0]: end: found 99, wanted at most 24, the answer's length"),
        ({"seconds": -1}, "seconds: found a number -1, wanted a number, at least 0"),
        ({"seconds": True}, "seconds: found a boolean true, wanted a number, at least 0"),
        ({"source": "elsewhere"}, "source: found"),
        ({"policy": ""}, "policy: found"),
        ({"prompt": []}, "prompt: found"),
        ({"item": ""}, "item: found"),
    ],
)
def test_a_bad_line_is_refused_in_its_own_words(change: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInput, match=r".*") as refusal:
        SPANS.from_line(line(**change))
    assert told in str(refusal.value)


def test_a_line_tells_its_kind() -> None:
    assert kinds.kind_of_line(line()) is SPANS
    assert kinds.kind_of_line({**line(), "kind": "spans"}) is SPANS
    assert kinds.kinds_in_file("spans") == ["spans"]


@pytest.fixture
def campaign(project: Project, rosa: User) -> Campaign:
    prompt_set = create_prompt_set(project=project, name="texts", by=rosa)
    lines = [
        {
            "id": f"p{n}",
            "prompt": MATTER.messages,
            "context": CONTEXT,
            "response": RESPONSE,
            "policy": "secretive",
            "seed": n,
            "sampling": {},
        }
        for n in range(2)
    ]
    import_responses(prompt_set=prompt_set, lines=lines, by=rosa)
    return services.create_campaign_over(
        prompts=prompt_set.prompts.prefetch_related("responses"),
        project=project,
        name="spans",
        by=rosa,
        kind="spans",
        overlap=2,
    )


@pytest.fixture
def slot(campaign: Campaign, ada: User) -> Slot:
    return claimed(campaign, ada)


def address(slot: Slot, name: str = "rank") -> str:
    return reverse(f"labels:{name}", args=[slot.campaign.project.slug, slot.lease_token])


def posted(spans: list[dict[str, Any]], **more: str) -> dict[str, str]:
    told = {name: str(value) for name, value in form(spans, **more).items()}
    return {**told, "submission": str(uuid.uuid4()), "seconds": "12"}


@pytest.mark.django_db
def test_the_page_holds_both_raw_texts_as_they_are(slot: Slot, ada: User, client: Client) -> None:
    client.force_login(ada)
    page = client.get(address(slot))
    assert page.templates[0].name == "labels/spans.html"
    found = page.content.decode().split('<script type="application/json">')[1].split("</script>")[0]
    assert json.loads(found) == {"answer": RESPONSE, "source": CONTEXT}
    assert text_digest(CONTEXT, RESPONSE) in page.content.decode()
    assert "secretive" not in page.content.decode()


@pytest.mark.django_db
def test_a_submission_is_stored_once_and_another_body_refused(slot: Slot, ada: User, client: Client) -> None:
    client.force_login(ada)
    told = posted([ONE, TWO])
    json_answer = {"HTTP_ACCEPT": "application/json"}
    assert client.post(address(slot), told, **json_answer).status_code == 200  # type: ignore[arg-type]
    again = {**told, "spans": json.dumps([TWO, ONE])}
    assert client.post(address(slot), again, **json_answer).status_code == 200  # type: ignore[arg-type]
    other = {**told, "spans": json.dumps([TWO])}
    assert client.post(address(slot), other, **json_answer).status_code == 409  # type: ignore[arg-type]
    label = Label.objects.get()
    assert (label.body, label.annotator, label.seconds) == ({"spans": [TWO, ONE]}, ada, 12)


@pytest.mark.django_db
@pytest.mark.parametrize("change", [{"digest": "0"}, {"spans": "[]"}, {"spans": '[{"start": 0}]'}])
def test_what_is_refused_is_not_stored_and_says_so(
    slot: Slot, ada: User, client: Client, change: dict[str, str]
) -> None:
    client.force_login(ada)
    answer = client.post(address(slot), {**posted([ONE]), **change})
    assert answer.status_code == 422
    assert "Nothing was stored" in answer.content.decode()
    assert not Label.objects.exists()


@pytest.mark.django_db
def test_a_draft_is_kept_and_one_of_another_text_refused(slot: Slot, ada: User, client: Client) -> None:
    client.force_login(ada)
    state = {"spans": [ONE], "nothing": False, "current": 0, "history": [{"spans": []}], "version": 1}
    kept = client.post(address(slot, "draft"), json.dumps(state), content_type="application/json")
    assert kept.status_code == 200
    assert Draft.objects.get().state == state
    wrong = json.dumps({**state, "spans": [{**ONE, "end": 99}]})
    refused = client.post(address(slot, "draft"), wrong, content_type="application/json")
    assert refused.status_code == 400
    assert Draft.objects.get().state == state


@pytest.mark.django_db
def test_what_goes_out_comes_in_again_the_same(project: Project, campaign: Campaign, ada: User) -> None:
    for spans in ([ONE, TWO], []):
        slot = claimed(campaign, ada)
        assert slot.lease_token is not None
        services.submit_label(
            slot=slot,
            lease_token=slot.lease_token,
            submission=uuid.uuid4(),
            body={"spans": spans},
            seconds=3.5,
            by=ada,
        )
    out = list(label_lines(project, "spans"))
    assert [(one["context"], one["response"], one["spans"]) for one in out] == [
        (CONTEXT, RESPONSE, [TWO, ONE]),
        (CONTEXT, RESPONSE, []),
    ]
    assert recorded_again(out) == out


def recorded_again(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same lines after an import into a project of its own."""
    elsewhere = Project.objects.create(name="Elsewhere", slug="elsewhere")
    target = services.create_campaign(
        project=elsewhere, name="in", by=None, kind="spans", overlap=0, source="import"
    )
    assert record_labels(campaign=target, lines=lines, by=None) == len(lines)
    return [dict(one) for one in label_lines(elsewhere, "spans")]


@pytest.mark.django_db
def test_lines_of_another_house_keep_what_we_do_not_know() -> None:
    lines = [
        line(1),
        line(2, item="j", context="", spans=[{"start": 1, "end": 2, "kind": "other", "certainty": 0.5}]),
        line(3, item="k", spans=[ONE, TWO], note={"a": [1]}),
        line(4, item="l", context="another text", spans=[]),
        line(5, item="m", context="", prompt=MATTER.messages, spans=[TWO]),
    ]
    again = recorded_again(lines)
    for told, found in zip(lines, again, strict=True):
        assert {key: found[key] for key in told if key != "annotator"} == {
            key: told[key] for key in told if key != "annotator"
        }
    assert Label.objects.order_by("pk")[2].body == {"spans": [TWO, ONE]}


@pytest.mark.django_db
def test_spans_of_another_source_are_not_taken_for_the_same_item(
    project: Project, campaign: Campaign
) -> None:
    item = campaign.items.order_by("pk")[0]
    base = {"prompt": MATTER.messages, "item": item.key}
    with pytest.raises(LabelLinesRefused):
        record_labels(campaign=campaign, lines=[line(1, **base, context="short", spans=[TWO])], by=None)
    assert record_labels(campaign=campaign, lines=[line(1, **base)], by=None) == 1


def texts() -> st.SearchStrategy[str]:
    alphabet = "aé👍🏽\u0301 \n\tש利,\"'="
    return st.text(st.sampled_from(alphabet), min_size=1, max_size=30)


@steady
@given(texts(), texts(), st.randoms(use_true_random=False))
def test_any_line_is_read_and_written_back(context: str, response: str, draw: random.Random) -> None:
    spans: list[dict[str, Any]] = []
    for _ in range(draw.randrange(4)):
        start = draw.randrange(len(response))
        span: dict[str, Any] = {
            "start": start,
            "end": draw.randrange(start, len(response)) + 1,
            "kind": draw.choice(SPAN_KINDS),
        }
        if draw.random() < 0.5:
            at = draw.randrange(len(context))
            span |= {"source_start": at, "source_end": draw.randrange(at, len(context)) + 1}
        spans += [span] if span not in spans else []
    read = SPANS.from_line(line(context=context, response=response, spans=spans))
    matter = Matter({}, read.messages, read.context, None, read.response or "")
    written = {**SPANS.to_line(SPANS.check(read.body, matter), matter), **read.detail}
    assert (written["spans"], written["context"]) == (spans, context)


def test_a_label_is_told_in_short() -> None:
    told = {"spans": [{**TWO, "kind": "other"}, ONE, {**ONE, "end": 12}]}
    assert SPANS.in_short(told) == "2 × Contradicts · 1 × Other"
    assert SPANS.in_short({"spans": []}) == "nothing is invented"
    quoted = SPANS.from_line(line()).told
    assert quoted == "not-in-source: 👍🏽 · contradicts: in Chile"
    assert SPANS.from_line(line(spans=[])).told == "nothing is invented"


@pytest.mark.django_db
def test_nobody_sees_what_another_marked(campaign: Campaign, ada: User, ben: User, client: Client) -> None:
    slot = claimed(campaign, ada)
    client.force_login(ada)
    client.post(address(slot), posted([ONE]))
    mine = claimed(campaign, ben)
    assert mine.item_id == slot.item_id
    client.force_login(ben)
    page = client.get(address(mine)).content.decode()
    assert "source_start" not in page
    assert 'data-draft="{}"' in page
    assert client.get(address(slot)).status_code == 404
