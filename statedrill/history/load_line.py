"""The line about itself that every load process writes once a second: `load-<worker>.jsonl`.

Said once, so that the writer and all readers (the drill's live figures, the checker) agree on the
names. Draws no conclusion.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict, cast

from statedrill.errors import HistoryError
from statedrill.history.lines import DAMAGED, read_lines
from statedrill.history.operation import FOREVER
from statedrill.records import problem


class LoadLine(TypedDict, total=False):
    """The figures of one load process since its last line; `t` ns on the run's clock ends them.

    What is planned comes from the profile. Several load processes share the plan: the sum over
    their lines is the whole of it.
    """

    t: int
    wall: float  # unix time, s
    worker: int
    line: int  # number of the line, from 1 up; in the live figures only

    requests: int  # operations that ended
    errors: int  # of these, not answered as the contract says
    p50_ms: float | None
    p99_ms: float | None
    sessions: int  # so far
    sessions_lost: int  # so far, as the clients saw it
    lag_ms_max: float  # greatest lag of a start behind its intended time
    cpu_pct: float  # of one core
    dead_addresses: int  # so far: attempts to connect that found nobody before another address did
    dead_addresses_s: float  # so far: how long these took

    users: int  # at the end of the line's second
    planned_users: float  # closed model: mean over the line's time
    planned_rate: float | None  # operations/s; None: as fast as it goes

    # the open model
    planned_arrivals: float  # sessions/s, mean over the line's time
    arrived: int  # sessions that were due
    waited: int  # of these, found no free user
    started: int
    ended: int  # played to their end
    session_s: float | None  # mean intended length of those that ended
    queued: int  # greatest length of the queue
    dropped: int  # sessions that found the queue full

    clock_error_ms: float  # on another machine: how far off `t` may be


def read_load_lines(folder: Path) -> list[LoadLine]:
    """The lines of all load processes whose record is in `folder`, in the order of time.

    Raises:
        HistoryError: a line is damaged.
    """
    found: list[LoadLine] = []
    for path in sorted(folder.glob("load-*.jsonl")):
        for number, line in read_lines(path):
            wrong = problem(line, LoadLine)
            needed = (*_ALWAYS, *(_WITH_ARRIVALS if "arrived" in line else ()))
            wrong = wrong or next((f"{key}: missing" for key in needed if key not in line), None)
            if not wrong and not 0 <= line["t"] < FOREVER:
                wrong = "t: no moment of a monotonic clock"
            if wrong:
                raise HistoryError(f"{path}:{number}: {wrong}", DAMAGED)
            found.append(cast(LoadLine, line))
    return sorted(found, key=lambda line: line["t"])


_ALWAYS = ("t", "worker")
_WITH_ARRIVALS = ("users", "planned_arrivals", "waited", "ended", "session_s")
