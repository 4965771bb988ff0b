"""The verb `pretrain`: a tokenizer and a small Llama-style model from text alone."""

import math
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from trainer.checkpoints import State
from trainer.errors import BadInput, NotFinite
from trainer.failpoints import failpoint
from trainer.json_lines import JsonObject
from trainer.language_models import load_language_model, save_language_model
from trainer.launching import open_processes
from trainer.pretraining.documents import (
    Document,
    encode_documents,
    heldout_rows,
    packed_batches,
    read_documents,
)
from trainer.pretraining.tokenizer import train_tokenizer
from trainer.progress import ProgressMode, ProgressWriter
from trainer.resumable import LESS, Checkpoints, Replayed, Weights, open_folder, require_finite
from trainer.run_folder import check_out
from trainer.specs import PretrainSpec
from trainer.stopped_batch import batch_kept
from trainer.training_loop import Stepper, autocast, prepare
from trainer.tuning import apply_tuning, finish_tuning, parameter_counts

# Tokens of one forward and backward pass: small enough for a processor's cache, large enough to fill its
# units.
MICRO_TOKENS = 2048
# Tokens of the held-out loss told on the way; the final one is over all held-out documents.
CHECK_TOKENS = 8192
# A run by the clock has no number of steps: its schedule and progress count in thousandths of its time.
CLOCK_STEPS = 1000


def run(spec: PretrainSpec, mode: ProgressMode) -> None:
    """Trains and writes the run folder `spec.out`.

    Metrics: heldout_loss (nats a token, null without held-out documents), train_loss (mean of the last tenth
    of the
    steps), parameters, vocabulary, documents, tokens (trained on), steps, cpu_seconds.
    """
    processes, spec = open_processes(spec)
    if processes.is_first:
        check_out(Path(spec.out), resume=spec.resume)
    documents = read_documents(spec.texts)
    generator = prepare(spec)
    train, heldout = _split(documents, spec.heldout_share, generator)
    model, tokenizer = _start(spec, train)
    folder = open_folder(spec, processes)
    if folder.finished:
        return
    encoded, rows = encode_documents(tokenizer, train), max(spec.batch_tokens // spec.context, 1)
    batches = Replayed(
        lambda drawn: packed_batches(encoded, context=spec.context, rows=rows, generator=drawn), generator
    )
    check = heldout_rows(encode_documents(tokenizer, heldout), context=spec.context) if heldout else None
    with folder.progress(mode) as progress:
        checkpoints = Checkpoints(spec, folder, progress, processes)
        result = _train(model, batches, check, spec, progress=progress, checkpoints=checkpoints)
    model, counts = processes.settled(model), parameter_counts(model)
    if not processes.is_first:
        return
    failpoint("run.trained")
    require_finite(Weights(model).state(), result.stepper.taken)
    finish_tuning(model, spec.tuning, folder.path, base=spec.model or "")
    save_language_model(model, tokenizer, folder.path)
    folder.finish(
        {
            "heldout_loss": result.heldout_loss,
            "train_loss": result.train_loss,
            **counts,
            "vocabulary": len(tokenizer),
            "documents": len(train),
            "heldout_documents": len(heldout),
            "tokens": result.tokens,
            "steps": result.stepper.taken,
            "memory": result.stepper.memory(),
            "cpu_seconds": checkpoints.cpu_seconds(),
        }
    )


def _start(spec: PretrainSpec, train: list[Document]) -> tuple[Any, Any]:
    """The model to train, and its tokenizer: new ones, or those of the folder to go on from."""
    if spec.model is None:
        texts = (text for document in train for text in document.contents)
        tokenizer = train_tokenizer(texts, vocabulary=spec.vocabulary, context=spec.context)
        return new_model(spec, tokenizer), tokenizer
    lm = load_language_model(spec.model, device=spec.device)
    if spec.context > lm.context:
        raise BadInput(f"--context: found {spec.context}, wanted at most the model's {lm.context}")
    apply_tuning(lm.model, spec.tuning, seed=spec.seed)
    return lm.model, lm.tokenizer


def new_model(spec: PretrainSpec, tokenizer: Any) -> Any:
    """A LlamaForCausalLM with fresh weights (normal, standard deviation 0.02), input and output embeddings
    tied.

    The feed-forward width is 8/3 of the hidden width, rounded up to a multiple of 8 (Shazeer 2020).
    """
    shape = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=spec.width,
        intermediate_size=-(-spec.width // 3) * 8,
        num_hidden_layers=spec.layers,
        num_attention_heads=spec.heads,
        num_key_value_heads=spec.heads,
        max_position_embeddings=spec.context,
        tie_word_embeddings=True,
        attn_implementation="sdpa",
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    return LlamaForCausalLM(shape).to(spec.device)


def next_token_loss(model: Any, inputs: Tensor, targets: Tensor) -> Tensor:
    """Mean of -log p(target | tokens before it) over inputs and targets [B, T]; targets of -100 do not count.

    No attention mask: rows hold no padding. A row's attention crosses the end tokens between its documents.
    """
    hidden = model.get_decoder()(input_ids=inputs, use_cache=False).last_hidden_state
    logits = model.get_output_embeddings()(hidden)
    return F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), ignore_index=-100)


