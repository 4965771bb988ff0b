"""Files of other houses: what is a ranking comes in whole, what is none is left out or refused by name."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from labelplatform.labels.exchange import records
from labelplatform.labels.exchange.formats import Reading, detect, read
from labelplatform.labels.exchange.named_models import model_named
from labelplatform.labels.exchange.preferences import shared_prefix
from labelplatform.labels.exchange.similar_prompts import beginning
from trainer.rankings import parse_ranking

FILES = Path(__file__).parent / "foreign"
Json = dict[str, Any]


def readings(*entries: object, as_list: bool = False, form: str = "") -> list[Reading]:
    text = json.dumps(entries) if as_list else "\n".join(json.dumps(entry) for entry in entries)
    return list(read(io.BytesIO(text.encode()), form))


def line_of(found: Reading) -> Json:
    """The reading's line, which the public format accepts."""
    assert found.line is not None, found
    parse_ranking({"annotator": "x", **found.line}, "")
    return found.line


def the_line(*entries: object, form: str = "") -> Json:
    (found,) = readings(*entries, form=form)
    return line_of(found)


def texts(line: Json) -> list[list[str]]:
    """The order as texts, ties sorted."""
    by_id = {one["id"]: one["text"] for one in line["responses"]}
    return [sorted(by_id[name] for name in tier) for tier in line["tiers"]]


def user(text: str) -> Json:
    return {"role": "user", "content": text}


def assistant(text: str) -> Json:
    return {"role": "assistant", "content": text}


TALK = "\n\nHuman: Hi\n\nAssistant: Hello\nthere\n\nHuman: How?\n\nAssistant: "


def test_a_transcript_is_cut_at_its_last_answer() -> None:
    line = the_line({"chosen": TALK + "Well. ", "rejected": TALK + "Badly"})
    assert line["prompt"] == [user("Hi"), assistant("Hello\nthere"), user("How?")]
    assert texts(line) == [["Well. "], ["Badly"]]
    assert line["kind"] == "comparison"
    assert line["annotator"] == "hh-rlhf"
    assert line["imported"] == {"format": "hh-rlhf"}


def test_transcripts_that_part_earlier_or_do_not_differ_are_left_out() -> None:
    parted, same = readings(
        {"chosen": TALK + "Well", "rejected": TALK.replace("Hi", "Ho") + "Well"},
        {"chosen": TALK + "Well", "rejected": TALK + "Well"},
    )
    assert "part before the last answer" in parted.left_out
    assert "nothing is preferred" in same.left_out


def test_neither_id_nor_place_of_an_answer_tells_what_was_chosen() -> None:
    lines = [the_line({"prompt": "p", "chosen": f"a{n}", "rejected": f"b{n}"}) for n in range(20)]
    firsts = {line["tiers"][0][0] == line["responses"][0]["id"] for line in lines}
    assert firsts == {True, False}
    turned = the_line({"prompt": "p", "chosen": "b1", "rejected": "a1"})
    assert turned["responses"] == lines[1]["responses"]
    assert turned["id"] != lines[1]["id"]


PROMPT = [{"role": "system", "content": "Be kind."}, user("Sky?")]


@pytest.mark.parametrize(
    ("record", "prompt"),
    [
        ({"prompt": "The sky is", "chosen": " blue.", "rejected": " green."}, [user("The sky is")]),
        ({"chosen": "The sky is blue.", "rejected": "The sky is green."}, [user("The sky is")]),
        ({"prompt": PROMPT, "chosen": [assistant(" blue.")], "rejected": [assistant(" green.")]}, PROMPT),
        ({"chosen": [*PROMPT, assistant(" blue.")], "rejected": [*PROMPT, assistant(" green.")]}, PROMPT),
        ({"prompt": PROMPT, "chosen": " blue.", "rejected": " green."}, PROMPT),
        (
            {"prompt": "Sky?", "chosen": [assistant(" blue.")], "rejected": [assistant(" green.")]},
            [user("Sky?")],
        ),
    ],
)
def test_trl_preference_with_and_without_its_own_prompt(record: Json, prompt: list[Json]) -> None:
    line = the_line({**record, "score_chosen": 9.5, "source": "ultra", "annotator": "ben", "lang": "en"})
    assert line["prompt"] == prompt
    assert texts(line) == [[" blue."], [" green."]]
    assert line["source"] == "import"
    assert line["imported"] == {"format": "trl-preference", "score_chosen": 9.5, "source": "ultra"}
    assert (line["annotator"], line["language"]) == ("ben", "en")


