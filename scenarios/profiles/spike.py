"""Spike: a fifth of the load, and suddenly all of it for a fifth of the run.

All of it is what `-u` (or `--arrival-rate`) says; the run is as long as `-t` says.
"""

from __future__ import annotations

from statedrill.load import Profile, shapes


class Spike(Profile):
    def share(self, elapsed_s: float, run_time_s: float) -> float:
        return shapes.spike(elapsed_s, run_time_s)
