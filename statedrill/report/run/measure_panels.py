"""The lines of the picture of what was measured, from the verdict's series."""

from __future__ import annotations

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
    return [panel for panel in _of_instances(verdict) if panel.lines]


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
