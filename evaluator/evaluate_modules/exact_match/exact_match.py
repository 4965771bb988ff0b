"""Share of predictions equal to a reference after SQuAD's normalisation."""

import datasets
import evaluate

import evaluator.metrics.reference


class ExactMatch(evaluate.Metric):
    """Share of predictions equal to a reference after SQuAD's normalisation."""

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
        return evaluator.metrics.reference.exact_match(predictions, references)
