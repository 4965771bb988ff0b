"""Variants of code-generation that draw many samples a problem, at one or several temperatures, for pass@k.

`samples` asks in a conversation and finds the program in what is said (fences, then code that goes on from the prompt);
`completions` lets a base model go on from the prompt's code and cuts where a stop begins. Samples are kept as they are
drawn, judgements too: a killed run goes on from the sample where it was.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evaluator.code_problems.problems import Problem, is_python, read_problems
from evaluator.code_problems.programs import STOPS, Submission, program_of
from evaluator.errors import BadInput
from evaluator.json_lines import sha256_of_lines
from evaluator.pass_at_k import Judged, judge_all
from evaluator.progress import Progress
from evaluator.prompts import Message
from evaluator.report_files import Items, Report, data_file, environment
from evaluator.sandbox.limits import Limits
from evaluator.sandbox.process import NoIsolation
from evaluator.sandbox.room import open_slot
from evaluator.sandbox.verdicts import VERDICTS
from evaluator.specs import PassAtKSpec, RunSpec
from evaluator.subjects.generating import Request, generate_texts
from evaluator.subjects.response_cache import FILE_NAME, ResponseCache
from evaluator.suites.code_figures import figures_of, forged_attempts, metrics_of_samples, sample_lines

FORMS = ("samples", "completions")
# Chen et al. (2021) draw pass@100 at 0.8.
DEFAULT_TEMPERATURE = 0.8
MAX_NEW_TOKENS = 512


@dataclass(frozen=True)
class Drawn:
    """All samples in order, each with its temperature, and what the report says of the subject."""

    submissions: Sequence[Submission]
    temperatures: Sequence[float]
    detail: Mapping[str, object]


def run(spec: RunSpec, progress: Progress, suite: str) -> Report:
    """The report of `spec.samples` samples a problem at each temperature.

    Refuses a subject that cannot be asked, temperature 0 for more than one sample (they would be one), and a host
    without isolation before anything is drawn.
    """
    started = time.monotonic()
    if spec.data is None:
        raise BadInput(f"--data: found nothing, wanted a file of problems for {suite}")
    problems = dict(list(read_problems(spec.data).items())[: spec.limit])
    temperatures = _temperatures(spec)
    if spec.variant == "completions":
        _refuse_words(spec, problems)
    _refuse_without_isolation(suite)
    drawn = _draw(spec, problems, temperatures, progress)
    told = judging_spec(spec, spec.data)
    before = len(drawn.submissions)
    judged, box = judge_all(problems, drawn.submissions, told, progress, steps_before=before)
    by_temperature = _by_temperature(judged, drawn.temperatures)
    metrics, choices = metrics_of_samples(by_temperature, told)
    verdicts = Counter(str(one.line["verdict"]) for one in judged)
    return Report(
        suite=suite,
        variant=spec.variant or FORMS[0],
        subject=spec.subject,
        seed=spec.seed,
        metrics=metrics,
        verdicts=choices,
        items=Items(len(problems), len(problems), 0, 0),
        data=[
            {**data_file(spec.data), "items_sha256": sha256_of_lines(one.line for one in problems.values())}
        ],
        spec=spec.record(),
        samples=sample_lines(by_temperature, told),
        extra={
            "subject_detail": drawn.detail,
            "samples": len(judged),
            "verdict_counts": {name: verdicts[name] for name in VERDICTS},
            "forged_pass_attempts": forged_attempts(judged),
            "wall_timeouts": sum(bool(one.line.get("wall_only")) for one in judged),
            "box": dict(box),
        },
        environment=environment(started),
        figures=figures_of(metrics),
    )


def judging_spec(spec: RunSpec, problems: Path) -> PassAtKSpec:
    """What the judging of samples is told: the same folder, seed, resamples and k."""
    shared = {"k": spec.k, "seed": spec.seed, "resamples": spec.resamples}
    return PassAtKSpec(problems, Path(spec.subject), spec.out, **shared)  # type: ignore[arg-type]


def _temperatures(spec: RunSpec) -> tuple[float, ...]:
    found = spec.temperatures or (spec.temperature or DEFAULT_TEMPERATURE,)
    if spec.samples > 1 and 0.0 in found:
        raise BadInput(
            f"--temperatures 0: found {spec.samples} samples a problem, wanted 1: without chance all are the same"
        )
    return found


def _refuse_words(spec: RunSpec, problems: Mapping[str, Problem]) -> None:
    """A model can only go on from code."""
    for problem in problems.values():
        if problem.cases or not is_python(f"{problem.prompt.rstrip()}\n    pass\n"):
            raise BadInput(
                f"{spec.data}: task_id {problem.id!r}: found a prompt that is no code, wanted code to go on from, or "
                "--variant samples"
            )


def _refuse_without_isolation(suite: str) -> None:
    try:
        open_slot(Limits()).close()
    except NoIsolation as error:
        raise BadInput(f"{suite}: refused: {error}") from error


def _draw(
    spec: RunSpec, problems: Mapping[str, Problem], temperatures: Sequence[float], progress: Progress
) -> Drawn:
    """Every sample a request of its own, so that none is drawn twice after a kill; a temperature after the other."""
    cache = ResponseCache(spec.out / FILE_NAME)
    places = range(spec.samples)
    each = len(problems) * spec.samples
    total = 2 * each * len(temperatures)
    submissions: list[Submission] = []
    drawn_at: list[float] = []
    detail: Mapping[str, object] = {}
    for number, temperature in enumerate(temperatures):
        asked = [
            replace(_request(spec, problem, temperature), place=place)
            for problem in problems.values()
            for place in places
        ]
        done = number * each
        texts, detail = generate_texts(
            spec,
            asked,
            cache,
            lambda more, done=done: progress.step(done + more, total),  # type: ignore[misc]
        )
        written = iter(texts)
        for problem in problems.values():
            for place in places:
                (text,) = next(written)
                submissions.append(_submission(spec, problem, number * spec.samples + place, text))
                drawn_at.append(temperature)
    sampling = {
        "temperatures": list(temperatures),
        "samples": spec.samples,
        "max_new_tokens": spec.max_new_tokens or MAX_NEW_TOKENS,
        "stops": list(_stops(spec)),
    }
    return Drawn(submissions, drawn_at, {**detail, "sampling": sampling})


def _stops(spec: RunSpec) -> tuple[str, ...]:
    """Where a continuation ends: as asked, else as Chen et al. (2021) cut it."""
    return spec.stops or STOPS


def _request(spec: RunSpec, problem: Problem, temperature: float) -> Request:
    """How one sample is asked for. In a conversation only stops that were asked for end it: code follows prose."""
    settings = {
        "max_new_tokens": spec.max_new_tokens or MAX_NEW_TOKENS,
        "temperature": temperature,
    }
    if spec.variant == "completions":
        return Request(text=problem.prompt, stop=_stops(spec), **settings)  # type: ignore[arg-type]
    return Request((Message("user", problem.prompt),), stop=spec.stops, **settings)  # type: ignore[arg-type]


def _submission(spec: RunSpec, problem: Problem, place: int, text: str) -> Submission:
    key = "completion" if spec.variant == "completions" else "response"
    line: dict[str, object] = {"task_id": problem.id, key: text}
    return Submission(problem.id, place, program_of(line, problem, str(spec.data), _stops(spec)), line)


def _by_temperature(
    judged: Sequence[Judged], temperatures: Sequence[float]
) -> dict[float, dict[str, list[Judged]]]:
    """The judged samples of each problem, by temperature."""
    found: dict[float, dict[str, list[Judged]]] = {}
    for one, temperature in zip(judged, temperatures, strict=True):
        found.setdefault(temperature, {}).setdefault(one.submission.task_id, []).append(one)
    return found
