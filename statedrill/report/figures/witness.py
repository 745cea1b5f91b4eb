"""A witness drawn: its at most four operations as bars from call to return, over the fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes

from statedrill.report.figures.axis import TimeAxis, seconds_below, shade
from statedrill.report.figures.svg import COLOURS, Canvas, picture, place

_ROW, _TOP, _BOTTOM = 40.0, 4.0, 40.0
_LETTERS_WIDE, _LETTERS_NARROW = 110, 50


def witness(
    name: str, operations: Sequence[Mapping[str, Any]], time: TimeAxis, sentence: str
) -> Markup:
    """The picture, or nothing where the operations carry no times."""
    timed = sorted(
        (each for each in operations if each.get("call_s") is not None),
        key=lambda each: float(each["call_s"]),
    )
    if not timed:
        return Markup("")
    window = _window(timed, time)

    def draw(canvas: Canvas) -> None:
        axes = place(canvas, 12, _TOP, 12, _BOTTOM)
        shade(axes, window)
        for number, operation in enumerate(timed):
            _bar(axes, number, operation, window, canvas)
        axes.set_ylim(len(timed), 0)
        axes.set_yticks([])
        axes.grid(False, axis="y")
        axes.spines["left"].set_visible(False)
        seconds_below(axes, canvas)

    return picture(name, "Witness", sentence, draw, _TOP + _BOTTOM + _ROW * len(timed))


def label(operation: Mapping[str, Any]) -> str:
    """One operation in words: who did what, to what, where, and what came back."""
    parts = [str(operation.get("who") or ""), str(operation.get("what") or "")]
    target = str(operation.get("object") or "")
    if target and target not in parts[1]:
        parts.append(target)
    words = " ".join(part for part in parts if part)
    answer = [
        f"{key} {operation[key]}" if key == "ver" else str(operation[key])
        for key in ("status", "ver", "instance")
        if operation.get(key) not in (None, "")
    ]
    return f"{words} → {', '.join(answer)}" if answer else words


def _window(timed: Sequence[Mapping[str, Any]], time: TimeAxis) -> TimeAxis:
    """The operations' own stretch of time with a margin, and the faults that touch it."""
    begin = min(float(each["call_s"]) for each in timed)
    end = max(float(_end(each)) for each in timed)
    margin = max((end - begin) * 0.05, 0.002)
    return TimeAxis(begin - margin, end + margin, (), tuple(
        fault for fault in time.faults
        if fault.begin_s <= end + margin and time.end_of(fault) >= begin - margin
    ))  # fmt: skip


def _end(operation: Mapping[str, Any]) -> Any:
    end = operation.get("ret_s")
    return operation["call_s"] if end is None else end


def _bar(
    axes: Axes, row: int, operation: Mapping[str, Any], window: TimeAxis, canvas: Canvas
) -> None:
    y, begin = row + 0.68, float(operation["call_s"])
    open_end = operation.get("ret_s") is None
    end = window.end_s if open_end else float(operation["ret_s"])
    axes.axhline(y, color=COLOURS["grid"], linewidth=0.8)
    axes.plot([begin, end], [y, y], color=COLOURS["ok"], linewidth=7, solid_capstyle="butt",
              linestyle=(0, (1, 0.5)) if open_end else "-")  # fmt: skip
    axes.plot([begin], [y], marker="|", markersize=13, markeredgewidth=2, color=COLOURS["ok"])
    room = _LETTERS_NARROW if canvas.narrow else _LETTERS_WIDE
    text = f"{row + 1}. {label(operation)}"
    axes.text(0, row + 0.26, text if len(text) <= room else text[: room - 1] + "…",
              transform=axes.get_yaxis_transform(), ha="left", va="center", fontsize=11)  # fmt: skip

