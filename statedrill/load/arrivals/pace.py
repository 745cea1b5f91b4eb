"""When a user's next operation is to start: one every `pace_s`.

In the closed model users lie evenly on the clock, each with a phase of its own that never changes.
Pure: the time comes in as an argument, in monotonic nanoseconds.
"""

from __future__ import annotations

# The golden ratio spreads any number of successive sessions evenly over the pace.
_GOLDEN = 0.6180339887498949


class Pace:
    """The intended starts of one user's operations.

    After an operation that took long the next one starts at once, on the same grid, while it is
    late by less than one pace. Starts that lie further back are skipped, not caught up on: a person
    who waited five seconds does not click five times. `passed` is by how many intended starts the
    last `next` went on: 1, or more where some were skipped. `starts` counts the calls of `next`.
    """

    def __init__(self, pace_s: float, session: int) -> None:
        self.step_ns = round(pace_s * 1e9)
        self._phase_ns = round((session * _GOLDEN) % 1.0 * self.step_ns)
        self._slot_ns = 0
        self.passed = 1
        self.starts = 0

    @classmethod
    def starting(cls, pace_s: float, start_ns: int) -> Pace:
        """The pace of a session that is due at `start_ns`, its first intended start."""
        pace = cls(pace_s, 0)
        pace._slot_ns = start_ns - pace.step_ns
        return pace

    def next(self, now_ns: int) -> int:
        """The intended start of the next operation; `now_ns` or earlier means at once."""
        step = self.step_ns
        if step == 0:
            return now_ns
        if self._slot_ns == 0:
            grid = (now_ns - self._phase_ns) // step + 1
            self._slot_ns = grid * step + self._phase_ns
            return self._slot_ns
        slot = self._slot_ns + step
        late = now_ns - slot
        self.passed = 1
        self.starts += 1
        if late > step:
            slot += late // step * step
            self.passed += late // step
        self._slot_ns = slot
        return slot
