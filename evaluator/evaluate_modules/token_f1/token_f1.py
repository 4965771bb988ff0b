"""Mean of the best F1 of shared words with a reference."""

# The class below must be the only metric in this namespace: `evaluate` takes the first it finds.
import evaluator.evaluate_modules.texts
import evaluator.metrics.reference


class TokenF1(evaluator.evaluate_modules.texts.TextMetric):
    """Mean of the best F1 of shared words with a reference."""

    def _compute(self, *, predictions: list[str], references: list[list[str]]) -> dict[str, float]:
        return evaluator.metrics.reference.token_f1(predictions, references)
