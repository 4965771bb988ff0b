"""The verb `sft`: fine-tuning on demonstrations, with the loss on response tokens only."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from trainer.checkpoints import State
from trainer.errors import BadInput, NotFinite
from trainer.failpoints import failpoint
from trainer.json_lines import JsonObject
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
from trainer.launching import open_processes
from trainer.progress import ProgressMode, ProgressWriter
from trainer.prompts import Demonstration, prompt_digest, read_demonstrations
from trainer.resumable import LESS, Checkpoints, Replayed, Weights, open_folder, require_finite
from trainer.reward_model.packed_pass import PackedPass, packs
from trainer.reward_model.prompt_groups import PromptGroup
from trainer.snapshots import split_of
from trainer.specs import SftSpec
from trainer.start_checks import require_trainable
from trainer.stopped_batch import batch_kept, nothing_learned_yet
from trainer.training_loop import Stepper, autocast, prepare
from trainer.tuning import apply_tuning, finish_tuning, parameter_counts


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
    processes, spec = open_processes(spec)
    lm = load_language_model(spec.model, device=spec.device)
    require_trainable(lm, spec.model)
    places = [f"{spec.demonstrations}:{number}" for number in range(1, len(demonstrations) + 1)]
    lessons = [_lesson(lm, one, where) for one, where in zip(demonstrations, places, strict=True)]
    train, heldout = _split(demonstrations, lessons, spec)
    apply_tuning(lm.model, spec.tuning, seed=spec.seed)
    counts = parameter_counts(lm.model)
    generator = prepare(spec)
    with nothing_learned_yet():
        before = heldout_loss(lm, heldout, spec)
    folder = open_folder(spec, processes)
    if folder.finished:
        return
    with folder.progress(mode) as progress:
        checkpoints = Checkpoints(spec, folder, progress, processes)
        train_loss, stepper = _train(
            lm, (train, heldout), spec, generator=generator, progress=progress, checkpoints=checkpoints
        )
    lm = replace(lm, model=processes.settled(lm.model))
    if not processes.is_first:
        return
    failpoint("run.trained")
    require_finite(Weights(lm.model).state(), stepper.taken)
    finish_tuning(lm.model, spec.tuning, folder.path, base=spec.model)
    save_language_model(lm.model, lm.tokenizer, folder.path)
    folder.finish(
        {
            "heldout_loss": heldout_loss(lm, heldout, spec),
            "heldout_loss_before": before,
            "train_loss": train_loss,
            "demonstrations": len(train),
            "heldout_demonstrations": len(heldout),
            "steps": stepper.taken,
            **counts,
            "memory": stepper.memory(),
            "cpu_seconds": checkpoints.cpu_seconds(),
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
    """Mean loss in nats a response token over `lessons`, None when there are none.
    Refuses (NotFinite) one not finite.
    """
    if not lessons:
        return None
    total = 0.0
    for start in range(0, len(lessons), spec.batch_size):
        with autocast(spec):
            total += float(response_loss(lm, lessons[start : start + spec.batch_size], packing=spec.packing))
    if not math.isfinite(total):
        raise NotFinite(f"a held-out loss of {total}", advice=LESS)
    return total / _tokens(lessons)


@dataclass
class _Losses:
    """The sum of the losses of the epoch's response tokens so far; the last epoch's is told."""

    epoch: int = 0
    total: float = 0.0

    def add(self, epoch: int, loss: float) -> None:
        """The loss of one step, summed over its response tokens."""
        if epoch != self.epoch:
            self.epoch, self.total = epoch, 0.0
        self.total += loss

    def state(self) -> State:
        """All of it."""
        return {"epoch": self.epoch, "total": self.total}

    def restore(self, state: State) -> None:
        """Puts all of it back."""
        self.epoch, self.total = state["epoch"], state["total"]


def _train(
    lm: LanguageModel,
    lessons: tuple[list[Lesson], list[Lesson]],
    spec: SftSpec,
    *,
    generator: torch.Generator,
    progress: ProgressWriter,
    checkpoints: Checkpoints,
) -> tuple[float, Stepper]:
    train, heldout = lessons
    steps = spec.epochs * math.ceil(len(train) / spec.batch_size)
    processes = checkpoints.processes
    processes.wrap(lm.model)
    stepper, losses = Stepper(lm.model.parameters(), spec, steps, processes=processes), _Losses()
    stepper.recompute(lm.model)
    course = Replayed(lambda drawn: _course(len(train), spec, drawn), generator)
    checkpoints.begin({"weights": Weights(lm.model), "stepper": stepper, "course": course, "losses": losses})
    lm.model.train()
    for epoch, places, ends_epoch in course:
        batch = [train[place] for place in places]
        with batch_kept(checkpoints, stepper, partial(_as_lines, batch)):
            value = _step(lm, stepper, batch, spec)
            losses.add(epoch, value * _tokens(batch))
            measure = partial(heldout_loss, lm, heldout, spec)
            checked = processes.forward(measure, last=False) if ends_epoch else None
        told = {"loss": value} if checked is None else {"loss": value, "heldout_loss": checked}
        progress.step(stepper.taken, steps, epoch=epoch, **told)
        checkpoints.after(stepper.taken, last=stepper.taken == steps)
    lm.model.eval()
    return losses.total / _tokens(train), stepper


def _course(count: int, spec: SftSpec, generator: torch.Generator) -> Iterator[tuple[int, list[int], bool]]:
    """Of each step of all epochs: the epoch (from 1), the places of its lessons, and whether it ends the epoch."""
    for epoch in range(1, spec.epochs + 1):
        order = torch.randperm(count, generator=generator).tolist()
        for start in range(0, count, spec.batch_size):
            yield epoch, order[start : start + spec.batch_size], start + spec.batch_size >= count


def _step(lm: LanguageModel, stepper: Stepper, batch: Sequence[Lesson], spec: SftSpec) -> float:
    """One optimiser step; its mean loss a response token."""
    own, weight = stepper.processes.share(batch)
    with autocast(spec):
        loss = stepper.forward(partial(response_loss, lm, own, packing=spec.packing)) * (
            weight / _tokens(batch)
        )
    (value,) = stepper.processes.total(stepper.accumulate(loss))
    stepper.step()
    return value


def _as_lines(lessons: Sequence[Lesson]) -> list[JsonObject]:
    return [{"prompt": lesson.prompt, "response": lesson.response} for lesson in lessons]


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
