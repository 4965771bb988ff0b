"""Mean F of ROUGE-1, -2, -L and -Lsum by rouge-score, the best reference counting."""

# The class below must be the only metric in this namespace: `evaluate` takes the first it finds.
import evaluator.evaluate_modules.texts
import evaluator.metrics.reference


class Rouge(evaluator.evaluate_modules.texts.TextMetric):
    """Mean F of ROUGE-1, -2, -L and -Lsum by rouge-score, the best reference counting."""

    def _compute(self, *, predictions: list[str], references: list[list[str]]) -> dict[str, float]:
        return evaluator.metrics.reference.rouge(predictions, references)
