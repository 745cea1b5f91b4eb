"""On a load process: joins the master's run and, from another machine, uploads the record.

The record is first written on this machine, as everywhere, and sent from there: while the network
is down nothing is lost, and what could not be delivered in the end stays and is named. Knows
Locust's runners; knows no row.
"""

from __future__ import annotations

import shutil
import socket
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import gevent
from gevent.event import AsyncResult, Event
from locust.exception import RPCError
from locust.runners import WorkerRunner

from statedrill import __version__
from statedrill.errors import ClusterError, InputError
from statedrill.history.load_line import LoadLine
from statedrill.history.operation import open_mark
from statedrill.load.distributed import messages
from statedrill.load.distributed.chunks import KINDS, SendBuffer
from statedrill.load.distributed.clock_sync import Reading, RemoteClock, reading
from statedrill.load.distributed.messages import Hello, Message, Received, Timed, Welcome
from statedrill.load.load_process import LOCAL, Location
from statedrill.load.settings import Settings

_CLOCK_QUESTIONS = 8
_ASK_AGAIN_S, _GIVE_UP_S = 1.0, 15.0
_PAUSE_S = 0.5
_IN_FLIGHT_BYTES = 1 << 20
# At the end everything is sent at once; Locust's socket refuses more than 1000 messages.
_AT_THE_END_BYTES = 128 << 20
# A chunk that is not confirmed for so long is taken for lost and sent again.
_LOST_S = 2.0
_NO_PROGRESS_S = 5.0


@dataclass(frozen=True)
class JoinedRun:
    """The settings of the run, and the master's clock; `clock` is None on the master's machine."""

    settings: Settings
    clock: RemoteClock | None = None

    @property
    def location(self) -> Location:
        """Where this load process runs, as its record says."""
        return Location(socket.gethostname(), self.clock.ahead_ns) if self.clock else LOCAL


def join(runner: WorkerRunner, own: Settings) -> JoinedRun:
    """Become a load process of the master's run; `own` settings say where a child records.

    Raises:
        ClusterError: the master does not answer.
        InputError: the master runs another version of statedrill, or other scenarios.
    """
    handshake = _Handshake(runner)
    welcome, _ = handshake.ask(joins=False)
    if welcome["same_machine_child"]:
        shared = Settings(**welcome["settings"])
        return JoinedRun(replace(shared, history=own.history, control=own.control))
    if welcome["version"] != __version__:
        raise InputError(
            f"the master runs statedrill {welcome['version']}, this load process {__version__}",
            "install the same version on both machines",
        )
    unknown = set(welcome["user_classes"]) - {each.__name__ for each in runner.user_classes}
    if unknown:
        raise InputError(
            f"the master runs users that this load process does not know: {', '.join(unknown)}",
            "start it with the master's scenario files, or with `-f -`, which asks for them",
        )
    clock = RemoteClock([handshake.ask(joins=True)[1] for _ in range(_CLOCK_QUESTIONS)])
    spool = Path(tempfile.mkdtemp(prefix="statedrill-load-")) if welcome["recorded"] else None
    return JoinedRun(Settings(**welcome["settings"], history=spool), clock)


