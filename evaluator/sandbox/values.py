"""The only things that cross the pipe: plain values, in a tagged JSON with a strict grammar.

    value   = null | true | false | text | whole number up to 2^53
            | ["i", hexadecimal] | ["f", hexadecimal] | ["c", float, float] | ["b" | "y", hexadecimal]
            | ["l" | "t" | "s" | "z" | "g", value…] | ["d", [value, value]…] | ["r", start, stop, step]

for int, float, complex, bytes, bytearray, list, tuple, set, frozenset, iterator (materialised), dict and range. Only
the exact built-in types are written: a subclass may carry an equality of its own. What is read is built here from
nothing but the text: no name in it is looked up anywhere, no code of the sender runs. Depth, count and length have
limits. Where sender and reader are both honest, decode(encode(x)) equals x and has its type.
"""

import json
from collections.abc import Callable, Iterable
from itertools import islice
from types import GeneratorType

MOST_BYTES = 4 << 20
MOST_NODES = 200_000
DEEPEST = 100
MOST_OF_ITERATOR = 10_000
FEW_KEYS = 1000
SAFE_INTEGER = 1 << 53
MOST_INTEGER_BITS = 1 << 20

_dumps, _loads = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode, json.loads
_SEQUENCES: dict[type, str] = {list: "l", tuple: "t", set: "s", frozenset: "z"}
_BYTES: dict[type, str] = {bytes: "b", bytearray: "y"}
_ITERABLES: tuple[Iterable[object], ...] = ([], (), "", range(0), {}, set())
_ITERATORS: tuple[type, ...] = (
    *(GeneratorType, map, filter, zip, enumerate, reversed, islice),
    *(type(iter(one)) for one in _ITERABLES),
    type(reversed([])),
)
_BUILDERS: dict[str, Callable[[list[object]], object]] = {
    "l": list,
    "t": tuple,
    "s": set,
    "z": frozenset,
    "g": iter,
}

_HASHING = (set, frozenset, dict)


class NotPlain(Exception):
    """A value that may not cross. Its text names the type."""


class BadMessage(Exception):
    """A message that is not of the grammar."""


def encode(value: object) -> str:
    """The value as text. Refuses (NotPlain) another type, what is nested too deep, and too much of it."""
    text = _dumps(_Writer().write(value, 0))
    if len(text) > MOST_BYTES:
        raise NotPlain(f"a value of more than {MOST_BYTES} bytes")
    return text


def decode(text: bytes | str) -> object:
    """The value that a text says. Refuses (BadMessage) whatever is not of the grammar or beyond its limits."""
    return _Reader().read(parse(text), 0)


def parse(text: bytes | str) -> object:
    """The JSON of a text; its lists are still to be read. Refuses (BadMessage) what is no JSON."""
    if len(text) > MOST_BYTES:
        raise BadMessage(f"more than {MOST_BYTES} bytes")
    try:
        return _loads(text, parse_float=_no_number, parse_constant=_no_number, object_pairs_hook=_no_object)
    except (ValueError, RecursionError, UnicodeError, MemoryError) as error:
        raise BadMessage(f"no JSON of values: {type(error).__name__}") from None


def read_parsed(tree: object) -> object:
    """The value that parsed JSON says."""
    return _Reader().read(tree, 0)


def parse_call(message: bytes) -> tuple[str, list[object], list[tuple[str, object]]]:
    """(name, arguments, named arguments), each argument still to be read, of [name, ["l", …], ["d", [name, …]…]]."""
    match parse(message):
        case [str(name), ["l", *placed], ["d", *keyed]]:
            pairs = [(one[0], one[1]) for one in keyed if isinstance(one, list) and len(one) == 2]
            if len(pairs) == len(keyed) and all(isinstance(key, str) for key, _ in pairs):
                return name, placed, pairs
    raise BadMessage("no call")


def write_tree(value: object) -> object:
    """The value as JSON still to be dumped, to stand inside a larger message."""
    return _Writer().write(value, 0)


def dump_tree(tree: object) -> str:
    """The text of JSON made by `write_tree`."""
    return _dumps(tree)


def _no_number(text: str) -> object:
    raise ValueError(f"a bare number {text[:20]}")


def _no_object(_pairs: object) -> object:
    raise ValueError("an object")


