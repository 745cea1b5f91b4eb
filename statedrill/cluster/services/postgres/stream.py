"""How far a primary has written its stream of changes, and how far its standby has applied it.

Keeps one session open, because each new one is a process of the server. Knows PostgreSQL's view of
replication; decides nothing.
"""

from __future__ import annotations

from statedrill.cluster.services.postgres.client import PostgresConnection, PostgresError
from statedrill.cluster.services.postgres.node import PostgresNode

_ANSWER_S = 0.5
_POSITIONS = (
    "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn, replay_lsn - '0/0'::pg_lsn"
    " FROM pg_stat_replication WHERE application_name = '{}'"
)


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
