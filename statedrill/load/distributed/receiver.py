"""On a Locust master: welcomes load processes of other machines, and gathers what they record.

All over Locust's own messages. A load process says hello and is told the run's settings and, as
often as it asks, the run's clock; it then sends its record in pieces. Before the master quits, it
has every load process stop and waits until all records are whole. Knows Locust's runners; knows no
row.
"""

from __future__ import annotations

import logging
import secrets
import time
from typing import Any

import gevent

from statedrill import __version__
from statedrill.load.distributed.chunks import Inbox, Piece
from statedrill.load.settings import Settings

HELLO, WELCOME = "statedrill-hello", "statedrill-welcome"
PIECE, GOT = "statedrill-piece", "statedrill-got"
DONE, WHOLE = "statedrill-done", "statedrill-whole"
STOP = "statedrill-stop"

# Whoever was forked from the master has the same, and writes into the run's folder by itself.
KINSHIP = secrets.token_hex(8)

# A load process sends something every second. One that was silent for so long is not waited for.
_SILENT_S = 5.0
# So long the master waits for one that is there, but delivers nothing.
_PATIENCE_S = 10.0
_STOP_AGAIN_S = 1.0
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
        runner.environment.events.test_start.add_listener(self._begin)
        self._quitting = self._full = False
        # Locust tells everybody to quit, waits half a second, and hears nobody any more.
        self._quit, runner.quit = runner.quit, self._quit_when_whole

    def _welcome(self, msg: Any, **_: Any) -> None:
        """Tell a load process whether it is kin, else what it has to know."""
        client, history = msg.node_id, self._settings.history
        if msg.data.get("joins") and history is not None and client not in self._inboxes:
            self._inboxes[client] = Inbox(history, self._runner.get_worker_index(client))
            self._machines[client] = msg.data["machine"]
        told = {
            "kin": msg.data["kinship"] == KINSHIP,
            "version": __version__,
            "settings": self._settings.shared(),
            "recorded": history is not None,
            "user_classes": [each.__name__ for each in self._runner.user_classes],
        }
        self._answer(WELCOME, msg, told)

    def _begin(self, **_: Any) -> None:
        for inbox in self._inboxes.values():
            inbox.begin()

    def _take(self, msg: Any, **_: Any) -> None:
        inbox = self._inboxes.get(msg.node_id)
        if inbox is None:
            return
        piece = Piece(msg.data["kind"], msg.data["at"], msg.data["data"])
        try:
            upto = inbox.take(piece)
        except OSError as error:  # it is sent again, and there may be room by then
            if not self._full:
                _log.warning("the record cannot be written now: %s", error)
            self._full = True
            return
        self._answer(GOT, msg, {"kind": piece.kind, "upto": upto})

    def _finish(self, msg: Any, **_: Any) -> None:
        inbox = self._inboxes.get(msg.node_id)
        if inbox is not None and inbox.finish(msg.data["sizes"]):
            self._answer(WHOLE, msg, {})

    def _answer(self, kind: str, msg: Any, told: dict[str, Any]) -> None:
        self._heard_s[msg.node_id] = time.monotonic()
        times = {"asked": msg.data.get("asked"), "clock": time.monotonic_ns()}
        self._runner.send_message(kind, {**times, **told}, client_id=msg.node_id)

    def _quit_when_whole(self) -> None:
        if not self._quitting:  # whoever asks once more will not wait
            self._quitting = True
            self._gather()
        self._quit_everybody()

    def _quit_everybody(self) -> None:
        """Also those whom Locust has forgotten, because they were away for a while."""
        for client in self._inboxes:
            self._runner.send_message("quit", None, client_id=client)
        self._quit()

    def _gather(self) -> None:
        """Have every load process that is there stop, and wait for what it still has to deliver."""
        # Users may go on until their call in flight has ended.
        patience_s = (self._runner.environment.stop_timeout or 0) + _PATIENCE_S
        end_s, stop_s, evidence = time.monotonic() + patience_s, 0.0, -1
        while (awaited := self._awaited()) and time.monotonic() < end_s:
            if time.monotonic() >= stop_s:  # a message to somebody who is away is lost
                stop_s = time.monotonic() + _STOP_AGAIN_S
                for client in awaited:
                    self._runner.send_message(STOP, {}, client_id=client)
            delivered = sum(inbox.evidence for inbox in self._inboxes.values())
            if delivered != evidence:
                evidence, end_s = delivered, time.monotonic() + patience_s
            gevent.sleep(_TICK_S)
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
