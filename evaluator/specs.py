"""What each command is told: frozen specs that refuse values out of range before any work is done."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from evaluator.errors import BadInput

Precision = Literal["float32", "float64", "bfloat16"]
TieModel = Literal["davidson", "half"]
ChoiceRule = Literal["disagreement", "margin"]


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise BadInput(f"--{name.replace('_', '-')}: found {value}; wanted {least} or more")


def _share(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise BadInput(f"--{name}: found {value}; wanted a number between 0 and 1, ends excluded")


def _record(spec: object) -> dict[str, object]:
    """A spec as JSON values, without `out`: where a report lies is not part of what it says."""
    values = {key: value for key, value in asdict(spec).items() if key != "out"}  # type: ignore[call-overload]
    return {key: _json_value(value) for key, value in values.items()}


def _json_value(value: object) -> object:
    if isinstance(value, tuple):
        return [_json_value(one) for one in value]
    return str(value) if isinstance(value, Path) else value


@dataclass(frozen=True)
class RunSpec:
    """One suite, one subject. `subject` is a model folder or a file of recorded response lines."""

    suite: str
    subject: str
    out: Path
    variant: str | None = None
    data: Path | None = None
    limit: int | None = None
    batch_size: int = 16
    precision: Precision = "float32"
    device: str = "cpu"
    max_new_tokens: int = 32
    temperature: float = 0.0
    scorer: Path | None = None
    labels: Path | None = None
    corpus: Path | None = None
    samples: int = 5
    seed: int = 0
    resamples: int = 2000

    def __post_init__(self) -> None:
        if self.limit is not None:
            _at_least("limit", self.limit, 1)
        _at_least("batch_size", self.batch_size, 1)
        _at_least("samples", self.samples, 1)
        _at_least("max_new_tokens", self.max_new_tokens, 1)
        _at_least("resamples", self.resamples, 100)
        _at_least("seed", self.seed, 0)
        if not self.temperature >= 0:
            raise BadInput(f"--temperature: found {self.temperature}; wanted 0 or more")

    def record(self) -> dict[str, object]:
        """The spec as JSON values, for the report."""
        return _record(self)


@dataclass(frozen=True)
class CompareSpec:
    """Two report folders, or two folders of report folders. `margin` is the largest change that counts as none."""

    baseline: Path
    candidate: Path
    out: Path
    metrics: tuple[str, ...] = ()
    level: float = 0.05
    margin: float = 0.01
    seed: int = 0
    resamples: int = 2000
    permutations: int = 20000

    def __post_init__(self) -> None:
        _share("level", self.level)
        _at_least("resamples", self.resamples, 100)
        _at_least("permutations", self.permutations, 1000)
        _at_least("seed", self.seed, 0)
        if not self.margin >= 0:
            raise BadInput(f"--margin: found {self.margin}; wanted 0 or more")

    def record(self) -> dict[str, object]:
        """The spec as JSON values, for the report."""
        return _record(self)


@dataclass(frozen=True)
class AgreementSpec:
    """Rankings in, agreement out. `gold` holds the ranking that is right for some of the items."""

    rankings: Path
    out: Path
    gold: Path | None = None
    resamples: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        _at_least("resamples", self.resamples, 100)
        _at_least("seed", self.seed, 0)

    def record(self) -> dict[str, object]:
        """The spec as JSON values, for the report."""
        return _record(self)


@dataclass(frozen=True)
class LeaderboardSpec:
    """Rankings in, ratings out. `ties` names the tie model: Davidson's, or a tie as half a win each way."""

    rankings: Path
    out: Path
    ties: TieModel = "davidson"
    resamples: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        _at_least("resamples", self.resamples, 20)
        _at_least("seed", self.seed, 0)
        if self.ties not in ("davidson", "half"):
            raise BadInput(f"--ties: found {self.ties!r}; wanted davidson or half")

    def record(self) -> dict[str, object]:
        """The spec as JSON values, for the report."""
        return _record(self)


@dataclass(frozen=True)
class ChooseNextSpec:
    """Score files of one set of items in, one a reward model; the order to label them out."""

    scores: tuple[Path, ...]
    out: Path
    by: ChoiceRule = "disagreement"
    control_share: float = 0.2
    resamples: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.scores:
            raise BadInput("SCORES.jsonl: found no score file; wanted one or more")
        _share("control-share", self.control_share)
        _at_least("resamples", self.resamples, 100)
        _at_least("seed", self.seed, 0)
        if self.by not in ("disagreement", "margin"):
            raise BadInput(f"--by: found {self.by!r}; wanted disagreement or margin")

    def record(self) -> dict[str, object]:
        """The spec as JSON values, for the report."""
        return _record(self)


@dataclass(frozen=True)
class TrainDetectorSpec:
    """Labelled responses in, a support detector out. `encoder` is a folder (None: the installed one)."""

    data: Path
    out: Path
    encoder: Path | None = None
    resamples: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        _at_least("resamples", self.resamples, 100)
        _at_least("seed", self.seed, 0)

    def record(self) -> dict[str, object]:
        """The spec as JSON values, for the report."""
        return _record(self)


@dataclass(frozen=True)
class CorrelateSpec:
    """Scores of metrics beside human judgement in, correlations out."""

    scores: Path
    out: Path
    resamples: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        _at_least("resamples", self.resamples, 100)
        _at_least("seed", self.seed, 0)

    def record(self) -> dict[str, object]:
        """The spec as JSON values, for the report."""
        return _record(self)
