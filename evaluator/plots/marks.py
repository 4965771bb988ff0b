"""Figures drawn by matplotlib at a given width in pixels, in theme names (for SVG) or in light colours (for PNG).

A narrow drawing is a drawing of its own, not the wide one made small: at 390 px letters stay as large.
"""

import io
import math
import re
import warnings
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from evaluator.figures import Curves, Figure, Matrix, Plot, Series, Whiskers
from evaluator.plots.palette import LIGHT, MARKED, series_colour

WIDE, NARROW = 720, 342
PIXELS_AN_INCH = 72
LETTER = 6.7  # pixels, of 12 px text
LONGEST_LABEL = 30
PNG_SCALE = 2
NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
CJK_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "WenQuanYi Micro Hei",
    "Source Han Sans SC",
    "PingFang SC",
    "SimHei",
)
Colours = Mapping[str, str]


def svg(figure: Figure, width: int) -> str:
    """The figure as matplotlib writes it, colours being marks that `clean_svg` knows. Refuses one without marks."""
    return _drawn(_plot(figure), width, MARKED, "svg").decode("utf-8")


def png(figure: Figure) -> bytes:
    """The wide figure in light colours, two pixels a point."""
    return _drawn(_plot(figure), WIDE, LIGHT, "png")


def _plot(figure: Figure) -> Plot:
    if figure.plot is None:
        raise ValueError(f"figure {figure.name!r} has no marks: {figure.missing}")
    return figure.plot


def _drawn(plot: Plot, width: int, colours: Colours, file: str) -> bytes:
    buffer = io.BytesIO()
    with mpl.rc_context(_settings(colours)), warnings.catch_warnings():
        # A browser has the letters that the measuring font lacks; PNG takes a CJK font where there is one.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        canvas = _canvas(plot, width, colours)
        # Without a date, a version and a random salt, equal reports give equal bytes.
        metadata = {"Date": None, "Creator": None} if file == "svg" else {"Software": None}
        scale = 1 if file == "svg" else PNG_SCALE
        canvas.savefig(buffer, format=file, dpi=PIXELS_AN_INCH * scale, metadata=metadata)
    return buffer.getvalue()


def _settings(colours: Colours) -> Any:
    known = {font.name for font in font_manager.fontManager.ttflist}
    return {
        "svg.fonttype": "none",
        "svg.hashsalt": "labelplatform",
        "text.parse_math": False,
        "font.family": ["DejaVu Sans", *(name for name in CJK_FONTS if name in known)],
        "font.size": 12,
        "text.color": colours["ink"],
        "axes.edgecolor": colours["line"],
        "axes.labelcolor": colours["muted"],
        "xtick.color": colours["line"],
        "ytick.color": colours["line"],
        "xtick.labelcolor": colours["muted"],
        "ytick.labelcolor": colours["ink"],
        "axes.facecolor": "none",
        "figure.facecolor": "none" if colours is MARKED else colours["surface"],
        "savefig.facecolor": "auto",
    }


def _canvas(plot: Plot, width: int, colours: Colours) -> Canvas:
    if isinstance(plot, Whiskers):
        return _whiskers(plot, width, colours)
    if isinstance(plot, Matrix):
        return _matrix(plot, width, colours)
    return _curves(plot, width, colours)


def label(text: str, longest: int = LONGEST_LABEL) -> str:
    """The text as one line that XML can hold, its middle left out where it is too long."""
    plain = NOT_XML.sub("\ufffd", " ".join(text.split()))
    if len(plain) <= longest:
        return plain
    half = (longest - 1) // 2
    return plain[: longest - 1 - half] + "…" + plain[-half:]


def _axes(width: float, height: float, margins: tuple[float, float, float, float]) -> tuple[Canvas, Axes]:
    """A canvas of width × height pixels with axes inside the margins left, right, top, bottom."""
    left, right, top, bottom = margins
    canvas = Canvas(figsize=(width / PIXELS_AN_INCH, height / PIXELS_AN_INCH), dpi=PIXELS_AN_INCH)
    inside = (left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height)
    axes = canvas.add_axes(inside)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    return canvas, axes


