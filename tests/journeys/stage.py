"""What stands on the stage before a journey begins, and what the stated rule does in between: a program of its own.

    python -m tests.journeys.stage prepare | judge POLICY

A small world with exact truth: walks to one goal, the shorter the better. Two writers of walks are known: "walker", a
model pretrained here in seconds, and "wanderer", plain chance. ada finds two sets of five answers to rank; a rule
ranks the others by true length. `judge` has the rule compare the answers that POLICY gave since with walker's.
"""

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import django

from tests.trainer.shortest_path import GOAL, World, prompt_lines, walk_documents, write_lines

PASSWORD = "correct horse battery staple"
SEED = 3
ANSWERS, SETS, PER_RANKING = 5, 4, 9
# Large enough that its training can be watched, small enough for a minute.
SHAPE = ["--layers", "3", "--width", "96", "--heads", "4", "--context", "48", "--vocabulary", "300"]
LEARN = ["--steps", "200", "--batch-tokens", "1024", "--learning-rate", "0.003"]


def run_trainer(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "trainer", *arguments, "--progress", "none"], check=True)


def prepare() -> None:
    """Database, people, project, the two writers, their answers, and the rankings of the rule."""
    from django.conf import settings
    from django.core.management import call_command

    from labelplatform.accounts.models import Role
    from labelplatform.accounts.services import create_project, create_user, set_role
    from labelplatform.jobs.models import Artifact
    from labelplatform.jobs.services import register_artifact
    from labelplatform.labels.services import add_items, create_campaign
    from labelplatform.prompts.services import create_prompt_set, import_responses

    call_command("migrate", verbosity=0)
    project = create_project(
        name="Walks", slug="walks", by=None, description="The shorter the walk, the better."
    )
    ada = create_user(username="ada", password=PASSWORD, by=None)
    rosa = create_user(username="rosa", password=PASSWORD, by=None)
    set_role(project=project, user=ada, role=Role.ANNOTATOR, by=None)
    set_role(project=project, user=rosa, role=Role.RESEARCHER, by=None)
    world = World(SEED)
    folder = Path(settings.ARTIFACTS_DIR) / "journey"
    model = pretrained(world, folder)
    walker = register_artifact(project=project, kind=Artifact.Kind.BASE_MODEL, name="walker", folder=model)
    answers = answers_of_walker(world, folder, model)
    walks = create_prompt_set(project=project, name="Walks", purpose="From anywhere to the goal.", by=rosa)
    import_responses(prompt_set=walks, lines=answers, by=rosa, policy=walker)
    campaign = create_campaign(
        project=project,
        name="Shortest walks",
        by=rosa,
        guidelines=f"The walk should end in **{GOAL}**, and soon.",
    )
    add_items(campaign=campaign, prompts=list(walks.prompts.all()[:2]), by=rosa, responses_per_item=ANSWERS)
    record("By true length", [*answers, *answers_of_chance(world)], project, rosa)


def pretrained(world: World, folder: Path) -> Path:
    """A model that has read random walks."""
    folder.mkdir(parents=True)
    text = write_lines(folder / "walks.jsonl", walk_documents(world, 1500, SEED))
    run_trainer("pretrain", str(text), "--out", str(folder / "walker"), *SHAPE, *LEARN)
    return folder / "walker"


def answers_of_walker(world: World, folder: Path, model: Path) -> list[dict[str, Any]]:
    """Sampled answers to each prompt, enough for several rankings."""
    asked, out = write_lines(folder / "prompts.jsonl", prompt_lines(world)), folder / "answers.jsonl"
    how = ["--responses-per-prompt", str(ANSWERS * SETS), "--max-new-tokens", "20", "--seed", str(SEED)]
    run_trainer("sample", str(asked), "--model", str(model), "--out", str(out), *how)
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    return [{**line, "policy": "walker", "response_id": f"walker-{n}"} for n, line in enumerate(lines)]


def answers_of_chance(world: World) -> list[dict[str, Any]]:
    """As many random walks from each place."""
    drawn = random.Random(SEED)
    return [
        {**line, "response": " ".join(world.walk(str(line["start"]), drawn)), "policy": "wanderer"}
        | {"response_id": f"wanderer-{line['id']}-{n}"}
        for line in prompt_lines(world)
        for n in range(ANSWERS * SETS)
    ]


def judge(policy: str) -> None:
    """The rule compares what POLICY answered since with what walker answered before."""
    from labelplatform.accounts.models import Project, User
    from labelplatform.prompts.models import Response

    world, project = World(SEED), Project.objects.get(slug="walks")
    known = {str(line["id"]): line for line in prompt_lines(world)}
    rows = Response.objects.filter(prompt__prompt_set__project=project, policy__name__in=[policy, "walker"])
    rows = rows.filter(prompt__prompt_set__name="Walks").select_related("prompt", "policy")
    lines = [
        {
            **known[row.prompt.key],
            "response": row.text,
            "policy": row.policy_name,
            "response_id": f"since-{row.key}",
        }
        for row in rows
    ]
    record("After feedback", lines, project, User.objects.get(username="rosa"))


def record(campaign_name: str, lines: list[dict[str, Any]], project: Any, by: Any) -> None:
    """Four rankings by true optimality of each prompt, answers of both writers in each; equals tie."""
    from labelplatform.labels.models import Campaign
    from labelplatform.labels.services import create_campaign, record_rankings

    world = World(SEED)
    by_start: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        by_start.setdefault(str(line["start"]), []).append(line)
    rankings = [
        ranking(world, f"{campaign_name}-{start}-{first}", start, answers[first::SETS][:PER_RANKING])
        for start, answers in sorted(by_start.items())
        for first in range(SETS)
    ]
    campaign = create_campaign(
        project=project, name=campaign_name, by=by, overlap=0, source=Campaign.Source.IMPORT
    )
    record_rankings(campaign=campaign, rankings=rankings, by=by)


def ranking(world: World, key: str, start: str, answers: list[dict[str, Any]]) -> dict[str, Any]:
    """One ranking line."""
    worth = {str(a["response_id"]): world.optimality(start, str(a["response"])) for a in answers}
    levels = sorted(set(worth.values()), reverse=True)
    return {
        "id": key,
        "prompt": answers[0]["prompt"],
        "prompt_id": answers[0]["id"],
        "responses": [
            {"id": a["response_id"], "text": a["response"], "policy": a["policy"]} for a in answers
        ],
        "tiers": [[name for name in worth if worth[name] == level] for level in levels],
        "annotator": "true-length",
        "kind": "ranking",
        "source": "import",
    }


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labelplatform.settings")
    django.setup()
    prepare() if sys.argv[1] == "prepare" else judge(sys.argv[2])
