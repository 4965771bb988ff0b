"""Long files in little memory: read, refused or imported whole, each in a process of its own whose peak is measured."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT
from tests.labelplatform.labels.bad_files import LARGE

CHILD = """
import io, os, resource, sys, tempfile
sys.path.insert(0, {root!r})
import django
django.setup()
from labelplatform.labels.exchange.formats import read
from tests.labelplatform.labels.bad_files import LARGE
blocks, told = LARGE[{name!r}]
with tempfile.TemporaryFile() as upload:
    for block in blocks({size}):
        upload.write(block)
    upload.seek(0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refusals, count = set(), 0
    for reading in read(upload):
        if reading.refusal:
            count += 1
            refusals.add(reading.refusal[:200])
    assert any(told in refusal for refusal in refusals), refusals
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


# A gigabyte, and a hundred thousand lines, take minutes.
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("size", [20_000_000, pytest.param(1_000_000_000, marks=pytest.mark.large)])
@pytest.mark.parametrize("name", LARGE)
def test_large_files_are_read_in_little_memory(name: str, size: int) -> None:
    code = CHILD.format(root=str(ROOT), name=name, size=size)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) < 64 * 1024  # KiB


IMPORTER = """
import json, os, resource, sys
from pathlib import Path
sys.path.insert(0, {root!r})
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from labelplatform.accounts.services import create_project
from labelplatform.labels import services
from labelplatform.labels.models import Ranking
from tests.labelplatform.labels.bad_files import good_lines_then_a_bad_one, lines, good
project = create_project(name="p", slug="p", by=None)
path = Path({folder!r}) / "upload.jsonl"
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with path.open("wb") as out:
    for number in range({count}):
        out.write(lines(good(number)))
    out.write(b"broken" if {broken} else b"")
try:
    with path.open("rb") as upload:
        done = services.import_labels(project=project, upload=upload, target="t", by=None)
except services.LabelsRefused as refusal:
    assert {broken}
    assert [row.number for row in refusal.preview.refused] == [{count} + 1]
    assert not Ranking.objects.exists()
else:
    assert not {broken}
    assert Ranking.objects.count() == {count}
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("count", [3_000, pytest.param(100_000, marks=pytest.mark.large)])
@pytest.mark.parametrize("broken", [True, False])
def test_a_long_file_is_imported_whole_or_not_at_all_in_little_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, broken: bool
) -> None:
    monkeypatch.setenv("LABELPLATFORM_DATA", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'own.sqlite3'}")
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "labelplatform.settings")
    code = IMPORTER.format(root=str(ROOT), folder=str(tmp_path), count=count, broken=broken)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) < 256 * 1024  # KiB
