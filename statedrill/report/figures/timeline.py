"""The timeline of a run: throughput, latency and lost state above one another on one time axis.

Draws the table that `timeseries` gives; knows no verdict.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from statedrill.report.figures.axis import TimeAxis, lanes, shade, strip, ticks_below
from statedrill.report.figures.svg import COLOURS, MUTED, Canvas, Subject, drawing, picture, place
from statedrill.report.formatting import format_count
from statedrill.report.timeseries import LOSSES, RATES

_LANE, _TOP, _GAP, _BOTTOM = 20.0, 6.0, 34.0, 40.0
_PANEL, _PANELS = 128.0, 3
_LOSS_NAMES = {
    "lost_writes": "lost writes",
    "lost_sessions": "lost sessions",
    "stale": "stale reads",
}


def timeline(name: str, series: pd.DataFrame, time: TimeAxis, description: str) -> Markup:
    """The picture with its three panels; `series` as `series_of` gives it."""

    def draw(canvas: Canvas) -> None:
        strip_height = _LANE * lanes(time)
        left, right = (44.0, 8.0) if canvas.narrow else (56.0, 12.0)
        top = _TOP
        if strip_height:
            strip(_panel(canvas, left, right, top, strip_height), time, canvas)
        top += strip_height + _GAP
        panels = []
        for _ in range(_PANELS):
            panels.append(_panel(canvas, left, right, top, _PANEL))
            shade(panels[-1], time)
            top += _PANEL + _GAP
        rates, latency, losses = panels
        _throughput(rates, series, highest_rate(series, time))
        _latency(latency, series)
        _losses(losses, series)
        for upper in (rates, latency):
            upper.tick_params(labelbottom=False)
        ticks_below(losses, canvas)

    height = _TOP + _LANE * lanes(time) + _PANELS * (_GAP + _PANEL) + _BOTTOM
    return picture(Subject(name, "Timeline of the drill", description, draw), height)


def small_timeline(
    name: str, title: str, series: pd.DataFrame, time: TimeAxis, top_rate: float
) -> Markup:
    """One drawing for a grid of many: throughput with lost state as ticks below it.

    `top_rate` is the end of the rate axis, the same for all drawings of a grid.
    """

    def draw(canvas: Canvas) -> None:
        axes = place(canvas, 34, 6, 6, 44)
        shade(axes, time)
        _rates(axes, series)
        axes.set_ylim(0, top_rate)
        axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
        axes.tick_params(labelbottom=False, bottom=False)
        below = place(canvas, 34, canvas.height - 40, 6, 20)
        shade(below, time)
        _loss_ticks(below, series)
        below.xaxis.set_major_locator(MaxNLocator(5, integer=True))

    description = "Operations per second, ok and failed; below, marks where lost state was written."
    return drawing(Subject(name, title, description, draw), 300, 170)


def highest_rate(series: pd.DataFrame, time: TimeAxis) -> float:
    """The end of the rate axis: the load's own highest rate, however fast the audit reads."""
    rates = series.loc[series.index < time.load_end_s, list(RATES)]
    rates = rates if len(rates) else series[list(RATES)]
    highest = np.nanmax(rates.to_numpy(), initial=0.0)
    return float(highest) * 1.12 or 1.0


def _panel(canvas: Canvas, left: float, right: float, top: float, height: float) -> Axes:
    return place(canvas, left, top, right, canvas.height - top - height)


def _throughput(axes: Axes, series: pd.DataFrame, highest: float) -> None:
    axes.set_title("operations per second")
    _rates(axes, series)
    axes.set_ylim(0, highest)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format_count(value)))
    _legend(axes)


def _rates(axes: Axes, series: pd.DataFrame) -> None:
    bin_s = float(series.attrs["bin_s"])
    middle = series.index.to_numpy(dtype=float) + bin_s / 2
    axes.fill_between(middle, series["ok"], color=COLOURS["ok"], alpha=0.18, linewidth=0)
    axes.plot(middle, series["ok"], color=COLOURS["ok"], label="ok")
    if (series["failed"] > 0).any():
        axes.fill_between(middle, series["failed"].fillna(0), step="mid", color=COLOURS["failed"],
                          linewidth=0, label="failed")  # fmt: skip


