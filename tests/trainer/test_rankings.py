"""Rankings: the round trip keeps everything, pairs are C(K, 2) less ties, and each broken line is refused."""

import json
from itertools import combinations
from math import comb
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.builders import ASKED, ranking_line
from trainer.errors import BadInput
from trainer.json_lines import JsonObject
from trainer.rankings import Pair, pairs, parse_ranking, read_rankings, tied_pairs, to_line

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12)
NAME = st.text("abcαβ汉字😀-", min_size=1, max_size=6)


@st.composite
def lines(draw: st.DrawFn) -> JsonObject:
    """Any ranking line we accept: random tiers, optional keys present or not, keys nobody knows."""
    ids = draw(st.lists(NAME, min_size=2, max_size=9, unique=True))
    placed = draw(st.lists(st.sampled_from(ids), min_size=1, max_size=len(ids), unique=True))
    cuts = sorted(draw(st.sets(st.integers(1, len(placed) - 1)))) if len(placed) > 1 else []
    tiers = [placed[low:high] for low, high in zip([0, *cuts], [*cuts, len(placed)], strict=True)]
    message = st.builds(
        lambda role, content, extra: {"role": role, "content": content, **extra},
        st.sampled_from(["system", "user", "assistant"]),
        TEXT,
        st.dictionaries(st.just("name"), TEXT),
    )
    response = st.fixed_dictionaries(
        {"text": TEXT}, optional={"policy": NAME, "seed": st.integers(), "ünknown": TEXT}
    )
    line: JsonObject = {
        "id": draw(NAME),
        "prompt": draw(st.lists(message, min_size=1, max_size=3)),
        "responses": [{"id": one, **draw(response)} for one in ids],
        "tiers": tiers,
        "annotator": draw(NAME),
        "kind": "comparison" if len(ids) == 2 and draw(st.booleans()) else "ranking",
    }
    optional: dict[str, st.SearchStrategy[object]] = {
        "seconds": st.floats(0, 1e6) | st.integers(0, 999),
        "shown_order": st.permutations(ids),
        "split": st.sampled_from(["train", "heldout"]),
        "item": NAME,
        "prompt_id": NAME,
        "source": st.sampled_from(["campaign", "regenerate", "battle", "import", "simulated"]),
        "weight": st.integers(1, 9) | st.floats(1e-6, 1e6),
        "margins": st.lists(
            st.integers(1, 3) | st.floats(1, 3), min_size=len(tiers) - 1, max_size=len(tiers) - 1
        ),
        "unacceptable": st.booleans(),
        "ratings": st.dictionaries(
            st.sampled_from(ids), st.dictionaries(NAME, st.integers(1, 7), max_size=2)
        ),
        "flags": st.dictionaries(st.sampled_from(ids), st.lists(NAME, max_size=2)),
        "a key nobody knows": TEXT,
        "未知": st.lists(st.none() | st.booleans() | TEXT, max_size=2),
    }
    return {**line, **draw(st.fixed_dictionaries({}, optional=optional))}


@given(lines())
def test_round_trip_keeps_the_line(line: JsonObject) -> None:
    assert to_line(parse_ranking(line, "here:1")) == line
    assert to_line(parse_ranking(json.loads(json.dumps(line)), "here:1")) == line


@given(lines())
def test_pairs_and_ties_are_all_twos_but_the_unknown(line: JsonObject) -> None:
    ranking = parse_ranking(line, "here:1")
    decided = {frozenset(pair[:2]) for pair in pairs(ranking)}
    tied = {frozenset(pair) for pair in tied_pairs(ranking)}
    sizes = [len(tier) for tier in ranking.tiers]
    unranked = len(ranking.responses) - sum(sizes)
    assert len(tied) == sum(comb(size, 2) for size in sizes)
    assert (
        len(pairs(ranking)) == len(decided) == comb(len(ranking.responses), 2) - len(tied) - comb(unranked, 2)
    )
    assert not decided & tied
    tier_of = {name: number for number, tier in enumerate(ranking.tiers) for name in tier}
    for pair in pairs(ranking):
        better, worse = ranking.responses[pair.chosen].id, ranking.responses[pair.rejected].id
        assert tier_of[better] < tier_of.get(worse, len(ranking.tiers))


def test_pairs_of_six_answers_are_fifteen() -> None:
    ids = "abcdef"
    ranking = parse_ranking(ranking_line(k=6, tiers=[[one] for one in ids]), "-")
    assert [pair[:2] for pair in pairs(ranking)] == list(combinations(range(6), 2))
    assert {pair.margin for pair in pairs(ranking)} == {0.0}


def test_pairs_carry_the_sum_of_the_gaps() -> None:
    line = ranking_line(k=5, tiers=[["a"], ["b", "c"], ["d"]], margins=[1, 2.5])
    found = pairs(parse_ranking(line, "-"))
    assert found == [
        Pair(0, 1, 1.0),
        Pair(0, 2, 1.0),
        Pair(0, 3, 3.5),
        Pair(0, 4, 3.5),
        Pair(1, 3, 2.5),
        Pair(2, 3, 2.5),
        Pair(1, 4, 2.5),
        Pair(2, 4, 2.5),
        Pair(3, 4, 0.0),
    ]
    assert tied_pairs(parse_ranking(line, "-")) == [(1, 2)]


