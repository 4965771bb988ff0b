"""Ranking lines read fast: the same rankings as one by one, the same refusals, whatever the shapes of the lines."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator import policy_rankings
from evaluator.errors import BadInput
from evaluator.line_shapes import shape_of
from evaluator.pair_lines import PairShape, pairs_of
from evaluator.policy_rankings import policy_ranking, read_policy_rankings
from evaluator.rankings import Ranking, parse_ranking, read_rankings
from evaluator.statistics.rating_pairs import PolicyRanking
from tests.evaluator.lines import Line, ranking, steady, write_lines


@pytest.fixture(params=[8 * 2**20, 900, 100], ids=["one block", "a few lines a block", "less than a line"])
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Short files are one block: what is done from the second on must be tried as well."""
    monkeypatch.setattr(policy_rankings, "BLOCK_BYTES", request.param)


def one_by_one(path: Path) -> list[PolicyRanking]:
    return [policy_ranking(one) for one in read_rankings(path)]


@st.composite
def some_lines(draw: st.DrawFn) -> list[Line]:
    found = []
    for number in range(draw(st.integers(1, 12))):
        names = draw(st.lists(st.sampled_from("abcdef"), min_size=2, max_size=5, unique=True))
        tiers = draw(st.lists(st.integers(0, 2), min_size=len(names), max_size=len(names)))
        ranked = [
            [n for n, tier in zip(names, tiers, strict=True) if tier == one] for one in sorted(set(tiers))
        ]
        unranked = ranked.pop() if len(ranked) > 1 and draw(st.booleans()) else []
        more: dict[str, Any] = {}
        if draw(st.booleans()):
            more["seconds"] = draw(st.integers(0, 99) | st.floats(0, 99))
        if draw(st.booleans()):
            more["domain"] = draw(st.sampled_from(["law", "", "código", '"quoted"']))
        if draw(st.booleans()):
            more["mode"] = draw(st.sampled_from(["creative", "text-grounded"]))
        if draw(st.booleans()):
            more["shown_order"] = draw(st.permutations(names))
        if draw(st.booleans()):
            more["note"] = draw(st.sampled_from([1, -2.5, None, {"a": [1, "x"]}, "tab\there", "é\\"]))
        line = ranking(
            f"k{number}", ranked, unranked=unranked, annotator=draw(st.sampled_from(["ada", "bén"])), **more
        )
        if draw(st.booleans()):
            del line["responses"][0]["policy"]
        found.append(line)
    return found


@steady
@given(some_lines(), st.booleans(), st.sampled_from([50, 400, 1500, 10**6]))
def test_fast_is_the_same_as_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, lines: list[Line], ascii_only: bool, block: int
) -> None:
    path = tmp_path_factory.mktemp("lines") / "r.jsonl"
    path.write_text("".join(json.dumps(line, ensure_ascii=ascii_only) + "\n" for line in lines), "utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(policy_rankings, "BLOCK_BYTES", block)
        assert read_policy_rankings(path) == one_by_one(path)


def spoil(change: Callable[[Line], object]) -> Line:
    line = ranking("bad", [["a"], ["b"]], seconds=3, shown_order=["a", "b"], mode="creative", domain="law")
    change(line)
    return line


SPOILT: dict[str, Callable[[Line], object]] = {
    "response twice": lambda line: line["responses"][1].update(id="a"),
    "unknown in tiers": lambda line: line.update(tiers=[["a"], ["z"]]),
    "twice in tiers": lambda line: line.update(tiers=[["a"], ["a"]]),
    "unknown in shown_order": lambda line: line.update(shown_order=["a", "z"]),
    "twice in shown_order": lambda line: line.update(shown_order=["a", "a"]),
    "no such mode": lambda line: line.update(mode="dreaming"),
    "no such kind": lambda line: line.update(kind="vote"),
    "no such role": lambda line: line["prompt"][0].update(role="robot"),
    "empty id": lambda line: line.update(id=""),
    "empty annotator": lambda line: line.update(annotator=""),
    "empty policy": lambda line: line["responses"][0].update(policy=""),
    "negative seconds": lambda line: line.update(seconds=-1),
    "id a number": lambda line: line.update(id=7),
    "text a number": lambda line: line["responses"][0].update(text=7),
    "id again": lambda line: line.update(id="good0"),
    "domain a number": lambda line: line.update(domain=7),
}


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("name", SPOILT)
def test_a_bad_line_among_good_ones_is_refused_with_its_number(tmp_path: Path, name: str) -> None:
    good = [
        ranking(
            f"good{at}", [["a"], ["b"]], seconds=at, shown_order=["b", "a"], mode="creative", domain="law"
        )
        for at in range(6)
    ]
    path = write_lines(tmp_path / "r.jsonl", [*good, spoil(SPOILT[name])])
    with pytest.raises(BadInput, match=r"r\.jsonl:7: "):
        read_policy_rankings(path)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize(
    "raw",
    [b'{"id": "x"', b"\xff", b"", b"[]", b'{"id": "x", "id": "y"}', b'{"id": "\\ud800"}', b'{"a": NaN}'],
)
def test_what_is_no_line_is_refused(tmp_path: Path, raw: bytes) -> None:
    path = write_lines(tmp_path / "r.jsonl", [ranking(f"k{at}", [["a"], ["b"]]) for at in range(3)])
    path.write_bytes(path.read_bytes() + raw + b"\n")
    with pytest.raises(BadInput, match=r"r\.jsonl:4: "):
        read_policy_rankings(path)


def test_no_line_and_no_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="found no line"):
        read_policy_rankings(write_lines(tmp_path / "empty.jsonl", []))
    with pytest.raises(BadInput, match=r"gone\.jsonl: No such file"):
        read_policy_rankings(tmp_path / "gone.jsonl")


