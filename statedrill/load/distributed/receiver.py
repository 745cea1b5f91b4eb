"""On a Locust master: welcomes load processes of other machines, and receives what they record.

All over Locust's own messages. A load process says hello and gets the run's settings and, as often
as it asks, the run's clock; it then sends its record in chunks. Before the master quits, it has
every load process stop and waits until all records are whole. Knows Locust's runners; knows no row.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

import gevent
from locust.runners import MasterRunner

from statedrill import __version__
from statedrill.load.distributed import messages
from statedrill.load.distributed.chunks import Chunk, ReceiveBuffer
from statedrill.load.distributed.messages import ChunkData, Complete, Hello, Message
from statedrill.load.settings import Settings

# A load process sends something every second. One that was silent for so long is not waited for.
_SILENT_S = 5.0
# So long the master waits for one that is there, but delivers nothing.
_NO_PROGRESS_S = 10.0
_STOP_AGAIN_S = 1.0
_TICK_S = 0.05
_log = logging.getLogger("statedrill")


class RecordReceiver:
    """The record of every load process that is no child of this master, in `settings.history`."""

    def __init__(self, runner: MasterRunner, settings: Settings) -> None:
        self._runner = runner
        self._settings = settings
        self._buffers: dict[str, ReceiveBuffer] = {}
        self._machines: dict[str, str] = {}
        self._heard_s: dict[str, float] = {}
        self._quitting = self._disk_full = False
        runner.register_message(messages.HELLO, self._on_hello)
        runner.register_message(messages.CHUNK, self._on_chunk)
        runner.register_message(messages.COMPLETE, self._on_complete)
        runner.environment.events.test_start.add_listener(self._on_test_start)
        # Locust's quit sends "quit" to all, waits half a second, and receives nothing any more.
        self._locust_quit, runner.quit = runner.quit, self._quit_when_whole  # type: ignore[method-assign]

    def _on_hello(self, msg: Message[Hello], **_: object) -> None:
        """Send a load process what it has to know."""
        client, history = msg.node_id, self._settings.history
        if msg.data["joins"] and history is not None and client not in self._buffers:
            self._buffers[client] = ReceiveBuffer(history, self._runner.get_worker_index(client))
            self._machines[client] = msg.data["machine"]
        welcome = {
            "same_machine_child": msg.data["token"] == messages.MASTER_TOKEN,
            "version": __version__,
            "settings": self._settings.shared(),
            "recorded": history is not None,
            "user_classes": [each.__name__ for each in self._runner.user_classes],
        }
        self._answer(messages.WELCOME, client, msg.data["asked"], welcome)

    def _on_test_start(self, **_: object) -> None:
        for buffer in self._buffers.values():
            buffer.begin()

    def _on_chunk(self, msg: Message[ChunkData], **_: object) -> None:
        buffer = self._buffers.get(msg.node_id)
        if buffer is None:
            return
        kind = msg.data["kind"]
        try:
            upto = buffer.take(Chunk(kind, msg.data["at"], msg.data["data"]))
        except OSError as error:  # it is sent again, and there may be room by then
            if not self._disk_full:
                _log.warning("the record cannot be written now: %s", error)
            self._disk_full = True
            return
        received = {"kind": kind, "upto": upto}
        self._answer(messages.RECEIVED, msg.node_id, msg.data["asked"], received)

    def _on_complete(self, msg: Message[Complete], **_: object) -> None:
        buffer = self._buffers.get(msg.node_id)
        if buffer is not None and buffer.finish(msg.data["sizes"]):
            self._heard_s[msg.node_id] = time.monotonic()
            self._runner.send_message(messages.COMPLETED, {}, client_id=msg.node_id)

    def _answer(self, kind: str, client: str, asked: int, answer: Mapping[str, object]) -> None:
        self._heard_s[client] = time.monotonic()
        timed = {"asked": asked, "clock": time.monotonic_ns(), **answer}
        self._runner.send_message(kind, timed, client_id=client)

    def _quit_when_whole(self) -> None:
        if not self._quitting:  # a second interrupt does not wait
            self._quitting = True
            self._wait_for_records()
        # Locust has forgotten load processes that were disconnected for a while: stop them, too.
        for client in self._buffers:
            self._runner.send_message("quit", None, client_id=client)
        self._locust_quit()

    def _wait_for_records(self) -> None:
        """Have every load process that is there stop, and wait for what it still has to deliver."""
        # Users may go on until their call in flight has ended.
        patience_s = (self._runner.environment.stop_timeout or 0) + _NO_PROGRESS_S
        end_s, stop_s, evidence = time.monotonic() + patience_s, 0.0, -1
        while (awaited := self._awaited()) and time.monotonic() < end_s:
            if time.monotonic() >= stop_s:  # a message to a disconnected process is lost
                stop_s = time.monotonic() + _STOP_AGAIN_S
                for client in awaited:
                    self._runner.send_message(messages.STOP, {}, client_id=client)
            delivered = sum(buffer.evidence for buffer in self._buffers.values())
            if delivered != evidence:
                evidence, end_s = delivered, time.monotonic() + patience_s
            gevent.sleep(_TICK_S)
        for client, buffer in self._buffers.items():
            if not buffer.whole:
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
            for client, buffer in self._buffers.items()
            if not buffer.whole and now_s - self._heard_s[client] < _SILENT_S
        ]
