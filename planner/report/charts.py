"""The report's charts, drawn by matplotlib, which is imported when the first one is drawn.

Inside the page a chart takes its colours from the page's own variables, so one SVG fits the light and the dark theme;
on its own (`svg`, `png`) it has the light theme's. Without a font for Chinese the labels are English, never boxes.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from agents.runtime.findings import Language
from agents.runtime.report_facts import NodeUse, Sizing, WorkloadUse
from planner.report.amounts import cores, memory, short_name
from planner.report.report import Report
from planner.report.wording import say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Format = Literal["svg", "png"]
GIB = 2**30
MAX_NODES, MAX_BARS = 16, 8
WIDTH = 10.4
"""Inches; the page scales it."""
_CHINESE = ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "WenQuanYi Micro Hei",
            "WenQuanYi Zen Hei", "Microsoft YaHei", "PingFang SC", "SimHei")  # fmt: skip
_LATIN = ("Inter", "Helvetica Neue", "Liberation Sans", "Arial", "DejaVu Sans")
_lock = threading.Lock()  # matplotlib's settings are the process's


@dataclass(frozen=True)
class Palette:
    """The colours of a chart."""

    ink: str = "#1c2430"
    faint: str = "#6b7686"
    line: str = "#e3e7ee"
    track: str = "#edf0f5"
    used: str = "#2563eb"
    requested: str = "#a9c4f8"
    limit: str = "#dc2626"
    advised: str = "#0f9d76"


_ON_PAPER = Palette()
_MARKS = Palette(*(f"#0101{n:02x}" for n in range(1, 9)))
"""Colours that stand for the page's variables until the SVG is put into the page."""
_VARIABLES = ("ink", "faint", "line", "track", "used", "requested", "limit", "advised")


def page_charts(report: Report) -> dict[str, str]:
    """Every chart that has something to show, as inline SVG by name."""
    found: dict[str, str] = {}
    for name in CHARTS:
        data = draw(report, name, "svg", _MARKS)
        if data is not None:
            found[name] = _inline(data.decode())
    return found


def draw(report: Report, name: str, format: Format = "svg", palette: Palette = _ON_PAPER) -> bytes | None:
    """One chart; None when the report has nothing for it. Raises KeyError for a name that is not in CHARTS."""
    with _lock:
        import matplotlib as mpl
        from matplotlib.figure import Figure

        language, fonts = _fonts(report.language)
        settings: dict[Any, Any] = {
            "font.family": fonts,
            "font.size": 9.5,
            "svg.fonttype": "path",
            "svg.hashsalt": name,
            "axes.facecolor": "none",
            "text.color": palette.ink,
            "axes.labelcolor": palette.faint,
            "xtick.color": palette.faint,
            "ytick.color": palette.ink,
            "axes.edgecolor": palette.line,
        }
        with mpl.rc_context(settings):
            figure = Figure(figsize=(WIDTH, 3))
            if not CHARTS[name](figure, report, language, palette):
                return None
            out = io.BytesIO()
            options: dict[str, Any] = {"metadata": {"Date": None}} if format == "svg" else {"dpi": 160}
            background = "none" if palette is _MARKS else "white"
            figure.savefig(out, format=format, facecolor=background, bbox_inches="tight", pad_inches=0.06, **options)
            return out.getvalue()


def _nodes(figure: Figure, report: Report, language: Language, palette: Palette) -> bool:
    """Used and requested against allocatable, per node."""
    rows = report.capacity.nodes if report.capacity else []
    rows = sorted(rows, key=lambda n: (-_share(n.memory_requested, n.memory) - _share(n.cpu_requested, n.cpu), n.name))
    rows = rows[:MAX_NODES]
    if not rows:
        return False
    figure.set_size_inches(WIDTH, 0.95 + 0.46 * len(rows))
    left, right = _pair(figure)
    _node_bars(left, rows, say(language, "cpu"), palette, lambda n: (n.cpu_used, n.cpu_requested, n.cpu), cores)
    _node_bars(
        right, rows, say(language, "memory"), palette, lambda n: (n.memory_used, n.memory_requested, n.memory), memory
    )
    right.set_yticklabels([])
    _legend(figure, [("used", say(language, "used")), ("requested", say(language, "requested")),
                     ("track", say(language, "allocatable"))], palette)  # fmt: skip
    return True