@pytest.mark.parametrize(
    ("first", "second", "cut"),
    [
        ("ab", "ac", 1),
        ("a b", "a c", 1),
        ("same", "same", 4),
        ("", "x", 0),
        (" x", " y", 0),
        ("ab", "abc", 2),
    ],
)
def test_where_two_texts_part(first: str, second: str, cut: int) -> None:
    assert shared_prefix(first, second) == cut


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"chosen": "one", "rejected": "two"}, "no common beginning"),
        ({"chosen": [assistant("a")], "rejected": [assistant("b")]}, "no common first message"),
        (
            {"chosen": [user("q"), user("a"), assistant("b")], "rejected": [user("q"), user("c")]},
            "found 2 messages",
        ),
        ({"prompt": "q", "chosen": [user("a")], "rejected": [user("b")]}, "an answer of user"),
        ({"prompt": 3, "chosen": "a", "rejected": "b"}, "prompt: found a number"),
        ({"prompt": "q", "chosen": "a", "rejected": ["b"]}, "wanted two texts or two lists"),
        ({"prompt": "q", "chosen": [assistant("a")], "rejected": [{"role": "tool", "content": "b"}]}, "role"),
    ],
)
def test_pairs_that_are_refused(record: Json, told: str) -> None:
    (found,) = readings(record, form="trl-preference")
    try:
        refusal = found.refusal or parse_ranking(found.line or {}, "").id
    except Exception as error:  # noqa: BLE001 (the reader passes the prompt on, the format refuses it)
        refusal = str(error)
    assert told in refusal


def test_neighbours_of_one_prompt_with_both_labels_become_a_ranking() -> None:
    rows = [("q", "a", True), ("q", "b", False), ("q", "c", True), ("r", "d", True), ("s", "e", False)]
    told = [{"prompt": p, "completion": c, "label": label} for p, c, label in rows]
    ranked, good, bad = readings(*told)
    assert ranked.line is not None
    assert texts(ranked.line) == [["a", "c"], ["b"]]
    assert "wanted a false one on a neighbouring line" in good.refusal
    assert "can become a demonstration" in good.refusal
    assert "found only false" in bad.refusal
    assert [one.number for one in (ranked, good, bad)] == [1, 4, 5]


def test_unpaired_messages_and_labels_that_are_none() -> None:
    both = [{"prompt": [user("q")], "completion": [assistant(t)], "label": t == "a"} for t in "ab"]
    assert texts(the_line(*both)) == [["a"], ["b"]]
    (found,) = readings({"prompt": "q", "completion": "a", "label": 1})
    assert "label: found a number 1, wanted true or false" in found.refusal


def reply(name: str, rank: int | None, **more: object) -> Json:
    told = {"message_id": name, "text": name, "role": "assistant", "rank": rank}
    return {**told, "replies": [], **more}


def tree(*replies: Json) -> Json:
    root = {"message_id": "root", "text": "Why?", "role": "prompter", "lang": "de", "replies": list(replies)}
    return {"message_tree_id": "root", "tree_state": "ready_for_export", "prompt": root}


def test_a_tree_gives_a_ranking_for_each_turn_with_ranked_answers() -> None:
    follow = {"message_id": "follow", "text": "And?", "role": "prompter", "rank": 0}
    deep = {**follow, "replies": [reply("x", 1), reply("y", 0, synthetic=True, model_name="m")]}
    found = readings(
        tree(reply("b", 1, replies=[deep]), reply("a", 0), reply("c", 1), reply("unjudged", None))
    )
    first, second = (line_of(one) for one in found)
    assert texts(first) == [["a"], ["b", "c"]]
    assert (first["id"], first["prompt_id"], first["language"]) == ("oasst-root", "root", "de")
    assert texts(second) == [["y"], ["x"]]
    assert second["prompt"] == [user("Why?"), assistant("b"), user("And?")]
    assert {one["id"]: one.get("policy") for one in second["responses"]} == {"x": None, "y": "m"}
    assert first["annotator"] == "openassistant"


