"""A routine review as one page that needs nothing else: styles and charts are in it, scripts are none."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from html import escape

from console.backtest.plots import NoPlotsError
from console.backtest.routine import Chart, Review, Step, Table, Verdict
from console.commands.common import visible_line

_CLASSES = {
    Verdict.FINE: "fine",
    Verdict.LOOK: "look",
    Verdict.UNSURE: "unsure",
    Verdict.NOTHING: "unsure",
    Verdict.NO_HISTORY: "unsure",
}

_STYLE = """
:root { color-scheme: light; --ink: #1d2733; --soft: #5c6773; --line: #dfe4ea; --blue: #2a6f97; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: #f5f7f9; margin: 0; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.4rem; margin: 0 0 .5rem; } h2 { font-size: 1.1rem; margin: 0; }
section, ol.verdicts { background: #fff; border: 1px solid var(--line); border-radius: 8px;
  padding: 1rem 1.25rem; margin: 1rem 0; overflow-x: auto; }
ol.verdicts { padding-left: 2.5rem; } ol.verdicts a { color: inherit; }
.head { display: flex; gap: .75rem; align-items: baseline; justify-content: space-between; }
.verdict { font-size: .8rem; font-weight: 600; border-radius: 4px; padding: .1rem .5rem;
  white-space: nowrap; }
.fine { background: #e3f1ea; color: #1e5b3a; } .look { background: #fbe7e5; color: #8e2230; }
.unsure { background: #eef0f3; color: #46505b; }
p { margin: .5rem 0; overflow-wrap: anywhere; } .note { color: var(--soft); font-size: .9rem; }
table { border-collapse: collapse; margin: .75rem 0; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding-bottom: .25rem; white-space: nowrap; }
th, td { padding: .2rem .75rem .2rem 0; text-align: right; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; } .text { text-align: left; overflow-wrap: anywhere; }
summary { cursor: pointer; color: var(--blue); }
svg { max-width: 100%; height: auto; display: block; margin: .75rem 0; }
"""

_MOST_ROWS = 40
"""A table with more is folded."""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(review: Review) -> tuple[str, bool]:
    """The page, and whether it has the charts, which need matplotlib."""
    charts, has_charts = dict[str, str](), True
    for chart in (chart for step in review.steps for chart in step.charts):
        try:
            charts[chart.name] = _svg(chart)
        except NoPlotsError:
            has_charts = False
            break
    return "\n".join(_page(review, charts, has_charts=has_charts)), has_charts


def _page(review: Review, charts: dict[str, str], *, has_charts: bool) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{_text(review.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>"
    yield f"<h1>{_text(review.title)}</h1>"
    notes = review.notes if has_charts else (*review.notes, "no charts: matplotlib is not installed")
    yield from (f'<p class="note">{_text(note)}</p>' for note in notes)
    yield '<ol class="verdicts">'
    for step in review.steps:
        yield f'<li><a href="#{step.id}">{_text(step.task)}</a> {_verdict(step.verdict)}</li>'
    yield "</ol>"
    for number, step in enumerate(review.steps, 1):
        yield from _step(number, step, charts)
    yield "</main>\n</body>\n</html>\n"


def _step(number: int, step: Step, charts: dict[str, str]) -> Iterator[str]:
    yield f'<section id="{step.id}">'
    yield f'<div class="head"><h2>{number}. {_text(step.task)}</h2>{_verdict(step.verdict)}</div>'
    yield f"<p>{_text(step.found)}</p>"
    yield from (charts[chart.name] for chart in step.charts if chart.name in charts)
    if step.drawn and not charts:
        yield f"<pre>{_text_lines(step.drawn)}</pre>"
    for table in step.tables:
        yield from _table(table)
    yield from (f'<p class="note">{_text(note)}</p>' for note in step.notes)
    yield "</section>"


def _verdict(verdict: Verdict) -> str:
    return f'<span class="verdict {_CLASSES[verdict]}">{verdict.value}</span>'


def _table(table: Table) -> Iterator[str]:
    is_long = len(table.rows) > _MOST_ROWS
    if is_long:
        yield f"<details><summary>{len(table.rows):,} rows</summary>"
    yield "<table>"
    if table.title:
        yield f"<caption>{_text(table.title)}</caption>"
    for tag, row in (("th", table.headings), *(("td", row) for row in table.rows)):
        cells = (
            f'<{tag} class="{"text" if place in table.words else "figure"}">{_text(cell)}</{tag}>'
            for place, cell in enumerate(row)
        )
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</table></details>" if is_long else "</table>"


def _text(text: str) -> str:
    return escape(visible_line(text))


def _text_lines(lines: tuple[str, ...]) -> str:
    return "\n".join(map(_text, lines))


def _svg(chart: Chart) -> str:
    """The picture alone, without what an SVG file has before it; its ids are its own on the page."""
    figure = chart.draw()
    from matplotlib import rc_context

    file = io.StringIO()
    with rc_context({"svg.hashsalt": chart.name}):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, count=1, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    return re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{chart.name}-", svg)
