"""Soak: the full load for a long time, after a gentle start.

For what only shows after hours: leaks, full disks, sessions that expire. Give a long `-t`.
"""

from __future__ import annotations

from statedrill.load import Profile, shapes


class Soak(Profile):
    def share(self, elapsed_s: float, run_time_s: float) -> float:
        return shapes.soak(elapsed_s, run_time_s)
