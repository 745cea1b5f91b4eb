"""Old name of the load shapes, for one release: write `from statedrill.load import shapes`."""

from statedrill.load.profiles.shapes import (
    PERIOD_S,
    STEPS,
    diurnal,
    ramp,
    soak,
    spike,
    staircase,
    steady,
    step_of,
)

__all__ = [
    "PERIOD_S",
    "STEPS",
    "diurnal",
    "ramp",
    "soak",
    "spike",
    "staircase",
    "steady",
    "step_of",
]
