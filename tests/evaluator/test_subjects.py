"""A model folder as a subject: its answers are the trainer's own, and no batch size changes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluator.progress import Progress
from evaluator.prompts import PromptLine, read_prompts
from evaluator.specs import RunSpec
from evaluator.subjects import Answers, open_subject
from tests.evaluator.lines import question, write_lines
from tests.trainer.tiny_models import tiny_model
from trainer.language_models import (
    SamplingSettings,
    decode_response,
    encode_prompt,
    generate,
    load_language_model,
    save_language_model,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model")
    model = tiny_model()
    save_language_model(model.model, model.tokenizer, path)
    return path


@pytest.fixture
def questions(tmp_path: Path) -> list[PromptLine]:
    lines = [question(name, "Peru") for name in ("Lima", "a much longer name of a town", "利马", "x", "Oslo")]
    return read_prompts(write_lines(tmp_path / "q.jsonl", lines))


def answers(folder: Path, questions: list[PromptLine], out: Path, **more: object) -> Answers:
    spec = RunSpec("hallucination-open-domain", str(folder), out, max_new_tokens=8, **more)  # type: ignore[arg-type]
    with Progress(out) as progress:
        return open_subject(spec, questions, progress)


def said(found: Answers) -> dict[str, object]:
    return {name: line.line["response"] for name, line in found.responses.items()}


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_no_batch_size_changes_an_answer(
    folder: Path, questions: list[PromptLine], tmp_path: Path, temperature: float
) -> None:
    found = [
        said(
            answers(
                folder,
                questions,
                tmp_path,
                batch_size=size,
                temperature=temperature,
                seed=3,
                precision="float64",
            )
        )
        for size in (1, 2, 5)
    ]
    assert found[0] == found[1] == found[2]
    assert len({str(text) for text in found[0].values()}) > 1


def test_answers_are_the_trainers_own(folder: Path, questions: list[PromptLine], tmp_path: Path) -> None:
    model = load_language_model(folder)
    prompts = [encode_prompt(model.tokenizer, one.messages) for one in questions]
    settings = SamplingSettings(temperature=0.0, max_new_tokens=8)
    own = generate(model, prompts, responses_per_prompt=1, settings=settings, seed=0, batch_size=16)
    expected = {
        q.id: decode_response(model.tokenizer, g.response_ids) for q, (g,) in zip(questions, own, strict=True)
    }
    found = answers(folder, questions, tmp_path)
    assert said(found) == expected
    assert found.detail["kind"] == "model-folder"
    assert found.responses["Lima"].line["policy"] == folder.name
