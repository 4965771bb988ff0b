"""The estimate on a page is the trainer's own; what cannot be told is said so."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.utils.translation import override

from labelplatform.accounts.models import Project, User
from labelplatform.jobs.models import Artifact
from labelplatform.prompts.services import create_prompt_set, import_prompts
from labelplatform.training import estimates, services
from labelplatform.training.estimate_words import (
    Figure,
    power_of_ten,
    short,
    took_rows,
    words_of,
)
from labelplatform.training.estimates import Reckoned, reckon, reckon_job, thin
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.training.model_folders import PARAMETERS, demonstration_lines, model_files
from tests.labelplatform.world import finish
from trainer import cli

Kind = Artifact.Kind


@pytest.fixture
def model(project: Project) -> Artifact:
    return build_artifact(project, Kind.BASE_MODEL, "base", files=model_files())


@pytest.fixture
def shown(project: Project) -> Artifact:
    files = {"demonstrations.jsonl": demonstration_lines(10)}
    return build_artifact(project, Kind.CORPUS, "shown", files=files, detail={"files": list(files)})


def sft(shown: Artifact, model: Artifact, assumed: dict[str, Any] | None = None, **settings: Any) -> Reckoned:
    return reckon("sft", settings, {"demonstrations": [shown], "model": [model]}, assumed or {})


def test_sft_is_reckoned_by_hand(shown: Artifact, model: Artifact) -> None:
    """Nine of ten demonstrations, three times, nine tokens each; 6ND operations."""
    told = sft(shown, model).told
    assert told is not None
    assert told["parameters"]["counted"] == PARAMETERS == 11536
    assert told["tokens"] == 3 * 9 * 9
    assert told["flops"]["by_rule"] == 6 * 11536 * 243


def test_it_is_what_the_command_says(
    shown: Artifact, model: Artifact, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = {
        "verb": "sft",
        "demonstrations": str(shown.path / "demonstrations.jsonl"),
        "model": str(model.path),
        "tuning": "lora:4",
    }
    path = tmp_path / "told.json"
    path.write_text(json.dumps(spec), "utf-8")
    assert cli.main(["estimate", str(path), "--device", "h100", "--price-per-hour", "3"]) == 0
    wanted = json.loads(capsys.readouterr().out)
    assert wanted.pop("took") is None
    assert sft(shown, model, {"device": "h100", "price_per_hour": 3.0}, tuning="lora:4").told == wanted


def test_ppo_counts_the_prompts_of_a_set(project: Project, rosa: User, model: Artifact) -> None:
    prompt_set = create_prompt_set(project=project, name="towns", by=rosa)
    line = {"id": "1", "prompt": [{"role": "user", "content": "Where is Lima"}]}
    import_prompts(prompt_set=prompt_set, lines=[line], by=rosa)
    inputs: dict[str, Any] = {"prompts": [prompt_set], "policy": [model], "reward_model": [model]}
    settings = {"updates": 2, "episodes": 8, "minibatch_size": 8, "max_new_tokens": 4}
    told = reckon("ppo", settings, inputs, {}).told
    assert told is not None
    assert told["tokens"] == 2 * 8 * (6 + 4)
    more = {"id": "2", "prompt": [{"role": "user", "content": "Where is Lima now then do say it"}]}
    import_prompts(prompt_set=prompt_set, lines=[more], by=rosa)
    # 6 and 11 tokens have a mean of 8.5, rounded to the even 8.
    again = reckon("ppo", settings, inputs, {}).told
    assert again is not None
    assert again["tokens"] == 2 * 8 * (8 + 4)


def test_a_thinned_prompt_set_asks_for_as_many_responses(
    project: Project, rosa: User, model: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt_set = create_prompt_set(project=project, name="towns", by=rosa)
    lines = [{"id": str(n), "prompt": [{"role": "user", "content": "Where is Lima"}]} for n in range(20)]
    import_prompts(prompt_set=prompt_set, lines=lines, by=rosa)
    monkeypatch.setattr(estimates, "MOST_BYTES", 300)
    inputs: dict[str, Any] = {"prompts": [prompt_set], "policy": [model], "reward_model": [model]}
    found = reckon("ppo", {"updates": 2, "episodes": 32, "max_new_tokens": 4}, inputs, {})
    assert found.told is not None
    assert (found.every > 1, found.told["tokens"]) == (True, 2 * 32 * (6 + 4))


def test_pretraining_from_nothing_needs_no_model(project: Project) -> None:
    text = build_artifact(project, Kind.CORPUS, files={"a.txt": "a"}, detail={"files": ["a.txt"]})
    settings = {"steps": 10, "layers": 2, "width": 64, "context": 32, "batch_tokens": 100}
    told = reckon("pretrain", settings, {"texts": [text]}, {}).told
    assert told is not None
    assert told["tokens"] == 10 * 3 * 32


def test_a_run_by_the_clock_says_what_is_missing(project: Project) -> None:
    text = build_artifact(project, Kind.CORPUS, files={"a.txt": "a"}, detail={"files": ["a.txt"]})
    found = reckon("pretrain", {"minutes": 5.0}, {"texts": [text]}, {})
    assert found.told is None
    assert "--tokens" in found.refusal
    assert reckon("pretrain", {"minutes": 5.0}, {"texts": [text]}, {"tokens": 1000}).told is not None


def test_nothing_is_reckoned_before_the_inputs_are_chosen(shown: Artifact, model: Artifact) -> None:
    for inputs in ({"model": [model]}, {"demonstrations": [shown]}, {}):
        found = reckon("sft", {}, inputs, {})
        assert (found.told, found.refusal.split(":")[0]) == (None, "Choose what it is given first")


def test_a_refusal_tells_no_place_of_this_site(
    project: Project, shown: Artifact, settings: Any, tmp_path: Path
) -> None:
    found = sft(shown, build_artifact(project, name="nameless"))
    assert found.told is None
    assert "nameless: found no config.json" in found.refusal
    assert str(settings.ARTIFACTS_DIR) not in found.refusal


def test_of_large_data_every_nth_line_is_counted(
    project: Project, model: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = demonstration_lines(400)
    files = {"demonstrations.jsonl": text}
    large = build_artifact(project, Kind.CORPUS, files=files, detail={"files": list(files)})
    whole = sft(large, model, heldout_share=0.0)
    monkeypatch.setattr(estimates, "MOST_BYTES", len(text) // 4)
    estimates._remembered.cache_clear()
    thinned = sft(large, model, heldout_share=0.0)
    estimates._remembered.cache_clear()
    assert whole.told is not None
    assert thinned.told is not None
    assert (whole.every, thinned.every) == (1, 5)
    # 80 of 400 lines, five times.
    assert thinned.told["tokens"] == whole.told["tokens"] == 3 * 400 * 9
    assert thinned.told["flops"]["by_rule"] == whole.told["flops"]["by_rule"]
    assert "5" in words_of(thinned).note
    assert words_of(whole).note == ""


def test_only_what_is_counted_is_thinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimates, "MOST_BYTES", 10)
    snapshot, scratch = tmp_path / "snapshot", tmp_path / "scratch"
    for folder in (snapshot, scratch):
        folder.mkdir()
    (snapshot / "rankings.jsonl").write_text("".join(f"{n}\n" for n in range(10)), "utf-8")
    step, path = thin("reward-model", "rankings", snapshot, scratch)
    assert (step, Path(path).read_text("utf-8")) == (2, "0\n2\n4\n6\n8\n")
    assert thin("reward-model", "demonstrations", snapshot / "rankings.jsonl", scratch)[0] == 1
    assert thin("ppo", "policy", snapshot, scratch) == (1, str(snapshot))
    assert thin("sft", "demonstrations", tmp_path / "gone", scratch) == (1, str(tmp_path / "gone"))


def test_the_same_question_is_reckoned_once(
    shown: Artifact, model: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sft(shown, model)
    monkeypatch.setattr(estimates, "estimate", None)
    assert sft(shown, model) == first


def test_a_promised_run_is_reckoned_from_its_frozen_spec(
    project: Project, rosa: User, shown: Artifact, model: Artifact
) -> None:
    run = services.start_sft(
        project=project, name="after", demonstrations=shown, model=model, settings={"epochs": 2}, by=rosa
    )
    told = reckon_job(run.job, {}).told
    assert told is not None
    assert told["tokens"] == 2 * 9 * 9
    assert estimates.really_took(run.job) == {}
    finish(run.job)
    outcome = {"format": "labelplatform-outcome/1", "metrics": {"cpu_seconds": 2.0}, "seconds": 3.5}
    (run.job.run_folder / "out" / "outcome.json").write_text(json.dumps(outcome), "utf-8")
    assert estimates.really_took(run.job) == {"seconds": 3.5, "cpu_seconds": 2.0}


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0, "", "0"),
        (999, "", "999"),
        (1000, "", "1\u202fk"),
        (11536, "", "11.5\u202fk"),
        (134_515_008, "", "135\u202fM"),
        (174_579_068_928, "", "175\u202fB"),
        (3.5e12, "B", "3.5\u202fTB"),
        (1_234_567_890, "B", "1.23\u202fGB"),
        (512, "B", "512\u202fB"),
        (0.25, "", "0.25"),
        (999_600, "", "1\u202fM"),
    ],
)
def test_short_numbers(value: float, unit: str, said: str) -> None:
    assert short(value, unit) == said


def test_powers_of_ten() -> None:
    assert power_of_ten(3.14159e23) == "3.14 × 10²³"
    assert power_of_ten(9.999e-4) == "1.00 × 10⁻³"
    assert power_of_ten(0) == "0"


def test_words_say_figures_with_what_they_rest_on(shown: Artifact, model: Artifact) -> None:
    words = words_of(sft(shown, model, {"peak_tflops": 1e-6, "price_per_hour": 36.0, "utilisation": 0.5}))
    said = {figure.label: figure for figure in words.figures}
    assert said["Parameters"].value == "11.5\u202fk"
    assert said["Tokens"].value == "243"
    # 6 · 11536 · 243 operations at half of 10⁶ a second.
    assert said["Time"].value == "34 s"
    assert said["Time"].note == "1 × a100-80gb at 50 % of 1e-06 TFLOP/s"
    assert said["Cost"].value == "0.34"
    assert words.warning == ""
    assert [figure.label for figure in words.memory][:3] == ["weights", "gradients", "Adam's moments"]
    assert words.parts == (Figure("learn", power_of_ten(sum_of_parts(shown, model))),)


def sum_of_parts(shown: Artifact, model: Artifact) -> float:
    told = sft(shown, model).told
    assert told is not None
    return float(told["flops"]["parts"]["learn"])


def test_what_cannot_be_told_is_said_so(shown: Artifact, model: Artifact) -> None:
    said = {figure.label: figure for figure in words_of(sft(shown, model, {"device": "cpu"})).figures}
    assert (said["Time"].value, said["Cost"].value) == ("not known", "not known")
    assert "peak" in said["Time"].note
    assert "time" in said["Cost"].note
    priced = {figure.label: figure for figure in words_of(sft(shown, model)).figures}
    assert "price" in priced["Cost"].note
    assert words_of(Reckoned(None, "No.")).refusal == "No."


def test_what_takes_no_time_to_speak_of_takes_some(shown: Artifact, model: Artifact) -> None:
    said = {figure.label: figure for figure in words_of(sft(shown, model)).figures}
    assert said["Time"].value == "less than 1 s"


def test_several_devices_share_the_time(shown: Artifact, model: Artifact) -> None:
    one = {"peak_tflops": 1e-6, "utilisation": 0.5}
    said = {f.label: f for f in words_of(sft(shown, model, {**one, "devices": 2})).figures}
    assert said["Time"].value == "17 s"
    assert said["Time"].note.endswith("; 34 s of one device")


def test_too_little_memory_is_a_warning(project: Project, shown: Artifact) -> None:
    wide = build_artifact(
        project,
        Kind.BASE_MODEL,
        files=model_files(
            hidden_size=8192, num_hidden_layers=80, intermediate_size=22016, num_attention_heads=64
        ),
    )
    words = words_of(sft(shown, wide))
    assert words.warning.endswith("one a100-80gb has 80\u202fGB.")
    assert words_of(sft(shown, wide, {"device": "cpu"})).warning == ""


def test_what_it_took_stands_beside_what_was_reckoned(shown: Artifact, model: Artifact) -> None:
    told = sft(shown, model)
    took = {
        "parameters": 11536,
        "trainable_parameters": 5768,
        "seconds": 75.0,
        "cpu_seconds": 2.0,
        "memory": {
            "peak_bytes": 1_000_000,
            "trainable_weight_bytes": 4 * 11536,
            "gradient_bytes": 4 * 11536,
            "optimiser_bytes": 4 * 11536,
            "activation_bytes": 1000,
        },
    }
    rows = {row.label: row for row in took_rows(told, took)}
    assert (rows["Parameters"].ratio, rows["Parameters that learn"].ratio) == ("1", "0.5")
    assert rows["Tokens"].took == "–"
    whole = rows["Memory, of the whole process"]
    assert (whole.took, whole.ratio) == ("1\u202fMB", "")
    # Two moments were reckoned, one was held.
    assert rows["Training state"].ratio == "0.75"
    assert rows["Activations"].took == "1\u202fkB"
    assert (rows["Time"].took, rows["Time"].ratio) == ("1 min 15 s", "")
    assert told.told is not None
    reached = told.told["flops"]["counted"] / 2
    assert rows["Reached"].took == short(reached, "FLOP/s")
    assert "Tokens" not in {row.label for row in took_rows(Reckoned(None), took)}


def test_weights_that_stay_are_no_training_state(shown: Artifact, model: Artifact) -> None:
    """Adapters of rank 4 at seven layers of two blocks: 2 · 4 · (4·32 + 3·64) weights at 16 bytes."""
    rows = {row.label: row for row in took_rows(sft(shown, model, tuning="lora:4"), {"seconds": 1.0})}
    assert 2 * 4 * (4 * 32 + 3 * 64) * 16 == 40_960
    assert rows["Training state"].estimated == "41\u202fkB"


def test_a_remembered_refusal_is_told_in_the_readers_language(project: Project, shown: Artifact) -> None:
    bare = build_artifact(project, name="bare")
    assert sft(shown, bare).refusal.startswith("It cannot be told: bare")
    with override("zh-hans"):
        assert sft(shown, bare).refusal.startswith("无法估算：bare")
    assert sft(shown, bare).refusal.startswith("It cannot be told: bare")