@torch.no_grad()
def heldout_loss(model: Any, rows: tuple[Tensor, Tensor]) -> float:
    """Mean loss in nats a token over the held-out rows (inputs, targets). Refuses (NotFinite) one not finite."""
    device = model.device
    total, count = 0.0, 0
    for inputs, targets in zip(torch.split(rows[0], 16), torch.split(rows[1], 16), strict=True):
        counted = int((targets != -100).sum())
        total += float(next_token_loss(model, inputs.to(device), targets.to(device))) * counted
        count += counted
    if not math.isfinite(total):
        raise NotFinite(f"a held-out loss of {total}", advice=LESS)
    return total / count


@dataclass(frozen=True)
class _Result:
    heldout_loss: float | None
    train_loss: float
    tokens: int
    stepper: Stepper


@dataclass
class _Course:
    """How far the run is: the losses of all steps, tokens trained on, and the place in its schedule.

    A run by the clock counts the time it has worked, that before a resume included.
    """

    spec: PretrainSpec
    losses: list[float] = field(default_factory=list)
    tokens: int = 0
    done: float = 0.0
    _seconds: float = 0.0
    _since: float = field(default_factory=time.monotonic)

    def add(self, loss: float, tokens: int) -> None:
        """One step."""
        self.losses.append(loss)
        self.tokens += tokens
        if self.spec.minutes is None:
            self.done = float(len(self.losses))
        else:
            self.done = CLOCK_STEPS * self._worked() / (60 * self.spec.minutes)

    def _worked(self) -> float:
        return self._seconds + time.monotonic() - self._since

    def state(self) -> State:
        """All of it."""
        return {
            "losses": self.losses,
            "tokens": self.tokens,
            "done": self.done,
            "seconds": self._worked(),
        }

    def restore(self, state: State) -> None:
        """Puts all of it back."""
        self.losses, self.tokens, self.done = list(state["losses"]), state["tokens"], state["done"]
        self._seconds, self._since = state["seconds"], time.monotonic()


def _train(
    model: Any,
    batches: Replayed[tuple[Tensor, Tensor]],
    check: tuple[Tensor, Tensor] | None,
    spec: PretrainSpec,
    *,
    progress: ProgressWriter,
    checkpoints: Checkpoints,
) -> _Result:
    steps = spec.steps or CLOCK_STEPS
    processes, course = checkpoints.processes, _Course(spec)
    processes.wrap(model)
    stepper = Stepper(model.parameters(), spec, steps, processes=processes)
    stepper.recompute(model)
    checkpoints.begin({"weights": Weights(model), "stepper": stepper, "batches": batches, "course": course})
    model.train()
    shown, some = max(steps // 20, 1), CHECK_TOKENS // spec.context
    quick = (check[0][:some], check[1][:some]) if check else None
    while course.done < steps:
        batch, before = next(batches), course.done
        with batch_kept(checkpoints, stepper, partial(_as_lines, batch)):
            loss = _step(model, stepper, batch, spec, before)
            course.add(loss, batch[0].numel())
            due = course.done // shown > before // shown
            checked = (
                processes.forward(partial(heldout_loss, model, quick), last=False) if due and quick else None
            )
        told = {"loss": loss} if checked is None else {"loss": loss, "heldout_loss": checked}
        progress.step(round(min(course.done, steps)), steps, **told)
        checkpoints.after(stepper.taken, last=course.done >= steps)
    model.eval()
    last = course.losses[-max(len(course.losses) // 10, 1) :]
    final = processes.forward(partial(heldout_loss, model, check), last=False) if check else None
    return _Result(final, sum(last) / len(last), course.tokens, stepper)


def _step(model: Any, stepper: Stepper, batch: tuple[Tensor, Tensor], spec: PretrainSpec, at: float) -> float:
    """One optimiser step over a batch (inputs, targets) in micro-batches; its mean loss."""
    processes = stepper.processes
    rows = max(MICRO_TOKENS // spec.context, 1) * processes.count
    loss, count = 0.0, len(batch[0])
    for start in range(0, count, rows):
        own, weight = processes.share(range(start, min(start + rows, count)))
        inputs, targets = batch[0][own].to(spec.device), batch[1][own].to(spec.device)
        with autocast(spec):
            run = partial(next_token_loss, model, inputs, targets)
            part = stepper.forward(run, last=start + rows >= count) * (weight * len(own) / count)
        loss += stepper.accumulate(part)
    stepper.step(at=at)
    return processes.total(loss)[0]


def _as_lines(batch: tuple[Tensor, Tensor]) -> list[JsonObject]:
    rows = zip(batch[0].tolist(), batch[1].tolist(), strict=True)
    return [{"inputs": inputs, "targets": targets} for inputs, targets in rows]


def _split(
    documents: list[Document], share: float, generator: torch.Generator
) -> tuple[list[Document], list[Document]]:
    """Documents to train on and documents to hold out: a seeded draw of `share` of them, at least one of
    each.
    """
    count = round(share * len(documents))
    if share and not count and len(documents) > 1:
        count = 1
    drawn = set(torch.randperm(len(documents), generator=generator)[:count].tolist())
    train = [document for number, document in enumerate(documents) if number not in drawn]
    if not train:
        raise BadInput("found too few documents to hold some out, wanted more or --heldout-share 0")
    return train, [document for number, document in enumerate(documents) if number in drawn]