def _whiskers(plot: Whiskers, width: int, colours: Colours) -> Canvas:
    """Names stand left of the whiskers, or above each where the drawing is narrow."""
    narrow = width < WIDE
    names = [label(row.label) for row in plot.rows]
    step = 44 if narrow else 28
    room = 10 if narrow else min(230.0, LETTER * 1.05 * max(map(len, names), default=1) + 16)
    height = step * len(plot.rows) + 74
    canvas, axes = _axes(width, height, (room, 16, 22, 52))
    for place, row in enumerate(plot.rows):
        colour = colours[series_colour(row.colour)]
        if row.low is not None and row.high is not None:
            axes.plot([row.low, row.high], [place, place], color=colour, linewidth=2, zorder=2)
            ends: dict[str, Any] = {"marker": "|", "markersize": 9, "linestyle": "none", "markeredgewidth": 2}
            axes.plot([row.low, row.high], [place, place], color=colour, zorder=2, **ends)
        inside = colours["surface"] if row.hollow else colour
        axes.plot(row.value, place, "o", markersize=8, color=colour, markerfacecolor=inside, zorder=3)
        if narrow:
            above = axes.get_yaxis_transform()
            axes.text(0, place - 0.36, names[place], transform=above, va="center", ha="left")
    axes.set_ylim(len(plot.rows) - 0.4, -0.75 if narrow else -0.6)
    axes.set_yticks([] if narrow else range(len(names)), [] if narrow else names)
    axes.tick_params(axis="y", length=0)
    _number_axis(axes, plot.axis, colours, narrow=narrow)
    for reference in plot.references:
        axes.axvline(reference.value, color=colours["muted"], linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        anchored = axes.get_xaxis_transform()
        told: dict[str, Any] = {
            "transform": anchored,
            "va": "bottom",
            "ha": "center",
            "fontsize": 11,
            "color": colours["muted"],
        }
        axes.text(reference.value, 1.01, label(reference.label), **told)
    return canvas


def _number_axis(axes: Axes, name: str, colours: Colours, *, narrow: bool) -> None:
    axes.margins(x=0.06)
    axes.xaxis.set_major_locator(MaxNLocator(4 if narrow else 8))
    axes.grid(axis="x", color=colours["line"], linewidth=1, zorder=0)
    axes.set_axisbelow(True)
    axes.set_xlabel(label(name, 52 if narrow else 90), fontsize=11 if narrow else 12)


def _curves(plot: Curves, width: int, colours: Colours) -> Canvas:
    """Names stand at the ends of the lines, or above the axes where the drawing is narrow."""
    narrow = width < WIDE
    named = [one for one in plot.series if one.label]
    names = [label(one.label, 34) for one in named]
    right = 14 if narrow else min(240.0, LETTER * max(map(len, names), default=0) + 24)
    top = 30 + (18 * len(named) if narrow else 0)
    canvas, axes = _axes(width, (250 if narrow else 330) + top, (62, right, top, 54))
    if plot.x_log:
        _log_axis(axes, plot)
    for band in plot.bands:
        axes.axvspan(band.low, band.high, color=colours["accent"], alpha=0.14, linewidth=0, zorder=0)
        middle = math.sqrt(band.low * band.high) if plot.x_log else (band.low + band.high) / 2
        told: dict[str, Any] = {
            "transform": axes.get_xaxis_transform(),
            "ha": "center",
            "va": "bottom",
            "color": colours["muted"],
        }
        axes.text(middle, 1.0, label(band.label), fontsize=11, **told)
    for one in plot.series:
        _series(axes, one, colours)
    for reference in plot.references:
        axes.axhline(reference.value, color=colours["muted"], linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        told = {
            "transform": axes.get_yaxis_transform(),
            "ha": "left",
            "va": "bottom",
            "color": colours["muted"],
        }
        axes.text(0.01, reference.value, label(reference.label), fontsize=11, **told)
    axes.grid(axis="y", color=colours["line"], linewidth=1, zorder=0)
    axes.set_axisbelow(True)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.tick_params(axis="y", length=0, labelcolor=colours["muted"])
    axes.set_xlabel(label(plot.x_axis, 48 if narrow else 80))
    axes.set_ylabel(label(plot.y_axis, 40))
    _name_series(axes, plot, names, colours, narrow=narrow)
    return canvas


def _log_axis(axes: Axes, plot: Curves) -> None:
    """Decades, and 2 and 5 between where the data span less than two of them; 2.8e9 is written 2.8 B."""
    axes.set_xscale("log")
    known = [x for one in plot.series for x in one.x if x > 0]
    wide = not known or max(known) >= 100 * min(known)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0), numticks=8))
    axes.xaxis.set_major_formatter(lambda value, _: scale_word(value))
    axes.xaxis.set_minor_formatter(NullFormatter())


