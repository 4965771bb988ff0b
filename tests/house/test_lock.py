"""The lock names public versions only, so that it means the same on every machine."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.house.tree import ROOT

LOCKS = ("requirements.lock", "requirements-data.lock")


def faults(text: str) -> list[str]:
    """Every line of a lock that a fresh machine could not install as it stands."""
    found = []
    for line in text.splitlines():
        if not line or line.startswith("#") or re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line):
            continue
        pinned = re.fullmatch(r"([a-z0-9][a-z0-9-]*)==([0-9][0-9a-z.]*)( \\)?", line)
        if not pinned or (pinned.group(1) != "torch") != bool(pinned.group(3)):
            found.append(line)
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_holds_public_pinned_hashed_versions_only(lock: str) -> None:
    assert faults((ROOT / lock).read_text("utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "torch==2.13.0+cpu",
        "torch @ file:///wheels/torch.whl",
        "numpy>=2",
        "numpy",
        "numpy==2.4.6",  # no hash follows
        "six @ https://example.org/six.whl",
        "file:numpy.whl",
        "-e .",
    ],
)
def test_a_line_that_is_not_so_is_found(line: str) -> None:
    assert faults(line + "\n") == [line]


def test_the_lock_agrees_with_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = project["project"]["dependencies"] + project["project"]["optional-dependencies"]["test"]
    locked = (ROOT / "requirements.lock").read_text("utf-8")
    for pin in wanted:
        name, version = re.sub(r"\[.*?\]", "", pin).split("==")
        assert re.search(rf"(?mi)^{re.escape(name.replace('_', '-'))}=={re.escape(version)}( |$)", locked), (
            pin
        )
    data = (ROOT / "requirements-data.lock").read_text("utf-8")
    for pin in project["tool"]["labelplatform"]["data-wheels"]:
        assert f"\n{pin} \\\n" in data


def test_every_dependency_carries_its_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text("utf-8").splitlines()
    pins = [line for line in lines if re.match(r'\s+"[A-Za-z0-9\[\]_-]+==', line)]
    assert len(pins) > 25
    assert [line for line in pins if not re.search(r"# .{15,}", line)] == []
