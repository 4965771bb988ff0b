"""What the modules of this folder have in common: predicted texts beside several references each."""

import datasets
import evaluate


class TextMetric(evaluate.Metric):
    """A metric of texts; what it says of itself is its docstring."""

    def _info(self) -> evaluate.MetricInfo:
        texts = {
            "predictions": datasets.Value("string"),
            "references": datasets.Sequence(datasets.Value("string")),
        }
        return evaluate.MetricInfo(
            description=type(self).__doc__ or "",
            citation="",
            inputs_description="predictions: texts; references: for each, a list of at least one text",
            features=datasets.Features(texts),
        )
