"""Suite code-generation: does the subject's program solve the problem?

One response a problem, its program found by the format of the answer and judged in the sandbox by the problem's tests;
`pass` is pass@1 from one sample. Many samples a problem: the variants samples and completions, and the verb pass-at-k
for samples that are there already.
"""

import time
from collections import Counter

from evaluator.code_problems.judging import judge
from evaluator.code_problems.problems import Problem, read_problems
from evaluator.code_problems.programs import STOPS, program_of_response
from evaluator.errors import BadInput
from evaluator.json_lines import sha256_of_lines
from evaluator.progress import Progress
from evaluator.prompts import Message, PromptLine
from evaluator.report_files import Report, data_file
from evaluator.sandbox.limits import Limits
from evaluator.sandbox.process import NoIsolation
from evaluator.sandbox.referee import BadTests
from evaluator.sandbox.room import Room
from evaluator.sandbox.verdicts import VERDICTS
from evaluator.specs import RunSpec
from evaluator.subjects import open_subject
from evaluator.suites import code_sampling
from evaluator.suites.contamination import with_contamination
from evaluator.suites.samples import Sample, metrics_of, not_measured, report_of

NAME = "code-generation"
VARIANTS = ("response", *code_sampling.FORMS)
DIRECTIONS = {"pass@1": "higher"}


def run(spec: RunSpec, progress: Progress) -> Report:
    """The report of one subject on the problems of `spec.data` (the first `limit` of them).

    Refuses bad problems, data that are not given, and a host without isolation.
    """
    if spec.variant in code_sampling.FORMS:
        return code_sampling.run(spec, progress, NAME)
    started = time.monotonic()
    if spec.data is None:
        raise BadInput(f"--data: found nothing, wanted a file of problems for {NAME}")
    problems = list(read_problems(spec.data).values())[: spec.limit]
    questions = [_question(problem, str(spec.data)) for problem in problems]
    answers = open_subject(spec, questions, progress)
    try:
        with Room(Limits()) as room:
            samples = [_sample(room, one, answers.responses.get(one.id)) for one in problems]
    except (NoIsolation, BadTests) as error:
        raise BadInput(f"{NAME}: {error}") from error
    problem_texts = {one.id: one.prompt for one in problems}
    samples, contaminated = with_contamination(spec, samples, problem_texts)
    verdicts = Counter(str(sample.shown.get("verdict")) for sample in samples)
    return report_of(
        spec,
        NAME,
        spec.variant or VARIANTS[0],
        samples,
        metrics=[
            *metrics_of(samples, DIRECTIONS, seed=spec.seed, resamples=spec.resamples),
            *contaminated,
        ],
        data={**data_file(spec.data), "items_sha256": sha256_of_lines(one.line for one in problems)},
        extra={
            "subject_detail": answers.detail,
            "verdict_counts": {name: verdicts[name] for name in VERDICTS},
            "forged_pass_attempts": _attempts(samples),
            "questions_without_response": not_measured(samples),
            "box": room.box,
        },
        started=started,
    )


def _attempts(samples: list[Sample]) -> dict[str, int]:
    """How often each way to pass without solving was tried."""
    found = Counter(str(sample.shown["attempt"]) for sample in samples if sample.shown.get("attempt"))
    return dict(sorted(found.items()))


def _question(problem: Problem, where: str) -> PromptLine:
    return PromptLine(problem.id, (Message("user", problem.prompt),), problem.line, where)


def _sample(room: Room, problem: Problem, answer: PromptLine | None) -> Sample:
    if answer is None:
        return Sample(problem.id, {}, {}, {"not_measured": "no response with this id"})
    response = str(answer.line["response"])
    judgement, _ = judge(room, problem, program_of_response(response, problem, STOPS))
    told = judgement.record()
    shown: dict[str, object] = {"response": response}
    shown |= {key: told[key] for key in ("verdict", "reason", "calls", "call", "attempt") if key in told}
    return Sample(problem.id, {}, {"pass@1": float(judgement.verdict == "pass")}, shown)
