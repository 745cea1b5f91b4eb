"""The line about itself that every load process writes once a second: `load-<worker>.jsonl`.

Said once, so that the writer and all readers (the drill's live figures, the checker) agree on the
names. Knows no file.
"""

from __future__ import annotations

from typing import TypedDict


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
