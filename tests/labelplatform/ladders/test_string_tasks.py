"""The tasks: right answers by hand, the same for the same seed, nothing asked that is taught."""

from __future__ import annotations

import random

import pytest

from labelplatform.ladders.string_tasks import LENGTH, LETTERS, TASKS, added, make_material, transcribed


@pytest.mark.parametrize(
    ("name", "asked", "answer"),
    [
        ("copy", "k e t o b", "k e t o b"),
        ("reverse", "k e t o b", "b o t e k"),
        ("sort", "t o k e b", "b e k o t"),
        ("transcribe", "k e t o b", "kj eh t oh b"),
        ("transcribe", "b o t i", "b oh tj uh"),
        ("add", "4 7 + 2 5", "0 7 2"),
        ("add", "9 9 + 9 9", "1 9 8"),
        ("add", "1 0 + 1 0", "0 2 0"),
    ],
)
def test_answers_known_by_hand(name: str, asked: str, answer: str) -> None:
    assert TASKS[name].answer(tuple(asked.split())) == tuple(answer.split())


def test_a_consonant_is_softened_by_what_follows_and_only_a_last_vowel_is_reduced() -> None:
    assert transcribed(("d", "i")) == ("dj", "uh")
    assert transcribed(("d", "o", "d")) == ("d", "oh", "d")
    assert transcribed(("i", "d")) == ("ee", "d")
    assert transcribed(("e", "u", "g")) == ("eh", "oo", "g")


def test_sums_are_of_two_digits_each() -> None:
    drawn = random.Random(3)
    for _ in range(300):
        asked = TASKS["add"].draw(drawn)
        one, other = int("".join(asked[:2])), int("".join(asked[3:]))
        assert (asked[2], 10 <= one <= 99, 10 <= other <= 99) == ("+", True, True)
        assert int("".join(added(asked))) == one + other


def test_letters_hold_no_article_and_each_once() -> None:
    assert "a" not in LETTERS
    assert len(set(LETTERS)) == len(LETTERS)
    assert len(TASKS["copy"].draw(random.Random(0))) == LENGTH


def test_the_same_seed_gives_the_same_and_another_seed_another() -> None:
    told = {"taught": 30, "asked": 10}
    assert make_material(["copy", "add"], seed=1, **told) == make_material(["copy", "add"], seed=1, **told)
    one, other = (make_material(["copy"], seed=seed, **told) for seed in (1, 2))
    assert one.items != other.items
    assert set(one.documents) != set(other.documents)
    # A task's own draw does not depend on which tasks stand beside it.
    alone = make_material(["copy"], seed=1, **told)
    assert alone.items == make_material(["copy", "add"], seed=1, **told).items[:10]


def test_counts_names_and_form() -> None:
    made = make_material(["reverse", "add"], seed=0, taught=40, asked=15)
    assert (len(made.documents), len(made.items)) == (80, 30)
    assert len({str(item["id"]) for item in made.items}) == 30
    assert [item["slices"] for item in made.items[:16:15]] == [{"task": "reverse"}, {"task": "add"}]
    first = made.items[0]
    assert str(first["text"]).startswith("reverse : ")
    assert str(first["text"]).endswith(" =")
    assert made.text.split("\n\n")[-1].endswith("\n")
    assert len(made.text.split("\n\n")) == 80


def test_documents_of_all_tasks_are_mixed() -> None:
    made = make_material(["copy", "sort"], seed=0, taught=50, asked=5)
    names = [document.split(" ")[0] for document in made.documents]
    assert len(set(names[:20])) == 2


def test_nothing_asked_is_taught_and_nothing_is_asked_twice() -> None:
    """Of 8100 sums nearly all are drawn: what is left out is what is asked."""
    made = make_material(list(TASKS), seed=5, taught=20_000, asked=400)
    questions = [str(item["text"]) for item in made.items]
    taught = {document.partition(" = ")[0] + " =" for document in made.documents}
    assert len(set(questions)) == len(questions)
    assert not taught & set(questions)
    assert len([one for one in taught if one.startswith("add")]) > 6000


@pytest.mark.parametrize(
    ("names", "counts", "complaint"),
    [
        (["copy", "fly"], (5, 5), "found fly"),
        ([], (5, 5), "found no task"),
        (["copy"], (0, 5), "wanted at least 1"),
        (["copy"], (5, 0), "wanted at least 1"),
    ],
)
def test_other_wishes_are_refused(names: list[str], counts: tuple[int, int], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        make_material(names, seed=0, taught=counts[0], asked=counts[1])
