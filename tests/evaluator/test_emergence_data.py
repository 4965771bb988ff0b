"""Emergence on real models (84 base models, ObsScaling, Apache-2.0): reference values, and the pair of IPA metrics."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from evaluator.emergence import emergence
from evaluator.progress import Progress
from evaluator.report_files import Report, Verdict
from evaluator.specs import EmergenceSpec
from evaluator.statistics.emergence import Curve, breakthroughness, linearity

DATA = Path(__file__).parents[2] / "../shared/data"
MODELS = DATA / "emergence" / "obsscaling_emergent.csv"
SIZE, FLOPS = ("Model Size (B)", 1e9), ("FLOPs (1E21)", 1e21)
IPA = {"exact_match": "ipa_transliterate_2_exact_match", "bleu": "ipa_transliterate_2_bleu"}
OTHERS = {
    ("unscrambling", "exact_match"): "word_unscrambling_2_exact_match",
    ("arithmetic", "accuracy"): "arithmetic_2da_2_acc",
}


def models() -> list[dict[str, str]]:
    """The data folder stands beside the repository; without it these tests fail and name it."""
    assert MODELS.is_file(), f"{MODELS} is missing: put the shared data folder beside the repository"
    with MODELS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def columns() -> list[tuple[str, str, str]]:
    ipa = [("ipa", metric, column) for metric, column in IPA.items()]
    return [*ipa, *((task, metric, column) for (task, metric), column in OTHERS.items())]


def points(path: Path, families: Iterable[str] | None, scale: tuple[str, float]) -> Path:
    """POINTS.csv of the families named, each its own; of None all models as one family."""
    column, unit = scale
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("task", "metric", "family", "model", "scale", "value"))
        for row in models():
            family = row["Model Family"] if families is not None else "all"
            if (families is None or family in families) and row[column]:
                for task, metric, name in columns():
                    if row[name]:
                        told = (task, metric, family, row["Model"], float(row[column]) * unit, row[name])
                        writer.writerow(told)
    return path


def report(tmp_path: Path, families: Iterable[str] | None, scale: tuple[str, float], unit: str) -> Report:
    path = points(tmp_path / "points.csv", families, scale)
    with Progress(tmp_path / "o") as progress:
        return emergence(EmergenceSpec(tmp_path / "o", path, scale=unit, resamples=200), progress)


def verdict(found: Report, group: str) -> Verdict:
    return next(one for one in found.verdicts if one.group == group)


def test_linearity_and_breakthroughness_are_the_reference_values() -> None:
    """Over the models of which the compute is known, in its order."""
    of_family: dict[str, list[dict[str, str]]] = {}
    for row in models():
        of_family.setdefault(row["Model Family"], []).append(row)
    reference = json.loads((DATA / "reference_values.json").read_text("utf-8"))["emergence_dev"]
    seen = 0
    for metric, families in reference.items():
        for family, expected in families.items():
            own = [row for row in of_family[family] if row[metric] and row[FLOPS[0]]]
            own.sort(key=lambda row: float(row[FLOPS[0]]))
            scales = tuple(float(row[FLOPS[0]]) for row in own)
            told = Curve(family, scales, tuple(float(row[metric]) for row in own))
            assert len(own) == expected["points"]
            assert linearity(told).value == pytest.approx(expected["linearity"], abs=1e-9)
            found = breakthroughness(told)
            if expected["breakthroughness"] is None:
                assert found.value is None
                assert found.reason
            else:
                assert found.value == pytest.approx(expected["breakthroughness"], abs=1e-9)
            seen += 1
    assert seen == 11


def test_the_report_says_the_same_and_the_ipa_pair_of_opt_breaks_in_the_metric_only(tmp_path: Path) -> None:
    """One family, sizes from 125 M to 66 B: exact match leaves 0 after 13 B, BLEU grows like a power of the size."""
    reference = json.loads((DATA / "reference_values.json").read_text("utf-8"))["emergence_dev"]
    found = report(tmp_path, ["OPT"], SIZE, "parameters")
    for metric, column in IPA.items():
        for name in ("linearity", "breakthroughness"):
            expected = reference[column]["OPT"][name]
            (told,) = [one for one in found.metrics if (one.name, one.group) == (name, f"ipa/{metric}/OPT")]
            assert told.value == (None if expected is None else pytest.approx(expected, abs=1e-9))
    sharp, smooth = verdict(found, "ipa/exact_match/OPT"), verdict(found, "ipa/bleu/OPT")
    assert (sharp.verdict, smooth.verdict) == ("sharp only in the metric", "gradual")
    assert "flat-then-linear fits better than power" in sharp.reason
    assert sharp.extra["beside"] == "ipa/bleu/OPT"
    assert "higher by" in smooth.reason


def test_over_compute_of_all_models_the_ipa_pair_breaks_in_the_metric_only(tmp_path: Path) -> None:
    found = report(tmp_path, None, FLOPS, "flops")
    sharp, smooth = verdict(found, "ipa/exact_match/all"), verdict(found, "ipa/bleu/all")
    assert (sharp.verdict, smooth.verdict) == ("sharp only in the metric", "gradual")
    assert " FLOPs [" in sharp.reason
    assert verdict(found, "arithmetic/accuracy/all").verdict == "gradual"
