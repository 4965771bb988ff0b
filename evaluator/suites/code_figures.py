"""From judged samples to figures: pass@k at each temperature, the best of them told honestly, lines of samples."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from evaluator.figures import Curves, Figure, Series, Table
from evaluator.pass_at_k import JUDGED, Judged, shown_text
from evaluator.report_files import Metric, Verdict
from evaluator.specs import PassAtKSpec
from evaluator.statistics.intervals import bootstrap_mean, generator
from evaluator.statistics.pass_at_k import by_problem, mean_pass_at_k, pass_at_k
from evaluator.statistics.temperature_choice import TemperatureChoice, choose_temperature

Line = dict[str, object]
# The judged samples of each problem, by temperature.
ByTemperature = Mapping[float, Mapping[str, Sequence[Judged]]]
Counts = dict[str, tuple[int, int]]


def counts_of(problems: Mapping[str, Sequence[Judged]]) -> Counts:
    """(n, c) of each problem: how many samples, how many of them passed."""
    return {name: (len(found), sum(map(_passed, found))) for name, found in problems.items()}


def metrics_of_samples(
    by_temperature: ByTemperature, spec: PassAtKSpec
) -> tuple[list[Metric], list[Verdict]]:
    """pass@k over all problems and at each temperature, and which temperature is best for each k.

    Of several temperatures the figure over all problems is cross-fitted (see `temperature_choice`): no temperature is
    judged by the problems that chose it.
    """
    counts = {temperature: counts_of(found) for temperature, found in by_temperature.items()}
    metrics: list[Metric] = []
    verdicts: list[Verdict] = []
    for k in spec.k:
        choice = _choice(counts, k, spec.seed)
        if len(counts) == 1:
            metrics.append(_metric(next(iter(counts.values())), k, None, spec))
        elif choice is None:
            metrics.append(_undecided(next(iter(counts.values())), k, spec))
        else:
            metrics.append(_held_out_metric(choice, k, spec))
            verdicts.append(_verdict(choice, k, len(counts), metrics[-1].value))
        if len(counts) > 1:
            metrics += [_metric(found, k, group_of(one), spec) for one, found in counts.items()]
    return metrics, verdicts


def group_of(temperature: float) -> str:
    """The group of a temperature's figures."""
    return f"temperature={temperature:g}"


def _choice(counts: Mapping[float, Counts], k: int, seed: int) -> TemperatureChoice | None:
    """None where there is no choice: one temperature, one problem, or fewer than k samples."""
    values = {temperature: by_problem(found, k) for temperature, found in counts.items()}
    known = {temperature: found for temperature, found in values.items() if found is not None}
    if len(counts) < 2 or len(known) < len(counts) or len(next(iter(known.values()))) < 2:
        return None
    return choose_temperature(known, seed=seed)


def _metric(counts: Counts, k: int, group: str | None, spec: PassAtKSpec) -> Metric:
    found = mean_pass_at_k(counts, k, seed=spec.seed, resamples=spec.resamples)
    bounds = (found.value, found.low, found.high, found.n)
    return Metric(f"pass@{k}", *bounds, group, found.reason, found.method, "higher")


def _undecided(counts: Counts, k: int, spec: PassAtKSpec) -> Metric:
    """No figure over all problems: nothing could choose among the temperatures."""
    found = mean_pass_at_k(counts, k, seed=spec.seed, resamples=spec.resamples)
    reason = (
        found.reason
        if found.value is None
        else "not enough data: 1 problem chooses no temperature for another"
    )
    return Metric(f"pass@{k}", None, None, None, found.n, None, reason, found.method, "higher")


def _held_out_metric(choice: TemperatureChoice, k: int, spec: PassAtKSpec) -> Metric:
    rng = generator(spec.seed, f"pass@{k}", "chosen on other problems")
    found = bootstrap_mean(list(choice.held_out.values()), rng=rng, resamples=spec.resamples)
    bounds = (found.value, found.low, found.high, found.n)
    how = {"temperature": "chosen on the other half of the problems", "chosen": list(choice.chosen)}
    return Metric(f"pass@{k}", *bounds, None, found.reason, found.method, "higher", extra=how)


