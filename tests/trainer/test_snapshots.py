"""Snapshots: written once, digested, split by prompt."""

import json
from pathlib import Path

import pytest

from tests.trainer.builders import demonstration_line, ranking_line
from trainer.errors import BadInput
from trainer.json_lines import JsonObject
from trainer.prompts import Message
from trainer.snapshots import (
    Manifest,
    folder_digest,
    prompt_digest,
    read_snapshot,
    split_of,
    verify_snapshot,
    write_snapshot,
)

HELDOUT_OF_TWELVE = {0, 7, 9, 11}
RULE: dict[str, object] = {"by": "prompt", "heldout_share": 0.3}


def rankings(count: int = 40) -> list[JsonObject]:
    """Two rankings, by ada and by ben, of each of `count` prompts."""
    return [
        ranking_line(
            f"{name}{number}", annotator=name, prompt=[{"role": "user", "content": f"Where is {number}?"}]
        )
        for number in range(count)
        for name in ("ada", "ben")
    ]


def write(folder: Path, lines: list[JsonObject], rule: dict[str, object] = RULE) -> Manifest:
    demonstrations = [demonstration_line()]
    return write_snapshot(
        folder,
        rankings=lines,
        demonstrations=demonstrations,
        filters={"campaign": "c"},
        split_rule=rule,
        guideline_version="v1",
    )


def test_written_snapshot_is_read(tmp_path: Path) -> None:
    manifest = write(tmp_path / "s", rankings())
    snapshot = read_snapshot(tmp_path / "s")
    assert snapshot.manifest == manifest
    assert [ranking.id for ranking in snapshot.rankings] == [line["id"] for line in rankings()]
    assert snapshot.demonstrations[0].response == "In Peru."
    assert manifest.counts["rankings"] == 80
    assert manifest.counts["prompts"] == 40
    assert manifest.counts["train"] + manifest.counts["heldout"] == 80
    assert 0 < manifest.counts["heldout"] < 80


def test_split_is_by_prompt_never_by_row(tmp_path: Path) -> None:
    write(tmp_path / "s", rankings())
    snapshot = read_snapshot(tmp_path / "s")
    train = {ranking.prompt_key for ranking in snapshot.split("train")}
    heldout = {ranking.prompt_key for ranking in snapshot.split("heldout")}
    assert train
    assert heldout
    assert not train & heldout


def test_split_of_known_prompts() -> None:
    # Written down once: a change of the rule would move held-out prompts into training unseen.
    assert [split_of(f"p{number}") for number in range(12)] == [
        "heldout" if number in HELDOUT_OF_TWELVE else "train" for number in range(12)
    ]
    assert {split_of("p", heldout_share=0.0), split_of("p", heldout_share=1.0)} == {"train", "heldout"}


def test_split_of_keeps_the_share() -> None:
    share = sum(split_of(str(number), heldout_share=0.3) == "heldout" for number in range(5000)) / 5000
    assert share == pytest.approx(0.3, abs=0.02)


def test_prompt_digest_is_of_roles_and_contents() -> None:
    one = [Message("user", "Where?")]
    assert prompt_digest(one) == prompt_digest([Message("user", "Where?", {"name": "ada"})])
    assert prompt_digest(one) != prompt_digest([Message("system", "Where?")])
    assert (
        len({prompt_digest(one), prompt_digest([*one, *one]), prompt_digest([Message("user", "Wher", {})])})
        == 3
    )


def test_lines_that_name_a_split_keep_it_and_take_their_prompt_along(tmp_path: Path) -> None:
    lines = rankings(6)
    for line in lines[::2]:
        line["split"] = "heldout"
    write(tmp_path / "s", lines)
    assert read_snapshot(tmp_path / "s").split("train") == []


def test_a_prompt_on_both_sides_is_refused(tmp_path: Path) -> None:
    lines = rankings(1)
    lines[0]["split"], lines[1]["split"] = "train", "heldout"
    with pytest.raises(BadInput, match="both splits"):
        write(tmp_path / "s", lines)


def test_a_snapshot_is_never_written_over(tmp_path: Path) -> None:
    write(tmp_path / "s", rankings(3))
    with pytest.raises(BadInput, match="a snapshot already"):
        write(tmp_path / "s", rankings(4))


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    write(tmp_path / "s", rankings(3))
    verify_snapshot(tmp_path / "s")
    path = tmp_path / "s" / "rankings.jsonl"
    path.write_text(path.read_text("utf-8").replace("ada", "eve"), "utf-8")
    for check in (verify_snapshot, read_snapshot):
        with pytest.raises(BadInput, match="another sha256"):
            check(tmp_path / "s")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"format": "labelplatform-snapshot/9"}, "format"),
        ({"files": {}}, "files"),
        ({"files": {"rankings.jsonl": "0", "../x": "0"}}, "sha256|file of this folder"),
        ({"split_rule": {"by": "row"}}, "split_rule"),
    ],
)
def test_a_broken_manifest_is_refused(tmp_path: Path, changes: dict[str, object], told: str) -> None:
    write(tmp_path / "s", rankings(3))
    path = tmp_path / "s" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **changes}), "utf-8")
    with pytest.raises(BadInput, match=told):
        read_snapshot(tmp_path / "s")


@pytest.mark.parametrize(
    "rule", [{"by": "row"}, {"by": "prompt", "heldout_share": 1.5}, {"by": "prompt", "heldout_share": "x"}]
)
def test_a_split_rule_that_is_not_by_prompt_is_refused(tmp_path: Path, rule: dict[str, object]) -> None:
    with pytest.raises(BadInput, match="split_rule"):
        write(tmp_path / "s", rankings(3), rule)


def test_a_folder_without_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"manifest\.json"):
        read_snapshot(tmp_path)


def test_a_file_of_rankings_is_a_snapshot_without_manifest(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in rankings()), "utf-8")
    snapshot = read_snapshot(path)
    assert snapshot.manifest is None
    assert {ranking.split for ranking in snapshot.rankings} == {"train", "heldout"}


def test_folder_digest_is_of_what_was_made(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "weights").write_bytes(b"1")
    before = folder_digest(tmp_path / "a")
    (tmp_path / "a" / "progress.jsonl").write_text("told later", "utf-8")
    assert folder_digest(tmp_path / "a") == before
    (tmp_path / "a" / "weights").rename(tmp_path / "a" / "other")
    renamed = folder_digest(tmp_path / "a")
    (tmp_path / "a" / "other").write_bytes(b"2")
    assert len({before, renamed, folder_digest(tmp_path / "a")}) == 3
