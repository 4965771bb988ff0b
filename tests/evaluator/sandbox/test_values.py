"""The grammar of plain values: exact round trips, exact types, limits; and what no sender can do to the reader."""

from __future__ import annotations

import json
import math
import random
from collections import OrderedDict
from enum import IntEnum
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.sandbox import referee, values
from evaluator.sandbox.values import BadMessage, NotPlain, decode, encode
from tests.evaluator.lines import steady

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.complex_numbers()
)
KEYS = st.one_of(st.integers(), st.text(), st.booleans(), st.tuples(st.integers(), st.text()))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner),
        st.lists(inner).map(tuple),
        st.sets(KEYS),
        st.frozensets(KEYS),
        st.dictionaries(KEYS, inner),
    ),
    max_leaves=20,
)


def same(one: object, other: object) -> bool:
    """Equal, of one type all the way down, and nan is itself."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float) and isinstance(other, float):
        return one.hex() == other.hex()
    if isinstance(one, complex) and isinstance(other, complex):
        return (one.real.hex(), one.imag.hex()) == (other.real.hex(), other.imag.hex())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return list(map(repr, one)) == list(map(repr, other)) and all(map(same, one.values(), other.values()))
    return one == other


@steady
@given(VALUES)
def test_what_is_plain_comes_back_the_same(value: object) -> None:
    assert same(decode(encode(value)), value)


@pytest.mark.parametrize(
    "value",
    [2**53, -(2**53), 2**53 + 1, -(2**80), 1 << values.MOST_INTEGER_BITS - 1, range(3, 9, 2), bytearray(b"x"),
     -0.0, math.inf, "\ud800", True, [1, 1.0, True]],
    ids=range(12),
)  # fmt: skip
def test_edges_come_back_the_same(value: object) -> None:
    assert same(decode(encode(value)), value)


def test_iterators_are_materialised_up_to_a_bound() -> None:
    found = decode(encode(n * n for n in range(4)))
    assert list(found) == [0, 1, 4, 9]  # type: ignore[call-overload]
    assert encode(map(str, [1, 2])) == encode(iter(["1", "2"])) == '["g","1","2"]'
    encode(iter(range(values.MOST_OF_ITERATOR)))
    with pytest.raises(NotPlain, match="more than 10000 values"):
        encode(iter(range(values.MOST_OF_ITERATOR + 1)))


class Pair(NamedTuple):
    a: int
    b: int


class Number(IntEnum):
    ONE = 1


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (Number.ONE, "Number"),
        (OrderedDict(), "OrderedDict"),
        (Pair(1, 2), "Pair"),
        (object(), "object"),
        (len, "builtin_function_or_method"),
        ([{"key": {1: object()}}], "object"),
        (Exception("x"), "Exception"),
        (int, "type"),
    ],
)
def test_what_is_not_plain_is_refused_by_name(value: object, name: str) -> None:
    with pytest.raises(NotPlain, match=f"a value of type {name}"):
        encode(value)


def nested(depth: int) -> list[object]:
    found: list[object] = []
    for _ in range(depth):
        found = [found]
    return found


def test_depth_count_and_length_are_bounded_on_both_sides() -> None:
    assert decode(encode(nested(values.DEEPEST))) == nested(values.DEEPEST)
    with pytest.raises(NotPlain, match="100 deep"):
        encode(nested(values.DEEPEST + 1))
    with pytest.raises(BadMessage, match="too deep"):
        decode('["l",' * 101 + '["l"]' + "]" * 101)
    with pytest.raises(BadMessage):
        decode("[" * 1_000_000)
    with pytest.raises(NotPlain, match="too many parts"):
        encode([0] * values.MOST_NODES)
    with pytest.raises(BadMessage, match="too many parts"):
        decode(json.dumps(["l", *[0] * values.MOST_NODES]))
    with pytest.raises(NotPlain, match="bytes"):
        encode("x" * values.MOST_BYTES)
    with pytest.raises(BadMessage, match="bytes"):
        decode('"' + "x" * values.MOST_BYTES + '"')
    with pytest.raises(NotPlain, match="bits"):
        encode(1 << values.MOST_INTEGER_BITS)
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(NotPlain):
        encode(endless)


BAD = [
    "", "nul", "{}", '{"a": 1}', "1.5", "NaN", "Infinity", "1e5", "9007199254740993", "[]", "[1]", '[null]', '["o"]',
    '["l"', '["i"]', '["i",5]', '["i","5"]', '["i","0x"]', '["i","0xg"]', '["i","0x1_0"]', '["i"," 0x1"]',
    '["i","-0x"]',
    '["f",1]', '["f","1"]', '["f","0x1"]', '["f","nan "]', '["c","0x1.0p+0"]', '["b","0"]', '["b","zz"]', '["b",1]',
    '["d",[1]]', '["d",[1,2,3]]', '["d",1]', '["d",[["l"],1]]', '["s",["l"]]', '["z",["d"]]', '["r",1,2]',
    '["r",1,2,0]',
    '["r",1,2,true]', '["__class__"]', '["l",["o",1]]', '\x00', '["i","0x' + "f" * 300_000 + '"]', "1" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_what_is_not_of_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(BadMessage):
        decode(text)


def test_keys_that_collide_are_refused() -> None:
    modulus = 2**61 - 1
    honest = {number * 3 for number in range(5000)}
    assert decode(encode(honest)) == honest
    for tag in ("s", "z"):
        with pytest.raises(BadMessage, match="collide"):
            decode(json.dumps([tag, *[["i", hex(modulus * number)] for number in range(1, 2000)]]))
    with pytest.raises(BadMessage, match="collide"):
        decode(json.dumps(["d", *[[["i", hex(modulus * number)], 0] for number in range(1, 2000)]]))


SEEDS = [
    b'["ok",3,null]', b'["ok",["l",1,["f","0x1.8p+1"]],["now",["d",["a",1]]]]', b'["raised","ValueError","Own","text"]',
    b'["odd","a value of type S",true]', b'["ok",["s",1,2],["odd","x"]]',
]  # fmt: skip


def mutated(rng: random.Random) -> bytes:
    kind = rng.randrange(4)
    if kind == 0:
        return rng.randbytes(rng.randrange(60))
    message = bytearray(rng.choice(SEEDS))
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(message)) if message else 0
        if kind == 1 and message:
            message[place] = rng.randrange(256)
        elif kind == 2:
            del message[place : place + rng.randint(1, 5)]
        else:
            message[place:place] = rng.choice(
                [b"[", b"]", b'"', b",", b"null", b"1e999", b'["l"', b"\\ud800", b"-"]
            )
    return bytes(message)


def test_ten_thousand_random_and_mutated_messages_crash_nobody_and_pass_nowhere() -> None:
    rng = random.Random(0)
    answers = refused = 0
    for _ in range(10_000):
        message = mutated(rng)
        try:
            found = referee.read_answer(message)
        except BadMessage:
            refused += 1
            continue
        answers += 1
        if isinstance(found, referee.Answer):
            # Whatever was read is of exact built-in types: its equality is Python's own.
            assert not isinstance(found.value, object) or type(found.value).__module__ == "builtins"
            assert found.value != object()
    assert answers > 200
    assert refused > 5000


@pytest.mark.parametrize(
    "message",
    [
        b'["pass"]', b'["ok"]', b'["ok",1]', b'["ok",1,2]', b'["ok",1,["odd"]]', b'["ok",1,["now",{}]]',
        b'["raised","ValueError","x"]', b'["raised","print","x","y"]', b'["raised","NoSuchError","x","y"]',
        b'["raised","__import__","x","y"]', b'["odd","x"]', b'["odd","x",1]', b'["odd",1,true]', b'{"verdict":"pass"}',
    ],
)  # fmt: skip
def test_no_other_answer_is_taken(message: bytes) -> None:
    with pytest.raises(BadMessage):
        referee.read_answer(message)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b'{"verdict":"pass"}',
        b'{"verdict":"good","reason":"","calls":1,"call":"","attempt":null}',
        b"\xff",
    ],
)
def test_no_other_verdict_is_taken(payload: bytes) -> None:
    with pytest.raises(BadMessage):
        referee.read_verdict(payload)
