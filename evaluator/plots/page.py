"""One HTML page of a report: opens from its folder with no network, no script; both themes, from phone to desk."""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from evaluator.figures import Cell, Figure, Table
from evaluator.plots.palette import theme_rules
from evaluator.plots.tables import metric_table, shown
from evaluator.report_files import Report

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:"
STYLE = """
:root{color-scheme:light dark}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1080px;padding:24px 16px 48px;background:var(--surface);color:var(--ink);
font:16px/1.6 system-ui,'Noto Sans','Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif;
overflow-wrap:anywhere}
h1{font-size:26px;line-height:1.25;margin:0 0 4px}h2{font-size:19px;line-height:1.3;margin:40px 0 4px}
p{margin:4px 0;max-width:72ch}.muted{color:var(--muted)}
a{color:var(--accent)}:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.notice{border:1px solid var(--line);border-left:4px solid var(--accent);border-radius:6px;
padding:8px 12px;margin:12px 0;max-width:none}
figure{margin:12px 0 8px}figure svg{display:block;max-width:100%;height:auto}.narrow{display:none}
@media (max-width:760px){.wide{display:none}.narrow{display:block}}
details{margin:8px 0}summary{cursor:pointer;color:var(--accent);min-height:32px}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:6px}
table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}
th,td{padding:6px 10px;text-align:left;vertical-align:baseline;border-bottom:1px solid var(--line);overflow-wrap:normal}
th{font-weight:600}thead th{color:var(--muted);white-space:nowrap}.num{text-align:right;white-space:nowrap}
dl{display:grid;grid-template-columns:minmax(96px,max-content) minmax(0,1fr);gap:2px 16px}
dt{color:var(--muted)}dd{margin:0}
pre{white-space:pre-wrap;font:13px/1.5 ui-monospace,'DejaVu Sans Mono',monospace}
.files a{display:inline-block;min-height:32px;margin-right:14px}
"""
Drawings = Mapping[str, tuple[str, str]]  # by figure: wide and narrow


def page(report: Report, figures: Sequence[Figure], drawings: Drawings) -> str:
    """The whole page. Everything that came from data is escaped."""
    title = f"{report.suite}: {report.subject}"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        f"<title>{escape(title)}</title>",
        f"<style>{theme_rules(':root')}{STYLE}</style></head>",
        "<body><main>",
        *_head(report),
        *_verdicts(report),
        *(part for figure in figures for part in _figure(figure, drawings)),
        "<h2>All figures</h2>",
        _scroll(metric_table(report.metrics), "All figures"),
        *_made_from(report),
        "</main></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _head(report: Report) -> Iterable[str]:
    items = report.items
    yield f"<h1>{escape(report.suite)}</h1>"
    yield f'<p class="muted">{escape(report.subject)} · {escape(report.variant)}</p>'
    counts = f"{items.measured} of {items.asked} items measured"
    left_out = f", {items.not_measured} not measured" if items.not_measured else ""
    abstained = f", {items.abstained} abstained" if items.abstained else ""
    yield f"<p>{counts}{left_out}{abstained}. Brackets are 95 % intervals. Seed {report.seed}.</p>"
    finished = report.environment.get("finished_at")
    if finished:
        yield f'<p class="muted">As of <time datetime="{escape(str(finished))}">{escape(str(finished))}</time></p>'
    verdict = report.extra.get("verdict")
    if verdict:
        yield f'<p class="notice"><strong>Verdict: {escape(str(verdict))}</strong></p>'
    warnings = report.extra.get("warnings")
    for warning in warnings if isinstance(warnings, list) else ():
        yield f'<p class="notice">{escape(str(warning))}</p>'


def _verdicts(report: Report) -> Iterable[str]:
    if report.verdicts:
        rows = [(one.name, one.group or "", one.verdict, one.reason) for one in report.verdicts]
        yield "<h2>Verdicts</h2>"
        yield _scroll(Table(("metric", "group", "verdict", "why"), tuple(rows)), "Verdicts")


def _figure(figure: Figure, drawings: Drawings) -> Iterable[str]:
    heading = f"{figure.name}-heading"
    yield f'<section aria-labelledby="{heading}"><h2 id="{heading}">{escape(figure.title)}</h2>'
    yield f"<p>{escape(figure.description)}</p>"
    if figure.name in drawings:
        wide, narrow = drawings[figure.name]
        yield f'<figure><div class="wide">{wide}</div><div class="narrow">{narrow}</div></figure>'
    else:
        yield f'<p class="notice"><strong>Nothing is drawn:</strong> {escape(figure.missing)}</p>'
    endings = ("svg", "png", "csv") if figure.name in drawings else ("csv",)
    links = (f'<a href="figures/{figure.name}.{end}">{end.upper()}</a>' for end in endings)
    yield f'<p class="files">{" ".join(links)}</p>'
    table = f"Table: {figure.title}"
    yield f"<details><summary>{escape(table)}</summary>{_scroll(figure.table, table)}</details>"
    yield "</section>"


def _scroll(table: Table, name: str) -> str:
    """The table in a region of its own that scrolls sideways by keys too."""
    head = "".join(
        f'<th scope="col"{_number_class(table, at)}>{escape(one)}</th>'
        for at, one in enumerate(table.columns)
    )
    rows = "".join(
        f"<tr>{''.join(_cell(cell, at) for at, cell in enumerate(row))}</tr>" for row in table.rows
    )
    inside = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(name)}">{inside}</div>'


def _number_class(table: Table, column: int) -> str:
    numbers = any(isinstance(row[column], int | float) for row in table.rows)
    return ' class="num"' if numbers else ""


def _cell(cell: Cell, column: int) -> str:
    if column == 0:
        return f'<th scope="row">{escape(shown(cell))}</th>'
    kind = "" if isinstance(cell, str) else ' class="num"'
    return f"<td{kind}>{escape(shown(cell))}</td>"


def _made_from(report: Report) -> Iterable[str]:
    yield "<h2>Made from</h2><dl>"
    for file in report.data:
        path, digest = (escape(str(file.get(key, ""))) for key in ("path", "sha256"))
        yield f"<dt>{path}</dt><dd><code>sha256 {digest}</code></dd>"
    environment = report.environment
    for name in ("commit", "python", "platform"):
        if environment.get(name):
            yield f"<dt>{name}</dt><dd><code>{escape(str(environment[name]))}</code></dd>"
    yield '<dt>each item</dt><dd><a href="samples.jsonl">samples.jsonl</a></dd>'
    yield '<dt>all of it</dt><dd><a href="report.json">report.json</a></dd></dl>'
    spec = json.dumps(dict(report.spec), ensure_ascii=False, indent=1, sort_keys=True)
    yield f"<details><summary>Settings</summary><pre>{escape(spec)}</pre></details>"