def test_deleted_answers_and_turns_without_two_ranked_answers_give_none() -> None:
    (found,) = readings(tree(reply("a", 0), reply("b", 1, deleted=True)))
    assert "no message of this tree has two ranked answers" in found.left_out
    (many,) = readings(tree(*(reply(f"r{n}", n) for n in range(10))))
    assert "found 10 ranked answers" in many.refusal


def test_flat_messages_of_a_tree_stand_together() -> None:
    def flat(name: str, parent: str | None, role: str, rank: int | None = None, of: str = "t") -> Json:
        told = {"message_id": name, "parent_id": parent, "text": name, "role": role, "rank": rank}
        return {**told, "message_tree_id": of}

    rows = [flat("q", None, "prompter"), flat("a", "q", "assistant", 1), flat("b", "q", "assistant", 0)]
    other = [flat("r", None, "prompter", of="u"), flat("c", "gone", "assistant", 0, of="u")]
    ranked, broken = readings(*rows, *other)
    assert ranked.line is not None
    assert texts(ranked.line) == [["b"], ["a"]]
    assert 'parent_id: found text "gone"' in broken.refusal


def task(*results: Json, data: Json | None = None, **annotation: object) -> Json:
    items = [{"id": "m1", "body": "one"}, {"id": "m2", "html": "two"}, {"id": 3, "text": "three"}]
    told = {"id": 7, "completed_by": 5, "lead_time": 4.5, "was_cancelled": False, "result": list(results)}
    return {
        "id": 1,
        "data": data or {"prompt": "Q?", "items": items, "left": "L", "right": "R"},
        "annotations": [{**told, **annotation}],
    }


def ranker(value: object) -> Json:
    return {"type": "ranker", "from_name": "rank", "to_name": "results", "value": {"ranker": value}}


def test_label_studios_ranker() -> None:
    (found,) = readings(task(ranker({"rank": ["m2", "3", "m1"]})), as_list=True)
    line = line_of(found)
    assert texts(line) == [["two"], ["three"], ["one"]]
    assert (line["annotator"], line["seconds"], line["id"]) == ("label-studio-5", 4.5, "label-studio-7")
    assert sorted(one["policy"] for one in line["responses"]) == ["3", "m1", "m2"]
    assert not {"m1", "m2", "3"} & {one["id"] for one in line["responses"]}
    old = the_line(task(ranker(["m1", "m2"]), completed_by={"id": 2, "email": "a@b.c"}))
    assert texts(old) == [["one"], ["two"]]
    assert old["annotator"] == "a@b.c"


@pytest.mark.parametrize(("side", "order"), [("left", [["L"], ["R"]]), ("right", [["R"], ["L"]])])
def test_label_studios_pairwise(side: str, order: list[list[str]]) -> None:
    result = {"type": "pairwise", "to_name": "left,right", "value": {"selected": side}}
    assert texts(the_line(task(result))) == order


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (task(ranker({"good": ["m1"], "bad": ["m2"]})), "buckets"),
        (task(ranker({"_": ["m1", "m2"], "good": []}), was_cancelled=True), "no annotation"),
        (task({"type": "choices", "value": {"choices": ["x"]}}), "no annotation"),
        (task({"type": "pairwise", "to_name": "left,right", "value": {}}), "no preference"),
        (task(ranker({"rank": ["m1", "unknown"]})), "found the id 'unknown'"),
        (task(ranker({"rank": ["m1", "m2"]}), ranker({"rank": ["m1", "m2"]})), "found 2 rankings"),
        (task(ranker({"rank": ["m1", "m2"]}), data={"image": "x"}), "wanted the prompt under one of them"),
        (task({"type": "pairwise", "to_name": "x,y", "value": {"selected": "left"}}), "two keys of data"),
    ],
)
def test_label_studio_results_that_are_no_ranking(entry: Json, told: str) -> None:
    (found,) = readings(entry)
    assert told in (found.refusal or found.left_out)


FIELDS = {"instruction": "Q?", "response_1": "one", "response_2": "two", "response_3": "three"}


