"""The training room: its runs, the forms that start one, the page of one run, and runs side by side."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labelplatform.accounts.access import project_view, signed_in
from labelplatform.accounts.models import Membership, Project, Role, User
from labelplatform.jobs.queries import repeat_command
from labelplatform.training import comparing, estimates, queries, samples, services
from labelplatform.training.estimate_words import EstimateWords, took_rows, words_of
from labelplatform.training.forms import START_FORMS, AssumptionsForm, StartForm
from labelplatform.training.models import TrainingRun

GET_POST = ["GET", "HEAD", "POST"]
LISTED = 100


def _run(project: Project, pk: int) -> TrainingRun:
    run = queries.run_visible_in(project, pk)
    if run is None:
        raise Http404
    return run


@require_safe
@project_view(Role.RESEARCHER)
def index(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    """What was trained here, newest first."""
    runs = list(queries.runs_of(project)[:LISTED])
    moving = [run for run in runs if not run.job.is_finished]
    page = {"project": project, "runs": runs, "moving": moving, "most": comparing.MOST}
    return render(request, "training/index.html", page)


@require_safe
@project_view(Role.RESEARCHER)
def run(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """One run: what it is for, how it goes, what went in and what came out."""
    found = _run(project, pk)
    page = {
        "project": project,
        "run": found,
        "purpose": queries.purpose_of(found),
        "live": queries.live_run(found),
        "inputs": queries.inputs_of(found),
        "settings": queries.settings_of(found),
        "repeat_command": repeat_command(found.job),
        **_reckoned(found),
    }
    return render(request, "training/run.html", page)


def _reckoned(run: TrainingRun) -> dict[str, Any]:
    """The estimate of a run and, after its end, what it really took beside it."""
    if run.kind not in START_FORMS:
        return {}
    reckoned = estimates.reckon_job(run.job, {})
    took = estimates.really_took(run.job)
    return {"estimate": words_of(reckoned), "took": took_rows(reckoned, took) if took else ()}


@require_safe
@project_view(Role.RESEARCHER)
def live(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """The part of a run page that changes, asked for once a second while the run goes on."""
    found = queries.live_run(_run(project, pk))
    response = render(request, "training/live.html", {"project": project, "run": found.run, "live": found})
    response["Cache-Control"] = "no-store"
    if found.moving:
        response["X-Live"] = "on"
    return response


@require_safe
@project_view(Role.RESEARCHER)
def answers(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """Every answer before and after a run, side by side, searched and ordered."""
    found = _run(project, pk)
    asked = request.GET
    order = asked.get("order", "changed")
    words, number = asked.get("words", "").strip(), asked.get("page", "")
    shown = samples.page_of(
        samples.read_samples(found.job.run_folder / "out"),
        words=words,
        order=order,
        number=int(number) if number.isdecimal() and len(number) < 9 else 1,
    )
    page = {
        "project": project,
        "run": found,
        "page": shown,
        "words": words,
        "order": order,
        "orders": samples.ORDERS,
    }
    return render(request, "training/answers.html", page)


@require_POST
@project_view(Role.RESEARCHER)
def cancel(request: HttpRequest, project: Project, membership: Membership, pk: int) -> HttpResponse:
    """Take a run's promise back."""
    found = services.cancel_run(run=_run(project, pk), by=signed_in(request))
    messages.info(request, _("%(name)s: asked to stop.") % {"name": found.name})
    return redirect("training:run", slug=project.slug, pk=found.pk)


