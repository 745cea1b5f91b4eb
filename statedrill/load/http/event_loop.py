"""What this room uses of gevent's event loop, as types: gevent itself has none.

Knows names of gevent's methods only; imports nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Watcher(Protocol):
    """Calls back in the event loop when a socket is ready or a time has passed."""

    def start(self, callback: Callable[..., object], *arguments: object) -> None:
        """Call `callback` from now on."""

    def stop(self) -> None:
        """Call back no more."""

    def close(self) -> None:
        """Release it for good."""


class Loop(Protocol):
    """An event loop."""

    def io(self, fd: int, events: int) -> Watcher:
        """A watcher of a file descriptor; `events` is 1 (readable) or 2 (writable)."""

    def timer(self, after: float, repeat: float = 0.0, ref: bool = True) -> Watcher:
        """A watcher of time, in seconds; with `ref=False` it does not keep the loop running."""

    def run_callback(self, callback: Callable[..., object], *arguments: object) -> Watcher:
        """Call `callback` soon, after the events that are ready now."""


class Greenlet(Protocol):
    """Something that can run."""

    def switch(self) -> object:
        """Run it until something switches back to the caller."""


class Hub(Greenlet, Protocol):
    """The greenlet that runs the event loop."""

    loop: Loop