def ranks(**by_name: int) -> list[Json]:
    return [{"value": name.replace("_", "-"), "rank": rank} for name, rank in by_name.items()]


def test_argillas_ranks_keep_their_ties() -> None:
    order = ranks(response_1=2, response_2=1, response_3=2)
    server = [{"user_id": "u-1", "status": "submitted", "values": {"rank": {"value": order}}}]
    library = {"rank": [{"value": order, "user_id": "u-1"}]}
    for responses in (server, library):
        line = the_line({"id": "r1", "fields": FIELDS, "responses": responses, "metadata": {"a": 1}})
        assert texts(line) == [["two"], ["one", "three"]]
        assert (line["id"], line["annotator"]) == ("argilla-r1-rank-u-1", "u-1")
        assert line["imported"]["metadata"] == {"a": 1}


@pytest.mark.parametrize(
    ("responses", "told"),
    [
        ({"rank": [{"value": ["response-1", "response-2"], "user_id": "u"}]}, "argilla issue 5712"),
        ({"topics": [{"value": ["sport", "music"], "user_id": "u"}]}, "nobody has answered"),
        (
            [{"user_id": "u", "status": "draft", "values": {"r": {"value": ranks(a=1, b=2)}}}],
            "nobody has answered",
        ),
        ([{"user_id": "u", "values": {"r": {"value": ranks(response_1=1, other=2)}}}], "the name of a field"),
        (None, "nobody has answered"),
        ("text", "wanted a list or an object"),
    ],
)
def test_argilla_records_that_are_no_ranking(responses: object, told: str) -> None:
    (found,) = readings({"fields": FIELDS, "responses": responses})
    assert told in (found.refusal or found.left_out)


def table(*rows: str, head: str = "prompt,ranking,answer_a,answer_b,answer_c") -> list[Reading]:
    return list(read(io.BytesIO("\r\n".join([head, *rows]).encode())))


def test_a_table_made_by_hand_needs_few_columns() -> None:
    (found,) = table('"Why, then?",b > A=c,one,two,three')
    line = line_of(found)
    assert texts(line) == [["two"], ["one", "three"]]
    assert line["prompt"] == [user("Why, then?")]
    assert line["annotator"] == "csv"
    assert found.anonymous
    (guarded,) = table("q,A>B,'=1,two,")
    assert guarded.line is not None
    assert texts(guarded.line) == [["'=1"], ["two"]]


@pytest.mark.parametrize("mark", [";", "\t"])
def test_tables_of_other_locales(mark: str) -> None:
    head = mark.join(["prompt", "ranking", "answer_a", "answer_b"])
    (found,) = table(mark.join(["q", "A > B", "one, two", "three"]), head=head)
    assert found.line is not None
    assert texts(found.line) == [["one, two"], ["three"]]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("q,A > D,one,two,three", "ranking: found 'D', wanted letters of this row's answers (A, B, C)"),
        ("q,A > B,one,two,three,four", "found 6 cells, wanted 5"),
        ('q,A > B,"one', "found a row that does not end as it began"),
    ],
)
def test_rows_that_are_refused(row: str, told: str) -> None:
    (found,) = table(row)
    assert told in found.refusal
    assert found.number == 2


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("{,", "more: found"),
        ('[{"role":"user","content":"other"}]', "prompt: found another text"),
        ("[]", "messages: found no list"),
    ],
)
def test_columns_that_hold_json(more: str, told: str) -> None:
    column = "more" if more.startswith("{") else "messages"
    cell = '"' + more.replace('"', '""') + '"'
    (found,) = table(f"q,A > B,one,two,{cell}", head=f"prompt,ranking,answer_a,answer_b,{column}")
    assert told in found.refusal


def test_entries_of_a_list_know_their_lines_and_cross_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [{"n": 1, "text": 'a "quoted\\" ] } , text'}, {"deep": [[{}], ["[", "\\"]]}, {"n": 3}]
    text = json.dumps(entries, indent=1)
    expected = [line for line, part in enumerate(text.splitlines(), 1) if part == " {"]
    for size in (1, 2, 3, 7, 1000):
        monkeypatch.setattr(records, "CHUNK_BYTES", size)
        # The first byte decides between a list and lines, so it must be in the first chunk.
        found = list(records.read_json(io.BytesIO(text.encode())))
        assert [one.value for one in found] == entries, size
        assert [one.line for one in found] == expected, size


