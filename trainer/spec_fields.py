"""How a spec is declared once and read everywhere: one field is a key of spec.json, a flag, its help and its
bounds.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from trainer.errors import BadInput
from trainer.json_lines import JsonObject, kind_of

REQUIRED: Any = dataclasses.MISSING
BOUNDS = {"minimum": "at least", "above": "more than", "maximum": "at most", "below": "less than"}


@dataclass(frozen=True)
class Flag:
    """What is known of a field beside its name, type and default:
    its help text, its bounds, its place in the command.
    """

    help: str
    minimum: float | None = None
    above: float | None = None
    maximum: float | None = None
    below: float | None = None
    choices: tuple[str, ...] | None = None
    positional: bool = False
    metavar: str | None = None


def flag(default: Any = REQUIRED, *, positional: bool = False, **known: Any) -> Any:
    """A dataclass field with a `Flag`. No default: it must be given. Typed Any, as `dataclasses.field` is."""
    return dataclasses.field(default=default, metadata={"flag": Flag(positional=positional, **known)})


@dataclass(frozen=True)
class FieldOfSpec:
    """A field as commands and readers see it: `type` is str, int, float or bool, `many` a tuple of it."""

    name: str
    flag: Flag
    type: type
    many: bool
    optional: bool
    default: Any

    @property
    def required(self) -> bool:
        """True when a spec without this key is refused."""
        return self.default is REQUIRED


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What a run is told. Subclasses are frozen dataclasses of `flag` fields and may add checks across
    fields.
    """

    verb: ClassVar[str] = ""

    def __post_init__(self) -> None:
        """Checks across fields: nothing to check here."""

    @classmethod
    def fields(cls) -> list[FieldOfSpec]:
        """All fields in order of declaration."""
        hints = typing.get_type_hints(cls)
        return [_field(entry, hints[entry.name]) for entry in dataclasses.fields(cls)]

    @classmethod
    def from_json(cls, told: Mapping[str, object], where: str) -> Self:
        """The spec in `told`, keys named as the fields. `where` opens the error.

        Refuses unknown keys (but "verb", which must fit), missing ones, other types, values out of bounds.
        """
        fields = {entry.name: entry for entry in cls.fields()}
        if told.get("verb", cls.verb) != cls.verb:
            raise BadInput(f"{where}: verb: found {kind_of(told['verb'])}, wanted {cls.verb}")
        for name in told:
            if name not in fields and name != "verb":
                raise BadInput(
                    f"{where}: found the unknown key {name!r}, wanted one of {', '.join(sorted(fields))}"
                )
        for entry in fields.values():
            if entry.required and entry.name not in told:
                raise BadInput(
                    f"{where}: {entry.name.replace('_', '-')}: not given, wanted {entry.flag.help}"
                )
        values = {name: checked(fields[name], value, where) for name, value in told.items() if name != "verb"}
        try:
            return cls(**values)
        except ValueError as error:
            raise BadInput(f"{where}: {error}") from None

    def to_json(self) -> JsonObject:
        """All fields as JSON: `from_json(spec.to_json(), where) == spec`."""
        told = {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()}


def checked(entry: FieldOfSpec, value: object, where: str) -> object:
    """`value` as the field wants it (a list becomes a tuple, a whole number a float).
    Refuses (BadInput) what does not fit.
    """
    place = f"{where}: {entry.name}"
    if value is None and entry.optional:
        return None
    if not entry.many:
        return _one(entry, value, place)
    if not isinstance(value, (list, tuple)):
        raise BadInput(f"{place}: found {kind_of(value)}, wanted a list")
    if entry.required and not value:
        raise BadInput(f"{place}: found an empty list, wanted at least one")
    return tuple(_one(entry, one, place) for one in value)


def _one(entry: FieldOfSpec, value: object, place: str) -> object:
    wanted = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}[entry.type]
    if entry.type is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not entry.type:
        raise BadInput(f"{place}: found {kind_of(value)}, wanted {wanted}")
    known = entry.flag
    if known.choices and value not in known.choices:
        raise BadInput(f"{place}: found {kind_of(value)}, wanted one of {', '.join(known.choices)}")
    if isinstance(value, (int, float)) and not _within(known, value):
        bounds = [
            f"{word} {getattr(known, name):g}"
            for name, word in BOUNDS.items()
            if getattr(known, name) is not None
        ]
        raise BadInput(f"{place}: found {value}, wanted {wanted}, {' and '.join(bounds)}")
    return value


def _within(known: Flag, value: float) -> bool:
    return (
        value == value
        and (known.minimum is None or value >= known.minimum)
        and (known.above is None or value > known.above)
        and (known.maximum is None or value <= known.maximum)
        and (known.below is None or value < known.below)
        and value not in (float("inf"), float("-inf"))
    )


def _field(entry: "dataclasses.Field[Any]", hint: Any) -> FieldOfSpec:
    parts: Sequence[Any] = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    optional = type(None) in parts
    inner = next(part for part in parts if part is not type(None))
    many = typing.get_origin(inner) is tuple
    kind = typing.get_args(inner)[0] if many else inner
    return FieldOfSpec(entry.name, entry.metadata["flag"], kind, many, optional, entry.default)
