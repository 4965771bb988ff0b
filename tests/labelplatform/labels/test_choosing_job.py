"""The whole way with real children: answers that wait, two reward models, an order in the queue, arms to train on."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db.models import F

from labelplatform.accounts.models import Project, User
from labelplatform.jobs.models import Artifact, Job
from labelplatform.jobs.services import register_artifact
from labelplatform.labels import services
from labelplatform.labels.models import Campaign, QueueOrder
from labelplatform.labels.services.queue_orders import Choice
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.labels.building import build_campaign, claimed, submit
from tests.labelplatform.labels.ordering import arms, put_in_order, queue

Drain = Callable[[], list[Job]]


def build_tiny_reward_models(project: Project) -> list[Artifact]:
    """Two folders with random weights, as different from each other as two trainings."""
    from tests.trainer.tiny_models import tiny_model
    from trainer.reward_model.model import save_reward_model, with_bias, with_new_head

    made = []
    for seed in (1, 2):
        folder = Path(settings.ARTIFACTS_DIR) / "tiny" / str(seed)
        save_reward_model(with_bias(with_new_head(tiny_model(seed), seed=seed), 0.0, "best tier"), folder)
        name = f"taste {seed}"
        made.append(
            register_artifact(project=project, kind=Artifact.Kind.REWARD_MODEL, name=name, folder=folder)
        )
    return made


@pytest.mark.django_db(transaction=True)
def test_reward_models_order_the_queue(run_jobs: Drain, project: Project, rosa: User, ada: User) -> None:
    campaign = build_campaign(project, rosa, prompts=6, answers=3)
    models = build_tiny_reward_models(project)
    begun = claimed(campaign, ada)
    choice = Choice(control_share=0.4, seed=3)
    asked = services.start_order(campaign=campaign, reward_models=models, choice=choice, by=rosa)
    (job,) = run_jobs()
    assert (job.state, job.failure) == ("succeeded", "")
    assert job.progress["step"] == job.progress["steps"] == 3
    order = QueueOrder.objects.get(pk=asked.pk)
    assert order.in_force_at is not None
    assert order.artifact is not None
    written = [json.loads(line) for line in (order.artifact.path / "order" / "samples.jsonl").open()]
    assert [line["id"] for line in written] == [
        row.item.key for row in order.chosen_items.select_related("item").order_by("place")
    ]
    assert queue(campaign) == list(order.chosen_items.order_by("place").values_list("item", flat=True))
    assert begun.item_id not in arms(order)
    assert sorted(arms(order).values()) == ["chosen"] * 3 + ["control"] * 2
    one = order.chosen_items.select_related("item").first()
    assert one is not None
    assert {int(response) for response in one.scores} == set(one.item.response_ids)
    assert all(len(scores) == 2 for scores in one.scores.values())
    values = list(order.chosen_items.filter(arm="chosen").order_by("place").values_list("value", flat=True))
    assert values == sorted(values, reverse=True)


@pytest.mark.django_db(transaction=True)
def test_what_a_reward_model_cannot_read_is_the_jobs_failure(
    run_jobs: Drain, project: Project, rosa: User
) -> None:
    campaign = build_campaign(project, rosa)
    broken = [build_artifact(project, Artifact.Kind.REWARD_MODEL, f"broken {n}") for n in range(2)]
    asked = services.start_order(campaign=campaign, reward_models=broken, choice=Choice(), by=rosa)
    before = queue(campaign)
    (job,) = run_jobs()
    assert (job.state, job.exit_code) == ("failed", 2)
    assert str(broken[0].path) in job.failure
    asked.refresh_from_db()
    assert (asked.artifact, asked.in_force_at) == (None, None)
    assert queue(campaign) == before


@pytest.fixture
def labelled(project: Project, rosa: User, ada: User) -> QueueOrder:
    """Ten items, every other one drawn at random, all labelled by ada."""
    campaign = build_campaign(project, rosa, prompts=10)
    order = put_in_order(campaign, rosa, list(campaign.items.order_by("-pk")), controls=(2, 4, 6, 8))
    for _turn in range(10):
        submit(claimed(campaign, ada), ada)
    return order


def read(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def export(
    order: QueueOrder, out: Path, **told: object
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    call_command("export_arms", order=order.pk, out=out, stderr=StringIO(), **told)
    return read(out / "chosen.jsonl"), read(out / "control.jsonl")


def items(lines: list[dict[str, object]], split: str) -> set[object]:
    return {line["item"] for line in lines if line["split"] == split}


@pytest.mark.django_db
def test_arms_are_written_with_as_many_labels_and_one_heldout_set(
    labelled: QueueOrder, tmp_path: Path
) -> None:
    # What counts is the place in the order, not when the label came.
    labelled.chosen_items.update(place=11 - F("place"))
    chosen, control = export(labelled, tmp_path)
    key_of = dict(labelled.campaign.items.values_list("pk", "key"))
    arm_of = {key_of[item]: arm for item, arm in arms(labelled).items()}
    assert {arm_of[str(item)] for item in items(chosen, "train")} == {"chosen"}
    assert {arm_of[str(item)] for item in items(control, "train")} == {"control"}
    assert len(items(chosen, "train")) == len(items(control, "train")) == 2
    assert items(chosen, "heldout") == items(control, "heldout")
    assert {arm_of[str(item)] for item in items(chosen, "heldout")} == {"control"}
    assert len(items(chosen, "heldout")) == 2
    # The first of the chosen arm, in the order of the queue.
    first = labelled.chosen_items.filter(arm="chosen").order_by("place").values_list("item", flat=True)[:2]
    assert items(chosen, "train") == {key_of[item] for item in first}
    others = [export(labelled, tmp_path / str(seed), seed=seed) for seed in range(1, 9)]
    assert len({frozenset(items(one, "heldout")) for one, _other in others}) > 2
    _one, fewer = export(labelled, tmp_path / "fewer", heldout_share=0.25)
    assert len(items(fewer, "train")) == 3


@pytest.mark.django_db
def test_a_prompt_that_is_held_out_is_trained_on_by_nobody(
    labelled: QueueOrder, tmp_path: Path, rosa: User
) -> None:
    labelled.campaign.items.update(prompt=labelled.campaign.items.first().prompt)  # type: ignore[union-attr]
    with pytest.raises(SystemExit) as ended:
        export(labelled, tmp_path)
    assert ended.value.code == 2
    assert not (tmp_path / "chosen.jsonl").exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("order", "share", "told"),
    [
        (0, 0.5, "--order: found 0, wanted the number of an order"),
        (None, 0.0, "--heldout-share: found 0.0, wanted a number between 0 and 1"),
        (None, 1.0, "--heldout-share: found 1.0, wanted a number between 0 and 1"),
    ],
)
def test_what_cannot_be_exported_is_told(
    labelled: QueueOrder, tmp_path: Path, order: int | None, share: float, told: str
) -> None:
    said = StringIO()
    number = labelled.pk if order is None else order
    with pytest.raises(SystemExit) as ended:
        call_command("export_arms", order=number, out=tmp_path, heldout_share=share, stderr=said)
    assert ended.value.code == 2
    assert told in said.getvalue()


@pytest.mark.django_db
def test_an_arm_without_a_label_is_told(project: Project, rosa: User, tmp_path: Path) -> None:
    campaign: Campaign = build_campaign(project, rosa, prompts=4)
    order = put_in_order(campaign, rosa, list(campaign.items.all()), controls=(1,))
    said = StringIO()
    with pytest.raises(SystemExit):
        call_command("export_arms", order=order.pk, out=tmp_path, stderr=said)
    assert "found 0 labels of the chosen arm, 0 of the control arm and 0 held out" in said.getvalue()
