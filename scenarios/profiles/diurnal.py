"""Diurnal: one day in one run, from a quiet night to noon and back.

Noon is what `-u` (or `--arrival-rate`) says; the day is as long as `-t` says.
"""

from __future__ import annotations

from statedrill.load import Profile, shapes


class Diurnal(Profile):
    def share(self, elapsed_s: float, run_time_s: float) -> float:
        return shapes.diurnal(elapsed_s, run_time_s)
