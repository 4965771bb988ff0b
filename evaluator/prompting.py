"""Ways to ask: plain, few-shot (Brown et al. 2020), chain of thought (Wei et al. 2022), zero-shot step by step (Kojima
et al. 2022), self-consistency (Wang et al. 2022), programs (Gao et al. 2023; `subjects.programs` runs them). Pure
functions from questions to messages and from texts to answers.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from evaluator.errors import BadInput
from evaluator.metrics.normalisation import words
from evaluator.prompts import Message, PromptLine
from evaluator.specs import RunSpec
from evaluator.statistics.intervals import generator

STEP_BY_STEP = "Let's think step by step."
THEREFORE = "Therefore, the answer is"
ANSWER_IS = re.compile(r"answer is:?\s*(.+?)\s*(?:[.!?](?=\s|$)|\n|$)", re.IGNORECASE)
DEFAULT_SHOTS, DEFAULT_PATHS = 4, 5
PATHS_TEMPERATURE = 0.7
REASONS = ("chain-of-thought", "self-consistency")
REASONING_TOKENS = 256


@dataclass(frozen=True)
class Example:
    """A worked question: its answer, and the steps or the program that lead there where they are known."""

    question: str
    answer: str
    rationale: str | None = None
    program: str | None = None


def shots_of(spec: RunSpec) -> int:
    """How many examples go before each question: as asked, else the way's own number."""
    if spec.shots:
        return spec.shots
    return {"few-shot": DEFAULT_SHOTS, "chain-of-thought": DEFAULT_SHOTS}.get(spec.prompting, 0)


def paths_of(spec: RunSpec) -> int:
    """How many responses are drawn for each question."""
    if spec.prompting != "self-consistency":
        return 1
    return spec.paths if spec.paths > 1 else DEFAULT_PATHS


def temperature_of(spec: RunSpec) -> float:
    """As asked; self-consistency draws at 0.7 where nothing was asked, for equal paths would have one vote."""
    return spec.temperature or (PATHS_TEMPERATURE if spec.prompting == "self-consistency" else 0.0)


def refuse_misfits(spec: RunSpec) -> None:
    """Refuses flags that the way to ask does not read."""
    if spec.shots and spec.prompting in {"plain", "step-by-step"}:
        raise BadInput(
            f"--shots {spec.shots}: found --prompting {spec.prompting}, wanted few-shot or a chain"
        )
    if spec.paths > 1 and spec.prompting != "self-consistency":
        raise BadInput(f"--paths {spec.paths}: found --prompting {spec.prompting}, wanted self-consistency")


def example_of(line: PromptLine) -> Example | None:
    """The question as an example, where it has a reference."""
    references = line.line.get("references")
    if not isinstance(references, list) or not references or not isinstance(references[0], str):
        return None
    known = {key: line.line.get(key) for key in ("rationale", "program")}
    told = {key: value for key, value in known.items() if isinstance(value, str)}
    return Example(line.messages[-1].content, references[0], **told)


def examples_for(spec: RunSpec, line: PromptLine, lines: Sequence[PromptLine]) -> list[Example]:
    """The examples before one question, drawn from the other questions by seed and id: never the question itself.

    A chain of thought needs examples with a `rationale`, a program those with a `program`. Refuses (BadInput) fewer
    than are wanted.
    """
    wanted = shots_of(spec)
    if not wanted:
        return []
    asked = line.messages[-1].content
    pool = [one for one in map(example_of, lines) if one is not None and one.question != asked]
    needed = _needed(spec)
    if needed is not None:
        pool = [one for one in pool if getattr(one, needed)]
    if len(pool) < wanted:
        what = "references" if needed is None else f"references and {needed}"
        raise BadInput(
            f"--shots {wanted}: found {len(pool)} other questions with {what}, wanted at least {wanted}"
        )
    order = generator(spec.seed, "shots", line.id).permutation(len(pool))[:wanted]
    return [pool[int(number)] for number in order]


def _needed(spec: RunSpec) -> str | None:
    """What an example must have beside its answer."""
    if spec.prompting == "program":
        return "program"
    return "rationale" if spec.prompting in REASONS else None


def asked_messages(
    spec: RunSpec, messages: tuple[Message, ...], examples: Sequence[Example]
) -> tuple[Message, ...]:
    """The messages with examples before the last of them, and the words that ask for steps."""
    shown = [
        message
        for one in examples
        for message in (
            Message("user", one.question),
            Message("assistant", _worked(spec, one)),
        )
    ]
    last = messages[-1]
    # Self-consistency without examples draws its paths from the zero-shot chain.
    steps = spec.prompting == "step-by-step" or (spec.prompting == "self-consistency" and not examples)
    content = f"{last.content}\n\n{STEP_BY_STEP}" if steps else last.content
    return (*messages[:-1], *shown, Message(last.role, content))


def _worked(spec: RunSpec, one: Example) -> str:
    """What the assistant of an example said."""
    if spec.prompting == "program":
        return f"```python\n{one.program}\n```"
    return f"{one.rationale} The answer is {one.answer}." if spec.prompting in REASONS else one.answer


def conclusion_messages(messages: tuple[Message, ...], reasoning: str) -> tuple[Message, ...]:
    """Kojima's second stage: the reasoning, then the words that the answer completes."""
    return (*messages, Message("assistant", reasoning), Message("user", THEREFORE))


def final_answer(text: str) -> str:
    """What stands behind the last "answer is", up to the end of its sentence; without one, the last line."""
    found = ANSWER_IS.findall(text)
    if found:
        return str(found[-1]).strip()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def majority(texts: Sequence[str]) -> tuple[str, dict[str, int]]:
    """The final answer that most paths reach, spelled as its first path spells it, and the votes; ties: the earlier.

    Answers are the same when their words are (case, articles and punctuation apart); a path without an answer has no
    vote. No answer at all gives "".
    """
    answers = [answer for answer in map(final_answer, texts) if words(answer)]
    keys = [" ".join(words(answer)) for answer in answers]
    votes = Counter(keys)
    if not votes:
        return "", {}
    best = max(votes, key=lambda key: (votes[key], -keys.index(key)))
    return answers[keys.index(best)], dict(votes)
