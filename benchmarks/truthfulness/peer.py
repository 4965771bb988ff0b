"""The harness's side: its own truthfulqa_mc1 and _mc2 tasks on a local file, with CPU seconds and tokens.

ENVIRONMENT/bin/python benchmarks/truthfulness/peer.py MODEL QUESTIONS.json BATCH_SIZE OUT
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

began = time.process_time()
os.environ.update({"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"})

import lm_eval.tasks  # type: ignore[import-not-found]  # noqa: E402 (start-up is measured from before the imports)
import torch  # noqa: E402
from lm_eval.evaluator import simple_evaluate  # type: ignore[import-not-found]  # noqa: E402
from lm_eval.models.huggingface import HFLM  # type: ignore[import-not-found]  # noqa: E402


def local_tasks(folder: Path, questions: Path) -> None:
    """The harness's own task files, reading a local file where they would ask the hub; nothing else is changed."""
    own = Path(lm_eval.tasks.__file__).parent / "truthfulqa"
    entries = json.loads(questions.read_text("utf-8"))
    rows = [
        {
            "question": one["question"],
            **{
                name: {"choices": list(one[name]), "labels": list(one[name].values())}
                for name in ("mc1_targets", "mc2_targets")
            },
        }
        for one in entries
    ]
    folder.mkdir(parents=True)
    file = folder / "rows.json"
    file.write_text(json.dumps(rows), "utf-8")
    (folder / "utils.py").write_text((own / "utils.py").read_text("utf-8"), "utf-8")
    for name in ("mc1", "mc2"):
        text = (own / f"truthfulqa_{name}.yaml").read_text("utf-8")
        local = f"dataset_path: json\ndataset_kwargs:\n  data_files:\n    validation: {file}"
        text = text.replace("dataset_path: truthfulqa/truthful_qa", local).replace(
            "dataset_name: multiple_choice\n", ""
        )
        text = text.replace("task: truthfulqa_mc", "task: local_mc").replace("tag:\n  - truthfulqa\n", "")
        text = text.replace("include: truthfulqa_mc1.yaml", "include: local_mc1.yaml")
        (folder / f"local_{name}.yaml").write_text(text, "utf-8")


def main(model: str, questions: str, batch_size: str, out: str) -> None:
    """Runs once and prints the figures."""
    torch.set_num_threads(1)
    local_tasks(Path(out) / "tasks", Path(questions).resolve())
    tasks = lm_eval.tasks.TaskManager(include_path=str(Path(out) / "tasks"))
    started = time.process_time() - began
    before = time.process_time()
    lm = HFLM(pretrained=model, dtype="float32", batch_size=int(batch_size), device="cpu")
    loaded = time.process_time() - before
    spent = {"tokens": 0}

    def count(_module: Any, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        spent["tokens"] += (given[0] if given else named["input_ids"]).numel()

    lm.model.get_decoder().register_forward_pre_hook(count, with_kwargs=True)
    before = time.process_time()
    found = simple_evaluate(
        model=lm, tasks=["local_mc1", "local_mc2"], task_manager=tasks, bootstrap_iters=0, log_samples=True
    )
    cpu = time.process_time() - before
    means = {name: found["results"][f"local_{name}"]["acc,none"] for name in ("mc1", "mc2")}
    rows: dict[str, dict[str, float]] = {}
    for name in ("mc1", "mc2"):
        for sample in found["samples"][f"local_{name}"]:
            rows.setdefault(sample["doc"]["question"].strip(), {})[name] = float(sample["acc"])
    told = {"start_cpu": started, "load_cpu": loaded, "cpu": cpu, "tokens": spent["tokens"]}
    print(json.dumps({**told, "means": means, "rows": rows}))


main(*sys.argv[1:])
