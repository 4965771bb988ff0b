"""Functions that tests name on a command line."""

from collections.abc import Mapping, Sequence


def letters(lines: Sequence[Mapping[str, object]]) -> list[float]:
    """How often a response says "a", at most 3."""
    return [float(min(str(line["response"]).split().count("a"), 3)) for line in lines]


def one_short(lines: Sequence[Mapping[str, object]]) -> list[float]:
    """A score too few."""
    return [0.0] * (len(lines) - 1)


def not_a_number(lines: Sequence[Mapping[str, object]]) -> list[float]:
    """Scores that are no numbers."""
    return [float("nan")] * len(lines)


def judged(lines: Sequence[Mapping[str, object]]) -> list[dict[str, float]]:
    """Metrics of each response: does it say "a", and how long is it."""
    return [
        {
            "says_a": float("a" in str(line["response"]).split()),
            "words": float(len(str(line["response"]).split())),
        }
        for line in lines
    ]


CALLS: list[int] = []


def worn_out(lines: Sequence[Mapping[str, object]]) -> list[float]:
    """Good scores at first, no numbers from the third call on."""
    CALLS.append(len(lines))
    return [0.5 if len(CALLS) < 3 else float("inf")] * len(lines)


def count_a(lines: Sequence[Mapping[str, object]]) -> list[float]:
    """How often a response says "a"."""
    return [float(str(line["response"]).split().count("a")) for line in lines]


def beyond(lines: Sequence[Mapping[str, object]]) -> list[float]:
    """Finite scores whose squares are not."""
    return [1e30 * (1 + number % 2) for number in range(len(lines))]


def grows_beyond(lines: Sequence[Mapping[str, object]]) -> list[float]:
    """Good scores at first, from the third call on such as no loss can hold."""
    CALLS.append(len(lines))
    return letters(lines) if len(CALLS) < 3 else beyond(lines)


def never_after_c(lines: Sequence[Mapping[str, object]]) -> list[dict[str, float]]:
    """Whether a response says "c" as its last word or not at all."""
    return [{"cut_well": float("c" not in str(line["response"]).split()[:-1])} for line in lines]


def refuses_words_after_c(lines: Sequence[Mapping[str, object]]) -> list[float]:
    """No number for a response that goes on after "c"."""
    return [1.0 if one["cut_well"] else float("nan") for one in never_after_c(lines)]
