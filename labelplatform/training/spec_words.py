"""What the fields of a run's spec are called on a form, in which order and group they stand, and which stay away.

The fields themselves, their types, bounds, choices and help are the spec's own (`trainer.specs`): one that is not
named here appears all the same, under "Further settings", by its own name.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = str | Promise

# What runs a program or names code is for the command line, never for a form.
FOR_THE_COMMAND_LINE = frozenset({"reward_function", "reward_program", "validation_function"})
# What stands open; the rest is folded away in groups.
OPEN: Mapping[str, tuple[str, ...]] = {
    "pretrain": (
        "layers", "width", "heads", "vocabulary", "context", "steps", "batch_tokens", "learning_rate", "seed",
    ),
    "sft": ("epochs", "batch_size", "learning_rate", "tuning", "seed"),
    "reward-model": ("epochs", "learning_rate", "rankings_per_step", "loss", "seed"),
    "ppo": ("updates", "episodes", "kl_coefficient", "learning_rate", "max_new_tokens", "seed"),
}  # fmt: skip
# The most that one form may ask of machines that others share; the command line has the spec's bounds alone.
MOST: Mapping[str, float] = {
    "seed": 2**31 - 1,
    "epochs": 50,
    "learning_rate": 0.1,
    "rankings_per_step": 256,
    "updates": 10_000,
    "episodes": 8192,
    "kl_coefficient": 10,
    "max_new_tokens": 2048,
    "pretraining_coefficient": 100,
    "threads": 64,
}


@dataclass(frozen=True)
class FieldGroup:
    """Settings that are folded away together."""

    key: str
    title: Words
    names: tuple[str, ...]


GROUPS = (
    FieldGroup(
        "optimiser",
        _("Optimiser"),
        ("schedule", "warmup_share", "weight_decay", "adam_eps", "adam_form", "clip_norm"),
    ),
    FieldGroup(
        "learns",
        _("What learns, and in which precision"),
        ("tuning", "precision", "gradient_checkpointing", "value_model"),
    ),
    FieldGroup(
        "loss",
        _("Loss"),
        (
            "packing", "use_margins", "tie_weight", "soft_labels", "empty_responses", "centering", "normalise",
            "clip", "value_clip", "value_coefficient", "entropy_coefficient", "loss_mean", "discount",
            "gae_lambda", "whiten_advantages", "whiten_rewards", "whiten_variance",
        ),
    ),
    FieldGroup("kl", _("KL penalty"), ("kl_estimator", "kl_target", "kl_horizon", "kl_stop")),
    FieldGroup(
        "rollouts",
        _("Responses and batches"),
        (
            "responses_per_prompt", "minibatch_size", "epochs", "temperature", "truncate_token", "truncate_after",
            "batch_tokens", "minutes", "pretraining_tokens",
        ),
    ),
    FieldGroup(
        "rewards",
        _("Scores and ensembles"),
        (
            "members", "ensemble", "reward_ensemble", "ensemble_penalty", "reward_weights", "score_clip",
            "missing_end_score", "missing_end_penalty",
        ),
    ),
    FieldGroup(
        "watch",
        _("Held-out data and what is kept"),
        (
            "heldout_share", "patience", "validate_every", "validation_temperature", "keep_best", "keep_bound",
            "watch_window", "watch_stop", "baseline_n",
        ),
    ),
    FieldGroup("machine", _("Machine"), ("device", "threads")),
)  # fmt: skip
FURTHER = FieldGroup("further", _("Further settings"), ())

# By "verb.field" where a verb means something of its own by it, else by field.
LABELS: Mapping[str, Words] = {
    "layers": _("Layers"),
    "width": _("Width"),
    "heads": _("Attention heads"),
    "vocabulary": _("Vocabulary, tokens"),
    "context": _("Context, tokens"),
    "steps": _("Optimiser steps"),
    "minutes": _("Minutes instead of steps"),
    "epochs": _("Epochs"),
    "ppo.epochs": _("Epochs of an update"),
    "batch_size": _("Demonstrations per step"),
    "batch_tokens": _("Most tokens at one time"),
    "pretrain.batch_tokens": _("Tokens per step"),
    "packing": _("Packing"),
    "learning_rate": _("Learning rate"),
    "schedule": _("Schedule"),
    "warmup_share": _("Warmup share"),
    "weight_decay": _("Weight decay"),
    "adam_eps": _("Adam epsilon"),
    "adam_form": _("Form of Adam"),
    "clip_norm": _("Largest gradient norm"),
    "tuning": _("What learns"),
    "precision": _("Number format"),
    "gradient_checkpointing": _("Gradient checkpointing"),
    "seed": _("Seed"),
    "device": _("Device"),
    "threads": _("Threads"),
    "heldout_share": _("Held-out share"),
    "patience": _("Patience, epochs"),
    "loss": _("Loss of a ranking"),
    "normalise": _("Scores are shifted by"),
    "members": _("Members of an ensemble"),
    "ensemble": _("Members differ by"),
    "rankings_per_step": _("Rankings per step"),
    "use_margins": _("Margins"),
    "tie_weight": _("Weight of a tie"),
    "soft_labels": _("Soft labels"),
    "empty_responses": _("Empty responses"),
    "centering": _("Centering"),
    "updates": _("Updates"),
    "episodes": _("Responses per update"),
    "responses_per_prompt": _("Responses per prompt"),
    "minibatch_size": _("Responses per step"),
    "temperature": _("Temperature"),
    "max_new_tokens": _("Longest response, tokens"),
    "truncate_token": _("Cut after the text"),
    "truncate_after": _("Never cut within, tokens"),
    "kl_coefficient": _("KL coefficient"),
    "kl_target": _("KL target, nats"),
    "kl_horizon": _("KL horizon, responses"),
    "kl_estimator": _("KL estimator"),
    "kl_stop": _("KL that ends an update, nats"),
    "clip": _("Clip of the ratio"),
    "value_clip": _("Clip of the value"),
    "value_coefficient": _("Value coefficient"),
    "value_model": _("Value model"),
    "discount": _("Discount (gamma)"),
    "gae_lambda": _("GAE lambda"),
    "whiten_advantages": _("Whiten advantages"),
    "whiten_rewards": _("Whiten rewards"),
    "whiten_variance": _("Variance of whitening"),
    "loss_mean": _("Mean of the loss"),
    "entropy_coefficient": _("Entropy coefficient"),
    "score_clip": _("Clip of the score"),
    "missing_end_score": _("Score without an end"),
    "missing_end_penalty": _("Penalty without an end"),
    "reward_ensemble": _("Several reward models"),
    "ensemble_penalty": _("Ensemble penalty, standard deviations"),
    "reward_weights": _("Reward weights"),
    "pretraining_coefficient": _("Pretraining coefficient"),
    "pretraining_tokens": _("Pretraining tokens per step"),
    "validate_every": _("Updates between validations"),
    "validation_temperature": _("Validation temperature"),
    "keep_best": _("Keep the best by"),
    "keep_bound": _("Refuse what lost"),
    "watch_window": _("Watch window, updates"),
    "watch_stop": _("Stop when scores part"),
    "baseline_n": _("Best of n beside it"),
    "estimate.device": _("Accelerator"),
    "estimate.devices": _("Accelerators"),
    "estimate.utilisation": _("Utilisation"),
    "estimate.peak_tflops": _("Peak of one, TFLOP/s"),
    "estimate.price_per_hour": _("Price of one for an hour"),
    "estimate.recipe": _("Bytes of a weight"),
    "estimate.recompute": _("Activations are recomputed"),
    "estimate.tokens": _("Tokens to train on"),
}


def label_of(verb: str, name: str) -> Words:
    """What a field is called; one without words of its own goes by its name in the spec."""
    return LABELS.get(f"{verb}.{name}") or LABELS.get(name) or name.replace("_", " ").capitalize()
