"""A report folder draws itself: figures as SVG, PNG and CSV, one HTML page, Markdown for a model card."""

import os
import tempfile
from pathlib import Path

from evaluator.figures import Figure, read_figures
from evaluator.plots.clean_svg import clean
from evaluator.plots.default_figures import default_figures
from evaluator.plots.marks import NARROW, WIDE, png, svg
from evaluator.plots.model_card import model_card
from evaluator.plots.page import page
from evaluator.plots.tables import csv_text
from evaluator.report_files import read_report

PAGE, CARD = "report.html", "report.md"


def draw_report(folder: Path) -> list[Path]:
    """Draw what `report.json` and `figures.json` of `folder` say, and return the files written.

    figures/NAME.svg, NAME-narrow.svg (for phones), NAME.png and NAME.csv; report.html; report.md. A figure that cannot
    be drawn has its CSV and its reason. A folder without figures.json shows its metrics. Equal reports give equal
    bytes. Refuses what is no report folder.
    """
    report = read_report(folder, samples=False)
    figures = read_figures(folder) or default_figures(report)
    written: list[Path] = []
    drawings: dict[str, tuple[str, str]] = {}
    for figure in figures:
        written.append(_write(folder / "figures" / f"{figure.name}.csv", csv_text(figure.table).encode()))
        if figure.plot is not None:
            drawings[figure.name] = _draw(folder, figure, written)
    written.append(_write(folder / PAGE, page(report, figures, drawings).encode()))
    written.append(_write(folder / CARD, model_card(report, figures).encode()))
    return written


def _draw(folder: Path, figure: Figure, written: list[Path]) -> tuple[str, str]:
    """Write the drawings of one figure; return the wide and the narrow one for a page that has the colours."""
    inside = []
    for width, ending in ((WIDE, ""), (NARROW, "-narrow")):
        drawn = svg(figure, width)
        told = {"prefix": f"{figure.name}{ending}", "title": figure.title, "description": figure.description}
        alone = clean(drawn, **told, standalone=True)
        written.append(_write(folder / "figures" / f"{figure.name}{ending}.svg", alone.encode()))
        inside.append(clean(drawn, **told, standalone=False))
    written.append(_write(folder / "figures" / f"{figure.name}.png", png(figure)))
    return inside[0], inside[1]


def _write(path: Path, content: bytes) -> Path:
    """Write by temporary name and rename: a drawing is whole or absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path
