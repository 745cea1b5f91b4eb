"""On a load process of another machine: joins the master's run and brings it the record.

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
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gevent
from gevent.event import AsyncResult, Event
from locust.exception import RPCError

from statedrill import __version__
from statedrill.errors import ClusterError, InputError
from statedrill.history.operation import open_mark
from statedrill.load.distributed.chunks import KINDS, Outbox
from statedrill.load.distributed.clock_sync import FarClock, Reading, reading
from statedrill.load.distributed.receiver import (
    DONE,
    GOT,
    HELLO,
    KINSHIP,
    PIECE,
    STOP,
    WELCOME,
    WHOLE,
)
from statedrill.load.load_process import HERE, Place
from statedrill.load.settings import Settings

_QUESTIONS = 8
_ASK_AGAIN_S, _GIVE_UP_S = 1.0, 15.0
_PAUSE_S = 0.5
_ON_THEIR_WAY_BYTES = 1 << 20
# At the end everything is sent at once; Locust's socket refuses more than 1000 messages.
_AT_THE_END_BYTES = 128 << 20
# Unconfirmed for so long, a piece is taken for lost and sent again.
_LOST_S = 2.0
_PATIENCE_S = 5.0


@dataclass(frozen=True)
class Joined:
    """What the master told: the settings of the run, and its clock; `clock` is None for kin."""

    settings: Settings
    clock: FarClock | None = None

    @property
    def place(self) -> Place:
        """Where this load process runs, as its record says."""
        return Place(socket.gethostname(), self.clock.ahead_ns) if self.clock else HERE


def join(runner: Any) -> Joined:
    """Become a load process of the master's run.

    Raises:
        ClusterError: the master does not answer.
        InputError: the master runs another version of statedrill, or other scenarios.
    """
    hello = _Hello(runner)
    told, _ = hello.ask(joins=False)
    if told["kin"]:
        return Joined(Settings.from_environment())
    if told["version"] != __version__:
        raise InputError(
            f"the master runs statedrill {told['version']}, this load process {__version__}",
            "install the same version on both machines",
        )
    unknown = set(told["user_classes"]) - {each.__name__ for each in runner.user_classes}
    if unknown:
        raise InputError(
            f"the master runs users that this load process does not know: {', '.join(unknown)}",
            "start it with the master's scenario files, or with `-f -`, which asks for them",
        )
    clock = FarClock([hello.ask(joins=True)[1] for _ in range(_QUESTIONS)])
    spool = Path(tempfile.mkdtemp(prefix="statedrill-load-")) if told["recorded"] else None
    return Joined(Settings(**told["settings"], history=spool), clock)


class Courier:
    """Sends what load process `worker` writes into `spool` to the master, while it is written."""

    def __init__(self, runner: Any, spool: Path, worker: int, clock: FarClock) -> None:
        self._runner, self._spool, self._clock = runner, spool, clock
        self._worker = worker
        self._outbox = Outbox(spool, worker)
        self._room = Event()
        self._tried_s = dict.fromkeys(KINDS, time.monotonic())
        self._confirmed_s = 0.0  # when the master last had more than before
        self._ended = self._stopping = False
        self._start_worker = runner.start_worker
        runner.register_message(GOT, self._confirmed)
        runner.register_message(WHOLE, self._is_whole)
        runner.register_message(STOP, self._stop, concurrent=True)
        runner.environment.events.test_start.add_listener(self._begin)
        runner.environment.events.quitting.add_listener(self._leave)
        self._rounds = gevent.spawn(self._run)

    def figures(self) -> dict[str, Any]:
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
        self._rounds.kill(block=False)
        left = self._outbox.left_behind()
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
                if not self._outbox.under_way(kind):
                    self._tried_s[kind] = now_s
                elif now_s - self._tried_s[kind] > _LOST_S:
                    self._outbox.rewind(kind)
                    self._tried_s[kind] = now_s
            self._send(_ON_THEIR_WAY_BYTES)

    def _send(self, most_bytes: int) -> None:
        """Send what there is; a network that takes nothing now is asked again in the next round."""
        try:
            for kind, at, data in self._outbox.pieces(most_bytes):
                piece = {"kind": kind, "at": at, "data": data, "asked": time.monotonic_ns()}
                self._runner.send_message(PIECE, piece)
            if self._ended:
                self._runner.send_message(DONE, {"sizes": self._outbox.sizes()})
        except RPCError:
            return

    def _confirmed(self, msg: Any, **_: Any) -> None:
        kind, upto = msg.data["kind"], msg.data["upto"]
        self._clock.look(_reading(msg.data))
        full = self._outbox.on_their_way >= _ON_THEIR_WAY_BYTES
        if upto > self._outbox.confirmed[kind]:
            self._outbox.confirm(kind, upto)
            self._tried_s[kind] = self._confirmed_s = time.monotonic()
        if full:
            self._room.set()

    def _is_whole(self, msg: Any, **_: Any) -> None:
        self._ended = False

    def _begin(self, **_: Any) -> None:
        self._ended = False
        self._runner.start_worker = self._start_worker

    def _stop(self, **_: Any) -> None:
        """No user goes on, and none is new: Locust's master may be sending some this moment."""
        self._runner.start_worker = _nobody
        if not self._stopping:
            self._stopping = True
            self._runner.stop()
            self._stopping = False

    def _leave(self, **_: Any) -> None:
        """This process is to end, and the master may not know: deliver first, if it hears us."""
        try:
            self._stop()
            begin_s = time.monotonic()
            while self._stopping or (self._ended and self._runner.greenlet):
                gevent.sleep(0.05)
                if time.monotonic() - max(begin_s, self._confirmed_s) > _PATIENCE_S:
                    return
        except KeyboardInterrupt:
            return


def _nobody(*_: Any, **__: Any) -> None:
    """In place of Locust's way to start users."""


class _Hello:
    """Asks the master until it answers."""

    def __init__(self, runner: Any) -> None:
        self._runner = runner
        self._answer = AsyncResult()
        runner.register_message(WELCOME, self._hear)

    def ask(self, joins: bool) -> tuple[Mapping[str, Any], Reading]:
        """What the master says, and its clock; whoever `joins` is waited for from now on."""
        end_s = time.monotonic() + _GIVE_UP_S
        while time.monotonic() < end_s:
            self._answer = AsyncResult()
            told = {
                "kinship": KINSHIP,
                "joins": joins,
                "machine": socket.gethostname(),
                "asked": time.monotonic_ns(),
            }
            self._runner.send_message(HELLO, told)
            try:
                found: tuple[Mapping[str, Any], Reading] = self._answer.get(timeout=_ASK_AGAIN_S)
            except gevent.Timeout:
                continue
            return found
        raise ClusterError(
            f"the Locust master at {self._runner.master_host} does not answer as one of statedrill",
            "start it with the same scenario files, and the same version, as this load process",
        )

    def _hear(self, msg: Any, **_: Any) -> None:
        self._answer.set((msg.data, _reading(msg.data)))


def _reading(told: Mapping[str, Any]) -> Reading:
    return reading(told["asked"], told["clock"], time.monotonic_ns())
