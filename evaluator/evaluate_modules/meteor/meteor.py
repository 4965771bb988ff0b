"""METEOR by exact and stemmed matches, without synonyms."""

import datasets
import evaluate

import evaluator.metrics.reference


class Meteor(evaluate.Metric):
    """METEOR by exact and stemmed matches, without synonyms."""

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
        return evaluator.metrics.reference.meteor(predictions, references)
