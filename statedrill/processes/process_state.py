"""The states of a child process, and which may follow which."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """What a process is doing; it begins as `stopped`."""

    STARTING = "starting"
    READY = "ready"
    PAUSED = "paused"
    STOPPING = "stopping"
    STOPPED = "stopped"
    DEAD = "dead"


NEXT: Mapping[State, frozenset[State]] = {
    State.STOPPED: frozenset({State.STARTING}),
    State.DEAD: frozenset({State.STARTING}),
    State.STARTING: frozenset({State.READY, State.STOPPING, State.DEAD}),
    State.READY: frozenset({State.PAUSED, State.STOPPING, State.DEAD}),
    State.PAUSED: frozenset({State.READY, State.STOPPING, State.DEAD}),
    State.STOPPING: frozenset({State.STOPPED}),
}
