"""On a Locust master: welcomes load processes of other machines, and gathers what they record.

All over Locust's own messages. A load process says hello and is told the run's settings and, as
often as it asks, the run's clock; it then sends its record in pieces. When the test stops, the
master stays until every record is whole. Knows Locust's runners; knows no row.
"""

from __future__ import annotations

import logging
import secrets
import time
from typing import Any

import gevent

from statedrill import __version__
from statedrill.load.parcels import Inbox, Piece
from statedrill.load.settings import Settings

HELLO, WELCOME = "statedrill-hello", "statedrill-welcome"
PIECE, GOT = "statedrill-piece", "statedrill-got"
DONE, WHOLE = "statedrill-done", "statedrill-whole"
STOP = "statedrill-stop"

# Whoever was forked from the master has the same, and writes into the run's folder by itself.
KINSHIP = secrets.token_hex(8)

# A load process sends something every second. One that was silent for so long is not waited for.
_SILENT_S = 5.0
# So long the master waits for one that is there, but has nothing new to send.
_PATIENCE_S = 10.0
_TICK_S = 0.05
_log = logging.getLogger("statedrill")


class Collector:
    """The record of every load process that is no child of this master, in `settings.history`."""

    def __init__(self, runner: Any, settings: Settings) -> None:
        self._runner = runner
        self._settings = settings
        self._inboxes: dict[str, Inbox] = {}
        self._machines: dict[str, str] = {}
        self._heard_s: dict[str, float] = {}
        runner.register_message(HELLO, self._welcome)
        runner.register_message(PIECE, self._take)
        runner.register_message(DONE, self._finish)
        runner.environment.events.test_stop.add_listener(self._gather)

    def _welcome(self, msg: Any, **_: Any) -> None:
        """Tell a load process whether it is kin, else what it has to know."""
        kin = msg.data["kinship"] == KINSHIP
        client, history = msg.node_id, self._settings.history
        if not kin and history is not None and client not in self._inboxes:
            self._inboxes[client] = Inbox(history, self._runner.get_worker_index(client))
            self._machines[client] = msg.data["machine"]
        told = {
            "kin": kin,
            "version": __version__,
            "settings": self._settings.shared(),
            "recorded": history is not None,
        }
        self._answer(WELCOME, msg, told)

    def _take(self, msg: Any, **_: Any) -> None:
        inbox = self._inboxes.get(msg.node_id)
        if inbox is not None:
            piece = Piece(msg.data["kind"], msg.data["at"], msg.data["data"])
            self._answer(GOT, msg, {"kind": piece.kind, "upto": inbox.take(piece)})

    def _finish(self, msg: Any, **_: Any) -> None:
        inbox = self._inboxes.get(msg.node_id)
        if inbox is not None and inbox.finish(msg.data["sizes"]):
            self._answer(WHOLE, msg, {})

    def _answer(self, kind: str, msg: Any, told: dict[str, Any]) -> None:
        self._heard_s[msg.node_id] = time.monotonic()
        times = {"asked": msg.data.get("asked"), "clock": time.monotonic_ns()}
        self._runner.send_message(kind, {**times, **told}, client_id=msg.node_id)

    def _gather(self, **_: Any) -> None:
        """The test stops: have every load process that is still there stop, too, and wait for it.

        Locust itself would wait half a second and then hear nobody any more.
        """
        for client in self._awaited():
            self._runner.send_message(STOP, {}, client_id=client)
        # Users may go on until their call in flight has ended.
        end_s = time.monotonic() + (self._runner.environment.stop_timeout or 0) + _PATIENCE_S
        taken = self._taken()
        while self._awaited() and time.monotonic() < end_s:
            gevent.sleep(_TICK_S)
            if self._taken() != taken:
                taken = self._taken()
                end_s = max(end_s, time.monotonic() + _PATIENCE_S)
        for client, inbox in self._inboxes.items():
            if not inbox.whole:
                _log.warning(
                    "load process %d on %s was lost: its record is not whole",
                    self._runner.get_worker_index(client),
                    self._machines[client],
                )

    def _awaited(self) -> list[str]:
        """The load processes that are there, but have not delivered everything yet."""
        now_s = time.monotonic()
        return [
            client
            for client, inbox in self._inboxes.items()
            if not inbox.whole and now_s - self._heard_s[client] < _SILENT_S
        ]

    def _taken(self) -> int:
        return sum(sum(inbox.taken.values()) for inbox in self._inboxes.values())
