"""`BreakpointProfile`: raises the load until a threshold breaks, and reports the last that held.

Works in one process and on a master, whose workers send it their figures. Knows Locust's shapes
and events; the judgement is `climb`'s.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from statedrill.inputs.arrival_rate import parse_arrival_rate
from statedrill.load import locust_hooks
from statedrill.load.profiles import shapes
from statedrill.load.profiles.breakpoint_search import Climb
from statedrill.load.profiles.profile import Profile
from statedrill.load.settings import Settings, shape_length_s

_log = logging.getLogger("statedrill")


class BreakpointProfile(Profile):
    """Ten equal steps up to `-u` users or the rate of `--arrival-rate`, in `-t` of time.

    The thresholds are STATEDRILL_BREAK_P99_MS (from the intended start) and
    STATEDRILL_BREAK_ERRORS (a share), each broken by two seconds in a row. The result is logged
    and, where a record is kept, written to `breakpoint.json` beside it.
    """

    abstract = True

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._settings = Settings.from_environment()
        self._climb: Climb | None = None

    def share(self, elapsed_s: float, run_time_s: float) -> float:
        """The share of the step that this time belongs to."""
        return shapes.staircase(elapsed_s, run_time_s)

    def tick(self) -> tuple[int, float] | None:
        """As `Profile`, and the end when a threshold broke."""
        runner: Any = self.runner
        run_time_s = shape_length_s(runner.environment.parsed_options.run_time)
        if self._climb is None:
            self._climb = Climb(self._settings.break_p99_ms, self._settings.break_errors)
        climb = self._climb
        figures = locust_hooks.figures(runner)
        if figures is not None:
            climb.feed(shapes.step_of(self.elapsed_s(), run_time_s), figures)
        answer = None if climb.broken else super().tick()
        if answer is None:
            self._report(climb)
            self._climb = None
        return answer

    def _report(self, climb: Climb) -> None:
        runner: Any = self.runner
        options = runner.environment.parsed_options
        if options.arrival_rate:
            full, unit = parse_arrival_rate(options.arrival_rate).per_s, "arrivals/s"
        else:
            full, unit = float(options.num_users or 1), "users"
        result = {
            "held": round(full * climb.held / shapes.STEPS, 6),
            "broke": round(full * climb.step / shapes.STEPS, 6) if climb.broken else None,
            "unit": unit,
            "why": climb.broken,
        }
        if climb.broken:
            _log.info(
                "breakpoint: %g %s held, %g broke: %s",
                result["held"], unit, result["broke"], climb.broken,
            )  # fmt: skip
        else:
            _log.info("breakpoint: nothing broke, %g %s held", result["held"], unit)
        if self._settings.history is not None:
            self._settings.history.mkdir(parents=True, exist_ok=True)
            path = self._settings.history / "breakpoint.json"
            path.write_text(json.dumps(result) + "\n", encoding="utf-8")
