"""Where scores come from: reward models, a Python function, a program that is started once and kept."""

import json
import math
import shlex
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from statistics import fmean, pstdev, pvariance
from types import TracebackType
from typing import Protocol, Self

from trainer.errors import BadInput, TrainingStopped
from trainer.json_lines import JsonObject
from trainer.prompts import parse_messages
from trainer.reward_model.ensemble import load_members, member_scores
from trainer.reward_model.model import RewardModel, encode_group, scores_of
from trainer.reward_model.shared_prompt import PromptGroup
from trainer.specs import PpoSpec

Function = Callable[[list[JsonObject]], Sequence[object]]


class RewardSource(Protocol):
    """Gives each response line a score; `name` is that of its curve."""

    name: str

    def scores(self, lines: Sequence[JsonObject]) -> list[float]:
        """One finite score a line, in order. Refuses (BadInput) anything else."""


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
    """The scores as floats. Refuses (BadInput) another count and what is no finite number: the source must be
    mended."""
    if len(found) != wanted:
        raise BadInput(f"{name}: found {len(found)} scores for {wanted} responses, wanted one each")
    scores: list[float] = []
    for place, score in enumerate(found):
        if isinstance(score, bool) or not isinstance(score, (int, float)) or not math.isfinite(score):
            raise BadInput(
                f"{name}: found the score {score!r} (response {place + 1}), wanted a finite number"
            )
        scores.append(float(score))
    return scores


def groups_of(lines: Sequence[JsonObject], reward_model: RewardModel, name: str) -> list[PromptGroup]:
    """The lines as token ids; neighbours with one prompt are one group. `name` opens the error."""
    runs: list[list[JsonObject]] = []
    for line in lines:
        if runs and runs[-1][0]["prompt"] == line["prompt"]:
            runs[-1].append(line)
        else:
            runs.append([line])
    return [
        encode_group(
            reward_model,
            parse_messages(run[0]["prompt"], name),
            [str(line["response"]) for line in run],
            f"{name}: prompt {run[0]['id']}",
        )
        for run in runs
    ]


@dataclass
class ModelSource:
    """Scores of a reward model, bias included: those `trainer score` would give the same texts."""

    name: str
    reward_model: RewardModel
    batch_tokens: int

    def scores(self, lines: Sequence[JsonObject]) -> list[float]:
        """One score a line; neighbours with one prompt share its computation."""
        groups = groups_of(lines, self.reward_model, self.name)
        found = scores_of(self.reward_model, groups, batch_tokens=self.batch_tokens)
        return checked_scores(self.name, [score for own in found for score in own], len(lines))


@dataclass
class FolderSource:
    """All members of the ensemble in one folder, each with a column of scores; heads share one pass."""

    name: str
    members: tuple[RewardModel, ...]

    @property
    def names(self) -> list[str]:
        """The names of the members' curves."""
        return [f"{self.name}_member_{number}" for number in range(1, len(self.members) + 1)]

    def columns(self, lines: Sequence[JsonObject]) -> list[list[float]]:
        """Each member's scores, one a line."""
        groups = groups_of(lines, self.members[0], self.name)
        found = zip(self.names, member_scores(self.members, groups), strict=True)
        return [checked_scores(name, own, len(lines)) for name, own in found]


