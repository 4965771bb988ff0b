"""The verb `sft`: fine-tuning on demonstrations, with the loss on response tokens only."""

import math
import time
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from trainer.errors import BadInput
from trainer.language_models import (
    LanguageModel,
    encode_prompt,
    encode_response,
    load_language_model,
    response_batch,
    response_log_probabilities,
    save_language_model,
    token_log_probabilities,
)
from trainer.progress import ProgressMode, ProgressWriter
from trainer.prompts import Demonstration, prompt_digest, read_demonstrations
from trainer.reward_model.packed_pass import PackedPass, packs
from trainer.reward_model.prompt_groups import PromptGroup
from trainer.run_folder import open_run_folder
from trainer.snapshots import split_of
from trainer.specs import SftSpec
from trainer.start_checks import require_trainable
from trainer.training_loop import Stepper, apply_tuning, autocast, prepare


class Lesson(NamedTuple):
    """Token ids of one demonstration; the response ends with the end token."""

    prompt: list[int]
    response: list[int]


def run(spec: SftSpec, mode: ProgressMode) -> None:
    """Trains and writes the run folder `spec.out`.

    Metrics: heldout_loss and heldout_loss_before (nats a response token, null without held-out prompts),
    train_loss
    (mean of the last epoch), demonstrations, heldout_demonstrations, steps, cpu_seconds.
    """
    demonstrations = read_demonstrations(spec.demonstrations)
    lm = load_language_model(spec.model, device=spec.device)
    require_trainable(lm, spec.model)
    lessons = [
        _lesson(lm, one, f"{spec.demonstrations}:{n}") for n, one in enumerate(demonstrations, start=1)
    ]
    train, heldout = _split(demonstrations, lessons, spec)
    apply_tuning(lm.model, spec.tuning)
    folder = open_run_folder(spec.out, spec)
    generator = prepare(spec)
    started = time.process_time()
    before = heldout_loss(lm, heldout, spec)
    with folder.progress(mode) as progress:
        train_loss, steps = _train(lm, (train, heldout), spec, generator, progress)
    save_language_model(lm.model, lm.tokenizer, folder.path)
    folder.finish(
        {
            "heldout_loss": heldout_loss(lm, heldout, spec),
            "heldout_loss_before": before,
            "train_loss": train_loss,
            "demonstrations": len(train),
            "heldout_demonstrations": len(heldout),
            "steps": steps,
            "cpu_seconds": round(time.process_time() - started, 2),
        }
    )


def response_loss(lm: LanguageModel, lessons: Sequence[Lesson], *, packing: bool = True) -> Tensor:
    """Sum of -log p(token | what stands before it) over all response tokens of `lessons`; prompts only
    condition.

    `packing` lays them end to end, each seeing itself alone, instead of padding them to the longest; a model
    that cannot be packed is padded. Both give the same loss.
    """
    if packing and packs(lm.model.get_decoder()):
        return packed_response_loss(lm, lessons)
    batch = response_batch(
        [lesson.prompt for lesson in lessons], [lesson.response for lesson in lessons], lm.pad_id, lm.device
    )
    return -response_log_probabilities(lm.model, batch).sum()


def packed_response_loss(lm: LanguageModel, lessons: Sequence[Lesson]) -> Tensor:
    """The same sum from one pass over real tokens only; the head runs on response positions alone."""
    groups = [PromptGroup(tuple(lesson.prompt), (tuple(lesson.response),)) for lesson in lessons]
    states = PackedPass(lm.model.get_decoder(), groups, "responses").run()
    # Of each lesson stand here the prompt's last token and the response; the response's last token predicts none.
    rows: list[int] = []
    tokens: list[int] = []
    start = 0
    for lesson in lessons:
        rows += range(start, start + len(lesson.response))
        tokens += lesson.response
        start += 1 + len(lesson.response)
    logits = lm.model.get_output_embeddings()(states.index_select(0, torch.tensor(rows, device=lm.device)))
    return -token_log_probabilities(logits, torch.tensor(tokens, device=lm.device)).sum()


@torch.no_grad()
def heldout_loss(lm: LanguageModel, lessons: Sequence[Lesson], spec: SftSpec) -> float | None:
    """Mean loss in nats a response token over `lessons`, None when there are none."""
    if not lessons:
        return None
    total = 0.0
    for start in range(0, len(lessons), spec.batch_size):
        with autocast(spec):
            total += float(response_loss(lm, lessons[start : start + spec.batch_size], packing=spec.packing))
    return total / _tokens(lessons)


def _train(
    lm: LanguageModel,
    lessons: tuple[list[Lesson], list[Lesson]],
    spec: SftSpec,
    generator: torch.Generator,
    progress: ProgressWriter,
) -> tuple[float, int]:
    train, heldout = lessons
    steps_an_epoch = math.ceil(len(train) / spec.batch_size)
    stepper = Stepper(lm.model.parameters(), spec, steps_an_epoch * spec.epochs)
    lm.model.train()
    epoch_loss = 0.0
    for epoch in range(spec.epochs):
        order = torch.randperm(len(train), generator=generator).tolist()
        epoch_loss = 0.0
        for start in range(0, len(order), spec.batch_size):
            batch = [train[number] for number in order[start : start + spec.batch_size]]
            tokens = _tokens(batch)
            with autocast(spec):
                loss = response_loss(lm, batch, packing=spec.packing) / tokens
            value = stepper.accumulate(loss)
            stepper.step()
            epoch_loss += value * tokens
            last = start + spec.batch_size >= len(order)
            checked = heldout_loss(lm, heldout, spec) if last else None
            told = {"loss": value} if checked is None else {"loss": value, "heldout_loss": checked}
            progress.step(stepper.taken, steps_an_epoch * spec.epochs, epoch=epoch + 1, **told)
    lm.model.eval()
    return epoch_loss / _tokens(train), stepper.taken


def _tokens(lessons: Sequence[Lesson]) -> int:
    return sum(len(lesson.response) for lesson in lessons)


def _lesson(lm: LanguageModel, demonstration: Demonstration, where: str) -> Lesson:
    prompt = encode_prompt(lm.tokenizer, demonstration.prompt)
    response = encode_response(lm.tokenizer, demonstration.response, lm.end_id)
    if len(prompt) + len(response) > lm.context:
        found = f"{len(prompt)} prompt and {len(response)} response tokens"
        raise BadInput(f"{where}: found {found}, wanted at most the model's context of {lm.context}")
    return Lesson(prompt, response)


def _split(
    demonstrations: Sequence[Demonstration], lessons: Sequence[Lesson], spec: SftSpec
) -> tuple[list[Lesson], list[Lesson]]:
    """Lessons to learn and lessons held out, by prompt: two answers to one prompt never stand on both
    sides.
    """
    sides: dict[str, list[Lesson]] = {"train": [], "heldout": []}
    for demonstration, lesson in zip(demonstrations, lessons, strict=True):
        sides[split_of(prompt_digest(demonstration.prompt), heldout_share=spec.heldout_share)].append(lesson)
    if not sides["train"]:
        raise BadInput(
            f"{spec.demonstrations}: found held-out prompts only, wanted more prompts or --heldout-share 0"
        )
    return sides["train"], sides["heldout"]
