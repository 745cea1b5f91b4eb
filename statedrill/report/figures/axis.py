"""The time axis that all panels of a run share: its phases, and its faults shaded and named.

Knows phases and faults; knows nothing of what a panel shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from statedrill.check.verdict.record import StoredVerdict
from statedrill.report.figures.svg import COLOURS, INK, Canvas

# About how wide a letter of the labels is, in CSS pixels: enough to know whether a word fits.
_LETTER = 6.2
_AFTER_LOAD = ("settle", "audit", "second audit")


@dataclass(frozen=True)
class Span:
    """A named stretch of time in seconds; an `end_s` of None means that no end is recorded."""

    name: str
    begin_s: float
    end_s: float | None


@dataclass(frozen=True)
class TimeAxis:
    """From when to when, with the phases and faults in between.

    `given_up` are the stretches between a restore point and the restored service, `backups` the
    times at which a backup was complete.
    """

    begin_s: float
    end_s: float
    phases: tuple[Span, ...] = ()
    faults: tuple[Span, ...] = ()
    given_up: tuple[Span, ...] = ()
    backups: tuple[float, ...] = ()

    @property
    def load_end_s(self) -> float:
        """When the load ends: what comes after (settling, audit) has a rate of its own."""
        after = [span.begin_s for span in self.phases if span.name in _AFTER_LOAD]
        return min(after, default=self.end_s)

    def end_of(self, fault: Span) -> float:
        """Where the fault's band ends: without a recorded end, with the axis."""
        return self.end_s if fault.end_s is None else fault.end_s


def load_axis(time: TimeAxis) -> TimeAxis:
    """The same axis, ended where the load ends."""
    return replace(time, end_s=time.load_end_s)


def axis_of(verdict: StoredVerdict, last_s: float) -> TimeAxis:
    """The axis of a judged run whose series ends at `last_s`."""
    phases = [Span(each["phase"], each["begin_s"], each["end_s"]) for each in verdict["phases"]]
    # a fault's name is the function of the experiment's file
    faults = [
        Span(each["name"] or "", each["begin_s"], each["end_s"]) for each in verdict["faults"]
    ]
    given_up = [
        Span("given up", each["point_s"], each["restored_s"])
        for each in verdict.get("restores", [])
    ]
    backups = [each["end_s"] for each in verdict.get("backups", [])] if given_up else []
    axis = time_axis(phases, faults, last_s)
    return replace(axis, given_up=tuple(given_up), backups=tuple(backups))


def time_axis(phases: Sequence[Span], faults: Sequence[Span], last_s: float) -> TimeAxis:
    """The axis of a run whose series ends at `last_s`; its phases are named in words."""
    ends = [span.end_s or span.begin_s for span in (*phases, *faults)]
    named = tuple(replace(span, name=span.name.replace("_", " ")) for span in phases)
    return TimeAxis(0.0, max([last_s, 1.0, *ends]), named, tuple(faults))


def shade(axes: Axes, time: TimeAxis) -> None:
    """The band of every fault, edged by lines, and a thin line where a phase begins."""
    for phase in time.phases:
        axes.axvline(phase.begin_s, color=COLOURS["grid"], linewidth=0.8, linestyle=(0, (1, 2)))
    for fault in time.faults:
        end = time.end_of(fault)
        if end > fault.begin_s:
            alpha = 0.14 if fault.end_s is not None else 0.07
            axes.axvspan(fault.begin_s, end, color=COLOURS["fault"], alpha=alpha, linewidth=0)
        for edge in {fault.begin_s, end if fault.end_s is not None else fault.begin_s}:
            axes.axvline(edge, color=COLOURS["fault"], linewidth=1.1)
    for span in time.given_up:
        axes.axvline(span.begin_s, color=COLOURS["lost-writes"], linestyle=(0, (4, 2)))
    axes.set_xlim(time.begin_s, time.end_s)


def lanes(time: TimeAxis) -> int:
    """How many lanes `strip` draws."""
    return bool(time.phases) + len(time.faults) + bool(time.given_up)


def strip(axes: Axes, time: TimeAxis, canvas: Canvas) -> None:
    """A lane of phases, one for every fault and one for what was given up by a restore, names
    written where they fit.
    """
    axes.set_ylim(lanes(time), 0)
    axes.set_xlim(time.begin_s, time.end_s)
    axes.axis("off")
    pixels_a_second = axes.get_position().width * canvas.width / (time.end_s - time.begin_s)
    for number, phase in enumerate(time.phases):
        end = time.end_s if phase.end_s is None else phase.end_s
        axes.barh(
            0.5, end - phase.begin_s, left=phase.begin_s, height=0.8, linewidth=0,
            color=COLOURS["phase"], alpha=0.32 if number % 2 else 0.16,
        )  # fmt: skip
        if len(phase.name) * _LETTER < (end - phase.begin_s) * pixels_a_second:
            middle = (phase.begin_s + end) / 2
            axes.text(middle, 0.5, phase.name, ha="center", va="center", fontsize=11, color=INK)
    for lane, fault in enumerate(time.faults, start=bool(time.phases)):
        _fault_lane(axes, time, fault, lane + 0.5, pixels_a_second)
    if time.given_up:
        _restore_lane(axes, time, lanes(time) - 0.5, pixels_a_second)


def ticks_below(axes: Axes, canvas: Canvas, title: str = "seconds since the drill began") -> None:
    """The axis' own ticks and title, for the lowest panel."""
    begin, end = axes.get_xlim()
    most = 6 if canvas.narrow else 11
    axes.xaxis.set_major_locator(MaxNLocator(most, integer=end - begin > most))
    axes.set_xlabel(title, fontsize=11)


def _restore_lane(axes: Axes, time: TimeAxis, y: float, pixels_a_second: float) -> None:
    """Ticks where a backup was complete, and a bar over what was given up."""
    for at_s in time.backups:
        axes.plot([at_s], [y], marker="|", color=COLOURS["ok"], markersize=9, markeredgewidth=2)
    for span in time.given_up:
        end = time.end_of(span)
        axes.barh(
            y, end - span.begin_s, left=span.begin_s, height=0.8, linewidth=0,
            color=COLOURS["lost-writes"], alpha=0.3,
        )  # fmt: skip
        if len(span.name) * _LETTER < (end - span.begin_s) * pixels_a_second:
            middle = (span.begin_s + end) / 2
            axes.text(middle, y, span.name, ha="center", va="center", fontsize=11, color=INK)


def _fault_lane(axes: Axes, time: TimeAxis, fault: Span, y: float, pixels_a_second: float) -> None:
    end = time.end_of(fault)
    axes.plot([fault.begin_s, end], [y, y], color=COLOURS["fault"], linewidth=3,
              linestyle="-" if fault.end_s is not None else (0, (2, 1)),
              solid_capstyle="butt")  # fmt: skip
    axes.plot([fault.begin_s], [y], marker="v", color=COLOURS["fault"], markersize=6)
    label = fault.name if len(fault.name) <= 40 else fault.name[:39] + "…"
    needs_s = (len(label) * _LETTER + 14) / pixels_a_second
    gap_s = 7 / pixels_a_second
    if fault.begin_s - time.begin_s > needs_s:
        axes.text(fault.begin_s - gap_s, y, label, ha="right", va="center", fontsize=11)
        return
    # No room before the fault: after it, or else over its line, which then makes way.
    begin = end if time.end_s - end > needs_s else fault.begin_s
    behind = {"facecolor": COLOURS["surface"], "edgecolor": "none", "pad": 1}
    axes.text(begin + gap_s, y, label, ha="left", va="center", fontsize=11, bbox=behind)
