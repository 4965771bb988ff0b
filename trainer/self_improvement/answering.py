"""Questions, and the paths on which a model answers them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trainer import json_lines
from trainer.errors import BadInput
from trainer.json_lines import JsonObject
from trainer.language_models import (
    LanguageModel,
    SamplingSettings,
    decode_response,
    encode_prompt,
    generate,
)
from trainer.prompts import Message, PromptLine, read_demonstrations, read_prompts, text
from trainer.self_improvement.formats import Example, put
from trainer.self_improvement.specs import SelfImproveSpec
from trainer.self_improvement.voting import Vote, answer_of, calibration, is_right, majority


@dataclass(frozen=True)
class Question:
    """A prompt line, its known answer if any, and how it came to be: "given", or by which way it was made."""

    line: PromptLine
    answer: str | None
    way: str = "given"

    @property
    def words(self) -> str:
        """What is asked: the last message."""
        return self.line.prompt[-1].content


@dataclass(frozen=True)
class Answered:
    """A question with the texts of its paths and their vote."""

    question: Question
    paths: tuple[str, ...]
    answers: tuple[str | None, ...]
    vote: Vote


def read_questions(path: str) -> list[Question]:
    """The questions of a file, in order. Refuses an answer that is no text and a prompt that ends in no question."""
    found = []
    for number, line in enumerate(read_prompts(path), start=1):
        if line.prompt[-1].role != "user":
            raise BadInput(f"{path}:{number}: prompt: found {line.prompt[-1].role} last, wanted user")
        answer = text(line.line, "answer", f"{path}:{number}") if "answer" in line.line else None
        found.append(Question(line, answer))
    return found


def read_examples(path: str) -> list[Example]:
    """Worked examples: demonstration lines with their "answer"."""
    return [
        Example(one.prompt[-1].content, one.response, text(one.extra, "answer", f"{path}:{number}"))
        for number, one in enumerate(read_demonstrations(path), start=1)
    ]


def answer_all(
    lm: LanguageModel, questions: Sequence[Question], examples: Sequence[Example], spec: SelfImproveSpec
) -> list[Answered]:
    """Every question with the paths sampled for it at all temperatures.

    With examples they stand before it; without, it asks for steps. Where examples leave no room for a path in
    the model's context, fewer stand there.
    """
    encoded = [_encoded(lm, question, examples, spec) for question in questions]
    paths: list[list[str]] = [[] for _ in questions]
    for place, (temperature, count) in enumerate(spec.by_temperature.items()):
        settings = SamplingSettings(temperature=temperature, max_new_tokens=spec.max_new_tokens)
        answers = generate(
            lm,
            encoded,
            responses_per_prompt=count,
            settings=settings,
            # Each temperature draws noise of its own: the same noise would make the same mistakes twice.
            seed=spec.seed * 1_000_003 + place,
            batch_size=spec.batch_size,
        )
        for own, several in zip(paths, answers, strict=True):
            own += [decode_response(lm.tokenizer, one.response_ids).strip() for one in several]
    return [_voted(question, own, spec) for question, own in zip(questions, paths, strict=True)]


def _voted(question: Question, paths: Sequence[str], spec: SelfImproveSpec) -> Answered:
    answers = tuple(answer_of(path, spec.marker) for path in paths)
    return Answered(question, tuple(paths), answers, majority(answers))


def _encoded(
    lm: LanguageModel, question: Question, examples: Sequence[Example], spec: SelfImproveSpec
) -> list[int]:
    room = lm.context - spec.max_new_tokens
    for count in range(min(spec.shots, len(examples)), -1, -1):
        form = "chain-of-thought" if count else "step-by-step"
        ids = encode_prompt(lm.tokenizer, put(question.line.prompt, form, examples[:count], spec.marker))
        if len(ids) <= room:
            return ids
    raise BadInput(
        f"{spec.questions}: question {question.line.id}: found {len(ids)} tokens, wanted at most {room}: the "
        "model's context less --max-new-tokens"
    )


def measured(answered: Sequence[Answered]) -> JsonObject | None:
    """Accuracy of the majority and of single paths, and calibration, over questions whose answer is known."""
    known = [(one, one.question.answer) for one in answered if one.question.answer is not None]
    if not known:
        return None
    right = [is_right(one.vote.answer, wanted) for one, wanted in known]
    singles = [is_right(answer, wanted) for one, wanted in known for answer in one.answers]
    return {
        "questions": len(known),
        "majority_accuracy": sum(right) / len(right),
        "path_accuracy": sum(singles) / len(singles),
        "confidence": sum(one.vote.confidence for one, _ in known) / len(known),
        "calibration": calibration([one.vote.confidence for one, _ in known], right),
    }


def best_examples(answered: Sequence[Answered], count: int) -> list[Example]:
    """The model's own reasoning as examples: a winning path of each of the questions it is surest of."""
    sure = [one for one in answered if one.vote.answer is not None]
    sure.sort(key=lambda one: -one.vote.confidence)
    return [
        Example(one.question.words, one.paths[one.vote.winners[0]], str(one.vote.answer))
        for one in sure[:count]
    ]


def write_paths(path: Path, answered: Sequence[Answered]) -> None:
    """One line a question: its paths, their answers, and the vote."""
    json_lines.write_atomically(
        path,
        (
            {
                "id": one.question.line.id,
                "way": one.question.way,
                "paths": list(one.paths),
                "answers": list(one.answers),
                "majority": one.vote.answer,
                "confidence": one.vote.confidence,
            }
            for one in answered
        ),
    )


def asked(words: str, name: str) -> PromptLine:
    """A prompt line of one question."""
    line: JsonObject = {"id": name, "prompt": [{"role": "user", "content": words}]}
    return PromptLine(name, (Message("user", words),), line)
