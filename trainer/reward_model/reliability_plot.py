"""The reliability diagram of a reward model as SVG, written by hand: four dozen shapes need no plotting library."""

from collections.abc import Mapping, Sequence

SIDE, LEFT, TOP = 300, 60, 20


def reliability_plot(bins: Sequence[Mapping[str, float]]) -> str:
    """SVG text: accuracy (0 to 1) over confidence (1/2 to 1), a circle a bin, its area by the bin's pairs.

    On the dashed line the model is as often right as it is sure. `bins` are rows of `heldout_report.json`.
    """
    most = max((one["n"] for one in bins), default=1)
    circles = [
        f'<circle cx="{_across(one["confidence"]):.1f}" cy="{_down(one["accuracy"]):.1f}" '
        f'r="{3 + 9 * (one["n"] / most) ** 0.5:.1f}" fill="steelblue" fill-opacity="0.7">'
        f"<title>{one['n']:.0f} pairs: confidence {one['confidence']:.3f}, "
        f"accuracy {one['accuracy']:.3f}</title></circle>"
        for one in bins
    ]
    ticks = [
        f'<text x="{_across(value):.1f}" y="{TOP + SIDE + 18}" text-anchor="middle">{value:.1f}</text>'
        for value in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    ] + [
        f'<text x="{LEFT - 8}" y="{_down(value) + 4:.1f}" text-anchor="end">{value:.2f}</text>'
        for value in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    frame = f'<rect x="{LEFT}" y="{TOP}" width="{SIDE}" height="{SIDE}" fill="none" stroke="grey"/>'
    ideal = (
        f'<line x1="{_across(0.5):.1f}" y1="{_down(0.5):.1f}" x2="{_across(1.0):.1f}" y2="{_down(1.0):.1f}" '
        'stroke="grey" stroke-dasharray="4"/>'
    )
    names = (
        f'<text x="{LEFT + SIDE / 2:.0f}" y="{TOP + SIDE + 36}" text-anchor="middle">confidence</text>'
        f'<text x="16" y="{TOP + SIDE / 2:.0f}" text-anchor="middle" '
        f'transform="rotate(-90 16 {TOP + SIDE / 2:.0f})">accuracy</text>'
    )
    size = f"0 0 {LEFT + SIDE + 20} {TOP + SIDE + 46}"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}" font-family="sans-serif" font-size="12">'
    )
    return "\n".join([head, frame, ideal, *ticks, names, *circles, "</svg>\n"])


def _across(confidence: float) -> float:
    return LEFT + SIDE * (confidence - 0.5) * 2


def _down(accuracy: float) -> float:
    return TOP + SIDE * (1 - accuracy)
