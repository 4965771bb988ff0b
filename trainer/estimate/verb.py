"""The verb `estimate`: prints, as one JSON object, what a run will take; beside it what a finished run took."""

import json
import sys
from pathlib import Path
from typing import cast

from trainer import json_lines, run_folder, specs
from trainer.errors import BadInput
from trainer.estimate.devices import device_named
from trainer.estimate.memory import State
from trainer.estimate.plans import Plan, plan_of
from trainer.estimate.shapes import stored_parameters, told
from trainer.estimate.specs import EstimateSpec
from trainer.json_lines import JsonObject, kind_of
from trainer.progress import ProgressMode
from trainer.spec_fields import REQUIRED
from trainer.specs import PretrainSpec, TrainingSpec

FORMAT = "labelplatform-estimate/1"
TRAINING = {
    one.verb: one for one in (specs.PretrainSpec, specs.SftSpec, specs.RewardModelSpec, specs.PpoSpec)
}
# Keys of ours that may stand in the run's spec; `device` there is the run's own.
OURS = frozenset(entry.name for entry in EstimateSpec.fields()) - {"run", "device", "out"}


def run(spec: EstimateSpec, mode: ProgressMode) -> None:
    """Prints the estimate to stdout, and writes it to `spec.out` where one is named."""
    path = Path(spec.run) / run_folder.SPEC if Path(spec.run).is_dir() else Path(spec.run)
    of_run, own = read_run(path, spec)
    found = estimate(of_run, own)
    found["took"] = took(path.parent)
    if spec.out is not None:
        json_lines.write_json_atomically(spec.out, found)
    json.dump(found, sys.stdout, indent=2, ensure_ascii=False, allow_nan=False)
    sys.stdout.write("\n")


def read_run(path: Path, spec: EstimateSpec) -> tuple[TrainingSpec, EstimateSpec]:
    """The spec of the run at `path`, and ours with the keys that stand beside it there; flags win.

    What only a run itself needs (its texts, where it writes) may be missing. Refuses what is no training spec.
    """
    of_run = json_lines.read_json(path)
    verb = of_run.get("verb", PretrainSpec.verb if "layers" in of_run else None)
    kind = TRAINING.get(verb) if isinstance(verb, str) else None
    if kind is None:
        raise BadInput(f"{path}: verb: found {kind_of(verb)}, wanted one of {', '.join(TRAINING)}")
    beside = of_run.pop("estimate", {})
    if not isinstance(beside, dict):
        raise BadInput(f"{path}: estimate: found {kind_of(beside)}, wanted an object")
    names = {entry.name for entry in kind.fields()}
    ours = {**{name: of_run.pop(name) for name in OURS - names if name in of_run}, **beside}
    flags = {
        entry.name: value
        for entry in EstimateSpec.fields()
        if (value := getattr(spec, entry.name)) != (None if entry.default is REQUIRED else entry.default)
    }
    own = EstimateSpec.from_json({**ours, **flags}, str(path))
    for name, stand_in in (("out", "-"), ("texts", ["-"])):
        if name in names:
            of_run.setdefault(name, stand_in)
    if kind is PretrainSpec and own.tokens is not None and {"steps", "minutes"}.isdisjoint(of_run):
        of_run["steps"] = 1
    return cast(TrainingSpec, kind.from_json({**of_run, "verb": kind.verb}, str(path))), own


def estimate(of_run: TrainingSpec, own: EstimateSpec) -> JsonObject:
    """Parameters, tokens, operations, memory, time and cost of the run."""
    if isinstance(of_run, PretrainSpec) and of_run.minutes is not None and own.tokens is None:
        raise BadInput("minutes: found a run by the clock, wanted --tokens: how many it will read")
    plan = plan_of(of_run)
    scale = 1.0 if own.tokens is None else own.tokens / plan.tokens
    recompute = own.recompute or of_run.gradient_checkpointing
    size = parameters(of_run, plan)
    by_rule = scale * size * ((8 if recompute else 6) * plan.learned + 2 * plan.passed)
    return {
        "format": FORMAT,
        "verb": of_run.verb,
        "shape": told(plan.shape),
        "parameters": {
            "formula": plan.shape.parameters_by_formula,
            "counted": plan.shape.parameters,
            "stored": _stored(of_run),
            "trainable": plan.trainable,
            "frozen": plan.frozen,
        },
        "tokens": round(scale * plan.tokens),
        "flops": {
            "rule": f"{8 if recompute else 6}ND"
            + (" + 2ND of passes that do not learn" if plan.passed else ""),
            "by_rule": by_rule,
            "counted": scale * plan.counted.total,
            "counted_matmul": scale * plan.counted.matmul,
            "counted_attention": scale * plan.counted.attention,
            "parts": {name: scale * part.total for name, part in plan.parts.items()},
        },
        "memory": memory(plan, own),
        **time_and_cost(by_rule, own),
    }


def parameters(of_run: TrainingSpec, plan: Plan) -> int:
    """N of the rule: the formula's for a model from nothing, as papers state it; else the counted one."""
    return plan.shape.parameters_by_formula if isinstance(of_run, PretrainSpec) else plan.shape.parameters


def memory(plan: Plan, own: EstimateSpec) -> JsonObject:
    """Bytes of the training state by recipe, of what depends on the batch, and of our trainer's peak."""
    state = State(plan.trainable, plan.frozen, own.recipe)  # type: ignore[arg-type]
    both = {name: State(plan.trainable, plan.frozen, name) for name in ("autocast", "half-copies")}
    return {
        "recipe": own.recipe,
        "bytes_per_trainable_parameter": State(1, 0, state.recipe).bytes,
        "state": state.told(),
        "state_gb": state.bytes / 1e9,
        "state_gb_by_recipe": {name: one.bytes / 1e9 for name, one in both.items()},
        "activation_bytes": plan.kept,
        "logit_bytes": plan.logits,
        "decoding_cache_bytes": plan.cache,
        "peak_bytes": plan.peak(),
    }


def time_and_cost(flops: float, own: EstimateSpec) -> JsonObject:
    """Device-hours at the stated utilisation, days on so many devices, cost at the stated price.

    null where no peak or no price is stated.
    """
    device = device_named(own.device)
    peak = own.peak_tflops or device.peak_tflops
    if peak is None:
        return {"time": None, "cost": None}
    hours = flops / (peak * 1e12 * own.utilisation * 3600)
    time: JsonObject = {
        "device": own.device,
        "device_memory_gb": device.memory_gb,
        "peak_tflops": peak,
        "utilisation": own.utilisation,
        "devices": own.devices,
        "device_hours": hours,
        "days": hours / own.devices / 24,
    }
    price = own.price_per_hour
    return {
        "time": time,
        "cost": None if price is None else {"price_per_hour": price, "total": price * hours},
    }


def took(folder: Path) -> JsonObject | None:
    """What the finished run in `folder` really took; None where there is none."""
    if not run_folder.is_finished(folder):
        return None
    outcome = run_folder.read_outcome(folder)
    metrics = outcome["metrics"]
    assert isinstance(metrics, dict)
    names = ("cpu_seconds", "memory", "parameters", "trainable_parameters", "tokens", "steps", "updates")
    return {"seconds": outcome["seconds"], **{name: metrics[name] for name in names if name in metrics}}


def _stored(of_run: TrainingSpec) -> int | None:
    folder = getattr(of_run, "model", None) or getattr(of_run, "policy", None)
    return stored_parameters(folder) if folder else None
