"""The checker of the labelling load finds each way in which a server can be wrong, and nothing else."""

import itertools
from typing import Any

import pytest

from benchmarks.labelling.checker import Findings, check, percentile

History = list[dict[str, Any]]
LEASE = 5.0


class Told:
    """A history as annotators would leave it, on a clock of its own."""

    def __init__(self) -> None:
        self.lines: History = []
        self.export: History = []
        self.clock = itertools.count(0.0, 0.1)

    def note(self, kind: str, who: int, **more: Any) -> dict[str, Any]:
        line = {"kind": kind, "who": who, "at": next(self.clock), **more}
        self.lines.append(line)
        return line

    def claim(self, who: int, item: int) -> None:
        self.note("claim", who, begun=next(self.clock), item=item)

    def submit(self, who: int, item: int, name: str, outcome: str = "kept", stored: str | None = "") -> None:
        """`stored`: what the export has of it; "" the same as was told, None nothing."""
        self.note("sent", who, submission=name, item=item, order=[1, 0])
        self.note("answered", who, begun=0.0, submission=name, item=item, outcome=outcome)
        if stored is not None:
            self.store(who, item, name, surplus=(stored or outcome) == "surplus")

    def store(
        self, who: int, item: int, name: str, *, surplus: bool = False, order: tuple[int, int] = (1, 0)
    ) -> None:
        line = {"id": name, "annotator": f"annotator-{who}", "prompt_id": f"item-{item}"}
        tiers = [[f"answer-{one}"] for one in order]
        self.export.append({**line, "tiers": tiers} | ({"surplus": True} if surplus else {}))

    def findings(self, items: int = 1, overlap: int = 1) -> Findings:
        return check(self.lines, self.export, items=items, overlap=overlap, lease_seconds=LEASE)


@pytest.fixture
def told() -> Told:
    return Told()


def test_work_well_done_is_clean(told: Told) -> None:
    for who, item in ((0, 0), (1, 1)):
        told.claim(who, item)
        told.submit(who, item, f"s{who}")
    found = told.findings(items=2)
    assert found.clean
    assert set(found.told().values()) == {0}


def test_a_label_too_many_and_one_too_few(told: Told) -> None:
    for who in (0, 1):
        told.submit(who, 0, f"s{who}")
    found = told.findings(items=2)
    assert (found.over, found.under, found.clean) == (1, 1, False)
    assert told.findings(items=1, overlap=2).clean


def test_an_acknowledged_label_that_is_not_there_is_lost(told: Told) -> None:
    told.submit(0, 0, "gone", stored=None)
    told.submit(1, 0, "there")
    found = told.findings()
    assert (found.lost, found.over, found.under, found.clean) == (1, 0, 0, False)


def test_one_person_twice_on_an_item_counts_kept_aside_or_not(told: Told) -> None:
    told.submit(0, 0, "first")
    told.submit(0, 0, "second", outcome="surplus")
    found = told.findings()
    assert (found.same_user, found.surplus, found.over, found.clean) == (1, 1, 0, False)


def test_surplus_of_others_is_no_fault(told: Told) -> None:
    told.submit(0, 0, "first")
    told.submit(1, 0, "late", outcome="surplus")
    assert told.findings().clean


def test_what_is_told_must_be_what_is_stored(told: Told) -> None:
    told.submit(0, 0, "first", outcome="surplus", stored="kept")
    assert told.findings().changed == 1
    told.store(1, 0, "never sent", surplus=True)
    assert told.findings().changed == 2


def test_another_order_than_was_sent_is_found(told: Told) -> None:
    told.submit(0, 0, "first", stored=None)
    told.store(0, 0, "first", order=(0, 1))
    found = told.findings()
    assert (found.changed, found.lost, found.clean) == (1, 0, False)


def test_errors_of_the_server_are_faults_and_kills_are_not(told: Told) -> None:
    told.submit(0, 0, "first")
    told.note("killed", 0)
    told.note("dropped", 0, submission="first")
    found = told.findings()
    assert (found.killed, found.dropped, found.clean) == (1, 1, True)
    told.note("error", 0, status=500)
    assert told.findings().errors == 1


def test_an_item_promised_to_two_at_once(told: Told) -> None:
    told.claim(0, 0)
    told.claim(1, 0)
    told.submit(0, 0, "first")
    told.submit(1, 0, "second", outcome="surplus")
    found = told.findings()
    assert (found.double_claims, found.over, found.clean) == (1, 0, False)
    assert told.findings(overlap=2).double_claims == 0


def test_a_promise_that_lapsed_may_be_given_to_another(told: Told) -> None:
    told.claim(0, 0)
    told.clock = itertools.count(LEASE + 0.2, 0.1)
    told.claim(1, 0)
    told.submit(1, 0, "first")
    assert told.findings().clean


def test_an_item_that_is_full_may_not_be_promised(told: Told) -> None:
    told.claim(0, 0)
    told.submit(0, 0, "first")
    told.claim(1, 0)
    assert told.findings().double_claims == 1
    assert told.findings(overlap=2).double_claims == 0


def test_who_claims_anew_has_let_the_last_go(told: Told) -> None:
    told.claim(0, 0)
    told.claim(0, 1)
    told.claim(1, 0)
    told.submit(1, 0, "first")
    told.submit(0, 1, "second")
    assert told.findings(items=2).clean


def test_percentiles_are_values_that_were_measured() -> None:
    values = [5.0, 1.0, 3.0, 2.0, 4.0]
    assert [percentile(values, share) for share in (0.5, 0.95, 0.0)] == [3.0, 5.0, 1.0]
    assert percentile([], 0.5) is None
