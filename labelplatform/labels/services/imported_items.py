"""Which item of a campaign a ranking line is about; in campaigns of imports, new items too."""

from collections.abc import Mapping, Sequence

from labelplatform.accounts.models import User
from labelplatform.labels.models import Campaign, Item
from labelplatform.labels.services.campaigns import NewItem, create_items
from labelplatform.prompts.lines import ImportRefused, PromptLine, ResponseLine
from labelplatform.prompts.models import Prompt, PromptSet
from labelplatform.prompts.services import store_responses
from trainer.rankings import Ranking as RankingLine

Places = Mapping[str, int]
Numbered = Sequence[tuple[int, RankingLine]]
# SQLite takes only so many values in one statement.
KEYS_AT_ONCE = 500


class ItemsRefused(Exception):
    """Items that cannot be made; `errors` says for each line, by its number, what was found."""

    def __init__(self, errors: list[tuple[int, str]]) -> None:
        self.errors = errors
        super().__init__(str(errors[:5]))


def items_of(campaign: Campaign, numbered: Numbered, *, by: User | None) -> list[tuple[Item, Places] | None]:
    """Return for each line its item and the item's response ids by key; None where the line tells another item."""
    lines = [line for _number, line in numbered]
    known = _known(campaign, lines)
    if campaign.source == Campaign.Source.IMPORT:
        missing = [(number, line) for number, line in numbered if line.item_key not in known]
        if missing:
            _make(campaign, missing, by)
            known = _known(campaign, lines)
    return [_as_told(known.get(line.item_key), line) for line in lines]


def _known(campaign: Campaign, lines: Sequence[RankingLine]) -> dict[str, Item]:
    items: dict[str, Item] = {}
    wanted = sorted({line.item_key for line in lines})
    for start in range(0, len(wanted), KEYS_AT_ONCE):
        batch = campaign.items.filter(key__in=wanted[start : start + KEYS_AT_ONCE])
        items |= {item.key: item for item in batch.select_related("prompt").prefetch_related("responses")}
    return items


def _as_told(item: Item | None, line: RankingLine) -> tuple[Item, Places] | None:
    told = {response.id: response.text for response in line.responses}
    if item is None or {response.key: response.text for response in item.responses.all()} != told:
        return None
    return item, {response.key: response.pk for response in item.responses.all()}


def _make(campaign: Campaign, numbered: Numbered, by: User | None) -> None:
    """Store the prompts and responses of these lines in a prompt set named as the campaign, then the items."""
    prompt_set, _made = PromptSet.objects.get_or_create(project=campaign.project, name=campaign.name)
    parsed = [(number, one) for number, line in numbered for one in _responses(line)]
    try:
        store_responses(prompt_set=prompt_set, parsed=[one for _number, one in parsed], by=by, recorded=True)
    except ImportRefused as error:
        raise ItemsRefused([(parsed[place - 1][0], reason) for place, reason in error.errors]) from error
    by_key = _prompts(prompt_set, {line.prompt_key for _number, line in numbered})
    new: dict[str, NewItem] = {}
    for _number, line in numbered:
        prompt = by_key[line.prompt_key]
        told = {response.key: response for response in prompt.responses.all()}
        new.setdefault(
            line.item_key, NewItem(prompt, [told[response.id] for response in line.responses], line.item_key)
        )
    create_items(campaign, new.values())


def _prompts(prompt_set: PromptSet, keys: set[str]) -> dict[str, Prompt]:
    """The prompts of these keys with their responses: never the whole set, which grows with every batch."""
    found: dict[str, Prompt] = {}
    wanted = sorted(keys)
    for start in range(0, len(wanted), KEYS_AT_ONCE):
        batch = prompt_set.prompts.filter(key__in=wanted[start : start + KEYS_AT_ONCE])
        found |= {prompt.key: prompt for prompt in batch.prefetch_related("responses")}
    return found


def _responses(line: RankingLine) -> list[ResponseLine]:
    prompt = PromptLine(line.prompt_key, [dict(message.to_line()) for message in line.prompt])
    return [
        ResponseLine(
            prompt, response.text, policy=response.policy or "", key=response.id, extra=dict(response.extra)
        )
        for response in line.responses
    ]