@dataclass
class EnsembleSource:
    """One score of several reward models that is sure only where they agree (Coste et al. 2024).

    "lower-bound": mean - penalty·deviation (over n models). "worst": the lowest. A folder counts as the
    models in it.
    """

    name: str
    members: Sequence[RewardSource | FolderSource]
    form: str
    penalty: float
    columns: list[list[float]] = field(default_factory=list)

    def scores(self, lines: Sequence[JsonObject]) -> list[float]:
        """One score a line; each member's own are kept in `columns` for their curves."""
        self.columns = []
        for member in self.members:
            if isinstance(member, FolderSource):
                self.columns += member.columns(lines)
            else:
                self.columns.append(member.scores(lines))
        rows = zip(*self.columns, strict=True)
        if self.form == "worst":
            return [min(row) for row in rows]
        return [fmean(row) - self.penalty * pstdev(row) for row in rows]

    @property
    def names(self) -> list[str]:
        """The name of each model, those of a folder one after the other."""
        each = [one.names if isinstance(one, FolderSource) else [one.name] for one in self.members]
        return [name for names in each for name in names]

    def curves(self) -> dict[str, float]:
        """Each model's mean, and the models' mean deviation, of the lines scored last."""
        told = {f"score_{name}": fmean(own) for name, own in zip(self.names, self.columns, strict=True)}
        return {**told, "score_disagreement": fmean(map(pstdev, zip(*self.columns, strict=True)))}


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
    """Several sources and their weighted sum; `heldout` judges beside them and is never trained on."""

    sources: list[RewardSource]
    weights: list[float]
    heldout: RewardSource | None = None

    def scores(self, lines: Sequence[JsonObject]) -> tuple[list[float], dict[str, float]]:
        """The weighted sum a line, and each source's own mean by its name where there are several."""
        columns = [source.scores(lines) for source in self.sources]
        total = [
            sum(weight * score for weight, score in zip(self.weights, row, strict=True))
            for row in zip(*columns, strict=True)
        ]
        means: dict[str, float] = {}
        for source, column in zip(self.sources, columns, strict=True):
            if len(self.sources) > 1:
                means[f"score_{source.name}"] = fmean(column)
            if isinstance(source, EnsembleSource):
                means.update(source.curves())
        return total, means

    def heldout_figures(self, lines: Sequence[JsonObject]) -> dict[str, float]:
        """Mean and variance of the held-out judge's scores, nothing without one."""
        if self.heldout is None:
            return {}
        found = self.heldout.scores(lines)
        return {"score_heldout": fmean(found), "score_heldout_variance": pvariance(found)}


def open_sources(spec: PpoSpec, stack: ExitStack) -> WeightedSources:
    """The spec's sources, in the order models (or their ensemble), function, program; a program ends when `stack`
    closes."""
    sources: list[RewardSource] = _of_models(spec)
    if spec.reward_function is not None:
        function = import_function(spec.reward_function, "--reward-function")
        sources.append(FunctionSource("function", function))
    heldout = None
    if spec.heldout_reward_model is not None:
        heldout = _alone(_of_folder("heldout", spec.heldout_reward_model, spec))
    if spec.reward_program is not None:
        sources.append(stack.enter_context(ProgramSource("program", spec.reward_program)))
    return WeightedSources(sources, list(spec.reward_weights) or [1.0] * len(sources), heldout)


def _of_models(spec: PpoSpec) -> list[RewardSource]:
    """A source for each folder of reward models, or the one ensemble of all of them. Refuses (BadInput) one of one."""
    several = len(spec.reward_models) > 1
    found = [
        _of_folder(f"model_{number}" if several else "model", folder, spec)
        for number, folder in enumerate(spec.reward_models, start=1)
    ]
    if spec.reward_ensemble == "sum":
        return [_alone(one) for one in found]
    ensemble = EnsembleSource("ensemble", found, spec.reward_ensemble, spec.ensemble_penalty)
    if len(ensemble.names) < 2:
        raise BadInput(
            f"--reward-ensemble {spec.reward_ensemble}: found 1 reward model, wanted 2 or more, or the folder of an "
            "ensemble"
        )
    return [ensemble]


def _of_folder(name: str, folder: str, spec: PpoSpec) -> ModelSource | FolderSource:
    members = load_members(Path(folder), device=spec.device)
    for member in members:
        member.model.requires_grad_(False)
    if len(members) > 1:
        return FolderSource(name, members)
    return ModelSource(name, members[0], 2 * spec.batch_tokens)


def _alone(source: ModelSource | FolderSource) -> RewardSource:
    """One score a line: an ensemble's is the mean of its members'."""
    if isinstance(source, FolderSource):
        return EnsembleSource(source.name, [source], "lower-bound", 0.0)
    return source
