"""Answers before and after: every one of them is found, in the order asked for, and none is lost between pages."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelplatform.training import samples
from labelplatform.training.samples import Sample, containing, ordered, page_of, read_samples

LIMA = Sample("1", "Where is Lima?", "Mars.", "Mars.", -1.0, -1.0)
OSLO = Sample("2", "Where is Oslo?", "Mars.", "In NORWAY.", -1.0, 1.0)
ROME = Sample("3", "Where is Rome?", "In Italy.", "Spain.", 1.5, -1.5)


def lines(*told: dict[str, Any]) -> str:
    return "".join(json.dumps(line) + "\n" for line in told)


def test_read_samples_reads_what_ppo_wrote(tmp_path: Path) -> None:
    line = {
        "id": "q7",
        "prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where?"}],
        "before": "Mars.",
        "after": "",
        "score_before": -1,
        "score_after": 0.5,
    }
    (tmp_path / "samples.jsonl").write_text(lines(line), "utf-8")
    assert read_samples(tmp_path) == [Sample("q7", "Where?", "Mars.", "", -1.0, 0.5)]
    assert read_samples(tmp_path / "nowhere") == []


def test_read_samples_leaves_a_line_that_is_still_written(tmp_path: Path) -> None:
    (tmp_path / "samples.jsonl").write_text('{"id": "1", "pro', "utf-8")
    assert read_samples(tmp_path) == []
    (tmp_path / "samples.jsonl").write_text("no json\n", "utf-8")
    assert read_samples(tmp_path) == []


@pytest.mark.parametrize(
    ("order", "wanted"),
    [
        ("changed", [OSLO, ROME, LIMA]),
        ("gained", [OSLO, LIMA, ROME]),
        ("lost", [ROME, LIMA, OSLO]),
        ("written", [LIMA, OSLO, ROME]),
        ("by moonlight", [LIMA, OSLO, ROME]),
    ],
)
def test_orders(order: str, wanted: list[Sample]) -> None:
    assert ordered([LIMA, OSLO, ROME], order) == wanted
    assert set(samples.ORDERS) == {"changed", "gained", "lost", "written"}


def test_every_word_must_stand_somewhere() -> None:
    assert containing([LIMA, OSLO, ROME], "mars") == [LIMA, OSLO]
    assert containing([LIMA, OSLO, ROME], "norway WHERE") == [OSLO]
    assert containing([LIMA, OSLO, ROME], "spain") == [ROME]
    assert containing([LIMA, OSLO, ROME], "italy mars") == []
    assert containing([LIMA, OSLO, ROME], "  ") == [LIMA, OSLO, ROME]


@given(st.integers(0, 70), st.integers(-2, 9))
def test_pages_hold_each_sample_once(count: int, asked: int) -> None:
    many = [Sample(str(n), "Where?", "a", "b", 0.0, float(n)) for n in range(count)]
    first = page_of(many, order="written")
    pages = [page_of(many, order="written", number=n) for n in range(1, first.pages + 1)]
    assert [one for page in pages for one in page.samples] == many
    assert all(page.samples for page in pages) or not count
    shown = page_of(many, order="written", number=asked)
    assert shown.number == min(max(asked, 1), first.pages)
    assert (shown.found, shown.all) == (count, count)


def test_a_page_tells_how_many_were_found() -> None:
    page = page_of([LIMA, OSLO, ROME], words="mars")
    assert (page.samples, page.found, page.all, page.pages) == ((OSLO, LIMA), 2, 3, 1)
