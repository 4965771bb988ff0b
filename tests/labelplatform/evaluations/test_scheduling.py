"""Any suite is asked from the browser: its own fields, its questions, checked before a job is promised."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from evaluator.suites.catalogue import HERE
from labelplatform.accounts.models import Project, User
from labelplatform.evaluations import command_lines, material, services
from labelplatform.evaluations.forms import EvaluationForm
from labelplatform.evaluations.models import EvaluationRun
from labelplatform.evaluations.suites import SUITES, suites_for
from labelplatform.jobs.models import Artifact, Job
from labelplatform.prompts.models import PromptSet
from labelplatform.prompts.services import create_prompt_set, import_prompts
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.evaluations.test_command_lines import RUN, heard

Browser = Callable[[User], Client]
Kind = Artifact.Kind
ADDRESS = "/p/harbour/evaluations/evaluate/"
LINE = {"id": "1", "prompt": [{"role": "user", "content": "Where is Lima?"}], "references": ["Peru"]}


@pytest.fixture
def prompt_set(project: Project, rosa: User) -> PromptSet:
    prompt_set = create_prompt_set(project=project, name="towns", by=rosa)
    import_prompts(prompt_set=prompt_set, lines=[LINE], by=rosa)
    return prompt_set


@pytest.fixture
def model(project: Project) -> Artifact:
    return build_artifact(project, name="model")


def corpus(project: Project) -> Artifact:
    files = {"corpus.jsonl": '{"id": "a", "text": "x"}\n'}
    return build_artifact(project, Kind.CORPUS, files=files, detail={"files": list(files)})


def told(run: EvaluationRun) -> dict[str, Any]:
    return heard(command_lines.evaluate_command(run.job, RUN))


def test_the_web_knows_the_evaluators_suites_and_variants() -> None:
    ours = {name: tuple(one.name for one in offer.variants) for name, offer in SUITES.items()}
    assert ours == {name: suite.variants for name, suite in HERE.items()}


@pytest.mark.parametrize("name", SUITES)
def test_each_form_has_the_suites_own_fields(project: Project, name: str) -> None:
    offer = SUITES[name]
    form = EvaluationForm(project, offer)
    data = set() if offer.data == "none" else {"questions", "prompt_set", "file"}
    own = {"name", "suite", "subject", "variant", "seed", "limit"} | data | set(offer.all_fields())
    assert set(form.fields) == own
    assert {field.name for field in (*form.shown_first, *form.folded)} == own - {"suite"}


def test_suites_are_offered_by_what_can_be_asked() -> None:
    assert [one.name for one in suites_for(Kind.REWARD_MODEL)] == ["reward-agreement"]
    assert "in-context-learning" not in [one.name for one in suites_for(Kind.RESPONSES)]
    assert [one.name for one in suites_for("")] == list(SUITES)


def test_truthfulness_hears_its_flags(sign_in: Browser, rosa: User, model: Artifact) -> None:
    form = {
        "suite": "truthfulness", "name": "tqa", "subject": model.pk, "variant": "generation", "seed": 2, "limit": 7,
        "prompt": "help", "edition": "2021", "temperature": 0.5, "max_new_tokens": 9, "batch_size": 4,
        "precision": "float64",
    }  # fmt: skip
    answer = sign_in(rosa).post(ADDRESS, form)
    run = EvaluationRun.objects.get()
    assert answer.headers["Location"].endswith(f"/evaluations/{run.pk}/")
    wanted = {**form, "subject": str(model.path), "data": None}
    del wanted["name"]
    assert {name: told(run)[name] for name in wanted} == wanted


def test_what_stands_at_its_default_is_left_to_the_evaluator(
    sign_in: Browser, rosa: User, model: Artifact
) -> None:
    form = {
        "suite": "truthfulness", "name": "tqa", "subject": model.pk, "seed": 0, "prompt": "qa", "edition": "",
        "temperature": 0, "precision": "float32",
    }  # fmt: skip
    sign_in(rosa).post(ADDRESS, form)
    run = EvaluationRun.objects.get()
    assert (run.variant, run.job.spec["decoding"]) == ("mc-upstream", {})
    assert "files" not in run.job.spec


def test_what_a_suite_reads_is_named_by_its_flag(
    sign_in: Browser, rosa: User, project: Project, model: Artifact, questions: Artifact
) -> None:
    passages, spans = corpus(project), build_artifact(project, Kind.SNAPSHOT, files={"spans.jsonl": "{}\n"})
    scorer = build_artifact(project, Kind.BASE_MODEL, "nli")
    form = {
        "suite": "hallucination-closed-domain", "name": "a", "subject": model.pk, "variant": "chunk-max", "seed": 0,
        "questions": questions.pk, "knowledge": passages.pk, "labels": spans.pk, "scorer": scorer.pk,
        "prompting": "few-shot", "shots": 3,
    }  # fmt: skip
    assert sign_in(rosa).post(ADDRESS, form).status_code == 302
    run = EvaluationRun.objects.get()
    found = told(run)
    assert found["knowledge"] == passages.path / "corpus.jsonl"
    assert found["labels"] == spans.path / "spans.jsonl"
    assert found["scorer"] == scorer.path
    assert (found["prompting"], found["shots"]) == ("few-shot", 3)
    assert set(run.job.inputs.all()) == {model, questions, passages, spans, scorer}


def test_a_prompt_set_is_asked_as_it_stands_now(
    sign_in: Browser, rosa: User, model: Artifact, prompt_set: PromptSet
) -> None:
    form = {"suite": "hallucination-open-domain", "subject": model.pk, "seed": 0, "prompt_set": prompt_set.pk}
    browser = sign_in(rosa)
    browser.post(ADDRESS, {**form, "name": "first"})
    browser.post(ADDRESS, {**form, "name": "second"})
    import_prompts(prompt_set=prompt_set, lines=[{**LINE, "id": "2"}], by=rosa)
    browser.post(ADDRESS, {**form, "name": "third"})
    runs = list(EvaluationRun.objects.order_by("pk").select_related("data"))
    assert len(runs) == 3
    assert runs[0].data == runs[1].data != runs[2].data
    assert runs[2].data is not None
    assert (runs[2].data.path / "questions.jsonl").read_text("utf-8").count("\n") == 2
    assert runs[2].data.name.startswith("towns · ")


def test_an_empty_prompt_set_asks_nothing(project: Project, rosa: User) -> None:
    empty = create_prompt_set(project=project, name="empty", by=rosa)
    with pytest.raises(ValidationError, match="empty is empty"):
        material.questions_of_set(prompt_set=empty, by=rosa)


CSV = "Question,Best Answer,Correct Answers,Incorrect Answers\nWhat?,Nothing.,Nothing.,Something.\n"


@pytest.mark.parametrize(
    ("suite", "name", "content"),
    [
        ("truthfulness", "mine.csv", CSV),
        (
            "hallucination-open-domain",
            "mine.jsonl",
            '{"id": "1", "prompt": [{"role": "user", "content": "?"}]}\n',
        ),
        ("in-context-learning", "mine.JSONL", '{"id": "1", "text": "x", "label": "y", "split": "test"}\n'),
    ],
)
def test_a_file_is_kept_under_a_name_that_tells_its_content(
    project: Project, rosa: User, suite: str, name: str, content: str
) -> None:
    given: dict[str, Any] = {"project": project, "suite": suite, "name": name, "by": rosa}
    artifact = material.questions_of_file(content=content.encode(), **given)
    assert artifact.name.startswith("mine · ")
    assert command_lines.data_path(artifact).read_text("utf-8") == content
    assert material.questions_of_file(content=content.encode(), **given) == artifact


@pytest.mark.parametrize(
    ("suite", "name", "content", "why"),
    [
        ("truthfulness", "mine.csv", "Question\nWhat?\n", "mine.csv:1: found columns Question"),
        ("truthfulness", "mine.jsonl", "{}\n", "ends otherwise"),
        ("hallucination-open-domain", "mine.jsonl", "{}\n", "mine.jsonl:1: found no 'id'"),
        ("hallucination-closed-domain", "mine.jsonl", "[]\n", "mine.jsonl:1"),
        ("code-generation", "mine.jsonl", '{"a": 1}\n', "mine.jsonl:1"),
        ("in-context-learning", "mine.jsonl", "", "found no line"),
    ],
)
def test_a_file_that_the_suite_would_refuse_is_refused_in_the_form(
    sign_in: Browser, rosa: User, model: Artifact, suite: str, name: str, content: str, why: str
) -> None:
    upload = SimpleUploadedFile(name, content.encode() or b"\n" * 0)
    form = {"suite": suite, "name": "a", "subject": model.pk, "seed": 0, "file": upload}
    answer = sign_in(rosa).post(ADDRESS, form)
    assert answer.status_code == 422
    assert not Job.objects.exists()
    assert not Artifact.objects.filter(kind=Kind.QUESTIONS).exists()
    if content:
        assert why in answer.content.decode().replace("&#x27;", "'")


@pytest.mark.parametrize(
    ("suite", "changed", "why"),
    [
        ("hallucination-closed-domain", {"variant": "summac-zs"}, "This variant needs it."),
        ("hallucination-open-domain", {"variant": "supported-facts"}, "This variant needs it."),
        ("hallucination-open-domain", {"questions": ""}, "This suite needs questions."),
        ("truthfulness", {"prompt": "polite"}, "polite"),
        ("truthfulness", {"variant": "mc-tomorrow"}, "mc-tomorrow"),
        ("truthfulness", {"edition": "2030"}, "2030"),
        ("hallucination-open-domain", {"prompting": "loudly"}, "loudly"),
        ("hallucination-open-domain", {"limit": 0}, "greater than or equal to 1"),
    ],
)
def test_a_form_says_what_is_the_matter(
    sign_in: Browser,
    rosa: User,
    model: Artifact,
    questions: Artifact,
    suite: str,
    changed: dict[str, Any],
    why: str,
) -> None:
    form = {"suite": suite, "name": "a", "subject": model.pk, "seed": 0, "questions": questions.pk, **changed}
    answer = sign_in(rosa).post(ADDRESS, form)
    assert answer.status_code == 422
    assert why in answer.content.decode()
    assert not Job.objects.exists()


def test_given_answers_are_scored_by_a_model_only(sign_in: Browser, rosa: User, project: Project) -> None:
    files = {"responses.jsonl": "{}\n"}
    responses = build_artifact(project, Kind.RESPONSES, files=files, detail={"files": list(files)})
    form = {"suite": "truthfulness", "name": "a", "subject": responses.pk, "seed": 0}
    assert sign_in(rosa).post(ADDRESS, {**form, "variant": "binary"}).status_code == 422
    assert sign_in(rosa).post(ADDRESS, {**form, "variant": "generation"}).status_code == 302


def test_recorded_responses_bring_their_own_questions(sign_in: Browser, rosa: User, project: Project) -> None:
    files = {"responses.jsonl": "{}\n"}
    responses = build_artifact(project, Kind.RESPONSES, files=files, detail={"files": list(files)})
    form = {"suite": "hallucination-closed-domain", "name": "a", "subject": responses.pk, "seed": 0}
    assert sign_in(rosa).post(ADDRESS, form).status_code == 302
    assert sign_in(rosa).post(ADDRESS, {**form, "suite": "code-generation"}).status_code == 422


def test_questions_are_given_once(
    sign_in: Browser, rosa: User, model: Artifact, questions: Artifact, prompt_set: PromptSet
) -> None:
    form = {"suite": "hallucination-open-domain", "name": "a", "subject": model.pk, "seed": 0}
    both = {**form, "questions": questions.pk, "prompt_set": prompt_set.pk}
    answer = sign_in(rosa).post(ADDRESS, both)
    assert (answer.status_code, "Give questions once" in answer.content.decode()) == (422, True)


def test_the_page_of_a_model_leads_here_with_the_model_chosen(
    sign_in: Browser, rosa: User, project: Project, other_project: Project, model: Artifact
) -> None:
    browser = sign_in(rosa)
    later = build_artifact(project, name="later")
    link = f"{ADDRESS}?subject={model.pk}"
    assert link in browser.get(f"/p/harbour/reports/lineage/{model.pk}/").content.decode()
    suites = browser.get(link).content.decode()
    assert f"?suite=truthfulness&amp;subject={model.pk}" in suites
    assert "?suite=reward-agreement" not in suites
    form = browser.get(f"{ADDRESS}?suite=truthfulness&subject={model.pk}").content.decode()
    assert f'<option value="{model.pk}" selected>' in form
    assert f'<option value="{later.pk}">' in form
    stranger = build_artifact(other_project, name="stranger")
    assert "stranger" not in browser.get(f"{ADDRESS}?subject={stranger.pk}").content.decode()
    data = build_artifact(project, Kind.CORPUS)
    assert "Evaluate it" not in browser.get(f"/p/harbour/reports/lineage/{data.pk}/").content.decode()


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"suite": "unheard-of"}, "no suite unheard-of"),
        ({"variant": "unheard-of"}, "no variant unheard-of"),
        ({"variant": "supported-facts"}, "needs corpus"),
        ({"prompting": "loudly"}, "prompting: found loudly"),
        ({"prompt": "polite"}, "prompt: found polite"),
    ],
)
def test_start_evaluation_checks_what_the_form_would(
    project: Project, rosa: User, model: Artifact, questions: Artifact, changed: dict[str, Any], why: str
) -> None:
    given = {
        "suite": "hallucination-open-domain",
        "variant": "closed-book",
        "data": questions,
        "seed": 0,
        **changed,
    }
    with pytest.raises(ValidationError, match=why):
        services.start_evaluation(project=project, name="a", subject=model, by=rosa, **given)
    assert not Job.objects.exists()


def test_start_evaluation_refuses_a_file_that_no_suite_reads(
    project: Project, rosa: User, model: Artifact, questions: Artifact
) -> None:
    with pytest.raises(ValidationError, match="no suite reads: jokes"):
        services.start_evaluation(
            project=project, name="a", suite="hallucination-open-domain", variant="", subject=model, data=questions,
            seed=0, by=rosa, files={"jokes": corpus(project)},
        )  # fmt: skip


def test_another_file_is_another_promise(
    project: Project, rosa: User, model: Artifact, questions: Artifact
) -> None:
    given: dict[str, Any] = {
        "project": project, "suite": "hallucination-open-domain", "variant": "supported-facts", "subject": model,
        "data": questions, "seed": 0, "by": rosa,
    }  # fmt: skip
    first = services.start_evaluation(name="a", files={"corpus": corpus(project)}, **given)
    other = build_artifact(project, Kind.CORPUS, files={"b.txt": "b"}, detail={"files": ["b.txt"]})
    second = services.start_evaluation(name="b", files={"corpus": other}, **given)
    assert first.job != second.job
    assert told(second)["corpus"] == other.path / "b.txt"
