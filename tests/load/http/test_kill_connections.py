"""A server that kills connections at random: what it saw is what is on record, exactly.

Plays for 8 seconds; STATEDRILL_KILL_S=60 makes it longer.
"""

from __future__ import annotations

import os

import pytest

from statedrill.vocabulary import Outcome
from tests.support.load import BOTH, Load

pytestmark = pytest.mark.cluster

KILL_S = int(os.environ.get("STATEDRILL_KILL_S", "8"))


@pytest.mark.timeout(KILL_S + 120)
@pytest.mark.parametrize("connections", ["session", "request"])
def test_what_a_killing_server_saw_is_what_is_on_record(load: Load, connections: str) -> None:
    load.serve("--kill", "0.3", "--seed", "11")
    child = load.locust(
        BOTH, "-u", "40", "-r", "100", "-t", f"{KILL_S}s", "--stop-timeout", "10",
        connections=connections, pace_s="0.02", timeout_s="5",
    )  # fmt: skip
    assert child.wait(KILL_S + 60) == 0
    rows, server = load.rows(), load.counts()
    assert min(server["kills"].values()) > 10, server["kills"]

    # Attempts of which a byte was sent: all but those that failed without a response.
    sent = [row for row in rows if row["status"] or row["outcome"] != Outcome.FAILED]
    assert len(sent) == server["received"]

    def ids(outcome: Outcome) -> set[str]:
        return {f"r7.{row['session']}.{row['wid']}" for row in rows
                if row["wid"] and row["outcome"] == outcome}  # fmt: skip

    executed, answered = set(server["executed"]), set(server["answered"])
    assert ids(Outcome.OK) == answered
    assert not ids(Outcome.FAILED) & executed
    assert executed <= ids(Outcome.OK) | ids(Outcome.UNKNOWN)
    assert len(server["executed"]) == len(executed), "a write was sent twice"
    reads = [row for row in rows if not row["wid"] and row["outcome"] == Outcome.OK]
    assert len(reads) <= server["reads_answered"]
