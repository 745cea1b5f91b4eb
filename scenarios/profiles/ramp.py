"""Ramp: from a tenth of the load to all of it in the first half, then level.

All of it is what `-u` (or `--arrival-rate`) says; the run is as long as `-t` says.
"""

from __future__ import annotations

from statedrill.load import Profile, shapes


class Ramp(Profile):
    def share(self, elapsed_s: float, run_time_s: float) -> float:
        return shapes.ramp(elapsed_s, run_time_s)
