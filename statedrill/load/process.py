"""Ties the load generator to a Locust process: its start, its requests and its end.

Locust's own statistics, web page and `--csv` work because its `request` event is fired for every
attempt. Knows Locust's runners and events; knows no scenario.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import signal
import sys
import time
from typing import Any

import gevent
import locust
from locust.runners import MasterRunner, WorkerRunner

from statedrill.errors import InputError
from statedrill.load.contract import Call
from statedrill.load.generator import STRIDE, Generator
from statedrill.load.settings import Settings, load_balancer

_PR_SET_PDEATHSIG = 1
_generators: dict[int, Generator] = {}  # by process: a worker is forked from the master


class CallFailed(Exception):
    """What Locust's statistics show for an attempt that was not confirmed."""


def generator(environment: Any) -> Generator:
    """The generator of this process, made with the first use."""
    found = _generators.get(os.getpid())
    if found is None:
        found = _generators[os.getpid()] = _make(environment)
    return found


def address(host: str | None) -> str:
    """The address to send to.

    Raises:
        InputError: neither `-H` nor a running cluster told one.
    """
    if not host:
        raise InputError(
            "there is no host to send users to",
            "start a cluster with `statedrill up`, or name one with -H http://...",
        )
    return host


def _make(environment: Any) -> Generator:
    runner = environment.runner
    alone = not isinstance(runner, WorkerRunner)
    worker = 0 if alone else runner.worker_index
    if not 0 <= worker < STRIDE:
        raise InputError(f"a load process cannot have the number {worker}", "use a newer Locust")
    made = Generator(
        Settings.from_environment(), worker, alone=alone, listener=_listener(environment)
    )
    made.extra = lambda: _planned(made, environment.runner)
    return made


def _planned(made: Generator, runner: Any) -> dict[str, Any]:
    """The closed model: so many users, one operation per pace each."""
    pace_s, users = made.settings.pace_s, runner.user_count
    rate = round(users / pace_s, 3) if pace_s else None
    return {"users": users, "planned_rate": rate, "queued": 0, "dropped": 0}


def _listener(environment: Any) -> Any:
    fire = environment.events.request.fire

    def listener(call: Call, latency_ns: int, service_ns: int, size: int, error: str) -> None:
        fire(
            request_type=call.method,
            name=call.op,
            response_time=latency_ns / 1e6,
            response_length=size,
            exception=CallFailed(error) if error else None,
            context={},
            response=None,
            start_time=time.time() - service_ns / 1e9,
            url=call.path,
        )

    return listener


@locust.events.init.add_listener  # type: ignore[untyped-decorator]
def _begin(environment: Any, runner: Any, **_: Any) -> None:
    """Locust is up: find the host, follow the parent into death, start to report."""
    if not environment.host:
        environment.host = load_balancer(Settings.from_environment().control)
    if isinstance(runner, MasterRunner):
        return
    options = environment.parsed_options
    if isinstance(runner, WorkerRunner) and options is not None and options.processes:
        die_with_parent()
    _quiet_interrupts()
    generator(environment).report()
    atexit.register(_end)


@locust.events.quit.add_listener  # type: ignore[untyped-decorator]
def _end(**_: Any) -> None:
    """Locust has stopped all users: close the record."""
    found = _generators.get(os.getpid())
    if found is not None:
        found.close()


def die_with_parent() -> None:
    """Have the kernel end this process when its parent dies (Linux)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if os.getppid() == 1:
            os.kill(os.getpid(), signal.SIGKILL)


def _quiet_interrupts() -> None:
    """Deliver Ctrl-C to Locust's main greenlet only.

    Python raises KeyboardInterrupt wherever it happens to be, which may be in a user between the
    end of a call and its record.
    """
    hub = gevent.get_hub()
    gevent.signal_handler(
        signal.SIGINT, lambda: hub.handle_system_error(KeyboardInterrupt, KeyboardInterrupt())
    )
