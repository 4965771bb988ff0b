"""Where scores come from: reward models, a Python function, a program that is started once and kept."""

import json
import math
import shlex
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from trainer.errors import BadInput, TrainingStopped
from trainer.json_lines import JsonObject
from trainer.prompts import parse_messages
from trainer.reward_model.model import RewardModel, encode_group, load_reward_model, scores_of
from trainer.specs import PpoSpec

Function = Callable[[list[JsonObject]], Sequence[object]]


class RewardSource(Protocol):
    """Gives each response line a score; `name` is that of its curve."""

    name: str

    def scores(self, lines: Sequence[JsonObject]) -> list[float]:
        """One finite score a line, in order. Refuses (TrainingStopped) anything else."""


def import_function(named: str, flag: str) -> Function:
    """The function MODULE:NAME. `flag` opens the error; refuses (BadInput) what cannot be imported."""
    module, _, name = named.partition(":")
    try:
        function = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise BadInput(f"{flag}: found {named!r} ({error}), wanted MODULE:NAME of a function") from None
    if not callable(function):
        raise BadInput(f"{flag}: found {named!r}, which is no function, wanted MODULE:NAME of one")
    checked: Function = function
    return checked


def checked_scores(name: str, found: Sequence[object], wanted: int) -> list[float]:
    """The scores as floats. Refuses (TrainingStopped) another count and what is no finite number."""
    if len(found) != wanted:
        raise TrainingStopped(f"{name}: found {len(found)} scores for {wanted} responses, wanted one each")
    scores: list[float] = []
    for place, score in enumerate(found):
        if isinstance(score, bool) or not isinstance(score, (int, float)) or not math.isfinite(score):
            raise TrainingStopped(
                f"{name}: found the score {score!r} (response {place + 1}), wanted a number"
            )
        scores.append(float(score))
    return scores


@dataclass
class ModelSource:
    """Scores of a reward model, bias included: those `trainer score` would give the same texts."""

    name: str
    reward_model: RewardModel
    batch_tokens: int

    def scores(self, lines: Sequence[JsonObject]) -> list[float]:
        """One score a line; neighbours with one prompt share its computation."""
        runs: list[list[JsonObject]] = []
        for line in lines:
            if runs and runs[-1][0]["prompt"] == line["prompt"]:
                runs[-1].append(line)
            else:
                runs.append([line])
        groups = [
            encode_group(
                self.reward_model,
                parse_messages(run[0]["prompt"], self.name),
                [str(line["response"]) for line in run],
                f"{self.name}: prompt {run[0]['id']}",
            )
            for run in runs
        ]
        found = scores_of(self.reward_model, groups, batch_tokens=self.batch_tokens)
        return checked_scores(self.name, [score for own in found for score in own], len(lines))


@dataclass
class FunctionSource:
    """Scores of a Python function that is given response lines."""

    name: str
    function: Function

    def scores(self, lines: Sequence[JsonObject]) -> list[float]:
        """One score a line, as the function says."""
        return checked_scores(self.name, self.function(list(lines)), len(lines))


@dataclass
class ProgramSource:
    """Scores of a program: response lines in, {"id", "score"} lines out, in any order within a batch.

    A context manager: the program starts once and ends with the run. Each line sent has an id of its own
    (the prompt's id stands in `prompt_id`), since one prompt has many responses.
    """

    name: str
    command: str
    _child: "subprocess.Popen[str] | None" = None
    sent: int = 0

    def __enter__(self) -> Self:
        words = shlex.split(self.command)
        try:
            self._child = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
            )
        except (OSError, IndexError) as error:
            raise BadInput(f"--reward-program: found {self.command!r} ({error}), wanted a command") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        child = self._child
        if child is None:
            return
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                stream.close()

    def scores(self, lines: Sequence[JsonObject]) -> list[float]:
        """One score a line. Refuses (TrainingStopped) a program that ends, a missing id, an unknown one."""
        ids = [f"response-{self.sent + number}" for number in range(len(lines))]
        self.sent += len(lines)
        sent = [{**line, "id": name, "prompt_id": line["id"]} for name, line in zip(ids, lines, strict=True)]
        # A program may answer while it still reads: writing beside reading keeps both pipes flowing.
        writer = threading.Thread(target=self._write, args=(sent,), daemon=True)
        writer.start()
        found: dict[str, object] = {}
        for _ in lines:
            name, score = self._read()
            if name not in ids or name in found:
                missing = next(one for one in ids if one not in found)
                raise TrainingStopped(
                    f"{self.name}: found the id {name!r}, wanted each sent id once, as {missing}"
                )
            found[name] = score
        writer.join()
        return checked_scores(self.name, [found[name] for name in ids], len(lines))

    def _write(self, lines: Sequence[JsonObject]) -> None:
        stream = self._child.stdin if self._child else None
        assert stream is not None
        try:
            for line in lines:
                stream.write(json.dumps(line, ensure_ascii=False) + "\n")
            stream.flush()
        except (BrokenPipeError, ValueError):
            # The program has ended: the reader finds its output closed and says so.
            return

    def _read(self) -> tuple[str, object]:
        stream = self._child.stdout if self._child else None
        assert stream is not None
        assert self._child is not None
        line = stream.readline()
        if not line:
            code = self._child.wait()
            raise TrainingStopped(
                f"{self.name}: the program ended (exit code {code}) before its scores were in"
            )
        try:
            answer = json.loads(line)
            return str(answer["id"]), answer["score"]
        except (ValueError, KeyError, TypeError):
            raise TrainingStopped(
                f'{self.name}: found the line {line.strip()[:80]!r}, wanted {{"id", "score"}}'
            ) from None


@dataclass
class WeightedSources:
    """Several sources and their weighted sum."""

    sources: list[RewardSource]
    weights: list[float]

    def scores(self, lines: Sequence[JsonObject]) -> tuple[list[float], dict[str, float]]:
        """The weighted sum a line, and each source's own mean by its name where there are several."""
        columns = [source.scores(lines) for source in self.sources]
        total = [
            sum(weight * score for weight, score in zip(self.weights, row, strict=True))
            for row in zip(*columns, strict=True)
        ]
        if len(self.sources) == 1:
            return total, {}
        means = {
            f"score_{source.name}": sum(column) / len(column)
            for source, column in zip(self.sources, columns, strict=True)
        }
        return total, means


def open_sources(spec: PpoSpec, stack: ExitStack) -> WeightedSources:
    """The spec's sources, in the order models, function, program; a program ends when `stack` closes."""
    sources: list[RewardSource] = []
    for number, folder in enumerate(spec.reward_models, start=1):
        name = f"model_{number}" if len(spec.reward_models) > 1 else "model"
        model = load_reward_model(Path(folder), device=spec.device)
        model.model.requires_grad_(False)
        sources.append(ModelSource(name, model, 2 * spec.batch_tokens))
    if spec.reward_function is not None:
        function = import_function(spec.reward_function, "--reward-function")
        sources.append(FunctionSource("function", function))
    if spec.reward_program is not None:
        sources.append(stack.enter_context(ProgramSource("program", spec.reward_program)))
    return WeightedSources(sources, list(spec.reward_weights) or [1.0] * len(sources))
