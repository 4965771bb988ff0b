"""Corpus BLEU by sacreBLEU (13a, exponential smoothing), 0 to 100."""

# The class below must be the only metric in this namespace: `evaluate` takes the first it finds.
import evaluator.evaluate_modules.texts
import evaluator.metrics.reference


class Bleu(evaluator.evaluate_modules.texts.TextMetric):
    """Corpus BLEU by sacreBLEU (13a, exponential smoothing), 0 to 100."""

    def _compute(self, *, predictions: list[str], references: list[list[str]]) -> dict[str, float]:
        return evaluator.metrics.reference.bleu(predictions, references)
