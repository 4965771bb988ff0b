"""Export then import is the identity: byte for byte, as lines and as a table, into another project."""

import csv
import io
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelplatform.accounts.models import Project, User
from labelplatform.labels import queries, services
from labelplatform.labels.exchange import outgoing, spreadsheets
from labelplatform.labels.exchange.formula_safety import guard, unguard
from tests.labelplatform.labels.line_builder import random_line

FORMULA = ("=", "+", "-", "@", "\t", "\r")
SIZES = [60, pytest.param(1000, marks=pytest.mark.large)]


def exported(project: Project, name: str) -> bytes:
    export = outgoing.EXPORTS[name]
    pieces = outgoing.encoded(outgoing.converted(queries.ranking_lines(project), export), export)
    return "".join(pieces).encode()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["rankings", "csv"])
def test_export_then_import_then_export_is_the_same_bytes(
    project: Project, other_project: Project, rosa: User, olga: User, name: str, size: int
) -> None:
    chance = random.Random(11)
    campaign = services.create_campaign(project=project, name="first", by=rosa, source="import", overlap=0)
    lines = [random_line(number, chance) for number in range(size)]
    services.record_rankings(campaign=campaign, rankings=lines, by=rosa)
    first = exported(project, name)
    done = services.import_labels(project=other_project, upload=io.BytesIO(first), target="again", by=olga)
    assert done.counts[services.Status.NEW] == size
    assert exported(other_project, name) == first
    assert list(queries.ranking_lines(other_project)) == lines
    again = services.import_labels(project=other_project, upload=io.BytesIO(first), target="again", by=olga)
    assert again.counts == {services.Status.THERE: size}


def test_no_cell_of_a_table_begins_a_formula(project: Project, rosa: User) -> None:
    chance = random.Random(5)
    lines = [random_line(number, chance) for number in range(40)]
    text = "".join(spreadsheets.write_rows(lines))
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert len(rows) == 40
    assert {row["format"] for row in rows} == {"labelplatform-rankings-csv/1 formula-safe"}
    cells = [cell for row in rows for cell in row.values()]
    assert not [cell for cell in cells if cell.lstrip('" ').startswith(FORMULA)]
    for separator in ",;|\t":
        parts = [part for cell in cells for part in cell.split(separator)[1:]]
        assert not [part for part in parts if part.lstrip('" ').startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("=1", "'=1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@a", "'@a"),
        ("\ta", "'\ta"),
        ("\ra", "'\ra"),
        ("'=1", "''=1"),
        ('"=1', "'\"=1"),
        (" =1", "' =1"),
        ("a;=1", "a;'=1"),
        ("a,@b|+c", "a,'@b|'+c"),
        ("a\n=1", "a\n'=1"),
        ("a\n-1", "a\n'-1"),
        ("a\n- item\n+ item", "a\n- item\n+ item"),
        ("- item", "'- item"),
        ("it's 1 - 1 = 0", "it's 1 - 1 = 0"),
        ("'quoted'", "'quoted'"),
    ],
)
def test_what_is_guarded(text: str, safe: str) -> None:
    assert guard(text) == safe
    assert unguard(safe) == text


@given(st.text(alphabet="'\"=+-@\t\r\n,;| ab", max_size=12))
def test_guarding_is_undone_exactly(text: str) -> None:
    assert unguard(guard(text)) == text
    assert not guard(text).startswith(FORMULA)


Seed = st.integers(min_value=0, max_value=10**9)


@given(Seed)
def test_a_row_comes_back_as_the_line(seed: int) -> None:
    line = random_line(seed, random.Random(seed))
    stream = io.BytesIO("".join(spreadsheets.write_rows([line])).encode())
    (record,) = spreadsheets.read_rows(stream)
    assert record.value is not None
    (back,) = spreadsheets.ranking_of([record.value])
    assert {key: back[key] for key in sorted(back)} == {key: line[key] for key in sorted(line)}


def test_a_download_goes_on_behind_the_last_whole_ranking(
    project: Project, rosa: User, sign_in: Callable[[User], Any]
) -> None:
    chance = random.Random(2)
    campaign = services.create_campaign(project=project, name="first", by=rosa, source="import", overlap=0)
    lines = [random_line(number, chance) for number in range(7)]
    services.record_rankings(campaign=campaign, rankings=lines, by=rosa)
    assert list(queries.ranking_lines(project, after="line-4")) == lines[5:]
    address = f"/p/{project.slug}/labels/export/rankings/?after=line-4&campaign={campaign.pk}"
    answer = sign_in(rosa).get(address)
    assert b"".join(answer.streaming_content).count(b"\n") == 2
    assert sign_in(rosa).get(address.replace("line-4", "unknown")).status_code == 404
