"""The verb `self-improve`: paths, votes, demonstrations in four formats, and what training on them changes."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from trainer import json_lines, sft
from trainer.errors import BadInput
from trainer.json_lines import JsonObject
from trainer.language_models import LanguageModel, encode_prompt, encode_response, load_language_model
from trainer.progress import ProgressMode
from trainer.prompts import Demonstration
from trainer.run_folder import check_out, open_run_folder
from trainer.self_improvement.answering import (
    Answered,
    answer_all,
    best_examples,
    measured,
    read_examples,
    read_questions,
    write_paths,
)
from trainer.self_improvement.formats import FORMATS, Example, put, taught
from trainer.self_improvement.more_questions import new_questions
from trainer.self_improvement.specs import SelfImproveSpec
from trainer.specs import SftSpec
from trainer.training_loop import prepare

DEMONSTRATIONS, PATHS, QUESTIONS, MODEL = "demonstrations.jsonl", "paths.jsonl", "questions.jsonl", "model"


def run(spec: SelfImproveSpec, mode: ProgressMode) -> None:
    """Writes the folder `spec.out`: demonstrations.jsonl, paths.jsonl, questions.jsonl (the new ones), and the
    model trained on them where epochs are asked for.

    Metrics: before and after (majority and path accuracy, confidence, calibration; null without known
    answers), questions, new_questions by way, demonstrations by format, too_long.
    """
    check_out(Path(spec.out))
    questions = read_questions(spec.questions)
    examples = read_examples(spec.examples) if spec.examples else []
    prepare(spec)
    lm = load_language_model(spec.model, device=spec.device)
    answered = answer_all(lm, questions, examples, spec)
    # One more than stands before a question: none stands before itself.
    examples = examples or best_examples(answered, spec.shots + 1 if spec.shots else 0)
    new = new_questions(lm, answered, spec)
    both = [*answered, *(answer_all(lm, new, examples, spec) if new else ())]
    lines = list(demonstrations(both, examples, spec))
    fitting = [line for line in lines if fits(lm, line)]
    if not fitting:
        raise BadInput(f"{spec.questions}: found no path with an answer that fits, wanted one: see --marker")
    folder = open_run_folder(spec.out, spec)
    json_lines.write_atomically(folder.path / DEMONSTRATIONS, (line.to_line() for line in fitting))
    json_lines.write_atomically(folder.path / QUESTIONS, (one.line.line | {"way": one.way} for one in new))
    write_paths(folder.path / PATHS, both)
    folder.finish(
        {
            "before": measured(answered),
            "after": _trained(folder.path, spec, mode) if spec.epochs else None,
            "questions": len(questions),
            "new_questions": {
                way: sum(one.way == way for one in new) for way in sorted({o.way for o in new})
            },
            "demonstrations": {form: sum(o.extra["format"] == form for o in fitting) for form in FORMATS},
            "too_long": len(lines) - len(fitting),
        }
    )


def demonstrations(
    answered: Sequence[Answered], examples: Sequence[Example], spec: SelfImproveSpec
) -> Iterator[Demonstration]:
    """Every path that ends in its question's winning answer, in each format, where the answer won widely enough.

    A question never stands among its own examples.
    """
    for one in answered:
        vote, question = one.vote, one.question
        if vote.answer is None or vote.confidence < spec.confidence:
            continue
        others = [example for example in examples if example.question != question.words][: spec.shots]
        for place in vote.winners:
            for form in FORMATS:
                yield Demonstration(
                    id=f"{question.line.id}-{place + 1}-{form}",
                    prompt=tuple(put(question.line.prompt, form, others, spec.marker)),
                    response=taught(form, one.paths[place], vote.answer, spec.marker),
                    annotator=Path(spec.model).resolve().name,
                    extra=_about(one, form),
                )


def _about(one: Answered, form: str) -> JsonObject:
    return {
        "format": form,
        "question": one.question.line.id,
        "way": one.question.way,
        "answer": one.vote.answer,
        "confidence": one.vote.confidence,
    }


def fits(lm: LanguageModel, line: Demonstration) -> bool:
    """True when prompt and response together are within the model's context."""
    prompt = encode_prompt(lm.tokenizer, line.prompt)
    return len(prompt) + len(encode_response(lm.tokenizer, line.response, lm.end_id)) <= lm.context


def _trained(folder: Path, spec: SelfImproveSpec, mode: ProgressMode) -> JsonObject | None:
    """The same measures after fine-tuning on the demonstrations; the same questions, the same noise."""
    sft.run(
        SftSpec(
            demonstrations=str(folder / DEMONSTRATIONS),
            model=spec.model,
            out=str(folder / MODEL),
            seed=spec.seed,
            device=spec.device,
            threads=spec.threads,
            epochs=spec.epochs,
            learning_rate=spec.learning_rate,
            tuning=spec.tuning,
            heldout_share=0.0,
        ),
        mode,
    )
    lm = load_language_model(folder / MODEL, device=spec.device)
    examples = read_examples(spec.examples) if spec.examples else []
    return measured(answer_all(lm, read_questions(spec.questions), examples, spec))
