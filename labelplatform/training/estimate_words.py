"""An estimate as people read it: each figure with its unit, what it rests on, and what cannot be told said so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from labelplatform.accounts.templatetags.look import THIN_SPACE, duration
from labelplatform.training.estimates import Reckoned

SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
# Counts are told in billions as the field does, units by the prefixes of science.
OF_COUNTS, OF_UNITS = ("", "k", "M", "B", "T"), ("", "k", "M", "G", "T", "P")
GIGA = 1e9


@dataclass(frozen=True)
class Figure:
    """One figure in words; `note` says what it rests on."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class EstimateWords:
    """All that a page shows of an estimate; `refusal` instead of figures where there is none."""

    figures: tuple[Figure, ...] = ()
    memory: tuple[Figure, ...] = ()
    parts: tuple[Figure, ...] = ()
    warning: str = ""
    note: str = ""
    refusal: str = ""


@dataclass(frozen=True)
class TookRow:
    """One figure of a run, as estimated and as it came."""

    label: str
    estimated: str
    took: str
    ratio: str = ""


def short(value: float, unit: str = "") -> str:
    """A number with three significant digits and a prefix: 134.5 M, 1.23 GB; exact below a thousand."""
    prefixes, power = OF_UNITS if unit else OF_COUNTS, 0
    while abs(value) >= 999.5 and power < len(prefixes) - 1:
        value, power = value / 1000, power + 1
    shown = (
        f"{value:.0f}" if abs(value) >= 99.95 or (power == 0 and value == round(value)) else f"{value:.3g}"
    )
    suffix = f"{prefixes[power]}{unit}"
    return f"{shown}{THIN_SPACE}{suffix}" if suffix else shown


def power_of_ten(value: float) -> str:
    """3.14e23 as 3.14 × 10²³."""
    if value == 0:
        return "0"
    digits, _e, power = f"{value:.2e}".partition("e")
    return f"{digits} × 10{str(int(power)).translate(SUPERSCRIPTS)}"


def span(seconds: float) -> str:
    """A length of time in words; what rounds to nothing is not nothing."""
    return duration(seconds) if seconds >= 0.5 else _("less than 1 s")


def words_of(reckoned: Reckoned) -> EstimateWords:
    """The estimate as a page shows it."""
    told = reckoned.told
    if told is None:
        return EstimateWords(refusal=reckoned.refusal)
    parts = told["flops"]["parts"]
    return EstimateWords(
        figures=(*_size(told), _memory(told), _time(told), _cost(told)),
        memory=tuple(Figure(_part_name(name), short(value, "B")) for name, value in _bytes(told) if value),
        parts=tuple(Figure(_part_name(name), power_of_ten(value)) for name, value in parts.items() if value),
        warning=_warning(told),
        note=_("Every %(n)s. line of the data was counted, the rest reckoned from it.")
        % {"n": reckoned.every}
        if reckoned.every > 1
        else "",
    )


def _size(told: Mapping[str, Any]) -> tuple[Figure, ...]:
    size, flops = told["parameters"], told["flops"]
    learn = {"trainable": short(size["trainable"]), "frozen": short(size["frozen"])}
    return (
        Figure(
            _("Parameters"),
            short(size["counted"]),
            _("%(trainable)s learn, %(frozen)s are held and stay as they are") % learn,
        ),
        Figure(_("Tokens"), short(told["tokens"]), _("read in all, prompts among them")),
        Figure(_("FLOPs, by rule"), power_of_ten(flops["by_rule"]), str(flops["rule"])),
        Figure(
            _("FLOPs, counted"), power_of_ten(flops["counted"]), _("what our code runs, attention included")
        ),
    )


def _memory(told: Mapping[str, Any]) -> Figure:
    memory = told["memory"]
    note = _("the most at one time; %(n)s bytes a weight that learns") % {
        "n": memory["bytes_per_trainable_parameter"]
    }
    return Figure(_("Memory"), short(memory["peak_bytes"], "B"), note)


def _time(told: Mapping[str, Any]) -> Figure:
    time = told["time"]
    if time is None:
        return Figure(_("Time"), _("not known"), _("State the peak of the device to learn it."))
    note = _("%(devices)s × %(device)s at %(share)s %% of %(peak)s TFLOP/s") % {
        "devices": time["devices"],
        "device": time["device"],
        "share": f"{100 * time['utilisation']:.3g}",
        "peak": f"{time['peak_tflops']:.4g}",
    }
    if time["devices"] > 1:
        note += "; " + _("%(hours)s of one device") % {"hours": span(3600 * time["device_hours"])}
    return Figure(_("Time"), span(3600 * time["device_hours"] / time["devices"]), note)