def test_keys_of_prompt_and_item_are_named_or_digests() -> None:
    named = parse_ranking(ranking_line(prompt_id="p", item="i"), "-")
    assert (named.prompt_key, named.item_key) == ("p", "i")
    one, two = parse_ranking(ranking_line(), "-"), parse_ranking(ranking_line("r2", annotator="ben"), "-")
    assert one.prompt_key == two.prompt_key
    assert one.item_key == two.item_key
    other = parse_ranking(ranking_line(k=3, tiers=[["c"]]), "-")
    assert other.prompt_key == one.prompt_key
    assert other.item_key != one.item_key


BROKEN: list[tuple[dict[str, object], str]] = [
    ({"tiers": [["a"], ["z"]]}, 'tiers: found text "z", wanted one of the response ids'),
    ({"tiers": [["a"], ["a"]]}, "twice"),
    ({"tiers": [["a", "a"]]}, "twice"),
    ({"tiers": [[], ["a"]]}, "empty tier"),
    ({"tiers": []}, "empty list"),
    ({"tiers": ["a"]}, "list of lists"),
    ({"tiers": None}, "list of lists"),
    ({"kind": "vote"}, "wanted one of ranking, comparison"),
    ({"kind": "comparison"}, "found 4, wanted 2"),
    ({"responses": [{"id": "a", "text": ""}]}, "found 1 of them"),
    ({"responses": [{"id": one, "text": ""} for one in "abcdefghij"]}, "found 10 of them"),
    ({"responses": [{"id": "a", "text": "x"}, {"id": "a", "text": "y"}]}, "twice"),
    ({"responses": [{"id": "a"}, {"id": "b", "text": "y"}]}, "responses[0]: found no 'text'"),
    ({"responses": [{"id": 1, "text": "x"}, {"id": "b", "text": "y"}]}, "responses[0]: id: found a number 1"),
    ({"prompt": []}, "at least one message"),
    ({"prompt": [{"role": "robot", "content": "x"}]}, "prompt[0]: role"),
    ({"prompt": "Where?"}, "prompt: found text"),
    ({"annotator": ""}, "annotator"),
    ({"id": 3}, "id: found a number 3"),
    ({"seconds": -1}, "at least 0"),
    ({"seconds": True}, "found a boolean"),
    ({"shown_order": ["a", "b"]}, "every response id once"),
    ({"shown_order": ["a", "b", "c", "c"]}, "twice"),
    ({"split": "test"}, "wanted one of train, heldout"),
    ({"source": "web"}, "wanted one of campaign"),
    ({"margins": [1, 1]}, "wanted 1 (one per tier gap)"),
    ({"margins": [4]}, "1 to 3"),
    ({"margins": [0.5]}, "1 to 3"),
    ({"unacceptable": "yes"}, "wanted true"),
    ({"ratings": {"z": {"tone": 3}}}, "wanted one of the response ids"),
    ({"ratings": {"a": {"tone": 8}}}, "1 to 7"),
    ({"ratings": {"a": 3}}, "an object of numbers"),
    ({"flags": {"a": "bad"}}, "a list of names"),
    ({"flags": {"z": []}}, "wanted one of the response ids"),
]


@pytest.mark.parametrize(("changes", "told"), BROKEN, ids=[str(changes)[:50] for changes, _ in BROKEN])
def test_parse_ranking_refuses(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInput) as refusal:
        parse_ranking(ranking_line(**changes), "some.jsonl:7")
    assert str(refusal.value).startswith("some.jsonl:7: ")
    assert told in str(refusal.value)


@pytest.mark.parametrize("key", ["id", "prompt", "responses", "tiers", "annotator", "kind"])
def test_parse_ranking_refuses_a_missing_key(key: str) -> None:
    line = ranking_line()
    del line[key]
    with pytest.raises(BadInput, match=key):
        parse_ranking(line, "some.jsonl:1")


def test_an_unacceptable_set_may_have_no_tier() -> None:
    ranking = parse_ranking(ranking_line(tiers=[], unacceptable=True), "-")
    assert pairs(ranking) == []
    assert tied_pairs(ranking) == []


def test_read_rankings_refuses_one_id_twice(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text("".join(json.dumps(ranking_line(name)) + "\n" for name in ("x", "y", "x")), "utf-8")
    with pytest.raises(BadInput, match=r"r\.jsonl:3: id: found text \"x\" again \(line 1\)"):
        read_rankings(path)
    path.write_text("", "utf-8")
    with pytest.raises(BadInput, match="found no line"):
        read_rankings(path)


def test_prompt_of_the_builders_is_valid() -> None:
    assert parse_ranking(ranking_line(prompt=ASKED), "-").prompt[0].content == "Where is Lima?"
