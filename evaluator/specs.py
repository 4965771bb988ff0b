"""What each command is told: frozen specs that refuse values out of range before any work is done."""

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, get_args

from evaluator.errors import BadInput
from evaluator.truthfulqa.prompts import PromptName
from evaluator.truthfulqa.questions import Edition

Precision = Literal["float32", "float64", "bfloat16"]
Prompting = Literal["plain", "few-shot", "chain-of-thought", "step-by-step", "self-consistency"]
TieModel = Literal["davidson", "efron", "half"]
ResampledUnit = Literal["auto", "rankings", "annotators"]
HistoryPeriod = Literal["day", "week", "month"]
ChoiceRule = Literal["disagreement", "margin"]
# Where a report lies, whether it was written in one go and by how many workers is not part of what it says.
NOT_SAID = ("out", "resume", "workers")


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise BadInput(f"--{name.replace('_', '-')}: found {value}; wanted {least} or more")


def _share(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise BadInput(f"--{name}: found {value}; wanted a number between 0 and 1, ends excluded")


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise BadInput(f"--{name}: found {value!r}; wanted {' or '.join(choices)}")


def _time(name: str, value: str) -> None:
    try:
        datetime.fromisoformat(value)
    except ValueError as error:
        raise BadInput(f"--{name}: found {value!r}; wanted a date or time in ISO 8601") from error


def _json_value(value: object) -> object:
    if isinstance(value, tuple):
        return [_json_value(one) for one in value]
    return str(value) if isinstance(value, Path) else value


class Spec:
    """What every command is told: a frozen dataclass that its report repeats."""

    def record(self) -> dict[str, object]:
        """The spec as JSON values, for the report, without what changes no figure."""
        values = {key: value for key, value in asdict(self).items() if key not in NOT_SAID}  # type: ignore[call-overload]
        return {key: _json_value(value) for key, value in values.items()}


@dataclass(frozen=True)
class RunSpec(Spec):
    """One suite, one subject: a model folder, the URL of an endpoint, or a file of recorded response lines.

    `max_new_tokens` None is the suite's own; `shots` and `paths` belong to `prompting`, `prompt` to truthfulness.
    """

    suite: str
    subject: str
    out: Path
    variant: str | None = None
    data: Path | None = None
    limit: int | None = None
    batch_size: int = 16
    precision: Precision = "float32"
    device: str = "cpu"
    max_new_tokens: int | None = None
    temperature: float = 0.0
    scorer: Path | None = None
    labels: Path | None = None
    corpus: Path | None = None
    samples: int = 5
    seed: int = 0
    resamples: int = 2000
    resume: bool = False
    model: str | None = None
    prompt: PromptName = "qa"
    edition: Edition | None = None
    judges: tuple[Path, ...] = ()
    prompting: Prompting = "plain"
    shots: int = 0
    paths: int = 1
    knowledge: Path | None = None
    training_text: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        if self.limit is not None:
            _at_least("limit", self.limit, 1)
        _at_least("batch_size", self.batch_size, 1)
        _at_least("samples", self.samples, 1)
        if self.max_new_tokens is not None:
            _at_least("max_new_tokens", self.max_new_tokens, 1)
        _at_least("resamples", self.resamples, 100)
        _at_least("shots", self.shots, 0)
        _at_least("paths", self.paths, 1)
        _at_least("seed", self.seed, 0)
        if not self.temperature >= 0:
            raise BadInput(f"--temperature: found {self.temperature}; wanted 0 or more")


@dataclass(frozen=True)
class CompareSpec(Spec):
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


@dataclass(frozen=True)
class AgreementSpec(Spec):
    """Rankings in, agreement out. `gold` holds the ranking that is right for some of the items.

    `drop` names annotators of whom is told what changes without them, in `runs` (run folders of the trainer) too.
    """

    rankings: Path
    out: Path
    gold: Path | None = None
    drop: tuple[str, ...] = ()
    runs: tuple[Path, ...] = ()
    resamples: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        _at_least("resamples", self.resamples, 100)
        _at_least("seed", self.seed, 0)


@dataclass(frozen=True)
class LeaderboardSpec(Spec):
    """Rankings in, ratings out.

    `ties` names the tie model: Davidson-Luce, Efron's approximation, or a tie as half a win each way. `unit` is what is
    drawn again (auto: annotators where there are enough of them). `by` are slices that get ratings of their own;
    `since` and `until` (excluded) bound the time window; `history` is the period of ratings over time; `reports` are
    folders of what else is known of the policies.
    """

    rankings: Path
    out: Path
    ties: TieModel = "davidson"
    unit: ResampledUnit = "auto"
    by: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    history: HistoryPeriod | None = None
    reliability_weights: bool = False
    style_control: bool = False
    reports: tuple[Path, ...] = ()
    provisional_below: int = 30
    resamples: int = 200
    workers: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        _at_least("resamples", self.resamples, 20)
        _at_least("seed", self.seed, 0)
        _at_least("workers", self.workers, 1)
        _at_least("provisional_below", self.provisional_below, 0)
        _one_of("ties", self.ties, get_args(TieModel))
        _one_of("resample", self.unit, get_args(ResampledUnit))
        for name in self.by:
            _one_of("by", name, ("domain", "language", "mode"))
        if self.history is not None:
            _one_of("history", self.history, get_args(HistoryPeriod))
        for name, value in (("since", self.since), ("until", self.until)):
            if value is not None:
                _time(name, value)


@dataclass(frozen=True)
class ChooseNextSpec(Spec):
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


@dataclass(frozen=True)
class TrainDetectorSpec(Spec):
    """Labelled responses in, a support detector out. `encoder` is a folder (None: the installed one)."""

    data: Path
    out: Path
    encoder: Path | None = None
    resamples: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        _at_least("resamples", self.resamples, 100)
        _at_least("seed", self.seed, 0)


@dataclass(frozen=True)
class CorrelateSpec(Spec):
    """Scores of metrics beside human judgement in, correlations out."""

    scores: Path
    out: Path
    resamples: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        _at_least("resamples", self.resamples, 100)
        _at_least("seed", self.seed, 0)


@dataclass(frozen=True)
class PassAtKSpec(Spec):
    """Problems and samples in, pass@k out. `seconds` is each sample's own time; `stops` cut completions."""

    problems: Path
    samples: Path
    out: Path
    k: tuple[int, ...] = (1,)
    seconds: float = 3.0
    workers: int = 1
    stops: tuple[str, ...] = ()
    resamples: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.k:
            raise BadInput("--k: found nothing; wanted one number or more, as 1,10,100")
        for k in self.k:
            _at_least("k", k, 1)
        if not 0.1 <= self.seconds <= 3600:
            raise BadInput(f"--seconds: found {self.seconds}; wanted 0.1 … 3600")
        _at_least("workers", self.workers, 1)
        _at_least("resamples", self.resamples, 100)
        _at_least("seed", self.seed, 0)


@dataclass(frozen=True)
class TrainJudgeSpec(Spec):
    """Labels of answers in, a judge out. `references` is a TruthfulQA file (None: both editions that ship here)."""

    labels: Path
    out: Path
    about: Literal["truth", "informativeness"] = "truth"
    form: Literal["blind", "with-references"] = "with-references"
    references: Path | None = None
    embedder: Path | None = None
    resamples: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        _at_least("resamples", self.resamples, 100)
        _at_least("seed", self.seed, 0)


@dataclass(frozen=True)
class EmergenceSpec(Spec):
    """Points of metrics over scale in, verdicts out: from a CSV file, from reports, or from both.

    `scale` names the unit of the scale or its column; `scales` is a table of the scale of each report's subject.
    """

    out: Path
    points: Path | None = None
    reports: tuple[Path, ...] = ()
    scales: Path | None = None
    scale: str | None = None
    level: float = 0.05
    permutations: int = 10_000
    resamples: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        if self.points is None and not self.reports:
            raise BadInput("emergence: found neither POINTS.csv nor --reports, wanted one of them or both")
        if self.scales is not None and not self.reports:
            raise BadInput("--scales: found no --reports it could tell the scale of, wanted both or neither")
        _share("level", self.level)
        _at_least("permutations", self.permutations, 1000)
        _at_least("resamples", self.resamples, 100)
        _at_least("seed", self.seed, 0)
