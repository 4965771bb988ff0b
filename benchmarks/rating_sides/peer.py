"""arena-rank's side, run in its own environment: prepares, fits cold and warm. Prints one JSON line."""

import json
import sys
import time
from importlib import import_module
from typing import Any


def main() -> None:
    """Its own table of rows, its own merging of equal rows, its own fit; the second fit finds everything compiled."""
    import numpy as np

    # By name: these stand in the peer's environment only, and nothing here is checked against them.
    pandas: Any = import_module("pandas")
    BradleyTerry: Any = import_module("arena_rank.models.bradley_terry").BradleyTerry
    PairDataset: Any = import_module("arena_rank.utils.data_utils").PairDataset

    arrays = np.load(sys.argv[1])
    names = np.array([f"policy-{number:03d}" for number in range(100)])
    words = np.array(["model_b", "tie", "model_a"])
    table = pandas.DataFrame(
        {
            "model_a": names[arrays["first"]],
            "model_b": names[arrays["second"]],
            "winner": words[(arrays["outcome"] * 2).astype(int)],
        }
    )
    seconds: dict[str, dict[str, float]] = {}
    wall, cpu = time.perf_counter(), time.process_time()
    data = PairDataset.from_pandas(table)
    seconds["prepare"] = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    model: Any = None
    for name in ("fit_cold", "fit_warm"):
        model = BradleyTerry(n_competitors=len(data.competitors))
        wall, cpu = time.perf_counter(), time.process_time()
        model.fit(data)
        np.asarray(model.params["ratings"])  # waits for what runs behind the call
        seconds[name] = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    ratings = np.asarray(model.params["ratings"]) * model.alpha
    ratings = ratings - ratings.mean() + 1000
    told = dict(zip(data.competitors, ratings.tolist(), strict=True))
    print(json.dumps({"seconds": seconds, "ratings": told}))


if __name__ == "__main__":
    main()