def _node_bars(
    axes: Axes,
    rows: Sequence[NodeUse],
    title: str,
    palette: Palette,
    values: Callable[[NodeUse], tuple[float | None, float, float]],
    text: Callable[[float], str],
) -> None:
    for y, node in enumerate(rows):
        used, requested, room = values(node)
        axes.barh(y, 100, height=0.62, color=palette.track)
        axes.barh(y, min(100, 100 * _share(requested, room)), height=0.62, color=palette.requested)
        if used is not None:
            axes.barh(y, min(100, 100 * _share(used, room)), height=0.24, color=palette.used)
        shown = text(used) if used is not None else "–"
        axes.text(102, y, f"{shown} / {text(room)}", va="center", fontsize=8.5, color=palette.faint)
    _frame(axes, title, palette)
    axes.set_yticks(range(len(rows)), [short_name(node.name) for node in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(0, 130)
    axes.set_xticks([0, 25, 50, 75, 100], ["0", "25", "50", "75", "100 %"])


def _consumers(figure: Figure, report: Report, language: Language, palette: Palette) -> bool:
    """What uses most, with its requests and limits."""
    rows = report.capacity.workloads if report.capacity else []
    by_cpu = sorted((r for r in rows if r.cpu is not None), key=lambda r: -(r.cpu or 0))[:MAX_BARS]
    by_memory = sorted((r for r in rows if r.memory is not None), key=lambda r: -(r.memory or 0))[:MAX_BARS]
    if not by_cpu or not by_memory:
        return False
    figure.set_size_inches(WIDTH, 1.0 + 0.5 * max(len(by_cpu), len(by_memory)))
    left, right = _pair(figure, space=0.66)
    _use_bars(left, by_cpu, say(language, "cpu"), palette, lambda r: (r.cpu, r.cpu_request, r.cpu_limit), cores)
    _use_bars(
        right,
        by_memory,
        say(language, "memory"),
        palette,
        lambda r: (r.memory, r.memory_request, r.memory_limit),
        memory,
    )
    _legend(figure, [("used", say(language, "used")), ("requested", say(language, "request")),
                     ("limit", say(language, "limit"))], palette)  # fmt: skip
    return True


def _use_bars(
    axes: Axes,
    rows: Sequence[WorkloadUse],
    title: str,
    palette: Palette,
    values: Callable[[WorkloadUse], tuple[float | None, float | None, float | None]],
    text: Callable[[float], str],
) -> None:
    triples = [values(row) for row in rows]
    # A generous limit would press everything else to the left: what lies beyond is written at the edge.
    widest = max(max(used or 0, request or 0) for used, request, _ in triples) * 1.35 or 1
    for y, (used, request, limit) in enumerate(triples):
        if request:
            axes.barh(y, request, height=0.66, color=palette.requested)
        axes.barh(y, used or 0, height=0.28, color=palette.used)
        if limit and limit <= widest:
            axes.plot([limit, limit], [y - 0.36, y + 0.36], color=palette.limit, linewidth=2, solid_capstyle="butt")
        beyond = f"→ {text(limit)}" if limit and limit > widest else ""
        end = max(used or 0, request or 0, limit if limit and limit <= widest else 0)
        axes.text(end + widest * 0.02, y, text(used or 0), va="center", fontsize=8.5, color=palette.ink)
        if beyond:
            axes.text(widest * 1.3, y, beyond, va="center", ha="right", fontsize=8, color=palette.limit)
    _frame(axes, title, palette)
    axes.set_yticks(range(len(rows)), [short_name(row.resource) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(0, widest * 1.32)
    axes.set_xticks([])


def _sizing(figure: Figure, report: Report, language: Language, palette: Palette) -> bool:
    """From what containers request to what they should."""
    rows = [row for row in (report.capacity.sizing if report.capacity else []) if row.verdict != "fits"][:MAX_BARS]
    if not rows:
        return False
    figure.set_size_inches(WIDTH, 1.0 + 0.5 * len(rows))
    left, right = _pair(figure)
    _dumbbells(left, rows, say(language, "cpu"), palette, lambda r: (r.cpu_request, r.cpu_request_advised), cores)
    _dumbbells(
        right, rows, say(language, "memory"), palette, lambda r: (r.memory_request, r.memory_request_advised), memory
    )
    right.set_yticklabels([])
    _legend(figure, [("faint", say(language, "now")), ("advised", say(language, "advised"))], palette)
    return True


def _dumbbells(
    axes: Axes,
    rows: Sequence[Sizing],
    title: str,
    palette: Palette,
    values: Callable[[Sizing], tuple[float | None, float]],
    text: Callable[[float], str],
) -> None:
    widest = max(max(now or 0, then) for now, then in map(values, rows)) or 1
    for y, row in enumerate(rows):
        now, then = values(row)
        axes.plot([0, widest], [y, y], color=palette.track, linewidth=5, solid_capstyle="round", zorder=1)
        if now is not None:
            axes.plot([now, then], [y, y], color=palette.requested, linewidth=5, solid_capstyle="round", zorder=2)
            axes.plot([now], [y], "o", color=palette.faint, markersize=7, zorder=3)
        axes.plot([then], [y], "o", color=palette.advised, markersize=9, zorder=4)
        told = f"{text(now) if now is not None else '–'} → {text(then)}"
        axes.text(widest * 1.06, y, told, va="center", fontsize=8.5, color=palette.ink)
    _frame(axes, title, palette)
    axes.set_yticks(range(len(rows)), [short_name(row.resource) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(-widest * 0.03, widest * 1.6)
    axes.set_xticks([])


def _scores(figure: Figure, report: Report, language: Language, palette: Palette) -> bool:
    """The score of this report and those before."""
    points = [(point.at, point.score) for point in report.history]
    points += [(report.created_at, report.score)] if report.score is not None else []
    if len(points) < 2:
        return False
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    figure.set_size_inches(WIDTH, 2.6)
    axes = figure.subplots()
    times, scores = [at for at, _ in points], [score for _, score in points]
    axes.fill_between(times, scores, color=palette.requested, alpha=0.35, linewidth=0)  # pyright: ignore[reportArgumentType]
    axes.plot(times, scores, "-o", color=palette.used, linewidth=2.2, markersize=5.5)  # pyright: ignore[reportArgumentType]
    axes.annotate(f"{scores[-1]:g}", (times[-1], scores[-1]), xytext=(0, 9), textcoords="offset points",  # pyright: ignore[reportArgumentType]
                  ha="center", fontweight="bold", color=palette.ink)  # fmt: skip
    axes.set_ylim(0, 112)
    axes.set_yticks([0, 25, 50, 75, 100])
    locator = AutoDateLocator(maxticks=8)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.grid(axis="y", color=palette.line, linewidth=0.8)
    _frame(axes, say(language, "score_over_time"), palette)
    return True


CHARTS: dict[str, Callable[[Figure, Report, Language, Palette], bool]] = {
    "nodes": _nodes,
    "consumers": _consumers,
    "sizing": _sizing,
    "scores": _scores,
}
"""Every chart by name."""


def _pair(figure: Figure, space: float = 0.08) -> tuple[Axes, Axes]:
    left, right = figure.subplots(1, 2, gridspec_kw={"wspace": space})
    return left, right


def _frame(axes: Axes, title: str, palette: Palette) -> None:
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold", color=palette.ink, pad=8)


def _legend(figure: Figure, entries: Sequence[tuple[str, str]], palette: Palette) -> None:
    from matplotlib.patches import Patch

    patches = [Patch(facecolor=getattr(palette, colour), label=label) for colour, label in entries]
    figure.legend(
        handles=patches,
        loc="upper right",
        bbox_to_anchor=(0.9, 1.0),
        ncols=len(patches),
        frameon=False,
        fontsize=8.5,
        handlelength=1.1,
        handleheight=0.9,
        labelcolor=palette.faint,
    )


def _fonts(language: Language) -> tuple[Language, list[str]]:
    """The fonts that are there, and the language that they can write."""
    from matplotlib import font_manager

    there = {font.name for font in font_manager.fontManager.ttflist}
    latin = [name for name in _LATIN if name in there] or ["DejaVu Sans"]
    chinese = [name for name in _CHINESE if name in there]
    if language == "zh" and not chinese:
        return "en", latin
    return language, [*latin, *chinese]


def _inline(svg: str) -> str:
    """The SVG element alone, in the page's colours, as wide as there is room."""
    svg = svg[svg.index("<svg") :]
    for name, mark in zip(_VARIABLES, (getattr(_MARKS, name) for name in _VARIABLES), strict=True):
        svg = svg.replace(mark, f"var(--{name})")
    head, _, rest = svg.partition(">")
    parts = [part for part in head.split(" ") if not part.startswith(("width=", "height="))]
    return f'{" ".join(parts)} class="chart" role="img" aria-hidden="true">{rest}'


def _share(part: float | None, whole: float) -> float:
    return (part or 0) / whole if whole else 0.0