class RecordUploader:
    """Sends what load process `worker` writes into `spool` to the master, while it is written."""

    def __init__(self, runner: WorkerRunner, spool: Path, worker: int, clock: RemoteClock) -> None:
        self._runner, self._spool, self._clock = runner, spool, clock
        self._worker = worker
        self._buffer = SendBuffer(spool, worker)
        self._room = Event()
        self._tried_s = dict.fromkeys(KINDS, time.monotonic())
        self._confirmed_s = 0.0  # when the master last had more than before
        self._ended = self._stopping = False
        self._start_worker = runner.start_worker
        runner.register_message(messages.RECEIVED, self._on_received)
        runner.register_message(messages.COMPLETED, self._on_completed)
        runner.register_message(messages.STOP, self._on_stop, concurrent=True)
        runner.environment.events.test_start.add_listener(self._on_test_start)
        runner.environment.events.quitting.add_listener(self._on_quitting)
        self._sender = gevent.spawn(self._run)

    def figures(self) -> LoadLine:
        """For the line a second: how far off this machine's times may be."""
        return {"clock_error_ms": self._clock.error_ms(time.monotonic_ns())}

    def end(self) -> None:
        """The test has stopped, and the record says so: send what is left without waiting."""
        self._ended = True
        self._send(_AT_THE_END_BYTES)

    def close(self, rows: int) -> None:
        """The record of so many operations is closed: nothing more is sent. What was not delivered
        is kept and named.
        """
        self._sender.kill(block=False)
        left = self._buffer.unconfirmed_bytes()
        if not left or not rows:
            shutil.rmtree(self._spool, ignore_errors=True)
            return
        print(
            f"statedrill: the master did not confirm the last {left:,} bytes of this load "
            f"process's record\n  copy the files of {self._spool} into the run's history/, over "
            f"those of the same name, delete operations.parquet and {open_mark(self._worker)} "
            "there, and judge it again with `statedrill check`",
            file=sys.stderr,
            flush=True,
        )

    def _run(self) -> None:
        while True:
            self._room.wait(_PAUSE_S)
            self._room.clear()
            now_s = time.monotonic()
            for kind in KINDS:
                if not self._buffer.has_in_flight(kind):
                    self._tried_s[kind] = now_s
                elif now_s - self._tried_s[kind] > _LOST_S:
                    self._buffer.rewind(kind)
                    self._tried_s[kind] = now_s
            self._send(_IN_FLIGHT_BYTES)

    def _send(self, most_bytes: int) -> None:
        """Send what there is; if the network takes nothing now, the next round tries again."""
        try:
            for chunk in self._buffer.chunks(most_bytes):
                data = {**chunk._asdict(), "asked": time.monotonic_ns()}
                self._runner.send_message(messages.CHUNK, data)
            if self._ended:
                self._runner.send_message(messages.COMPLETE, {"sizes": self._buffer.sizes()})
        except RPCError:
            return

    def _on_received(self, msg: Message[Received], **_: object) -> None:
        kind, upto = msg.data["kind"], msg.data["upto"]
        self._clock.observe(_reading(msg.data))
        full = self._buffer.in_flight >= _IN_FLIGHT_BYTES
        if upto > self._buffer.confirmed[kind]:
            self._buffer.confirm(kind, upto)
            self._tried_s[kind] = self._confirmed_s = time.monotonic()
        if full:
            self._room.set()

    def _on_completed(self, msg: Message[Timed], **_: object) -> None:
        self._ended = False

    def _on_test_start(self, **_: object) -> None:
        self._ended = False
        self._runner.start_worker = self._start_worker  # type: ignore[method-assign]

    def _on_stop(self, **_: object) -> None:
        """Stop all users and start no more: the master may be asking for some at this moment."""
        self._runner.start_worker = _start_none  # type: ignore[method-assign]
        if not self._stopping:
            self._stopping = True
            self._runner.stop()
            self._stopping = False

    def _on_quitting(self, **_: object) -> None:
        """This process is to end, and the master may not know: deliver first, if it listens."""
        try:
            self._on_stop()
            begin_s = time.monotonic()
            while self._stopping or (self._ended and self._runner.greenlet):
                gevent.sleep(0.05)
                if time.monotonic() - max(begin_s, self._confirmed_s) > _NO_PROGRESS_S:
                    return
        except KeyboardInterrupt:
            return


def _start_none(user_classes_count: dict[str, int], **_: object) -> None:
    """In place of Locust's way to start users."""


class _Handshake:
    """Asks the master until it answers."""

    def __init__(self, runner: WorkerRunner) -> None:
        self._runner = runner
        self._welcome = AsyncResult()
        runner.register_message(messages.WELCOME, self._on_welcome)

    def ask(self, joins: bool) -> tuple[Welcome, Reading]:
        """What the master says, and its clock; one that `joins` is waited for from now on.

        Raises:
            ClusterError: it does not answer in time.
        """
        end_s = time.monotonic() + _GIVE_UP_S
        while time.monotonic() < end_s:
            self._welcome = AsyncResult()
            hello: Hello = {
                "token": messages.MASTER_TOKEN,
                "joins": joins,
                "machine": socket.gethostname(),
                "asked": time.monotonic_ns(),
            }
            self._runner.send_message(messages.HELLO, {**hello})
            try:
                found: tuple[Welcome, Reading] = self._welcome.get(timeout=_ASK_AGAIN_S)
            except gevent.Timeout:
                continue
            return found
        raise ClusterError(
            f"the Locust master at {self._runner.master_host} does not answer as one of statedrill",
            "start it with the same scenario files, and the same version, as this load process",
        )

    def _on_welcome(self, msg: Message[Welcome], **_: object) -> None:
        self._welcome.set((msg.data, _reading(msg.data)))


def _reading(answer: Timed) -> Reading:
    return reading(answer["asked"], answer["clock"], time.monotonic_ns())
