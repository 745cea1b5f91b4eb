"""A witness drawn: its at most four operations as bars from call to return, over the fault.

Knows the operations of a witness; knows no check.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.axes import Axes

from statedrill.check.verdict.record import WitnessOperation
from statedrill.report.figures.axis import Span, TimeAxis, lanes, shade, strip, ticks_below
from statedrill.report.figures.svg import COLOURS, Canvas, Subject, picture, place

_LANE, _ROW, _TOP, _BOTTOM = 20.0, 40.0, 4.0, 40.0
_LETTERS_WIDE, _LETTERS_NARROW = 120, 56
# Operations closer together than this are drawn in milliseconds after the first of them.
_CLOSE_S = 2.0


def witness(
    name: str, operations: Sequence[WitnessOperation], time: TimeAxis, sentence: str
) -> Markup:
    """The picture; nothing where there is no operation."""
    if not operations:
        return Markup("")
    timed = sorted(operations, key=lambda each: each["call_s"])
    scale = _scale(timed)
    window = scale.window(timed, time)
    above = _LANE * lanes(window)

    def draw(canvas: Canvas) -> None:
        if above:
            height = canvas.height - _TOP - above
            strip(place(canvas, 12, _TOP, 12, height), window, canvas)
        axes = place(canvas, 12, _TOP + above, 12, _BOTTOM)
        shade(axes, window)
        for number, operation in enumerate(timed):
            _bar(axes, number, operation, scale, window)
            _label(axes, number, operation, canvas)
        axes.set_ylim(len(timed), 0)
        axes.set_yticks([])
        axes.grid(False, axis="y")
        axes.spines["left"].set_visible(False)
        ticks_below(axes, canvas, scale.title)

    height = _TOP + above + _BOTTOM + _ROW * len(timed)
    text = sentence or "The operations of the witness"
    return picture(Subject(name, "Witness", text, draw), height)


def label(operation: WitnessOperation) -> str:
    """One operation in words: who did what, to what, where, and what came back."""
    target = operation["object"] if operation["object"] not in operation["what"] else ""
    words = " ".join(part for part in (operation["who"], operation["what"], target) if part)
    version = "" if operation["ver"] is None else f"ver {operation['ver']}"
    shown = operation["shows"] if operation["kind"] == "read" else version
    parts = (str(operation["status"]), shown, operation["instance"])
    answer = ", ".join(part for part in parts if part)
    return f"{words} → {answer}" if answer else words


@dataclass(frozen=True)
class _Scale:
    """From seconds of the drill to the drawing's own unit."""

    zero_s: float
    unit_s: float
    title: str

    def at(self, second: float) -> float:
        return (second - self.zero_s) / self.unit_s

    def window(self, timed: Sequence[WitnessOperation], time: TimeAxis) -> TimeAxis:
        """The operations' own stretch of time with a margin, and the faults that touch it."""
        begin, end = _ends(timed)
        margin = max((end - begin) * 0.05, 0.002)
        faults = tuple(
            Span(
                fault.name,
                self.at(fault.begin_s),
                None if fault.end_s is None else self.at(fault.end_s),
            )
            for fault in time.faults
            if fault.begin_s <= end + margin and time.end_of(fault) >= begin - margin
        )
        return TimeAxis(self.at(begin - margin), self.at(end + margin), (), faults)


def _scale(timed: Sequence[WitnessOperation]) -> _Scale:
    begin, end = _ends(timed)
    if end - begin > _CLOSE_S:
        return _Scale(0.0, 1.0, "seconds since the drill began")
    return _Scale(begin, 0.001, f"milliseconds after {begin:,.3f} s")


def _ends(timed: Sequence[WitnessOperation]) -> tuple[float, float]:
    ends = [each["call_s"] if each["ret_s"] is None else each["ret_s"] for each in timed]
    return timed[0]["call_s"], max(ends)


def _bar(
    axes: Axes, row: int, operation: WitnessOperation, scale: _Scale, window: TimeAxis
) -> None:
    y, begin = row + 0.7, scale.at(operation["call_s"])
    ret_s = operation["ret_s"]
    end = window.end_s if ret_s is None else scale.at(ret_s)
    colour = COLOURS["ok"]
    axes.axhline(y, color=COLOURS["grid"], linewidth=0.8)
    axes.plot([begin, end], [y, y], color=colour, linewidth=7, solid_capstyle="butt",
              linestyle=(0, (1, 0.5)) if ret_s is None else "-")  # fmt: skip
    # An operation of some milliseconds among seconds would be too thin to see.
    axes.plot([begin], [y], marker="|", markersize=14, markeredgewidth=3, color=colour)


def _label(axes: Axes, row: int, operation: WitnessOperation, canvas: Canvas) -> None:
    room = _LETTERS_NARROW if canvas.narrow else _LETTERS_WIDE
    text = f"{row + 1}. {label(operation)}"
    behind = {"facecolor": COLOURS["surface"], "edgecolor": "none", "pad": 1.5, "alpha": 0.85}
    axes.text(0.003, row + 0.27, text if len(text) <= room else text[: room - 1] + "…",
              transform=axes.get_yaxis_transform(), ha="left", va="center", fontsize=11,
              bbox=behind)  # fmt: skip
