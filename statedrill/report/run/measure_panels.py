"""The lines of the picture of what was measured, from the verdict's series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from markupsafe import Markup

from statedrill.check.verdict.record import StoredVerdict
from statedrill.report.figures.axis import TimeAxis, load_axis
from statedrill.report.figures.measures import Line, Panel, measures_picture
from statedrill.report.formatting import listed

_DESCRIBED = "Over the time of the drill: {}. The figures of each phase stand in the table below."


def picture_of(verdict: StoredVerdict, time: TimeAxis) -> Markup | None:
    """The picture; None where nothing was measured over time."""
    panels = _panels(verdict)
    if not panels:
        return None
    named = listed([panel.title for panel in panels])
    return measures_picture(panels, load_axis(time), _DESCRIBED.format(named))


def _panels(verdict: StoredVerdict) -> list[Panel]:
    return [panel for panel in (*_of_instances(verdict), *_of_samples(verdict)) if panel.lines]


def _of_instances(verdict: StoredVerdict) -> list[Panel]:
    series = verdict.get("series")
    if not series or "instances" not in series:
        return []
    ends_s = [at_s + series["bin_s"] for at_s in series["t_s"]]
    lines = [
        Line(name, ends_s, values)
        for name, values in (
            ("requests", series.get("requests_cv", [])),
            ("sessions", series.get("sessions_cv", [])),
        )
        if len(values) == len(ends_s)
    ]
    return [
        Panel("instances in service", (Line("instances", ends_s, series["instances"]),)),
        Panel("imbalance over the instances", tuple(lines)),
    ]


def _of_samples(verdict: StoredVerdict) -> list[Panel]:
    series = verdict.get("series")
    seen = series.get("samples") if series else None
    if not seen:
        return []
    times = seen["t_s"]

    def by_name(title: str, found: Mapping[str, Sequence[float | None]]) -> Panel:
        return Panel(title, tuple(Line(name, times, values) for name, values in found.items()))

    rates = [_rate(*pair) for pair in zip(seen["hits"], seen["misses"], strict=False)]
    spans_s = [end - begin for begin, end in pairwise(times)]
    cores = [
        used / span_s if used is not None and span_s > 0 else None
        for used, span_s in zip(seen["cpu_s"][1:], spans_s, strict=False)
    ]
    return [
        by_name("hit rate of the cache (%)", {"hit rate": rates} if any(rates) else {}),
        by_name("messages in the queues", seen["depth"]),
        by_name("replica behind (seconds)", seen["lag_s"]),
        by_name("processors used by the application",
                {"processors": [None, *cores]} if any(cores) else {}),
    ]  # fmt: skip


def _rate(hits: int | None, misses: int | None) -> float | None:
    """Per cent; None where there was no lookup."""
    if hits is None or misses is None or hits + misses <= 0:
        return None
    return 100 * hits / (hits + misses)
