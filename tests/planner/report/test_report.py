"""The score can be done again by hand, the next report says what moved, and every rendering is safe to open."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.runtime.findings import Finding, RootCause
from agents.runtime.report_facts import HealthFacts, Risk
from planner.report.assemble import assemble
from planner.report.charts import CHARTS, draw
from planner.report.compare import compare
from planner.report.markdown import to_markdown
from planner.report.page import to_html
from planner.report.report import Report, ScorePoint
from planner.report.score import BOUNDS, deductions, grade_of, score_of
from planner.report.wording import words
from planner.request import new_request
from tests.planner.report.samples import capacity, diagnosed, report, risk
from tests.planner.team import NOW, out_of_memory

CAUSES = st.lists(
    st.builds(lambda c, n: out_of_memory(f"shop/Deployment/w{n}", confidence=c), st.floats(0, 1), st.integers(0, 9)),
    max_size=8,
)
RISKS = st.lists(
    st.builds(
        risk,
        st.sampled_from(["a", "b", "c"]),
        st.integers(1, 40),
        st.integers(0, 40),
        st.sampled_from(["high", "medium", "low"]),
    ),
    max_size=12,
)


@given(CAUSES, RISKS, st.lists(st.text(max_size=8), max_size=9), st.booleans())
def test_the_score_is_the_sum_of_its_deductions_and_stays_in_bounds(
    causes: list[RootCause], risks: list[Risk], missing: list[str], measured: bool
) -> None:
    health = HealthFacts(observed_at=NOW, risks=risks)
    facts = capacity() if measured else None
    found = deductions(causes, health, facts, missing)
    score = score_of(found)
    assert found == deductions(causes, health, facts, missing)
    assert 0 <= score <= 100
    assert score == pytest.approx(100 - sum(one.points for one in found), abs=0.05)
    for category, bound in BOUNDS.items():
        assert sum(one.points for one in found if one.category == category) <= bound + 0.01
    for one in found:
        left, _, said = one.formula.split(";")[0].partition(" = ")
        done_again = eval(left.replace("×", "*"))  # the formula is arithmetic that a reader can do, and so can Python
        assert round(done_again, 1) == pytest.approx(float(said or left), abs=0.11)
        assert one.points <= float(said or left) + 0.01


def test_a_cluster_with_a_root_cause_is_never_good() -> None:
    assert grade_of(98, [out_of_memory()]) == "attention"
    assert grade_of(98, []) == "good" and grade_of(20, []) == "critical"


def test_silence_is_not_health() -> None:
    request = new_request("Health report", language="en")
    found = assemble("x", request, None, {"m": Finding(specialist="metrics", missing=["down"])}, created_at=NOW)
    assert found.score is None and found.grade == "unknown"
    assert "no score" in to_markdown(found) and "–" in to_html(found)


def test_the_next_report_says_what_got_better_and_worse() -> None:
    before = report(risk("a", 1), risk("b", 3))
    now = report(risk("b", 1), risk("c", 2), causes=False, id="two")
    found = compare(now, before)
    assert found.causes_gone == ["front/Deployment/web: oom_killed"] and found.causes_new == []
    assert (found.risks_new, found.risks_gone) == (["Risk c"], ["Risk a"])
    assert [(m.before, m.after) for m in found.risks_better] == [(3, 1)]
    assert found.delta == pytest.approx((now.score or 0) - (before.score or 0))
    assert compare(before, before).nothing


def test_what_was_not_looked_at_is_not_gone() -> None:
    blind = report(risk("a")).model_copy(update={"health": None, "causes": [], "score": None})
    found = compare(blind, report(risk("a")))
    assert not found.causes_gone and not found.risks_gone and found.delta is None


class _Balance(HTMLParser):
    """Every element that was opened is closed, in order."""

    VOID = frozenset({"meta", "input", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_is_whole_and_needs_nothing_else(language: str) -> None:
    history = [ScorePoint(at=NOW - timedelta(days=1), score=80)]
    html = to_html(report(risk(), risk("high", 20, 20, "high"), language=language, before=report(), history=history))
    page = _Balance()
    page.feed(html)
    assert not page.open and "script" not in page.seen and "link" not in page.seen and "img" not in page.seen
    assert html.count('class="chart"') == 4
    assert not re.search(r"(?:src|href)=\"(?!#)", html.replace('xlink:href="#', ""))
    assert "#0101" not in html
    assert words(language)["ledger"] in html  # type: ignore[arg-type]


def test_what_a_cluster_says_cannot_become_markup() -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    cause = out_of_memory(explanation=evil, advice=[evil])
    found = report(risk().model_copy(update={"title": evil, "why": evil})).model_copy(
        update={"causes": [cause], "cluster": evil, "missing": [evil], "elsewhere": [evil]}
    )
    html = to_html(found)
    assert "<script" not in html and "<img" not in html and "&lt;script&gt;" in html


def test_markdown_and_json_tell_the_same() -> None:
    found = report(risk())
    text = to_markdown(found)
    for word in ("front/Deployment/web", "Risk single_replica", "2 nodes instead of 3", "300 EUR", f"{found.score:g}"):
        assert word in text, word
    assert Report.model_validate_json(found.model_dump_json()) == found


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_is_drawn_as_svg_and_png_and_the_same_again(name: str) -> None:
    found = report(history=[ScorePoint(at=NOW - timedelta(days=1), score=80)])
    svg = draw(found, name, "svg")
    assert svg is not None and b"<svg" in svg and svg == draw(found, name, "svg")
    assert (draw(found, name, "png") or b"").startswith(b"\x89PNG")


def test_a_chart_without_data_is_left_out() -> None:
    assert all(draw(report().model_copy(update={"capacity": None}), name) is None for name in CHARTS)


def test_matplotlib_is_not_loaded_before_a_chart_is_drawn() -> None:
    code = "import sys, planner.service; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_facts_of_another_shape_are_nobodys_facts() -> None:
    odd = Finding(specialist="diagnoser", facts={"health": {"risks": 7}})
    found = assemble("x", new_request("r", language="en"), None, {"d": odd}, created_at=NOW)
    assert found.health is None and diagnosed().facts
