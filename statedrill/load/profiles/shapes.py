"""How the load changes with time: pure functions from elapsed seconds to a share of the full load.

The full load is `-u` users, or the rate of `--arrival-rate`. Every shape takes the elapsed time and
the planned run time in seconds (infinite when none is planned) and gives a share from 0 up. Knows
no clock and no Locust.
"""

from __future__ import annotations

import math

# A run without an end still needs a period for what rises and falls.
PERIOD_S = 600.0


def steady(elapsed_s: float, run_time_s: float) -> float:
    """The full load from the first moment on."""
    return 1.0


def ramp(elapsed_s: float, run_time_s: float) -> float:
    """From a tenth to the full load in the first half of the run, then level."""
    half_s = _span(run_time_s) / 2
    return min(1.0, 0.1 + 0.9 * elapsed_s / half_s)


def spike(elapsed_s: float, run_time_s: float) -> float:
    """A fifth of the load, but all of it in the fifth of the run that lies in the middle."""
    position = elapsed_s / _span(run_time_s) % 1.0
    return 1.0 if 0.4 <= position < 0.6 else 0.2


def diurnal(elapsed_s: float, run_time_s: float) -> float:
    """One day: from a fifth at night along a sine to the full load at noon and back."""
    position = elapsed_s / _span(run_time_s) % 1.0
    return 0.6 - 0.4 * math.cos(2 * math.pi * position)


def soak(elapsed_s: float, run_time_s: float) -> float:
    """A short rise (a twentieth of the run, a minute at most), then the full load to the end."""
    rise_s = min(60.0, _span(run_time_s) / 20)
    return min(1.0, max(0.05, elapsed_s / rise_s))


def staircase(elapsed_s: float, run_time_s: float) -> float:
    """Ten equal steps from a tenth of the load to all of it; `-u` or the rate is the last step."""
    return step_of(elapsed_s, run_time_s) / STEPS


STEPS = 10


def step_of(elapsed_s: float, run_time_s: float) -> int:
    """The number of the step, from 1 to STEPS."""
    return min(STEPS, 1 + int(STEPS * elapsed_s / _span(run_time_s)))


def steps_completed(elapsed_s: float, run_time_s: float) -> int:
    """How many steps are over, from 0 to STEPS."""
    return min(STEPS, int(STEPS * elapsed_s / _span(run_time_s)))


def _span(run_time_s: float) -> float:
    return run_time_s if math.isfinite(run_time_s) and run_time_s > 0 else PERIOD_S