@require_safe
@project_view(Role.RESEARCHER)
def compare(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    """Two or more runs of one kind side by side: `?run=3&run=7`."""
    asked = request.GET.getlist("run")
    if not all(number.isdecimal() and len(number) < 16 for number in asked):
        raise Http404
    runs = comparing.runs_to_compare(project, map(int, asked))
    if runs is None:
        raise Http404
    refusal = comparing.refusal(runs)
    page: dict[str, Any] = {"project": project, "chosen": {run.pk for run in runs}, "refusal": refusal}
    page["offered"] = list(queries.runs_of(project)[:LISTED])
    if runs and not refusal:
        page["comparison"] = comparing.compare(runs)
    return render(request, "training/compare.html", page)


Started = Callable[[Project, StartForm, User], TrainingRun]


@dataclass(frozen=True)
class Words:
    """What the page of a start form says."""

    title: str | Promise
    lede: str | Promise


WORDS: Mapping[str, Words] = {
    "pretrain": Words(
        gettext_lazy("Start pretraining"),
        gettext_lazy(
            "It learns a language from plain text: first a tokenizer, then a model of the width and depth you choose."
        ),
    ),
    "sft": Words(
        gettext_lazy("Start fine-tuning"),
        gettext_lazy(
            "It learns to answer as the demonstrations do; the loss is on the tokens of the answers alone."
        ),
    ),
    "reward-model": Words(
        gettext_lazy("Start a reward model"),
        gettext_lazy(
            "It learns to give the answer that people preferred the higher score. "
            "One ranking of K answers teaches it K(K−1)/2 pairs at once."
        ),
    ),
    "ppo": Words(
        gettext_lazy("Start PPO"),
        gettext_lazy(
            "The policy answers, the reward model scores, and the policy moves towards what scored well, "
            "held back by the KL to where it began."
        ),
    ),
}


def _start(request: HttpRequest, project: Project, kind: str, started: Started) -> HttpResponse:
    """The form of a kind of run: shown, estimated (a button where no script runs), or sent."""
    form = START_FORMS[kind](project, request.POST or None)
    assumed = AssumptionsForm(request.POST or None)
    asked = "reckon" in request.POST
    if request.method == "POST" and not asked and form.is_valid():
        try:
            run = started(project, form, signed_in(request))
            return redirect("training:run", slug=project.slug, pk=run.pk)
        except ValidationError as error:
            form.add_error(None, error)
    page = {
        "project": project,
        "kind": kind,
        "form": form,
        "assumed": assumed,
        "words": WORDS[kind],
        "estimate": _estimate(form, assumed) if form.is_bound else None,
    }
    return render(request, "training/start.html", page, status=422 if form.is_bound and not asked else 200)


def _estimate(form: StartForm, assumed: AssumptionsForm) -> EstimateWords:
    """What the run of this form would take, or what is still missing to tell."""
    form.is_valid()
    wrong = [field.label for name, field in form.fields.items() if name in form.errors and name != "name"]
    if assumed.is_valid() and not wrong and not form.non_field_errors():
        return words_of(estimates.reckon(form.VERB, form.settings(), form.roles(), assumed.told()))
    wrong += [field.label for name, field in assumed.fields.items() if name in assumed.errors]
    if not wrong:
        return EstimateWords(refusal=" ".join(map(str, form.non_field_errors())))
    return EstimateWords(refusal=_("Mend first: %(fields)s.") % {"fields": ", ".join(map(str, wrong))})


@require_POST
@project_view(Role.RESEARCHER)
def estimate(request: HttpRequest, project: Project, membership: Membership, kind: str) -> HttpResponse:
    """The estimate alone, asked for while the form is being filled in."""
    if kind not in START_FORMS:
        raise Http404
    form = START_FORMS[kind](project, request.POST)
    words = _estimate(form, AssumptionsForm(request.POST))
    return render(request, "training/estimate.html", {"estimate": words})


@require_http_methods(GET_POST)
@project_view(Role.RESEARCHER)
def pretrain(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    """Start a language model from text."""
    return _start(request, project, "pretrain", _started_pretraining)


@require_http_methods(GET_POST)
@project_view(Role.RESEARCHER)
def sft(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    """Start fine-tuning on demonstrations."""
    return _start(request, project, "sft", _started_sft)


@require_http_methods(GET_POST)
@project_view(Role.RESEARCHER)
def reward_model(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    """Start a reward model from a snapshot."""
    return _start(request, project, "reward-model", _started_reward_model)


@require_http_methods(GET_POST)
@project_view(Role.RESEARCHER)
def ppo(request: HttpRequest, project: Project, membership: Membership) -> HttpResponse:
    """Start PPO from prompts, a policy and a reward model."""
    return _start(request, project, "ppo", _started_ppo)


def _told(project: Project, form: StartForm, by: User) -> dict[str, Any]:
    return {"project": project, "name": form.cleaned_data["name"], "settings": form.settings(), "by": by}


def _started_pretraining(project: Project, form: StartForm, by: User) -> TrainingRun:
    corpora, model = form.chosen("corpus"), form.cleaned_data["model"]
    return services.start_pretraining(corpus=corpora, model=model, **_told(project, form, by))


def _started_sft(project: Project, form: StartForm, by: User) -> TrainingRun:
    chosen = {name: form.cleaned_data[name] for name in ("demonstrations", "model")}
    return services.start_sft(**chosen, **_told(project, form, by))


def _started_reward_model(project: Project, form: StartForm, by: User) -> TrainingRun:
    chosen = {name: form.cleaned_data[name] for name in ("snapshot", "model", "demonstrations")}
    return services.start_reward_model(**chosen, **_told(project, form, by))


def _started_ppo(project: Project, form: StartForm, by: User) -> TrainingRun:
    prompts = services.store_prompts(prompt_set=form.cleaned_data["prompt_set"], by=by)
    one = ("policy", "heldout_reward_model", "validation")
    given: dict[str, Any] = {name: form.cleaned_data[name] for name in one if form.cleaned_data[name]}
    if text := form.chosen("pretraining_text"):
        given["pretraining_text"] = text
    judges = form.chosen("reward_model", "more_reward_models")
    return services.start_ppo(prompts=prompts, reward_model=judges, **given, **_told(project, form, by))
