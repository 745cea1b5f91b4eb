"""Clients that take every connection that a database has free, and hold it.

Knows connections and refusals; knows no node and no application.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from statedrill.cluster.services.postgres.client import PostgresConnection, PostgresError

_TOO_MANY_CONNECTIONS = "(53300)"  # the SQLSTATE, as errors of PostgreSQL end here
_RETRY_S = 0.02
_STOPPED_S = 5.0


class ConnectionStorm:
    """Calls `connect` in a thread until it is stopped; a connection that becomes free is taken.

    `refusal` is what the server last said to one who came too late; empty before that.
    """

    def __init__(self, connect: Callable[[], PostgresConnection]) -> None:
        self.refusal = ""
        self._connect, self._stop = connect, threading.Event()
        self._held: list[PostgresConnection] = []
        self._thread = threading.Thread(target=self._take, name="connection-storm", daemon=True)

    @property
    def held(self) -> int:
        """How many connections it holds."""
        return len(self._held)

    def start(self) -> None:
        """Begin to take connections."""
        self._thread.start()

    def stop(self) -> None:
        """Hang up on all of them, and take no more; idempotent.

        One that is being established for longer than that may take is hung up as soon as it is.
        """
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_STOPPED_S)
        self._hang_up()

    def _hang_up(self) -> None:
        with contextlib.suppress(IndexError):  # both threads may be at it
            while True:
                self._held.pop().close()

    def _take(self) -> None:
        while not self._stop.is_set():
            try:
                self._held.append(self._connect())
            except PostgresError as error:
                if _TOO_MANY_CONNECTIONS in str(error):  # and not: the server is starting
                    self.refusal = str(error)
                self._stop.wait(_RETRY_S)
            except OSError:  # nobody is there, as in a failover
                self._stop.wait(_RETRY_S)
        self._hang_up()
