"""The report as one HTML file that needs nothing else: no script, font or picture from anywhere."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from planner.report.amounts import cores, memory, money, percent, short_name
from planner.report.charts import page_charts
from planner.report.markdown import basis, comparison_lines
from planner.report.report import Report
from planner.report.wording import say, words
from planner.wording import action_phrase, change_phrase, time_text

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""The Content-Security-Policy under which the page works: whatever slipped into it could not run."""
MAX_RISK_ITEMS = 12
MAX_SIZING = 30


def to_html(report: Report) -> str:
    """The page. Everything that came from a cluster is escaped, in charts by matplotlib, which draws it as outlines."""
    charts = {name: Markup(svg) for name, svg in page_charts(report).items()}
    language = report.language
    return _template().render(
        report=report,
        words=words(language),
        say=lambda key, **values: say(language, key, **values),
        charts=charts,
        basis=basis(report),
        moved=comparison_lines(report, report.comparison) if report.comparison else [],
        ring=_ring(report.score),
        phrase=lambda action: action_phrase(action, language),
        change=lambda change: change_phrase(change, language),
        max_items=MAX_RISK_ITEMS,
        max_sizing=MAX_SIZING,
    )


RING = 2 * 3.14159265 * 52
"""Length of the score's ring of radius 52."""


def _ring(score: float | None) -> str:
    return f"{RING * (score or 0) / 100:.1f} {RING:.1f}"


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    filters: dict[str, Any] = {"cores": cores, "memory": memory, "money": money, "percent": percent}
    environment.filters.update(filters | {"time": time_text, "short": short_name})
    return environment.from_string(files("planner.report").joinpath("report.html").read_text(encoding="utf-8"))