def test_no_line_and_no_entry_is_held_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "LINE_BYTES", 1000)
    monkeypatch.setattr(records, "CHUNK_BYTES", 100)

    class Watched(io.BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            assert 0 < size <= 1001
            return super().readline(size)

    text = b'{"a": "' + b"x" * 5000 + b'"}'
    long, short = records.read_json(Watched(text + b'\n{"b": 1}'))
    assert "more than 1000 bytes" in long.problem
    assert (short.line, short.value) == (2, {"b": 1})
    splitter = records._Splitter()
    for start in range(0, 5000, 100):
        assert list(splitter.feed((b"[" + text)[start : start + 100])) == []
        assert len(splitter.entry) <= 1100
    long, short = records.read_json(io.BytesIO(b"[" + text + b',{"b": 1}]'))
    assert "more than 1000 bytes" in long.problem
    assert short.value == {"b": 1}


@pytest.mark.parametrize(
    ("text", "told", "line"),
    [
        ('[{"a": 1}\n', "found the end of the file inside the list", 2),
        ('[{"a": 1}]\n{"b": 2}', "found more after the end of the list", 1),
        ("[1, 2]", "wanted one JSON object", 1),
        ("[{},]", "found an empty line", 1),
        ("[]", "found no record", 1),
        (" [ ] ", "found no record", 1),
    ],
)
def test_lists_that_are_refused(text: str, told: str, line: int) -> None:
    found = list(read(io.BytesIO(text.encode()), "rankings"))
    refused = [one for one in found if one.refusal]
    assert told in " ".join(one.refusal for one in refused)
    assert refused[-1].number == line


@pytest.mark.parametrize(("file", "form", "lines", "left_out"), [
    ("hh_rlhf.jsonl", "hh-rlhf", 6, 1),
    ("openassistant.jsonl", "openassistant", 4, 0),
])  # fmt: skip
def test_real_files(file: str, form: str, lines: int, left_out: int) -> None:
    raw = (FILES / file).read_bytes()
    assert detect(io.BytesIO(raw)).name == form
    found = list(read(io.BytesIO(raw)))
    assert [one.refusal for one in found if one.refusal] == []
    assert sum(one.line is not None for one in found) == lines
    assert sum(bool(one.left_out) for one in found) == left_out


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("As an AI language model developed by OpenAI, I cannot.", "OpenAI"),
        ("I am ChatGPT.", "ChatGPT"),
        ("I'm Claude, made by a company.", "Claude"),
        ("As a language model I was called Llama.", "Llama"),
        ("My name is Gemini.", "Gemini"),
        ("Vicuna is an AI assistant.", "Vicuna"),
        ("我是通义千问。", "通义千问"),
        ("GPT-4 wrote this", "GPT-4"),
        ("Use Claude 3 for that.", "Claude 3"),
        ("Claude Monet painted gardens.", ""),
        ("A llama eats grass. The AI is off.", ""),
        ("Gemini is a sign of the zodiac.", ""),
        ("The mistral blows.", ""),
        ("", ""),
    ],
)
def test_names_of_models(text: str, name: str) -> None:
    assert model_named(text) == name


def alike(first: list[Json], second: list[Json]) -> bool:
    return beginning(first) == beginning(second)


def test_prompts_that_begin_alike() -> None:
    long = "Write a story about a lighthouse keeper who finds a letter in a bottle and does not know what it means, "
    assert len(long) > 100
    assert alike([user(long + "sad")], [user(long.upper() + "  gay")])
    assert not alike([user(long[:99])], [user(long[:98] + "X")])
    assert alike([user("x" * 100 + "a")], [user("x" * 100 + "b")])
    assert not alike([user("x" * 99 + "a")], [user("x" * 99 + "b")])
    assert not alike([user(long)], [user(long), assistant("a"), user("b")])
    assert alike([{"role": "system", "content": "s"}, user("Hi")], [user("hi")])
    assert not alike([user(long), assistant("a"), user("x")], [user(long), assistant("b"), user("x")])