def _verdict(choice: TemperatureChoice, k: int, count: int, held_out: float | None) -> Verdict:
    reason = (
        f"highest pass@{k} of {count} temperatures on these same problems ({choice.flattering:.4g}, which flatters "
        f"it); chosen on the other half of the problems: {held_out:.4g}"
    )
    figures = {"temperature": choice.best, "same_problems": choice.flattering, "other_problems": held_out}
    return Verdict(f"pass@{k}", f"temperature {choice.best:g}", reason, extra=figures)


def sample_lines(by_temperature: ByTemperature, spec: PassAtKSpec) -> list[Line]:
    """A line a problem: its scores, (n, c), and every judgement with its temperature and program.

    Scores are those of its temperature, of several ones the figures held out (see above), so that what is compared item
    by item is what the report says.
    """
    counts = {temperature: counts_of(found) for temperature, found in by_temperature.items()}
    names = sorted({name for found in counts.values() for name in found})
    chosen = {k: _choice(counts, k, spec.seed) for k in spec.k}
    return [_line(name, by_temperature, counts, chosen) for name in names]


def _line(
    name: str,
    by_temperature: ByTemperature,
    counts: Mapping[float, Counts],
    chosen: Mapping[int, TemperatureChoice | None],
) -> Line:
    first = next(iter(counts.values()))
    scores: dict[str, float] = {}
    for k, choice in chosen.items():
        if choice is not None:
            scores[f"pass@{k}"] = choice.held_out[name]
        elif len(counts) == 1 and k <= first[name][0]:
            scores[f"pass@{k}"] = pass_at_k(*first[name], k)
    judgements = [
        {"temperature": temperature, **judgement_line(one)}
        for temperature, found in by_temperature.items()
        for one in found[name]
    ]
    passed = sum(found[name][1] for found in counts.values())
    return {
        "id": name,
        "slices": {},
        "scores": scores,
        "n": len(judgements),
        "c": passed,
        "judgements": judgements,
    }


def judgement_line(one: Judged) -> Line:
    """What is shown of one judged sample, its program among it."""
    shown = {key: one.line[key] for key in JUDGED if one.line.get(key) is not None}
    return {**shown, "program": shown_text(one.submission.program)}


def _passed(one: Judged) -> bool:
    return one.line["verdict"] == "pass"


def forged_attempts(judged: Iterable[Judged]) -> dict[str, int]:
    """How many samples did what looks like a forged pass, by kind."""
    kinds = Counter(str(one.line["attempt"]) for one in judged if one.line.get("attempt"))
    return {kind: kinds[kind] for kind in sorted(kinds)}


def figures_of(metrics: Sequence[Metric]) -> list[Figure]:
    """pass@k by k, a line a temperature."""
    named = dict.fromkeys(metric.group for metric in metrics if metric.group)
    groups: list[str | None] = [*named] or [None]
    series = []
    for colour, group in enumerate(groups):
        found = [metric for metric in metrics if metric.group == group and metric.value is not None]
        points = sorted(
            ((int(one.name.removeprefix("pass@")), one) for one in found), key=lambda point: point[0]
        )
        if points:
            places, values = zip(*points, strict=True)
            series.append(
                Series(
                    label=(group or "all samples").replace("=", " "),
                    x=tuple(float(k) for k in places),
                    y=tuple(float(metric.value or 0.0) for metric in values),
                    low=tuple(metric.low for metric in values),
                    high=tuple(metric.high for metric in values),
                    colour=colour,
                )
            )
    rows = tuple(
        (metric.name, metric.group or "all", metric.value, metric.low, metric.high, metric.n)
        for metric in metrics
    )
    table = Table(("figure", "group", "value", "low", "high", "problems"), rows)
    title, told = (
        "pass@k",
        "The chance that one of k samples of a problem passes, with 95 % intervals over problems.",
    )
    if not series:
        return [
            Figure("pass-at-k", title, told, table, missing="not enough data: fewer samples than every k")
        ]
    return [Figure("pass-at-k", title, told, table, Curves(tuple(series), "k", "pass@k", x_log=True))]