class _Writer:
    def __init__(self) -> None:
        self._nodes = 0

    def write(self, value: object, depth: int) -> object:
        self._nodes += 1
        if self._nodes > MOST_NODES or depth > DEEPEST:
            raise NotPlain(
                f"a value nested more than {DEEPEST} deep" if depth > DEEPEST else "a value of too many parts"
            )
        kind = type(value)
        if value is None or kind is bool or kind is str:
            return value
        if kind is int:
            return self._integer(value)  # type: ignore[arg-type]
        if kind is float:
            return ["f", value.hex()]  # type: ignore[attr-defined]
        if kind in _SEQUENCES:
            return [_SEQUENCES[kind], *[self.write(one, depth + 1) for one in value]]  # type: ignore[attr-defined]
        if kind is dict:
            pairs = value.items()  # type: ignore[attr-defined]
            return ["d", *[[self.write(key, depth + 1), self.write(one, depth + 1)] for key, one in pairs]]
        return self._rarer(value, kind, depth)

    def _integer(self, value: int) -> object:
        if -SAFE_INTEGER <= value <= SAFE_INTEGER:
            return value
        if value.bit_length() > MOST_INTEGER_BITS:
            raise NotPlain(f"an int of more than {MOST_INTEGER_BITS} bits")
        return ["i", hex(value)]

    def _rarer(self, value: object, kind: type, depth: int) -> object:
        if kind in _BYTES:
            return [_BYTES[kind], value.hex()]  # type: ignore[attr-defined]
        if kind is complex:
            return ["c", value.real.hex(), value.imag.hex()]  # type: ignore[attr-defined]
        if kind is range:
            return ["r", *(self._integer(one) for one in (value.start, value.stop, value.step))]  # type: ignore[attr-defined]
        if kind in _ITERATORS:
            found = list(islice(value, MOST_OF_ITERATOR + 1))  # type: ignore[call-overload]
            if len(found) > MOST_OF_ITERATOR:
                raise NotPlain(f"an iterator of more than {MOST_OF_ITERATOR} values")
            return ["g", *[self.write(one, depth + 1) for one in found]]
        raise NotPlain(f"a value of type {kind.__name__}")


class _Reader:
    def __init__(self) -> None:
        self._nodes = 0

    def read(self, tree: object, depth: int) -> object:
        self._nodes += 1
        if self._nodes > MOST_NODES or depth > DEEPEST:
            raise BadMessage("too many parts" if depth <= DEEPEST else "nested too deep")
        if tree is None or isinstance(tree, bool | str):
            return tree
        if isinstance(tree, int):
            return self._plain_integer(tree)
        if not isinstance(tree, list) or not tree or not isinstance(tree[0], str):
            raise BadMessage("a part without a tag")
        tag, rest = tree[0], tree[1:]
        if tag in _BUILDERS:
            return _built(_BUILDERS[tag], [self.read(one, depth + 1) for one in rest])
        if tag == "d":
            return _built(dict, [self._pair(one, depth + 1) for one in rest])  # type: ignore[arg-type]
        if tag == "r":
            return _built(lambda parts: range(*parts), self._range(rest, depth))  # type: ignore[call-overload]
        return _scalar(tag, rest)

    def _plain_integer(self, number: int) -> int:
        if not -SAFE_INTEGER <= number <= SAFE_INTEGER:
            raise BadMessage("a bare number beyond 2^53")
        return number

    def _pair(self, tree: object, depth: int) -> tuple[object, object]:
        if not isinstance(tree, list) or len(tree) != 2:
            raise BadMessage("a part of a dict that is no pair")
        return self.read(tree[0], depth), self.read(tree[1], depth)

    def _range(self, rest: list[object], depth: int) -> list[object]:
        parts = [self.read(one, depth + 1) for one in rest]
        if len(parts) != 3 or not all(type(one) is int for one in parts):
            raise BadMessage("a range without three whole numbers")
        return parts


def _refuse_collisions(keys: list[object]) -> None:
    """Keys chosen to have one hash make a table that takes the square of their number to build."""
    if len(keys) > FEW_KEYS and 2 * len({hash(key) for key in keys}) < len(keys):
        raise BadMessage("keys that collide")


def _built(builder: Callable[[list[object]], object], parts: list[object]) -> object:
    try:
        if builder in _HASHING:
            _refuse_collisions([one[0] for one in parts] if builder is dict else parts)  # type: ignore[index]
        return builder(parts)
    except (TypeError, ValueError) as error:
        raise BadMessage(f"parts that build no value: {error}") from None


def _scalar(tag: str, rest: list[object]) -> object:
    if not all(isinstance(one, str) for one in rest) or len(rest) != (2 if tag == "c" else 1):
        raise BadMessage(f"a part tagged {tag[:20]!r} without its text")
    texts: list[str] = rest  # type: ignore[assignment]
    try:
        if tag == "i" and len(texts[0]) <= MOST_INTEGER_BITS // 4 + 4:
            return _hexadecimal(texts[0])
        if tag == "f":
            return _floating(texts[0])
        if tag == "c":
            return complex(_floating(texts[0]), _floating(texts[1]))
        if tag in ("b", "y"):
            return (bytes if tag == "b" else bytearray).fromhex(texts[0])
    except (ValueError, OverflowError) as error:
        raise BadMessage(f"a part tagged {tag!r}: {error}") from None
    raise BadMessage(f"a part tagged {tag[:20]!r}")


def _hexadecimal(text: str) -> int:
    digits = text[3:] if text.startswith("-0x") else text[2:] if text.startswith("0x") else ""
    if not digits or not set(digits) <= set("0123456789abcdef"):
        raise ValueError("no hexadecimal number")
    return int(text, 16)


def _floating(text: str) -> float:
    number = float.fromhex(text)
    if number.hex() != text:
        raise ValueError("no hexadecimal float")
    return number
