"""Latency by phase, and by pattern: from p50 to the slowest, a row each, on a log axis.

Knows percentiles; knows no run.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup
from matplotlib.axes import Axes

from statedrill.check.metrics.record import PERCENTILES, LatencyFigures, Percentile
from statedrill.report.figures.svg import COLOURS, Canvas, Subject, picture, place
from statedrill.report.figures.timeline import plain_log_ticks

_ROW, _TOP, _BOTTOM = 38.0, 26.0, 40.0
_LETTER, _LETTERS = 7.0, 24  # the width of a letter in CSS pixels; the longest name in letters
_MARKS: tuple[tuple[Percentile, str], ...] = (("p50", "o"), ("p95", "s"), ("p99", "D"))


def latency_rows(name: str, title: str, rows: Sequence[tuple[str, LatencyFigures]]) -> Markup:
    """A picture of `rows` (a name, and p50, p95, p99, max in milliseconds); rows may lack some."""
    shown = [(label, figures) for label, figures in rows if _has_any(figures)]
    if not shown:
        return Markup("")

    labels = [_short(label) for label, _ in shown]

    def draw(canvas: Canvas) -> None:
        left = 20 + _LETTER * max(len(label) for label in labels)
        axes = place(canvas, left, _TOP, 14, _BOTTOM)
        for y, (_, figures) in enumerate(shown):
            _row(axes, y, figures)
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.set_yticks(range(len(shown)), labels, color=COLOURS["ink"])
        axes.grid(False, axis="y")
        axes.set_xscale("log")
        plain_log_ticks(axes.xaxis)
        more = "" if canvas.narrow else "; the thin line ends at the slowest"
        axes.set_xlabel(f"milliseconds (log){more}", fontsize=11)
        handles = [
            axes.plot([], [], marker=marker, color=COLOURS[key], linestyle="none", label=key)[0]
            for key, marker in _MARKS
        ]
        axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1.01), ncol=3)

    described = "; ".join(
        f"{label}: "
        + ", ".join(f"{key} {figures[key]:g} ms" for key, _ in _MARKS if key in figures)
        for label, figures in shown
    )
    return picture(Subject(name, title, described, draw), _TOP + _BOTTOM + _ROW * len(shown))


def _short(label: str) -> str:
    return label if len(label) <= _LETTERS else label[: _LETTERS - 1] + "…"


def _has_any(figures: LatencyFigures) -> bool:
    return any(figures.get(key, 0) > 0 for key, _ in _MARKS)


def _row(axes: Axes, y: int, figures: LatencyFigures) -> None:
    points = [figures[key] for key in PERCENTILES if figures.get(key)]
    axes.plot([min(points), max(points)], [y, y], color=COLOURS["muted"], linewidth=1)
    core = [figures[key] for key, _ in _MARKS if figures.get(key)]
    axes.plot([min(core), max(core)], [y, y], color=COLOURS["p95"], linewidth=5, alpha=0.3)
    for key, marker in _MARKS:
        if figures.get(key):
            axes.plot([figures[key]], [y], marker=marker, markersize=8, color=COLOURS[key],
                      markeredgecolor=COLOURS["surface"])  # fmt: skip
    if slowest := figures.get("max"):
        axes.plot([slowest], [y], marker="|", markersize=10, color=COLOURS["muted"])
