"""Entailment by any NLI model folder: (premise, hypothesis) pairs in, probabilities out, batched by length."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluator.errors import BadInput

Floats = NDArray[np.float64]
MOST_TOKENS = 500  # as SummaC; the premise is cut, never the hypothesis
PAIRS_AT_ONCE = 16
Text = tuple[str, str]


class NliModel:
    """A sequence classifier of pairs. `probabilities` gives [N, 3]: entailed, contradicted, neutral.

    Its labels are told by their names; a model of two labels (MiniCheck) has supported and not, and what is not
    supported counts as neutral. Refuses a folder without a model, and labels whose names say nothing.
    """

    def __init__(self, folder: Path) -> None:
        if not (folder / "config.json").is_file():
            raise BadInput(f"--scorer {folder}: found no config.json, wanted the folder of an NLI model")
        # Loaded here only: --help and bad input must not wait for a model library.
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        self._torch = torch
        self._tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        model = AutoModelForSequenceClassification.from_pretrained(str(folder), local_files_only=True)
        self._model = model.eval()
        self.columns = label_columns(model.config.id2label, str(folder))
        limit = getattr(model.config, "max_position_embeddings", None) or MOST_TOKENS
        self._most = min(MOST_TOKENS, int(limit))

    def probabilities(
        self,
        pairs: Sequence[Text],
        *,
        told: Callable[[int, int], None] = lambda done, of: None,
    ) -> Floats:
        """P(entailed), P(contradicted), P(neutral) of each pair, [N, 3]; each distinct pair is run once.

        Batches hold 16 pairs of like length: one size for every run, for another would move the last digits.
        """
        distinct = list(dict.fromkeys(pairs))
        order = sorted(range(len(distinct)), key=lambda place: sum(map(len, distinct[place])))
        found: dict[Text, Floats] = {}
        for start in range(0, len(order), PAIRS_AT_ONCE):
            batch = [distinct[place] for place in order[start : start + PAIRS_AT_ONCE]]
            for pair, row in zip(batch, self._run(batch), strict=True):
                found[pair] = row
            told(min(start + PAIRS_AT_ONCE, len(order)), len(order))
        return np.stack([found[pair] for pair in pairs]) if pairs else np.zeros((0, 3))

    def _run(self, batch: Sequence[Text]) -> Floats:
        torch = self._torch
        premises, hypotheses = ([pair[side] for pair in batch] for side in (0, 1))
        inputs = self._tokenizer(
            premises,
            hypotheses,
            padding=True,
            truncation="only_first",
            max_length=self._most,
            return_tensors="pt",
        )
        with torch.inference_mode():
            logits = self._model(**inputs).logits.double()
        shares = torch.softmax(logits, dim=-1).numpy()
        entailed, contradicted = self.columns
        against = shares[:, contradicted] if contradicted is not None else np.zeros(len(batch))
        return np.stack([shares[:, entailed], against, 1 - shares[:, entailed] - against], axis=1)


def label_columns(names: Mapping[int, str], where: str) -> tuple[int, int | None]:
    """The columns of entailment and of contradiction (None: the model has two labels). Refuses other labels."""
    told = {int(number): str(name).lower() for number, name in names.items()}
    entailed = [number for number, name in told.items() if name.startswith("entail")]
    contradicted = [number for number, name in told.items() if name.startswith("contra")]
    if len(told) == 3 and len(entailed) == len(contradicted) == 1:
        return entailed[0], contradicted[0]
    if len(told) == 2:
        # "not_entailment" and MiniCheck's nameless pair, in which the second label is "supported".
        return (entailed or [1])[0], None
    raise BadInput(
        f"--scorer {where}: found the labels {', '.join(told.values())}, wanted entailment, neutral and contradiction, "
        "or two labels"
    )
