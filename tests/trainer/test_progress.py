"""Progress: every step is a line, a reader may come at any moment, NaN is never written."""

import io
import json
from pathlib import Path

import pytest

from trainer.progress import ProgressWriter, read_progress


def test_each_step_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    with ProgressWriter(path, "none") as progress:
        progress.step(1, 2, loss=0.5)
        first, offset = read_progress(path)
        progress.step(2, 2, loss=0.25, kl=None)
    more, end = read_progress(path, offset)
    assert [line["loss"] for line in (*first, *more)] == [0.5, 0.25]
    assert more[0]["step"] == more[0]["steps"] == 2
    assert more[0]["kl"] is None
    assert isinstance(more[0]["seconds"], float)
    assert read_progress(path, end) == ([], end)


def test_reader_leaves_a_half_written_line(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    path.write_bytes(b'{"step": 1}\n{"st')
    assert read_progress(path) == ([{"step": 1}], 12)
    path.write_bytes(b'{"step": 1}\n{"step": 2}\n')
    assert read_progress(path, 12) == ([{"step": 2}], 24)


def test_reader_of_a_run_that_has_not_begun(tmp_path: Path) -> None:
    assert read_progress(tmp_path / "progress.jsonl") == ([], 0)


def test_json_mode_prints_the_lines(tmp_path: Path) -> None:
    stream = io.StringIO()
    with ProgressWriter(None, "json", stream) as progress:
        progress.step(3, 9, loss=1.0)
    assert json.loads(stream.getvalue())["step"] == 3


def test_bar_shows_how_far_it_is() -> None:
    stream = io.StringIO()
    with ProgressWriter(None, "bar", stream) as progress:
        progress.step(9, 9, loss=1.25)
    assert "9/9" in stream.getvalue()
    assert "loss 1.25" in stream.getvalue()


def test_auto_is_silent_where_no_terminal_is() -> None:
    stream = io.StringIO()
    with ProgressWriter(None, "auto", stream) as progress:
        progress.step(1, 1)
    assert stream.getvalue() == ""


def test_nan_is_refused(tmp_path: Path) -> None:
    with (
        ProgressWriter(tmp_path / "p.jsonl", "none") as progress,
        pytest.raises(ValueError, match="step 4: loss is nan"),
    ):
        progress.step(4, 9, loss=float("nan"))
    assert read_progress(tmp_path / "p.jsonl") == ([], 0)
