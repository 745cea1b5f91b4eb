"""Ties the load generator to a Locust process: its start, its requests and its end.

Locust's own statistics, web page and `--csv` work because its `request` event is fired for every
attempt. Knows Locust's runners and events; knows no scenario.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import gevent
import gevent.lock
import locust
from locust.runners import MasterRunner, WorkerRunner

from statedrill.control.client import load_balancer
from statedrill.errors import InputError, StatedrillError
from statedrill.load import signals
from statedrill.load.arrivals import arrivals
from statedrill.load.contract import Call
from statedrill.load.distributed.receiver import Collector
from statedrill.load.distributed.uploader import Courier, Joined, join
from statedrill.load.http.client import target
from statedrill.load.load_process import STRIDE, Generator
from statedrill.load.recording.latency_histogram import Latencies
from statedrill.load.settings import Settings, random_run

# Before Locust forks its load processes: they are one run.
os.environ.setdefault("STATEDRILL_RUN", random_run())
_STARTED_BY = os.getpid()  # of a forked load process: its parent
_log = logging.getLogger("statedrill")

_PR_SET_PDEATHSIG = 1
_SUMMED = ("line", "requests", "errors", "queued", "dropped")
_reported: dict[str, dict[str, Any]] = {}  # on a master: every worker's last report
_generators: dict[int, Generator | None] = {}  # by process: a worker is forked from the master
_making = gevent.lock.RLock()


class CallFailed(Exception):
    """What Locust's statistics show for an attempt that was not confirmed."""


def generator(environment: Any) -> Generator:
    """The generator of this process, made with the first use.

    Raises:
        StatedrillError: it cannot be made.
        GreenletExit: this was said already, and the process is about to end.
    """
    here = os.getpid()
    with _making:  # users may come while a load process is still asking its master
        if here not in _generators:
            _generators[here] = None
            _generators[here] = _make(environment)
        found = _generators[here]
    if found is None:
        raise gevent.GreenletExit
    return found


def address(host: str | None) -> str:
    """The address to send to.

    Raises:
        InputError: neither `-H` nor a running cluster told one, or it is not one.
    """
    if not host:
        raise InputError(
            "there is no host to send users to",
            "start a cluster with `statedrill up`, or name one with -H http://...",
        )
    target(host)
    return host


def figures(runner: Any) -> dict[str, Any] | None:
    """The live figures of the last second, of all load processes; None before the first."""
    if isinstance(runner, MasterRunner):
        lines = [told["line"] for told in _reported.values()]
    else:
        line = generator(runner.environment).last_line
        lines = [line] if line else []
    if not lines:
        return None
    summed = {key: sum(line[key] for line in lines) for key in _SUMMED}
    return {**summed, "p99_ms": max(line["p99_ms"] or 0.0 for line in lines)}


def _make(environment: Any) -> Generator:
    runner = environment.runner
    alone = not isinstance(runner, WorkerRunner)
    worker = 0 if alone else runner.worker_index
    if not 0 <= worker < STRIDE:
        raise InputError(f"a load process cannot have the number {worker}", "use a newer Locust")
    joined = Joined(Settings.from_environment()) if alone else join(runner)
    made = Generator(
        joined.settings, worker, alone=alone, listener=_listener(environment), place=joined.place
    )
    made.arrivals = arrivals.Arrivals(
        environment, made.journal.tally, made.settings.queue, joined.place.shift_ns
    )
    arrivals.follow(made.arrivals, runner)
    made.extra = lambda: _planned(made, runner)
    if joined.clock is not None and joined.settings.history is not None:
        made.courier = Courier(runner, joined.settings.history, worker, joined.clock)
    return made


def _planned(made: Generator, runner: Any) -> dict[str, Any]:
    """What this process is to do: so many users, one operation per pace each, or arrivals."""
    pace_s, users = made.settings.pace_s, runner.user_count
    told = made.courier.figures() if made.courier else {}
    if arrivals.is_open(runner.environment):
        return {"users": users, **made.arrivals.figures(), **told}
    rate = round(users / pace_s, 3) if pace_s else None
    return {"users": users, "planned_rate": rate, "queued": 0, "dropped": 0, **told}


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
    """Locust is up: check the settings, find the host, begin to report; one line if that fails."""
    try:
        settings = Settings.from_environment()
        arrivals.announce(runner, settings)
        if not environment.host:
            environment.host = load_balancer(settings.control)
        if isinstance(runner, MasterRunner):
            Collector(runner, settings)
        if not isinstance(runner, WorkerRunner):
            _check_folder(settings.history)
            _begin_master(environment)
        if not isinstance(runner, MasterRunner):
            _begin_load(environment, runner)
    except StatedrillError as error:
        print(f"statedrill: {error}", file=sys.stderr, flush=True)
        sys.exit(error.exit_code)


