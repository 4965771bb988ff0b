"""What a project and the lines before this one say already: the facts that a line of an import must agree with."""

import hashlib
from collections.abc import Sequence
from typing import Any

from labelplatform.accounts.models import Project
from labelplatform.labels import queries
from labelplatform.labels.models import Campaign, Ranking
from labelplatform.prompts.models import Prompt, Response
from trainer.rankings import Ranking as RankingLine
from trainer.rankings import parse_ranking


def fingerprint(*parts: object) -> int:
    """64 bits of a digest: what is remembered of each text, so that memory grows by bytes a line, not by its length."""
    return int.from_bytes(
        hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    )


def content(line: RankingLine, *, anonymous: bool = False) -> int:
    """What makes two lines of one id the same label; not who gave it where the file names nobody."""
    return fingerprint(
        [(message.role, message.content) for message in line.prompt],
        sorted((response.id, response.text) for response in line.responses),
        [sorted(tier) for tier in line.tiers],
        "" if anonymous else line.annotator,
        bool(line.unacceptable),
        [float(margin) for margin in line.margins or ()],
        sorted((name, sorted(set(flags))) for name, flags in (line.flags or {}).items() if flags),
        sorted((name, sorted((key, float(value)) for key, value in given.items()))
               for name, given in (line.ratings or {}).items()),
    )  # fmt: skip


class KnownLabels:
    """Facts by key, of the database (looked up a batch at a time) and of the lines that were taken so far."""

    def __init__(self, project: Project, target: str) -> None:
        self.project, self.target = project, target
        self.campaign = Campaign.objects.filter(project=project, name=target).first()
        self.prompts: dict[int, int] = {}
        self.texts: dict[int, int] = {}
        self.items: dict[int, int] = {}
        self.ranked: set[int] = set()
        self.stored: dict[str, tuple[int, int]] = {}
        self.memory = queries.LineMemory()

    def look_up(self, lines: Sequence[RankingLine]) -> None:
        """Read what the database says about these lines, in a fixed number of statements."""
        self.stored = dict(self._rankings([line.id for line in lines]))
        self._prompts({line.prompt_key for line in lines})
        if self.campaign is not None:
            self._items(self.campaign, {line.item_key for line in lines})

    def _rankings(self, keys: Sequence[str]) -> list[tuple[str, tuple[int, int]]]:
        there = Ranking.objects.filter(key__in=keys, item__campaign__project=self.project)
        found = queries.lines_of(list(there.values_list("pk", flat=True)), self.memory)
        lines = [parse_ranking(line, "") for line in found]
        return [(line.id, (content(line), content(line, anonymous=True))) for line in lines]

    def _prompts(self, keys: set[str]) -> None:
        here = Prompt.objects.filter(
            prompt_set__project=self.project, prompt_set__name=self.target, key__in=keys
        )
        for key, messages in here.values_list("key", "messages"):
            self.prompts[fingerprint(key)] = fingerprint([(m["role"], m["content"]) for m in messages])
        answers = Response.objects.filter(prompt__in=here)
        for prompt, key, text in answers.values_list("prompt__key", "key", "text").iterator():
            self.texts[fingerprint(prompt, key)] = fingerprint(text)

    def _items(self, campaign: Campaign, keys: set[str]) -> None:
        told: dict[str, list[tuple[str, str]]] = {}
        answers = campaign.items.filter(key__in=keys).values_list("key", "responses__key", "responses__text")
        for item, key, text in answers:
            told.setdefault(item, []).append((key, text))
        self.items |= {fingerprint(item): fingerprint(sorted(pairs)) for item, pairs in told.items()}
        ranked = Ranking.objects.filter(item__campaign=campaign, item__key__in=keys, surplus=False)
        rows: Any = ranked.values_list("item__key", "annotator__username", "detail")
        self.ranked |= {fingerprint(item, detail.get("annotator", name)) for item, name, detail in rows}

    def conflict(self, line: RankingLine) -> str:
        """How a line contradicts what is known: another text under a known id. Empty where it does not."""
        spoken = fingerprint([(message.role, message.content) for message in line.prompt])
        if self.prompts.get(fingerprint(line.prompt_key), spoken) != spoken:
            return f"prompt_id: {line.prompt_key!r} is there already, with another prompt"
        for one in line.responses:
            text = fingerprint(one.text)
            if self.texts.get(fingerprint(line.prompt_key, one.id), text) != text:
                return f"responses: {one.id!r} is there already for this prompt, with another text"
        answers = _answers(line)
        if self.items.get(fingerprint(line.item_key), answers) != answers:
            return f"item: {line.item_key!r} is there already, with other responses"
        return ""

    def has_ranked(self, line: RankingLine, annotator: str) -> bool:
        """Whether this person's ranking of the line's item is known."""
        return fingerprint(line.item_key, annotator) in self.ranked

    def learn(self, line: RankingLine) -> None:
        """Remember a line that was taken."""
        self.prompts[fingerprint(line.prompt_key)] = fingerprint([(m.role, m.content) for m in line.prompt])
        for one in line.responses:
            self.texts[fingerprint(line.prompt_key, one.id)] = fingerprint(one.text)
        self.items[fingerprint(line.item_key)] = _answers(line)
        self.ranked.add(fingerprint(line.item_key, line.annotator))


def _answers(line: RankingLine) -> int:
    return fingerprint(sorted((one.id, one.text) for one in line.responses))
