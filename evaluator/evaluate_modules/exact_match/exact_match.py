"""Share of predictions equal to a reference after SQuAD's normalisation."""

# The class below must be the only metric in this namespace: `evaluate` takes the first it finds.
import evaluator.evaluate_modules.texts
import evaluator.metrics.reference


class ExactMatch(evaluator.evaluate_modules.texts.TextMetric):
    """Share of predictions equal to a reference after SQuAD's normalisation."""

    def _compute(self, *, predictions: list[str], references: list[list[str]]) -> dict[str, float]:
        return evaluator.metrics.reference.exact_match(predictions, references)
