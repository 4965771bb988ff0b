"""METEOR by exact and stemmed matches, without synonyms."""

# The class below must be the only metric in this namespace: `evaluate` takes the first it finds.
import evaluator.evaluate_modules.texts
import evaluator.metrics.reference


class Meteor(evaluator.evaluate_modules.texts.TextMetric):
    """METEOR by exact and stemmed matches, without synonyms."""

    def _compute(self, *, predictions: list[str], references: list[list[str]]) -> dict[str, float]:
        return evaluator.metrics.reference.meteor(predictions, references)