def _latency(axes: Axes, series: pd.DataFrame) -> None:
    axes.set_title("latency (ms, log)")
    middle = series.index.to_numpy(dtype=float) + float(series.attrs["bin_s"]) / 2
    axes.plot(middle, series["p99_ms"], color=COLOURS["p99"], label="p99", linestyle=(0, (4, 1.2)))
    axes.plot(middle, series["p50_ms"], color=COLOURS["p50"], label="p50")
    seen = series[["p50_ms", "p99_ms"]].where(lambda ms: ms > 0)
    if seen.isna().all(axis=None):
        _say(axes, "no latency recorded")
        return
    axes.set_yscale("log")
    # At least a factor of five: noise of a tenth is not to look like a cliff.
    low, high = np.nanmin(seen.to_numpy()), np.nanmax(seen.to_numpy())
    axes.set_ylim(low / 1.3, max(high * 1.3, low * 5))
    plain_log_ticks(axes.yaxis)
    _legend(axes)


def plain_log_ticks(axis: Any) -> None:
    """Ticks written as 1, 10, 100; within two decades also 2 and 5 of each."""
    low, high = sorted(axis.get_view_interval())
    if low > 0 and high / low < 100:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_formatter(NullFormatter())
    axis.set_minor_locator(NullLocator())


def _losses(axes: Axes, series: pd.DataFrame) -> None:
    axes.set_title("lost and stale")
    known = [column for column in LOSSES if series[column].notna().any()]
    if not known:
        _say(axes, "not judged")
        return
    if not (series[known] > 0).any(axis=None):
        _say(axes, "nothing lost, nothing stale")
        return
    bin_s = float(series.attrs["bin_s"])
    for column in known:
        if (series[column] > 0).any():
            _loss_marks(axes, column, series[column].fillna(0), bin_s)
    axes.set_ylim(0, axes.get_ylim()[1] * 1.1)
    largest = [series[column].max() for column in known if series[column].max() > 0]
    if max(largest) > 15 * min(largest):
        axes.set_yscale("symlog", linthresh=1)
        plain_log_ticks(axes.yaxis)
    else:
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    _legend(axes)


def _loss_marks(axes: Axes, column: str, values: pd.Series[float], bin_s: float) -> None:
    at = values.index.to_numpy(dtype=float) + bin_s / 2
    colour = COLOURS[column.replace("_", "-")]
    name = f"{_LOSS_NAMES[column]}: {format_count(values.sum())}"
    if column == "lost_writes":
        axes.fill_between(at, values, step="mid", color=colour, alpha=0.75, linewidth=0, label=name)
        return
    seen = values > 0
    marker = "D" if column == "lost_sessions" else "o"
    axes.vlines(at[seen], 0, values[seen], color=colour, linewidth=1.2)
    axes.plot(at[seen], values[seen], marker=marker, linestyle="none", markersize=5, color=colour,
              label=name, zorder=3)  # fmt: skip


def _loss_ticks(axes: Axes, series: pd.DataFrame) -> None:
    axes.set_ylim(3, 0)
    axes.set_yticks([])
    axes.grid(False)
    axes.spines["left"].set_visible(False)
    middle = series.index.to_numpy(dtype=float) + float(series.attrs["bin_s"]) / 2
    for lane, column in enumerate(LOSSES):
        at = middle[(series[column] > 0).to_numpy()]
        colour = COLOURS[column.replace("_", "-")]
        axes.vlines(at, lane + 0.1, lane + 0.9, color=colour, linewidth=2)


def _legend(axes: Axes) -> None:
    handles, _ = axes.get_legend_handles_labels()
    if handles:
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1.03), ncol=3, labelcolor=COLOURS["ink"])


def _say(axes: Axes, text: str) -> None:
    axes.set_yticks([])
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=MUTED)
