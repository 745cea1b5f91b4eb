"""Why the record of a drill may lack something, or have wrong times: one sentence per reason.

Looks at who wrote the record and how that ended; knows no operation.
"""

from __future__ import annotations

from statedrill.history.store import History

# The bound is this project's own choice: as wide as the lag that the footing allows. The order of
# operations within a session never depends on it, since a session has one load process; phases,
# outages and recovery times do.
CLOCK_ERROR_MS = 100.0


def incompleteness(history: History) -> list[str]:
    """What may be missing in the record, and whose times are not certain."""
    lost = [
        f"{_load_process(history, worker)} was lost: what it had in flight is not on record"
        for worker in history.incomplete
    ]
    unclocked = [
        f"the clock of {_load_process(history, worker)} may be {error_ms:,.0f} ms off (bound "
        f"{CLOCK_ERROR_MS:g} ms): when its operations happened is not certain"
        for worker, error_ms in _clock_errors(history).items()
        if error_ms > CLOCK_ERROR_MS
    ]
    silent = [
        f"{_load_process(history, event['worker'])} was silent in the phase {event['phase']}: "
        "what its users would have seen is not on record"
        for event in history.events
        if event["event"] == "load-silent"
    ]
    ended = [
        f"the drill {_ENDS[event['event']]} ({event['why']})"
        for event in history.events
        if event["event"] in ("interrupted", "crash")
    ]
    phases = [event["phase"] for event in history.events if event["event"] == "phase"]
    if phases and phases[-1] != "end" and not ended:
        ended.append(f"the record of the drill ends in the phase {phases[-1]}")
    return lost + silent + unclocked + ended


_ENDS = {"interrupted": "was interrupted", "crash": "ended by a crash"}


def _load_process(history: History, worker: int) -> str:
    machine = history.machines.get(worker)
    return f"load process {worker} on {machine}" if machine else f"load process {worker}"


def _clock_errors(history: History) -> dict[int, float]:
    """How far the clock of each load process on another machine was off at most, in ms."""
    worst: dict[int, float] = {}
    for line in history.load:
        error_ms = line.get("clock_error_ms")
        if error_ms is not None:
            worst[line["worker"]] = max(worst.get(line["worker"], 0.0), error_ms)
    return worst
