"""Forms that start runs, and the estimate beside them, as a researcher uses them; annotators and strangers do not."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from labelplatform.accounts.models import Project, User
from labelplatform.jobs.models import Artifact, Job
from labelplatform.prompts.services import create_prompt_set, import_prompts
from labelplatform.snapshots.models import Snapshot
from labelplatform.training import services
from labelplatform.training.models import TrainingRun
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.training.model_folders import demonstration_lines, model_files
from tests.labelplatform.world import finish

Browser = Callable[[User], Client]
Kind = Artifact.Kind
ROOM = "/p/harbour/training"


@pytest.fixture
def model(project: Project) -> Artifact:
    return build_artifact(project, Kind.BASE_MODEL, "base", files=model_files())


@pytest.fixture
def shown(project: Project) -> Artifact:
    files = {"demonstrations.jsonl": demonstration_lines(10)}
    return build_artifact(project, Kind.CORPUS, "shown", files=files, detail={"files": list(files)})


@pytest.fixture
def text(project: Project) -> Artifact:
    return build_artifact(project, Kind.CORPUS, "tales", files={"a.txt": "a"}, detail={"files": ["a.txt"]})


def sft_form(shown: Artifact, model: Artifact, **changed: Any) -> dict[str, Any]:
    return {"name": "taught", "demonstrations": shown.pk, "model": model.pk, "epochs": 2, **changed}


def test_sft_starts_with_what_was_changed_alone(
    sign_in: Browser, rosa: User, project: Project, shown: Artifact, model: Artifact
) -> None:
    told = {"learning_rate": "0.0005", "packing": "no", "batch_size": 16, "heldout_share": ""}
    answer = sign_in(rosa).post(f"{ROOM}/sft/", sft_form(shown, model, **told))
    run = TrainingRun.objects.get()
    assert answer.headers["Location"] == f"{ROOM}/{run.pk}/"
    assert (run.kind, run.job.requested_by) == ("sft", rosa)
    assert run.job.spec["settings"] == {"epochs": 2, "packing": False}
    assert run.job.spec["inputs"] == {"demonstrations": [shown.digest], "model": [model.digest]}


def test_pretraining_starts_from_nothing_or_goes_on(
    sign_in: Browser, rosa: User, project: Project, text: Artifact, model: Artifact
) -> None:
    browser = sign_in(rosa)
    browser.post(f"{ROOM}/pretrain/", {"name": "new", "corpus": [text.pk], "steps": 500, "layers": 2})
    browser.post(f"{ROOM}/pretrain/", {"name": "on", "corpus": [text.pk], "model": model.pk, "minutes": 2})
    older, newer = TrainingRun.objects.order_by("pk")
    assert older.job.spec["settings"] == {"layers": 2, "steps": 500}
    assert "model" not in older.job.spec["inputs"]
    assert newer.job.spec["settings"] == {"minutes": 2.0}
    assert newer.job.spec["inputs"]["model"] == [model.digest]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"width": 100, "heads": 3}, "width"),
        ({"steps": 10, "minutes": 5}, "steps"),
        ({"batch_tokens": 64}, "batch_tokens"),
        ({"tuning": "lora:4"}, "tuning"),
    ],
)
def test_what_does_not_fit_together_is_said_at_the_field(
    sign_in: Browser, rosa: User, project: Project, text: Artifact, changed: dict[str, Any], field: str
) -> None:
    form = {"name": "new", "corpus": [text.pk], "steps": 500, **changed}
    answer = sign_in(rosa).post(f"{ROOM}/pretrain/", form)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert not Job.objects.exists()


def test_a_refused_field_opens_its_group(
    sign_in: Browser, rosa: User, project: Project, shown: Artifact, model: Artifact
) -> None:
    answer = sign_in(rosa).post(f"{ROOM}/sft/", sft_form(shown, model, warmup_share=1))
    groups = {str(group.title): group.open for group in answer.context["form"].folded()}
    assert answer.status_code == 422
    assert groups["Optimiser"]
    blank = sign_in(rosa).get(f"{ROOM}/sft/").context["form"].folded()
    assert [group.open for group in blank] == [False] * len(blank)


def test_texts_and_demonstrations_are_told_apart(
    sign_in: Browser, rosa: User, project: Project, shown: Artifact, text: Artifact
) -> None:
    written = {"demonstrations.jsonl": demonstration_lines(2), "rankings.jsonl": ""}
    build_artifact(project, Kind.SNAPSHOT, "people wrote", files=written)
    build_artifact(project, Kind.SNAPSHOT, "only ranked", files={"rankings.jsonl": ""})
    browser = sign_in(rosa)
    pretrain, sft = (browser.get(f"{ROOM}/{kind}/").context["form"] for kind in ("pretrain", "sft"))
    assert [one.name for one in pretrain.fields["corpus"].queryset] == ["tales"]
    assert [one.name for one in sft.fields["demonstrations"].queryset] == ["people wrote", "shown"]


def ppo_form(project: Project, by: User, models: list[Artifact], **changed: Any) -> dict[str, Any]:
    prompt_set = create_prompt_set(project=project, name="towns", by=by)
    line = {"id": "1", "prompt": [{"role": "user", "content": "Where is Lima"}]}
    import_prompts(prompt_set=prompt_set, lines=[line], by=by)
    told = {"name": "after", "prompt_set": prompt_set.pk, "policy": models[0].pk}
    return {**told, "reward_model": models[1].pk, **changed}


@pytest.fixture
def models(project: Project, model: Artifact) -> list[Artifact]:
    """A policy and three reward models."""
    return [model, *(build_artifact(project, Kind.REWARD_MODEL, f"judge {n}") for n in range(3))]


def test_ppo_takes_several_reward_models_and_a_judge_of_them(
    sign_in: Browser, rosa: User, project: Project, models: list[Artifact]
) -> None:
    _policy, first, second, third = models
    more = {"more_reward_models": [first.pk, second.pk], "heldout_reward_model": third.pk}
    form = ppo_form(project, rosa, models, **more, reward_ensemble="worst", watch_stop="yes")
    assert sign_in(rosa).post(f"{ROOM}/ppo/", form).status_code == 302
    spec = TrainingRun.objects.get().job.spec
    assert spec["inputs"]["reward_model"] == [first.digest, second.digest]
    assert spec["inputs"]["heldout_reward_model"] == [third.digest]
    assert spec["settings"] == {"reward_ensemble": "worst", "watch_stop": True}


def test_every_reward_model_has_its_weight(
    sign_in: Browser, rosa: User, project: Project, models: list[Artifact]
) -> None:
    form = ppo_form(project, rosa, models, more_reward_models=[models[2].pk])
    browser = sign_in(rosa)
    assert browser.post(f"{ROOM}/ppo/", {**form, "reward_weights": "0.25"}).status_code == 422
    assert browser.post(f"{ROOM}/ppo/", {**form, "reward_weights": "0.25 0.75"}).status_code == 302
    assert TrainingRun.objects.get().job.spec["settings"] == {"reward_weights": [0.25, 0.75]}


def test_an_ensemble_of_one_is_refused_at_its_field(
    sign_in: Browser, rosa: User, project: Project, models: list[Artifact]
) -> None:
    form = ppo_form(project, rosa, models, reward_ensemble="worst")
    answer = sign_in(rosa).post(f"{ROOM}/ppo/", form)
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["reward_ensemble"])


def test_reward_models_keep_empty_responses_unless_told(
    sign_in: Browser, rosa: User, project: Project, model: Artifact
) -> None:
    snapshot = Snapshot.objects.create(
        project=project, name="first", artifact=build_artifact(project, Kind.SNAPSHOT)
    )
    browser = sign_in(rosa)
    for name, said in (("one", "keep"), ("two", "refuse")):
        form = {"name": name, "snapshot": snapshot.pk, "model": model.pk, "empty_responses": said}
        browser.post(f"{ROOM}/reward-model/", form)
    told = [run.job.spec["settings"] for run in TrainingRun.objects.order_by("pk")]
    assert told == [{"empty_responses": "keep"}, {"empty_responses": "refuse"}]


def test_the_estimate_is_asked_for_before_anything_starts(
    sign_in: Browser, rosa: User, project: Project, shown: Artifact, model: Artifact
) -> None:
    form = sft_form(shown, model, name="", epochs=3, **{"estimate-price_per_hour": 2})
    answer = sign_in(rosa).post(f"{ROOM}/estimate/sft/", form)
    said = answer.content.decode()
    assert answer.status_code == 200
    assert "<html" not in said
    assert "11.5\u202fk" in said
    assert "243" in said
    assert "at 2 for an hour" in said
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"epochs": 0, "learning_rate": "x"}, "Mend first: Learning rate, Epochs."),
        ({"estimate-utilisation": 2}, "Mend first: Utilisation."),
        ({"demonstrations": ""}, "Mend first: Demonstrations."),
        ({"estimate-device": "cpu"}, "State the peak of the device"),
    ],
)
def test_an_estimate_that_cannot_be_told_says_why(
    sign_in: Browser,
    rosa: User,
    project: Project,
    shown: Artifact,
    model: Artifact,
    changed: dict[str, Any],
    said: str,
) -> None:
    answer = sign_in(rosa).post(f"{ROOM}/estimate/sft/", sft_form(shown, model, **changed))
    assert answer.status_code == 200
    assert said in answer.content.decode()


def test_without_a_script_a_button_estimates_and_starts_nothing(
    sign_in: Browser, rosa: User, project: Project, shown: Artifact, model: Artifact
) -> None:
    form = sft_form(shown, model, reckon="yes")
    answer = sign_in(rosa).post(f"{ROOM}/sft/", form)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "11.5\u202fk" in page
    assert 'value="taught"' in page
    assert not Job.objects.exists()


def test_a_kind_that_no_form_starts_has_no_estimate(sign_in: Browser, rosa: User, project: Project) -> None:
    assert sign_in(rosa).post(f"{ROOM}/estimate/score/").status_code == 404


PAGES = ["pretrain/", "sft/", "reward-model/", "ppo/", "compare/"]


@pytest.mark.parametrize("page", PAGES)
def test_annotators_do_not_enter(sign_in: Browser, ada: User, ben: User, project: Project, page: str) -> None:
    assert [sign_in(one).get(f"{ROOM}/{page}").status_code for one in (ada, ben)] == [403, 403]


@pytest.mark.parametrize("kind", ["sft", "ppo"])
def test_an_estimate_is_for_researchers_of_the_project(
    sign_in: Browser, ada: User, olga: User, project: Project, other_project: Project, kind: str
) -> None:
    assert sign_in(ada).post(f"{ROOM}/estimate/{kind}/").status_code == 403
    assert sign_in(olga).post(f"{ROOM}/estimate/{kind}/").status_code == 404


def test_nothing_of_another_project_is_offered_or_estimated(
    sign_in: Browser, olga: User, other_project: Project, shown: Artifact, model: Artifact, text: Artifact
) -> None:
    browser = sign_in(olga)
    for kind in ("pretrain", "sft", "ppo", "reward-model"):
        page = browser.get(f"/p/elsewhere/training/{kind}/").content.decode()
        assert not [name for name in ("shown", "tales", ">base<") if name in page]
    form = sft_form(shown, model)
    assert browser.post("/p/elsewhere/training/sft/", form).status_code == 422
    said = browser.post("/p/elsewhere/training/estimate/sft/", form).content.decode()
    assert "Mend first: Demonstrations, Starts from." in said
    assert not Job.objects.exists()


@pytest.mark.parametrize("kind", ["pretrain", "sft", "reward-model", "ppo"])
def test_a_form_asks_the_database_as_often_for_many(
    sign_in: Browser, rosa: User, project: Project, kind: str
) -> None:
    browser = sign_in(rosa)

    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            browser.get(f"{ROOM}/{kind}/")
        return len(seen)

    def build(number: int) -> None:
        for one in (Kind.POLICY, Kind.REWARD_MODEL, Kind.QUESTIONS):
            build_artifact(project, one, f"{one} {number}")
        files = {"demonstrations.jsonl": demonstration_lines(2)}
        build_artifact(project, Kind.CORPUS, f"shown {number}", files=files, detail={"files": list(files)})
        build_artifact(project, Kind.CORPUS, f"text {number}", detail={"files": ["content.txt"]})

    build(0)
    asked()
    before = asked()
    for number in range(1, 4):
        build(number)
    assert asked() == before


def test_a_run_page_shows_answers_and_what_it_took(
    sign_in: Browser, rosa: User, project: Project, shown: Artifact, model: Artifact
) -> None:
    browser = sign_in(rosa)
    browser.post(f"{ROOM}/sft/", sft_form(shown, model))
    run = TrainingRun.objects.get()
    page = browser.get(f"{ROOM}/{run.pk}/").content.decode()
    assert "What it will take" in page
    assert "11.5\u202fk" in page
    assert "<dt>Epochs</dt>" in page
    empty = browser.get(f"{ROOM}/{run.pk}/answers/")
    assert "No answers were kept" in empty.content.decode()


def test_a_coefficient_without_a_text_says_nothing(
    sign_in: Browser, rosa: User, project: Project, models: list[Artifact], text: Artifact
) -> None:
    browser = sign_in(rosa)
    form = ppo_form(project, rosa, models, pretraining_coefficient=0.5)
    browser.post(f"{ROOM}/ppo/", form)
    browser.post(f"{ROOM}/ppo/", {**form, "name": "mixed", "pretraining_text": text.pk})
    older, newer = TrainingRun.objects.order_by("pk")
    assert (older.job.spec["settings"], newer.job.spec["settings"]) == ({}, {"pretraining_coefficient": 0.5})
    assert newer.job.spec["inputs"]["pretraining_text"] == [text.digest]


def test_snapshots_and_prompts_of_another_project_are_not_offered(
    sign_in: Browser, olga: User, rosa: User, project: Project, other_project: Project
) -> None:
    Snapshot.objects.create(
        project=project, name="secret labels", artifact=build_artifact(project, Kind.SNAPSHOT)
    )
    create_prompt_set(project=project, name="secret prompts", by=rosa)
    browser = sign_in(olga)
    for kind in ("reward-model", "ppo"):
        assert "secret" not in browser.get(f"/p/elsewhere/training/{kind}/").content.decode()


def test_a_judge_is_no_language_model_and_a_language_model_no_judge(
    project: Project, rosa: User, models: list[Artifact], text: Artifact
) -> None:
    policy, judge, *_others = models
    told: dict[str, Any] = {"project": project, "name": "wrong", "settings": {"steps": 5}, "by": rosa}
    with pytest.raises(ValidationError, match="is a reward model"):
        services.start_pretraining(corpus=text, model=judge, **told)
    with pytest.raises(ValidationError, match="is a base model"):
        services.start_ppo(
            prompts=text, policy=policy, reward_model=judge, heldout_reward_model=policy, **told
        )
    assert not Job.objects.exists()


def test_answers_are_shown_to_researchers_as_they_ask(
    sign_in: Browser, ada: User, rosa: User, project: Project, shown: Artifact, model: Artifact
) -> None:
    browser = sign_in(rosa)
    browser.post(f"{ROOM}/sft/", sft_form(shown, model))
    run = TrainingRun.objects.get()
    finish(run.job)
    lines = [
        {
            "id": str(number),
            "prompt": [{"role": "user", "content": f"question {number}"}],
            "before": "a",
            "after": "<b>",
            "score_before": 0,
            "score_after": number,
        }
        for number in range(30)
    ]
    path = run.job.run_folder / "out" / "samples.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    page = f"{ROOM}/{run.pk}/answers/"
    shown_page = browser.get(page, {"words": "question", "order": "gained", "page": "2"}).context["page"]
    assert (shown_page.number, shown_page.pages) == (2, 2)
    assert [sample.id for sample in shown_page.samples] == [str(number) for number in range(9, -1, -1)]
    said = browser.get(page, {"page": "9" * 20, "words": '"><script>'}).content.decode()
    assert "&lt;b&gt;" not in said
    assert "<script>" not in said.replace('<script type="module"', "")
    assert sign_in(ada).get(page).status_code == 403
    assert "All 30 answers" in browser.get(f"{ROOM}/{run.pk}/").content.decode()
