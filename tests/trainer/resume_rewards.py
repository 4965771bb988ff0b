"""Scores that only an exactly resumed run gets again: drawn from every global generator, and by a program that
reads the ids it is sent.
"""

import json
import random
import sys

from trainer.json_lines import JsonObject


def drawn(lines: list[JsonObject]) -> list[float]:
    """How often a response says "a", and a draw of each library's global generator."""
    import numpy as np
    import torch

    noise = [random.random() + np.random.random() + float(torch.rand(1)) for _ in lines]  # noqa: NPY002, TID251
    return [str(line["response"]).count("a") + 0.1 * one for line, one in zip(lines, noise, strict=True)]


if __name__ == "__main__":
    for row in sys.stdin:
        name = json.loads(row)["id"]
        print(json.dumps({"id": name, "score": int(name.rpartition("-")[2]) % 7 / 7}), flush=True)
