"""Corpus chrF2 by sacreBLEU, 0 to 100."""

import datasets
import evaluate

import evaluator.metrics.reference


class Chrf(evaluate.Metric):
    """Corpus chrF2 by sacreBLEU, 0 to 100."""

    def _info(self) -> evaluate.MetricInfo:
        texts = {
            "predictions": datasets.Value("string"),
            "references": datasets.Sequence(datasets.Value("string")),
        }
        return evaluate.MetricInfo(
            description=__doc__ or "",
            citation="",
            inputs_description="predictions: texts; references: for each, a list of at least one text",
            features=datasets.Features(texts),
        )

    def _compute(self, *, predictions: list[str], references: list[list[str]]) -> dict[str, float]:
        return evaluator.metrics.reference.chrf(predictions, references)
