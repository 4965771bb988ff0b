"""TRL's side, run by the python of the peer's environment: `their_run.py TOLD.json` writes its figures as JSON.

It imports nothing of ours. Logging, saving and evaluation are off but for the policies that are asked for.
"""

import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from datasets import Dataset
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    TrainerCallback,
)
from trl.experimental.ppo import PPOConfig, PPOTrainer  # type: ignore[import-not-found]  # the peer is not ours


class CountReward(torch.nn.Module):
    """How many paid tokens were said so far, in the form that the peer asks of a reward model."""

    base_model_prefix = "backbone"

    def __init__(self, period: int, paid: int) -> None:
        super().__init__()
        self.backbone = _Counts(period, paid)
        self.score = torch.nn.Linear(1, 1, bias=False)
        torch.nn.init.ones_(self.score.weight)


class _Counts(torch.nn.Module):
    def __init__(self, period: int, paid: int) -> None:
        super().__init__()
        self.period, self.paid = period, paid

    def forward(self, input_ids: torch.Tensor, **_: Any) -> Any:
        counts = (input_ids % self.period == self.paid).float().cumsum(dim=1).unsqueeze(-1)
        return SimpleNamespace(hidden_states=[counts])


class Watcher(TrainerCallback):
    """Stamps the processor time of each update, and saves the policies that were asked for."""

    def __init__(self, saved: dict[str, str]) -> None:
        self.stamps = [time.process_time()]
        self.walls = [time.perf_counter()]
        self.saved = saved

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.stamps, self.walls = [time.process_time()], [time.perf_counter()]

    def on_step_end(self, args: Any, state: Any, control: Any, **told: Any) -> None:
        self.stamps.append(time.process_time())
        self.walls.append(time.perf_counter())
        folder = self.saved.get(str(state.global_step))
        if folder is not None:
            told["model"].policy.save_pretrained(folder)


def settings(told: dict[str, Any]) -> PPOConfig:
    """The peer's settings: the same method with the same figures as ours."""
    return PPOConfig(
        output_dir=told["scratch"],
        per_device_train_batch_size=told["micro_batch"],
        gradient_accumulation_steps=told["minibatch"] // told["micro_batch"],
        num_mini_batches=1,
        local_rollout_forward_batch_size=told["rollout_batch"],
        total_episodes=told["updates"] * told["episodes"],
        num_ppo_epochs=told["epochs"],
        response_length=told["response_tokens"],
        stop_token="eos",
        temperature=told["temperature"],
        kl_coef=told["kl_coefficient"],
        learning_rate=told["learning_rate"],
        lr_scheduler_type="constant",
        adam_epsilon=1e-5,
        gradient_checkpointing=False,
        bf16=False,
        use_cpu=True,
        report_to="none",
        save_strategy="no",
        eval_strategy="no",
        logging_steps=10**9,
        disable_tqdm=True,
        num_sample_generations=0,
        seed=told["seed"],
    )


def main() -> None:
    """Runs the updates and writes processor seconds of each."""
    told = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    tokenizer = AutoTokenizer.from_pretrained(told["policy"])
    policy, reference = (
        AutoModelForCausalLM.from_pretrained(told["policy"], attn_implementation="sdpa", dtype=torch.float32)
        for _ in range(2)
    )
    value_model, scorer = (
        AutoModelForSequenceClassification.from_pretrained(
            told["reward_model"], num_labels=1, attn_implementation="sdpa", dtype=torch.float32
        )
        for _ in range(2)
    )
    watcher = Watcher(told["saved"])
    trainer = PPOTrainer(
        args=settings(told),
        processing_class=tokenizer,
        model=policy,
        ref_model=reference,
        reward_model=CountReward(*told["paid"]) if told["paid"] else scorer,
        value_model=value_model,
        train_dataset=Dataset.from_dict({"input_ids": told["prompt_ids"]}),
        callbacks=[watcher],
    )
    trainer.train()
    seconds = [after - before for before, after in zip(watcher.stamps, watcher.stamps[1:], strict=False)]
    walls = [after - before for before, after in zip(watcher.walls, watcher.walls[1:], strict=False)]
    Path(told["out"]).write_text(json.dumps({"cpu_seconds": seconds, "seconds": walls}), "utf-8")


if __name__ == "__main__":
    main()