def test_blocks_may_end_within_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_lines(tmp_path / "r.jsonl", [ranking(f"k{at}", [["a"], ["b"]]) for at in range(9)])
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    monkeypatch.setattr(policy_rankings, "BLOCK_BYTES", 100)
    assert read_policy_rankings(path) == one_by_one(path)


def test_one_shape_serves_all_lines_like_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine lines of two shapes are parsed in full twice."""
    parsed: list[str] = []

    def counting(line: Line, where: str) -> Ranking:
        parsed.append(where)
        return parse_ranking(line, where)

    monkeypatch.setattr(policy_rankings, "parse_ranking", counting)
    lines = [ranking(f"k{at}", [["a", "b"]] if at == 4 else [["b"], ["a"]]) for at in range(9)]
    found = read_policy_rankings(write_lines(tmp_path / "r.jsonl", lines))
    assert len(parsed) == 2
    assert [one.id for one in found] == [f"k{at}" for at in range(9)]
    assert found[2].places is found[8].places


@pytest.mark.parametrize(
    ("line", "treatment"), [('{"a\\u0062": "x"}', "any"), ('{"a": "x\\n"}', "catch"), ('{"a": ""}', "catch")]
)
def test_what_cannot_be_caught_as_it_is_written_has_no_shape(line: str, treatment: Any) -> None:
    assert shape_of(line, lambda path: treatment) is None


def test_style_is_read_with_the_texts(tmp_path: Path) -> None:
    line = ranking("k", [["a"], ["b"]])
    line["responses"][0]["text"] = "# One\n\n- two **three**\n- four"
    found = read_policy_rankings(write_lines(tmp_path / "r.jsonl", [line]), style=True)[0]
    assert [round(2.718281828459045**value - 1) for value in found.style[0]] == [4, 1, 2, 1]
    assert len(found.style) == 2


@pytest.mark.parametrize("text", ["\\ud800", "\\x41", "\\u00zz", "a\tb", "a\x01b"])
def test_escapes_and_control_characters_are_looked_at(tmp_path: Path, text: str) -> None:
    """A text that other lines may change freely is still a text of JSON: no lone surrogate, no such escape, no tab."""
    path = write_lines(tmp_path / "r.jsonl", [ranking(f"k{at}", [["a"], ["b"]]) for at in range(3)])
    bad = json.dumps(ranking("bad", [["a"], ["b"]])).replace("says a", text)
    path.write_text(path.read_text("utf-8") + bad + "\n", "utf-8")
    with pytest.raises(BadInput, match=r"r\.jsonl:4: "):
        read_policy_rankings(path)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize(
    "tiers", [[["a"], ["z"]], [["z"], ["b"]], [["a"], ["a"]], [["a", "z"]], [["b"], ["b"]]]
)
def test_tiers_of_comparisons_name_their_two_responses(tmp_path: Path, tiers: list[list[str]]) -> None:
    good = [ranking(f"k{at}", one) for at, one in enumerate([[["a"], ["b"]], [["b"], ["a"]], [["a", "b"]]])]
    path = write_lines(tmp_path / "r.jsonl", [*good, {**ranking("bad", [["a"], ["b"]]), "tiers": tiers}])
    with pytest.raises(BadInput, match=r"r\.jsonl:4: tiers: "):
        read_policy_rankings(path)


def test_a_response_that_stands_twice_is_refused_though_tiers_do_not_name_it(tmp_path: Path) -> None:
    good = [ranking(f"k{at}", [["a"], ["b"]], unranked=["c"]) for at in range(3)]
    bad = ranking("bad", [["a"], ["b"]], unranked=["c"])
    bad["responses"][2]["id"] = "a"
    with pytest.raises(BadInput, match=r"r\.jsonl:4: responses: "):
        read_policy_rankings(write_lines(tmp_path / "r.jsonl", [*good, bad]))


def test_comparisons_won_by_either_side_are_read_as_they_stand(tmp_path: Path) -> None:
    lines = [ranking(f"k{at}", [["a"], ["b"]]) for at in range(4)]
    for line in lines[2:]:
        line["tiers"] = [["b"], ["a"]]
    path = write_lines(tmp_path / "r.jsonl", lines)
    won, lost = (("a", 0), ("b", 1)), (("a", 1), ("b", 0))
    assert [one.places for one in read_policy_rankings(path)] == [won, won, lost, lost]


def compare(number: int, order: list[list[str]], policies: str = "ab") -> Line:
    """A comparison of `a` and `b`, shown in this order, by these policies."""
    line = ranking(f"k{number}", [["a"], ["b"]])
    line["tiers"] = order
    for response, policy in zip(line["responses"], policies, strict=True):
        response["policy"] = policy
    return line


def test_blocks_of_comparisons_are_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All orders, ties and policies among each other, no line read by itself once both shapes are known."""
    orders = [[["a"], ["b"]], [["b"], ["a"]], [["a", "b"]]]
    lines = [compare(at, orders[at % 3], ("xy", "yx", "xz")[at // 3 % 3]) for at in range(60)]
    path = write_lines(tmp_path / "r.jsonl", lines)
    expected, alone = one_by_one(path), []
    read_line = policy_rankings._Reader._line
    monkeypatch.setattr(policy_rankings, "BLOCK_BYTES", 3000)

    def counting(reader: Any, line: str, number: int) -> PolicyRanking:
        alone.append(number)
        return read_line(reader, line, number)

    monkeypatch.setattr(policy_rankings._Reader, "_line", counting)
    found = read_policy_rankings(path)
    assert found == expected
    assert all(type(one) is PolicyRanking for one in found)
    assert len(alone) < 20 < len(lines)
    # One object for all equal places, however they were read: counting goes by it.
    assert len({id(one.places) for one in found}) == len({one.places for one in found})


@pytest.mark.usefixtures("blocks")
def test_an_id_that_stands_twice_is_named_with_its_first_line(tmp_path: Path) -> None:
    lines = [compare(at, [["a"], ["b"]]) for at in (0, 1, 2, 3, 4, 2, 1)]
    path = write_lines(tmp_path / "r.jsonl", lines)
    with pytest.raises(BadInput, match=r'r\.jsonl:6: id: found text "k2" again \(first at .*r\.jsonl:3\)'):
        read_policy_rankings(path)


def test_a_line_of_another_kind_is_found_where_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [compare(at, [["a"], ["b"]]) for at in range(30)]
    lines[17] = ranking("k17", [["a"], ["b"], ["c"]])
    path = write_lines(tmp_path / "r.jsonl", lines)
    monkeypatch.setattr(policy_rankings, "BLOCK_BYTES", 1500)
    assert read_policy_rankings(path) == one_by_one(path)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("tiers", [[["a"], ["b"]], [["a"], ["a"]], [["a", "a"]]])
def test_a_bad_line_among_good_pairs(tmp_path: Path, tiers: list[list[str]]) -> None:
    lines = [compare(at, [["a"], ["b"]] if at % 2 else [["a", "b"]]) for at in range(9)]
    bad = compare(9, tiers)
    bad["responses"][1]["id"] = "a"
    bad["tiers"] = [["a"], ["a"]] if len(tiers) == 2 else [["a", "a"]]
    path = write_lines(tmp_path / "r.jsonl", [*lines, bad, compare(10, [["b"], ["a"]])])
    with pytest.raises(BadInput, match=r"r\.jsonl:10: responses: "):
        read_policy_rankings(path)


def test_too_many_shapes_are_read_line_by_line() -> None:
    shape = PairShape(re.compile("x(a)(b)(c)(d)(e)(f)(g)(h)"), (1, 2, 3, 4, 5, 6, 7, 8), (0, 1))
    assert pairs_of([]) is None
    assert pairs_of([shape] * 7) is None
    assert pairs_of([shape] * 6) is not None
