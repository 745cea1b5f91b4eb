"""How honest the load generator is: a server that stalls, and one that kills connections.

The counts must be 0 and the errors below 2 %; tests demand the same of shorter runs.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from statedrill.vocabulary import Outcome
from tests.load.arrivals.test_stall import RATE, SERVICE_S, STALL_S, percentile, planned
from tests.support.load import BOTH, ONE_CALL, STEADY, Load

KILL_S = 60


def bench() -> dict[str, float]:
    """The figures of both servers."""
    figures: dict[str, float] = {}
    for name, users in (("large", 150), ("starved", 4)):
        figures |= _played(lambda load, name=name, users=users: stall(load, name, users))
    return figures | _played(kill)


def stall(load: Load, name: str, users: int) -> dict[str, float]:
    """How far p95 and p99 from the intended start are from those of the plan, in percent."""
    load.serve("--service-s", str(SERVICE_S), "--stall-at-s", "3", "--stall-s", str(STALL_S))
    _end(load.locust(
        [load.scenario(ONE_CALL), STEADY], "-u", str(users), "-r", "1000", "-t", "9s",
        "--arrival-rate", f"{RATE}/s", "--stop-timeout", "10",
    ), 60)  # fmt: skip
    rows = sorted(load.rows(), key=lambda row: int(row["due"]))
    expected = planned(rows, users, load.counts()["stall_ns"])
    measured = [row["ret"] - row["due"] for row in rows]
    return {
        f"load_stall_{name}_p{share * 100:.0f}_error_pct": 100
        * abs(percentile(measured, share) / percentile(expected, share) - 1)
        for share in (0.95, 0.99)
    }


def kill(load: Load) -> dict[str, float]:
    """What the record and a server that kills connections at random do not agree on, in counts."""
    load.serve("--kill", "0.3", "--seed", "11")
    _end(load.locust(
        BOTH, "-u", "40", "-r", "100", "-t", f"{KILL_S}s", "--stop-timeout", "10",
        pace_s="0.02", timeout_s="5",
    ), KILL_S + 60)  # fmt: skip
    rows, server = load.rows(), load.counts()
    sent = [row for row in rows if row["status"] or row["outcome"] != Outcome.FAILED]
    ok, failed = (
        {f"r7.{row['session']}.{row['wid']}" for row in rows
         if row["wid"] and row["outcome"] == outcome}
        for outcome in (Outcome.OK, Outcome.FAILED)
    )  # fmt: skip
    return {
        "load_kill_connections_killed_count": float(sum(server["kills"].values())),
        "load_kill_requests_count": float(server["received"]),
        "load_kill_attempts_not_received_count": float(abs(len(sent) - server["received"])),
        "load_kill_ok_not_answered_count": float(len(ok - set(server["answered"]))),
        "load_kill_failed_but_executed_count": float(len(failed & set(server["executed"]))),
    }


def _played(play: Any) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        load = Load(Path(name))
        try:
            found: dict[str, float] = play(load)
        finally:
            load.end()
    return found


def _end(child: Any, seconds: float) -> None:
    if child.wait(seconds) != 0:
        raise RuntimeError(f"Locust failed:\n{child.text()[-2000:]}")
