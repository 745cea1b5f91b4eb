"""How far a primary has written its stream of changes, and how far others have applied it.

Keeps sessions open, because each new one is a process of the server. Knows PostgreSQL's view of
replication; decides nothing.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Sequence

from statedrill.cluster.services.postgres.client import PostgresConnection, PostgresError
from statedrill.cluster.services.postgres.node import PostgresNode

_ANSWER_S = 0.5
_MOST_SEGMENTS = 200
_POSITIONS = (
    "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn, replay_lsn - '0/0'::pg_lsn"
    " FROM pg_stat_replication WHERE application_name = '{}'"
)
_COMMIT = "SELECT pg_logical_emit_message(true, 'statedrill', 'a commit')"
_POSITION = "SELECT pg_current_wal_insert_lsn()"
_SHOWS = "SELECT pg_last_wal_replay_lsn() >= '{}'"
_ASK_S = 0.01
_APPLIED = "SELECT pg_last_wal_replay_lsn() - '0/0'::pg_lsn"


class StreamPositions:
    """Asks one primary at a time; for one thread."""

    def __init__(self) -> None:
        self._asked: PostgresNode | None = None
        self._session: PostgresConnection | None = None

    def of(self, primary: PostgresNode, standby: PostgresNode) -> tuple[int, int] | None:
        """Bytes written by the primary, bytes applied by the standby; None when the primary does
        not answer or no standby follows.
        """
        try:
            if self._session is None or self._asked is not primary:
                self.close()
                self._session, self._asked = primary.session(timeout_s=_ANSWER_S), primary
            rows = self._session.query(_POSITIONS.format(standby.name))
        except (OSError, PostgresError):
            self.close()
            return None
        written, applied = rows[0] if rows else (None, None)
        return (int(written), int(applied)) if written and applied else None

    def close(self) -> None:
        """Hang up; idempotent."""
        if self._session:
            self._session.close()
        self._session = self._asked = None


class AppliedPositions:
    """Asks read replicas; for one thread."""

    def __init__(self) -> None:
        self._sessions: dict[PostgresNode, PostgresConnection] = {}

    def of(self, replicas: Sequence[PostgresNode]) -> dict[str, int]:
        """Bytes applied by each of `replicas` that answers, by its name."""
        for node in self._sessions.keys() - set(replicas):
            self._sessions.pop(node).close()
        found = {}
        for node in replicas:
            try:
                session = self._sessions.get(node) or node.session(timeout_s=_ANSWER_S)
                self._sessions[node] = session
                found[node.name] = int(str(session.query(_APPLIED)[0][0]))
            except (OSError, PostgresError):
                if node in self._sessions:
                    self._sessions.pop(node).close()
        return found

    def close(self) -> None:
        """Hang up; idempotent."""
        self.of(())


def commit_lags_s(
    primary: PostgresNode, replicas: Sequence[PostgresNode], timeout_s: float
) -> dict[str, float]:
    """How long a commit of now takes until each replica shows it, by name; infinity: longer.

    Raises:
        ClusterError: the primary does not answer.
    """
    try:
        with primary.session() as session:
            committed_s = time.monotonic()
            session.query(_COMMIT)
            position = str(session.query(_POSITION)[0][0])
    except (OSError, PostgresError) as error:
        raise primary.failed(f"does not commit: {error}") from error
    lags = dict.fromkeys((node.name for node in replicas), math.inf)
    waiting = list(replicas)
    while waiting and time.monotonic() - committed_s < timeout_s:
        for node in list(waiting):
            if _shows(node, position):
                lags[node.name] = time.monotonic() - committed_s
                waiting.remove(node)
        time.sleep(_ASK_S)
    return lags


def _shows(node: PostgresNode, position: str) -> bool:
    try:
        with node.session(timeout_s=_ANSWER_S) as session:
            return session.query(_SHOWS.format(position)) == [("t",)]
    except (OSError, PostgresError):
        return False


def use_up_segments(primary: PostgresNode) -> None:
    """Begin new segments of the log until the server cannot: spare ones are taken first."""
    next_segment = (
        "SELECT pg_switch_wal();"
        "SELECT pg_logical_emit_message(false, 'statedrill', 'next segment', true)"
    )
    with contextlib.suppress(OSError, PostgresError), primary.session() as session:
        for _ in range(_MOST_SEGMENTS):
            session.query(next_segment)