def scale_word(value: float) -> str:
    """A model scale as people say it: 70 M, 2.8 B, 1 T; beyond that in powers of ten."""
    for size, word in ((1e15, ""), (1e12, " T"), (1e9, " B"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:.3g}{word}" if word else f"{value:.0e}"
    return f"{value:.3g}"


def _series(axes: Axes, one: Series, colours: Colours) -> None:
    colour = colours[series_colour(one.colour)]
    for x, low, high in zip(one.x, one.low, one.high, strict=False):
        if low is not None and high is not None:
            axes.plot([x, x], [low, high], color=colour, linewidth=1.5, alpha=0.7, zorder=2)
    style = ("--" if one.dashed else "-") if one.line else "none"
    marker = "o" if one.points else "none"
    axes.plot(one.x, one.y, color=colour, linestyle=style, marker=marker, markersize=6, linewidth=2, zorder=3)


def _name_series(axes: Axes, plot: Curves, names: list[str], colours: Colours, *, narrow: bool) -> None:
    named = [one for one in plot.series if one.label]
    shades = [colours[series_colour(one.colour)] for one in named]
    if narrow:
        for place, (name, shade) in enumerate(zip(reversed(names), reversed(shades), strict=True)):
            where: dict[str, Any] = {
                "xycoords": "axes fraction",
                "textcoords": "offset points",
                "va": "bottom",
            }
            axes.annotate(name, (0, 1), (0, 18 * place + (14 if plot.bands else 4)), color=shade, **where)
        return
    ends = [_last(one.y) for one in named]
    low, high = axes.get_ylim()
    fractions = spread([(end - low) / ((high - low) or 1) for end in ends], gap=16 / 250)
    for name, shade, fraction in zip(names, shades, fractions, strict=True):
        where = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "center"}
        axes.annotate(name, (1, fraction), (8, 0), color=shade, **where)


def _last(values: tuple[float, ...]) -> float:
    known = [value for value in values if value is not None and math.isfinite(value)]
    return known[-1] if known else 0.0


def spread(places: list[float], *, gap: float) -> list[float]:
    """The places moved apart until neighbours are `gap` apart or more, their order and their middle kept."""
    order = sorted(range(len(places)), key=lambda index: (places[index], index))
    groups: list[tuple[list[int], float]] = []  # of touching labels: members, middle
    for index in order:
        groups.append(([index], places[index]))
        while len(groups) > 1 and _touch(groups[-2], groups[-1], gap):
            (below, middle), (above, other) = groups[-2], groups[-1]
            count = len(below) + len(above)
            groups[-2:] = [(below + above, (middle * len(below) + other * len(above)) / count)]
    found = list(places)
    for members, middle in groups:
        for place, index in enumerate(members):
            found[index] = middle + (place - (len(members) - 1) / 2) * gap
    return found


def _touch(below: tuple[list[int], float], above: tuple[list[int], float], gap: float) -> bool:
    return above[1] - below[1] < gap * (len(below[0]) + len(above[0])) / 2 - 1e-12


def _matrix(plot: Matrix, width: int, colours: Colours) -> Canvas:
    """Cells in the first series' colour above the centre, in the second's below it, their numbers on top."""
    narrow = width < WIDE
    longest = 12 if narrow else 22
    rows, columns = [label(one, longest) for one in plot.rows], [label(one, longest) for one in plot.columns]
    room = LETTER * max(map(len, rows), default=1) + 14
    cell = min(64.0, (width - room - 16) / max(1, len(columns)))
    top = LETTER * max(map(len, columns), default=1) + 14
    height = cell * 0.72 * len(rows) + top + 34
    canvas, axes = _axes(width, height, (room, width - room - cell * len(columns), top, 34))
    axes.spines["bottom"].set_visible(False)
    for row, values in enumerate(plot.values):
        for column, value in enumerate(values):
            _cell(axes, (column, row), value, plot, colours, written=cell >= 26)
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), rows)
    axes.xaxis.tick_top()
    axes.set_xticks(range(len(columns)), columns, rotation=90)
    axes.tick_params(length=0, labelcolor=colours["ink"])
    axes.set_xlabel(label(plot.column_axis, 60), loc="left")
    return canvas


def _cell(
    axes: Axes, place: tuple[int, int], value: float | None, plot: Matrix, colours: Colours, *, written: bool
) -> None:
    column, row = place
    corner = (column - 0.48, row - 0.48)
    if value is None:
        axes.add_patch(Rectangle(corner, 0.96, 0.96, fill=False, edgecolor=colours["line"], linewidth=1))
        return
    colour = colours[series_colour(0 if value >= plot.centre else 1)]
    strength = 0.08 + 0.42 * min(1.0, abs(value - plot.centre) / plot.reach)
    axes.add_patch(Rectangle(corner, 0.96, 0.96, facecolor=colour, alpha=strength, linewidth=0))
    if written:
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=11)
