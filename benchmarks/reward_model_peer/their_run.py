"""TRL's side, run by the python of its own environment: JSON jobs in on stdin, one JSON result a line on stdout.

It imports nothing of ours. A job: {"model": FOLDER, "pairs": FILE of [chosen ids, rejected ids], "batch": pairs
run at one time, "accumulate", "steps", "learning_rate", "flops": bool, "save": FOLDER or null}. A result: CPU
seconds and losses of whole steps, optimiser and data loading among them; logging, saving and evaluation are off.
"""

import json
import os
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForSequenceClassification, AutoTokenizer, TrainerCallback

# By name: the first is untyped, the second stands in this side's environment alone.
datasets: Any = import_module("datasets")
trl: Any = import_module("trl")


class Stamps(TrainerCallback):
    """Processor seconds between the start of training and the end of its last step."""

    def __init__(self) -> None:
        self.start = self.end = 0.0

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.start = time.process_time()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.end = time.process_time()


def settings(job: dict[str, Any], folder: str) -> Any:
    """RewardConfig as our side runs: float32, no recomputation, AdamW fused, no decay, clipping at 1."""
    return trl.RewardConfig(
        output_dir=folder,
        per_device_train_batch_size=job["batch"],
        gradient_accumulation_steps=job["accumulate"],
        max_steps=job["steps"],
        learning_rate=job["learning_rate"],
        lr_scheduler_type="constant",
        optim="adamw_torch_fused",
        weight_decay=0.0,
        max_grad_norm=1.0,
        gradient_checkpointing=False,
        bf16=False,
        use_cpu=True,
        max_length=None,
        logging_strategy="no",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_num_workers=0,
        seed=job["seed"],
    )


def train(job: dict[str, Any]) -> dict[str, Any]:
    """Runs one job."""
    pairs = json.loads(Path(job["pairs"]).read_text("utf-8"))
    data = datasets.Dataset.from_dict(
        {"chosen_ids": [a for a, _ in pairs], "rejected_ids": [b for _, b in pairs]}
    )
    model = AutoModelForSequenceClassification.from_pretrained(job["model"], attn_implementation="sdpa")
    stamps = Stamps()
    with tempfile.TemporaryDirectory() as folder:
        trainer = trl.RewardTrainer(
            model=model,
            args=settings(job, folder),
            train_dataset=data,
            processing_class=AutoTokenizer.from_pretrained(job["model"]),
            callbacks=[stamps],
        )
        counter = FlopCounterMode(display=False)
        if job["flops"]:
            with counter:
                trainer.train()
        else:
            trainer.train()
    if job["save"]:
        model.save_pretrained(job["save"])
    flops = counter.get_total_flops() if job["flops"] else None
    return {"cpu": stamps.end - stamps.start, "flops": flops}


def main() -> None:
    """Answers jobs until there are no more."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the peer prints is no answer
    for line in sys.stdin:
        answers.write(json.dumps(train(json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
