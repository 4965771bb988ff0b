"""A training room with models small enough to reckon by hand, two reward models and a PPO run with answers.

python -m tests.journeys.training_stage prepare
"""

import json
import os
import sys

import django


def prepare() -> None:
    """Database, people, and runs of which some have ended."""
    from django.core.management import call_command

    from labelplatform.jobs.models import Artifact
    from tests.labelplatform.builders import build_artifact
    from tests.labelplatform.training.model_folders import demonstration_lines, model_files
    from tests.labelplatform.world import build_stock

    call_command("migrate", verbosity=0)
    stock = build_stock("harbour")
    project = stock.project
    files = {"demonstrations.jsonl": demonstration_lines(10)}
    build_artifact(project, Artifact.Kind.CORPUS, "shown", files=files, detail={"files": list(files)})
    build_artifact(project, Artifact.Kind.CORPUS, "words", files={"a.txt": "a"}, detail={"files": ["a.txt"]})
    build_artifact(project, Artifact.Kind.BASE_MODEL, "base", files=model_files())
    _train(stock)


def _train(stock: object) -> None:
    """A second reward model, told otherwise, and the PPO run's end with its answers."""
    from labelplatform.jobs.models import Artifact
    from labelplatform.training import services
    from tests.labelplatform.builders import build_artifact
    from tests.labelplatform.world import Stock, finish

    assert isinstance(stock, Stock)
    second = services.start_reward_model(
        project=stock.project,
        name="what people prefer, slowly",
        snapshot=stock.snapshot,
        model=stock.policies[1],
        settings={"learning_rate": 1e-5, "seed": 1},
        by=stock.people["researcher"],
    )
    finish(second.job)
    metrics = {"heldout_accuracy": 0.77, "heldout_accuracy_low": 0.7, "heldout_accuracy_high": 0.83}
    second.output = build_artifact(
        stock.project,
        Artifact.Kind.REWARD_MODEL,
        second.name,
        made_by=second.job,
        detail={"metrics": metrics},
    )
    second.save()
    ppo = finish(stock.runs[1].job)
    lines = [
        {
            "id": str(number),
            "prompt": [{"role": "user", "content": f"In which country is town {number}?"}],
            "before": "I do not know.",
            "after": "In Portugal." if number % 2 else "I do not know.",
            "score_before": -0.5,
            "score_after": 0.1 * number,
        }
        for number in range(45)
    ]
    path = ppo.run_folder / "out" / "samples.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labelplatform.settings")
    django.setup()
    assert sys.argv[1] == "prepare"
    prepare()
