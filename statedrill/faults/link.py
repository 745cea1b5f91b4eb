"""A way of the network as faults see it."""

from __future__ import annotations

from typing import Protocol


class Link(Protocol):
    """A way of the network between a zone and what lies outside of it."""

    @property
    def name(self) -> str:
        """What it connects."""

    def round_trip_s(self, timeout_s: float) -> float:
        """How long something takes there and back.

        Raises:
            TimeoutError: nothing came back within `timeout_s`.
            OSError: there is nothing at its end.
        """