def _check_folder(history: Path | None) -> None:
    """Two runs in one folder could not be told apart.

    Raises:
        InputError: there is a record in it.
    """
    if history is not None and any(history.glob("operations-*")):
        raise InputError(
            f"there is a record in {history} already",
            "name another folder in STATEDRILL_HISTORY, or move the record away",
        )


def _begin_master(environment: Any) -> None:
    """Without a web page to name a host on, it must be known now; and a shape must end well."""
    if environment.parsed_options.headless:
        for user_class in environment.user_classes:
            address(user_class.host or environment.host)
    # Locust hears of SIGTERM only after a shape has ended; until then it would be killed with
    # everybody's last operations unrecorded.
    heard = [] if environment.shape_class is None else [signal.SIGTERM]
    if isinstance(environment.runner, MasterRunner) and environment.parsed_options.headless:
        signals.leave_while_waiting(environment.runner, [*heard, signal.SIGINT])
    else:
        for number in heard:
            signals.deliver(number, KeyboardInterrupt())


def _begin_load(environment: Any, runner: Any) -> None:
    options = environment.parsed_options
    signals.deliver(signal.SIGINT, KeyboardInterrupt())
    _calm_collector()
    made = generator(environment)
    if isinstance(runner, WorkerRunner) and options is not None and options.processes:
        # The record of a far one is not in the run's folder yet: let it deliver first.
        die_with_parent(signal.SIGKILL if made.courier is None else signal.SIGTERM)
    made.report()
    atexit.register(_end)


@locust.events.test_start.add_listener  # type: ignore[untyped-decorator]
def _started(**_: Any) -> None:
    """Users will come: the record is not whole any more."""
    found = _generators.get(os.getpid())
    if found is not None:
        found.begin()


@locust.events.test_stop.add_listener  # type: ignore[untyped-decorator]
def _stopped(environment: Any, **_: Any) -> None:
    """All users are gone: count what they did last, before a worker's last report."""
    found = _generators.get(os.getpid())
    if found is not None and environment.runner.user_count == 0:
        found.end()


@locust.events.quitting.add_listener  # type: ignore[untyped-decorator]
def _quitting(environment: Any, **_: Any) -> None:
    """Have the master (or the only process) say what was measured, when all users are gone."""
    if not isinstance(environment.runner, WorkerRunner):
        environment.events.quit.add_listener(lambda **_: _summary(environment))


@locust.events.quit.add_listener  # type: ignore[untyped-decorator]
def _end(**_: Any) -> None:
    """Locust has stopped all users: close the record."""
    found = _generators.get(os.getpid())
    if found is not None:
        found.close()


@locust.events.report_to_master.add_listener  # type: ignore[untyped-decorator]
def _tell(client_id: str, data: dict[str, Any], **_: Any) -> None:
    found = _generators.get(os.getpid())
    if found is not None and found.last_line is not None:
        tally = found.journal.tally
        data["statedrill"] = {
            "line": found.last_line,
            "latency": tally.latency.encode(),
            "service": tally.service.encode(),
        }


@locust.events.worker_report.add_listener  # type: ignore[untyped-decorator]
def _hear(client_id: str, data: dict[str, Any], **_: Any) -> None:
    if "statedrill" in data:
        _reported[client_id] = data["statedrill"]


def _summary(environment: Any) -> None:
    """Locust rounds its percentiles and knows no intended start: these are the figures to quote."""
    latency, service = Latencies(), Latencies()
    found = _generators.get(os.getpid())
    if found is not None:
        latency.merge(found.journal.tally.latency)
        service.merge(found.journal.tally.service)
    for told in _reported.values():
        latency.merge(Latencies.decode(told["latency"]))
        service.merge(Latencies.decode(told["service"]))
    if arrivals.is_open(environment):
        _log.info("latency from the intended start: %s", latency.sentence())
    _log.info("service time: %s", service.sentence())


def die_with_parent(number: signal.Signals) -> None:
    """Have the kernel send signal `number` to this process when its parent dies (Linux)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(number))
        if os.getppid() != _STARTED_BY:
            os.kill(os.getpid(), number)


def _calm_collector() -> None:
    """Let Python look for cyclic garbage less often: users make next to none, and every search
    through all objects is a pause in which nobody is served in time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
