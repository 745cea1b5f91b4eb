"""What was measured beside the promise, as lines over the run's time: a panel for each kind.

Draws panels that it is given; knows no verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from statedrill.report.figures.axis import TimeAxis, lanes, shade, strip, ticks_below
from statedrill.report.figures.svg import COLOURS, Canvas, Subject, picture, place

_LANE, _TOP, _GAP, _BOTTOM, _PANEL = 20.0, 6.0, 34.0, 40.0, 84.0
# One after another, each with a stroke of its own, so that they can be told apart without colour.
_STROKES = (("ok", "-"), ("p99", (0, (4, 1.2))), ("stale", (0, (1, 1))), ("p95", (0, (5, 1, 1, 1))))


@dataclass(frozen=True)
class Line:
    """A figure over time: its name, and its values at `t_s`; None where it is not known.

    What a damaged file has too many of is not drawn.
    """

    name: str
    t_s: Sequence[float]
    values: Sequence[float | None]


@dataclass(frozen=True)
class Panel:
    """What is drawn on one axis: a title with the unit, and its lines."""

    title: str
    lines: tuple[Line, ...]


def measures_picture(panels: Sequence[Panel], time: TimeAxis, described: str) -> Markup:
    """The panels below one another, over the drill's phases and faults."""

    def draw(canvas: Canvas) -> None:
        left, right = (44.0, 8.0) if canvas.narrow else (56.0, 12.0)
        top, strip_height = _TOP, _LANE * lanes(time)
        if strip_height:
            strip(_placed(canvas, left, right, top, strip_height), time, canvas)
        top += strip_height + _GAP
        for number, panel in enumerate(panels, start=1):
            axes = _placed(canvas, left, right, top, _PANEL)
            shade(axes, time)
            _draw(axes, panel)
            if number < len(panels):
                axes.tick_params(labelbottom=False)
            else:
                ticks_below(axes, canvas)
            top += _PANEL + _GAP

    height = _TOP + _LANE * lanes(time) + len(panels) * (_GAP + _PANEL) + _BOTTOM
    return picture(Subject("measures", "What was measured", described, draw), height)


def _placed(canvas: Canvas, left: float, right: float, top: float, height: float) -> Axes:
    return place(canvas, left, top, right, canvas.height - top - height)


def _draw(axes: Axes, panel: Panel) -> None:
    axes.set_title(panel.title)
    for line, (role, stroke) in zip(panel.lines, cycle(_STROKES), strict=False):
        known = min(len(line.t_s), len(line.values))
        values = np.array(line.values[:known], dtype=float)  # None becomes NaN, a gap
        axes.plot(line.t_s[:known], values, color=COLOURS[role], linestyle=stroke, label=line.name)
    top = max(axes.get_ylim()[1], 1e-9)
    axes.set_ylim(0, top)
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=top > 2))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1.03), ncol=4, labelcolor=COLOURS["ink"])
