"""Our side: MC1, MC2 and MC3 of a model folder by the harness's rule, with CPU seconds and tokens.

python benchmarks/truthfulness/ours.py MODEL QUESTIONS.json BATCH_SIZE OUT
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

began = time.process_time()
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch  # noqa: E402 (start-up is measured from before the imports)

import evaluator.subjects.likelihoods  # noqa: E402, F401
import trainer.language_models as language_models  # noqa: E402
from evaluator.progress import Progress  # noqa: E402
from evaluator.specs import RunSpec  # noqa: E402
from evaluator.suites import truthfulness  # noqa: E402

started = time.process_time() - began


def main(model: str, questions: str, batch_size: str, out: str) -> None:
    """Runs once and prints the figures."""
    torch.set_num_threads(1)
    spent = {"tokens": 0, "load": 0.0}
    load = language_models.load_language_model

    def watched(*given: Any, **named: Any) -> Any:
        before = time.process_time()
        found = load(*given, **named)
        spent["load"] = time.process_time() - before
        found.model.get_decoder().register_forward_pre_hook(count, with_kwargs=True)
        return found

    def count(_module: Any, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        spent["tokens"] += (given[0] if given else named["input_ids"]).numel()

    language_models.load_language_model = watched
    spec = RunSpec(
        "truthfulness",
        model,
        Path(out),
        variant="mc-lm-eval",
        data=Path(questions),
        batch_size=int(batch_size),
        resamples=100,
    )
    before = time.process_time()
    with Progress(spec.out) as progress:
        report = truthfulness.run(spec, progress)
    cpu = time.process_time() - before - spent["load"]
    means = {m.name: m.value for m in report.metrics if m.group is None}
    rows = {str(sample["question"]): sample["scores"] for sample in report.samples}
    told = {"start_cpu": started, "load_cpu": spent["load"], "cpu": cpu, "tokens": spent["tokens"]}
    print(json.dumps({**told, "means": means, "rows": rows, "close": report.extra["close_calls"]}))


main(*sys.argv[1:])