def _cost(told: Mapping[str, Any]) -> Figure:
    cost = told["cost"]
    if cost is None:
        missing = _("State a price to learn it.") if told["time"] else _("It needs the time.")
        return Figure(_("Cost"), _("not known"), missing)
    note = _("at %(price)s for an hour of one device, in the money of that price") % {
        "price": f"{cost['price_per_hour']:g}"
    }
    return Figure(_("Cost"), f"{cost['total']:,.2f}".replace(",", THIN_SPACE), note)


def _bytes(told: Mapping[str, Any]) -> list[tuple[str, float]]:
    """The bytes of each kind: what does not depend on the batch, then what does."""
    memory = told["memory"]
    state = [(name, value) for name, value in memory["state"].items() if name != "all"]
    return [
        *state, *((name, memory[name]) for name in ("activation_bytes", "logit_bytes", "decoding_cache_bytes"))
    ]  # fmt: skip


def _warning(told: Mapping[str, Any]) -> str:
    room, peak = (told["time"] or {}).get("device_memory_gb"), told["memory"]["peak_bytes"]
    if room is None or peak <= room * GIGA:
        return ""
    return _("It needs %(needed)s and one %(device)s has %(room)s.") % {
        "needed": short(peak, "B"),
        "device": told["time"]["device"],
        "room": short(room * GIGA, "B"),
    }


def _part_name(name: str) -> str:
    names = {
        "weights": _("weights"),
        "half_weights": _("16-bit weights"),
        "gradients": _("gradients"),
        "half_gradients": _("16-bit gradients"),
        "moments": _("Adam's moments"),
        "frozen_weights": _("weights that stay"),
        "activation_bytes": _("activations"),
        "logit_bytes": _("logits"),
        "decoding_cache_bytes": _("keys and values of decoding"),
        "generate": _("generate"),
        "score": _("score"),
        "reference": _("reference model"),
        "values": _("values"),
        "learn": _("learn"),
    }
    return names.get(name, name.replace("_", " "))


def took_rows(reckoned: Reckoned, took: Mapping[str, Any]) -> tuple[TookRow, ...]:
    """What was reckoned beside what it took; a figure that neither knows has no row."""
    told = reckoned.told or {}
    size, memory, time = told.get("parameters", {}), told.get("memory", {}), told.get("time") or {}
    counted = told.get("flops", {}).get("counted")
    hours = time.get("device_hours")
    seconds = None if hours is None else 3600 * hours / time["devices"]
    own = took.get("memory") or {}
    rows = (
        _row(_("Parameters"), size.get("counted"), took.get("parameters"), short),
        _row(_("Parameters that learn"), size.get("trainable"), took.get("trainable_parameters"), short),
        _row(_("Tokens"), told.get("tokens"), took.get("tokens"), short),
        _row(_("Training state"), _learning(memory), _held(took), _in_bytes),
        _row(_("Activations"), memory.get("activation_bytes"), own.get("activation_bytes"), _in_bytes),
        # The process holds its libraries too, which no estimate knows.
        _row(
            _("Memory, of the whole process"),
            memory.get("peak_bytes"),
            own.get("peak_bytes"),
            _in_bytes,
            compare=False,
        ),
        _row(_("FLOPs, counted"), counted, None, power_of_ten),
        # The clock of another machine says nothing about this one's: no ratio stands beside it.
        _row(_("Time"), seconds, took.get("seconds"), span, compare=False),
        _row(_("Processor time"), None, took.get("cpu_seconds"), span),
        _row(_("Reached"), None, _reached(counted, took), _in_flops),
    )
    return tuple(row for row in rows if row is not None)


def _learning(memory: Mapping[str, Any]) -> int | None:
    """Bytes of weights that learn, with their gradients and moments, as estimated."""
    state = memory.get("state")
    return None if state is None else int(state["all"]) - int(state["frozen_weights"])


def _held(took: Mapping[str, Any]) -> int | None:
    """The same, as the run held it."""
    own = took.get("memory") or {}
    names = ("trainable_weight_bytes", "gradient_bytes", "optimiser_bytes")
    return sum(own[name] for name in names) if all(own.get(name) is not None for name in names) else None


def _reached(counted: float | None, took: Mapping[str, Any]) -> float | None:
    """Operations a second of the processor: what to state as peak times utilisation next time."""
    seconds = took.get("cpu_seconds")
    return counted / seconds if counted and seconds else None


def _row(label: str, estimated: Any, took: Any, shown: Any, *, compare: bool = True) -> TookRow | None:
    if estimated is None and took is None:
        return None
    ratio = f"{took / estimated:.3g}" if compare and estimated and took is not None else ""
    said = ["–" if value is None else shown(value) for value in (estimated, took)]
    return TookRow(label, said[0], said[1], ratio)


def _in_bytes(value: float) -> str:
    return short(value, "B")


def _in_flops(value: float) -> str:
    return short(value, "FLOP/s")
