"""`BreakpointProfile`: raises the load until a threshold breaks, and reports the last that held.

Works in one process and on a master, whose workers send it their figures. Knows Locust's shapes
and events; what counts as broken is decided in `breakpoint_search`.
"""

from __future__ import annotations

import json
import logging

from locust.env import Environment

from statedrill.inputs.arrival_rate import parse_arrival_rate
from statedrill.load.arrivals.load_plan import is_open
from statedrill.load.locust_hooks import LocustHooks
from statedrill.load.profiles import shapes
from statedrill.load.profiles.breakpoint_search import BreakpointSearch, sentence
from statedrill.load.profiles.profile import Profile
from statedrill.load.settings import shape_length_s

RESULT_FILE = "breakpoint.json"
_log = logging.getLogger("statedrill")


class BreakpointProfile(Profile):
    """Ten equal steps up to `-u` users or the rate of `--arrival-rate`, in `-t` of time.

    The thresholds are STATEDRILL_BREAK_P99_MS (from the intended start) and
    STATEDRILL_BREAK_ERRORS (a share), each broken by two seconds in a row, which ends the test. The
    result is logged when the test ends and, where a record is kept, written to `breakpoint.json`
    beside it.
    """

    abstract = True

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._search: BreakpointSearch | None = None
        self._listens = False

    def share(self, elapsed_s: float, run_time_s: float) -> float:
        """The share of the step that this time belongs to."""
        return shapes.staircase(elapsed_s, run_time_s)

    def tick(self) -> tuple[int, float] | None:
        """As `Profile`, and the end when a threshold broke."""
        assert self.runner is not None
        environment = self.runner.environment
        options = environment.parsed_options
        hooks = LocustHooks.of(environment)
        if not self._listens:
            self._listens = True
            environment.events.test_stopping.add_listener(self._on_test_stopping)
        if self._search is None:
            settings = hooks.settings
            self._search = BreakpointSearch(settings.break_p99_ms, settings.break_errors)
        figures = hooks.figures()
        if figures is not None and options is not None:
            step = shapes.step_of(self.elapsed_s(), shape_length_s(options.run_time))
            self._search.feed(step, figures)
        return None if self._search.broken else super().tick()

    def _on_test_stopping(self, environment: Environment, **_: object) -> None:
        """Report, whatever ended the test; the next test is a search of its own."""
        search, self._search = self._search, None
        if search is None:
            return
        options = environment.parsed_options
        assert options is not None
        if is_open(environment):
            full, unit = parse_arrival_rate(options.arrival_rate).per_s, "arrivals/s"
        else:
            full, unit = float(options.num_users or 1), "users"
        completed = shapes.steps_completed(self.elapsed_s(), shape_length_s(options.run_time))
        result = search.result(full, unit, shapes.STEPS, completed)
        _log.info("breakpoint: %s", sentence(result))
        history = LocustHooks.of(environment).settings.history
        if history is not None:
            history.mkdir(parents=True, exist_ok=True)
            (history / RESULT_FILE).write_text(json.dumps(result) + "\n", encoding="utf-8")
