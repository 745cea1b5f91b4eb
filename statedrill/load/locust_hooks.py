"""Ties the load generator to a Locust process: its start, its requests and its end.

Locust's own statistics, web page and `--csv` work because its `request` event is fired for every
attempt. Knows Locust's runners and events; knows no scenario.
"""

from __future__ import annotations

import atexit
import logging
import signal
import sys
import time
from collections.abc import Callable

import gevent
import gevent.lock
import locust
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from statedrill.control.client import load_balancer
from statedrill.errors import InputError, StatedrillError
from statedrill.history.load_line import LoadLine
from statedrill.load.arrivals.arrivals import Arrivals
from statedrill.load.arrivals.load_plan import PlanFollower, PlanSender, is_open
from statedrill.load.contract import Call
from statedrill.load.distributed.receiver import RecordReceiver
from statedrill.load.distributed.uploader import JoinedRun, RecordUploader, join
from statedrill.load.http.client import checked_address
from statedrill.load.load_process import (
    STRIDE,
    LoadProcess,
    collect_garbage_less_often,
    new_recording,
    session_numbers,
)
from statedrill.load.options import add_options
from statedrill.load.recording.recording import Listener
from statedrill.load.recording.worker_report import (
    WorkerReport,
    latencies_of_all,
    second_of_all,
    worker_report,
)
from statedrill.load.settings import Settings
from statedrill.load.signals import deliver, die_with_parent, quit_while_waiting

_log = logging.getLogger("statedrill")


class CallFailed(Exception):
    """What Locust's statistics show for an attempt that was not confirmed."""


class LocustHooks:
    """The load generator in one Locust process: on a master, in a load process, or both in one.

    `settings` are those of this process's environment; a load process of another machine gets
    those of the run from its master.
    """

    def __init__(self, environment: Environment) -> None:
        """
        Raises:
            InputError: a setting or the arrival rate is not as it should be.
        """
        assert environment.runner is not None
        self.settings = Settings.from_environment()
        self._environment, self._runner = environment, environment.runner
        self._is_master = isinstance(self._runner, MasterRunner)
        self._is_worker = isinstance(self._runner, WorkerRunner)
        self._load_process: LoadProcess | None = None
        self._follower: PlanFollower | None = None
        self._was_made = False
        self._making = gevent.lock.RLock()
        self._reports: dict[str, WorkerReport] = {}  # on a master: every worker's last one
        setattr(environment, _ATTRIBUTE, self)

    @classmethod
    def of(cls, environment: Environment) -> LocustHooks:
        """Those of a Locust process, which has them from its `init` event on."""
        found: LocustHooks = getattr(environment, _ATTRIBUTE)
        return found

    def start(self) -> None:
        """Locust is up: find the host, listen to Locust's events, begin to report.

        Raises:
            StatedrillError: the test cannot be made.
        """
        environment = self._environment
        if not self._is_worker:
            PlanSender(environment, self._runner, self.settings)
        if not environment.host:
            environment.host = load_balancer(self.settings.control)
        if isinstance(self._runner, MasterRunner):
            RecordReceiver(self._runner, self.settings)
        if not self._is_worker:
            self._start_master()
        self._listen()
        if not self._is_master:
            self._start_load()

    def load_process(self) -> LoadProcess:
        """That of this process, made with the first use.

        Raises:
            StatedrillError: it cannot be made.
            GreenletExit: that was raised before, and the process is about to end.
        """
        with self._making:  # users may come while a load process is still asking its master
            if not self._was_made:
                self._was_made = True
                self._load_process = self._make()
        if self._load_process is None:
            raise gevent.GreenletExit
        return self._load_process

    def arrivals(self) -> Arrivals | None:
        """Where users wait for sessions in the open model; None in the closed one."""
        self.load_process()
        assert self._follower is not None
        return self._follower.arrivals if is_open(self._environment) else None

    def figures(self) -> LoadLine | None:
        """The live figures of the last second, of all load processes; None before the first."""
        if self._is_master:
            lines = [report["line"] for report in self._reports.values()]
        else:
            line = self.load_process().last_line
            lines = [line] if line else []
        return second_of_all(lines) if lines else None

    def _make(self) -> LoadProcess:
        environment, runner = self._environment, self._runner
        worker, run = 0, JoinedRun(self.settings)
        if isinstance(runner, WorkerRunner):
            worker = runner.worker_index
            if not 0 <= worker < STRIDE:
                raise InputError(
                    f"a load process cannot have the number {worker}", "use a newer Locust"
                )
            run = join(runner, self.settings)
        settings, location = run.settings, run.location
        recording = new_recording(settings, worker, _listener(environment), location)
        self._follower = PlanFollower(
            environment, runner, recording.counters, settings, location.shift_ns
        )
        uploader = None
        if isinstance(runner, WorkerRunner) and run.clock is not None and settings.history:
            uploader = RecordUploader(runner, settings.history, worker, run.clock)
        return LoadProcess(
            settings,
            recording,
            session_numbers(worker if self._is_worker else None),
            planned=self._follower.take_figures,
            delivery=uploader,
        )

    def _start_master(self) -> None:
        """Without a web page to name a host on, it must be known now; and a shape must end well.

        Raises:
            InputError: there is no host, or there is a record in the folder already.
        """
        environment, history = self._environment, self.settings.history
        if history is not None and any(history.glob("operations-*")):
            raise InputError(
                f"there is a record in {history} already",
                "name another folder in STATEDRILL_HISTORY, or move the record away",
            )
        headless = bool(environment.parsed_options and environment.parsed_options.headless)
        for user_class in environment.user_classes if headless else []:
            checked_address(user_class.host or environment.host)
        # Locust listens to SIGTERM only after a shape has ended; until then it would be killed with
        # everybody's last operations unrecorded.
        numbers = [] if environment.shape_class is None else [signal.SIGTERM]
        if self._is_master and headless:
            quit_while_waiting(self._runner, [*numbers, signal.SIGINT])
        else:
            for number in numbers:
                deliver(number, KeyboardInterrupt())

    def _listen(self) -> None:
        events = self._environment.events
        events.test_start.add_listener(self._on_test_start)
        events.test_stop.add_listener(self._on_test_stop)
        events.quitting.add_listener(self._on_quitting)
        events.quit.add_listener(self._on_quit)
        events.report_to_master.add_listener(self._on_report_to_master)
        events.worker_report.add_listener(self._on_worker_report)

    def _start_load(self) -> None:
        options = self._environment.parsed_options
        deliver(signal.SIGINT, KeyboardInterrupt())
        collect_garbage_less_often()
        made = self.load_process()
        if self._is_worker and options is not None and options.processes:
            # The record of a far one is not in the run's folder yet: let it deliver first.
            die_with_parent(signal.SIGTERM if made.is_far else signal.SIGKILL)
        made.report()
        atexit.register(self._on_quit)

    def _on_test_start(self, **_: object) -> None:
        """Users will come: the record is not whole any more."""
        if self._load_process is not None:
            self._load_process.begin()

    def _on_test_stop(self, **_: object) -> None:
        """All users are gone: count what they did last, before a worker's last report."""
        if self._load_process is not None and self._runner.user_count == 0:
            self._load_process.end()

    def _on_quitting(self, **_: object) -> None:
        """Have the master (or the only process) say what was measured, when all users are gone."""
        if not self._is_worker:
            self._environment.events.quit.add_listener(self._log_summary)

    def _on_quit(self, **_: object) -> None:
        """Locust has stopped all users: close the record."""
        if self._load_process is not None:
            self._load_process.close()

    def _on_report_to_master(self, client_id: str, data: dict[str, object], **_: object) -> None:
        made = self._load_process
        if made is not None and made.last_line is not None:
            data["statedrill"] = worker_report(made.last_line, made.recording.counters)

    def _on_worker_report(self, client_id: str, data: dict[str, WorkerReport], **_: object) -> None:
        if "statedrill" in data:
            self._reports[client_id] = data["statedrill"]

    def _log_summary(self, **_: object) -> None:
        """Locust rounds its percentiles and knows no intended start: these figures are exact."""
        own = self._load_process.recording.counters if self._load_process else None
        latency, service = latencies_of_all(own, self._reports.values())
        if is_open(self._environment):
            _log.info("latency from the intended start: %s", latency.sentence())
        _log.info("service time: %s", service.sentence())


_ATTRIBUTE = "statedrill_hooks"  # of Locust's environment, which is made for such things


locust.events.init_command_line_parser.add_listener(add_options)


@locust.events.init.add_listener  # type: ignore[untyped-decorator]
def _on_init(environment: Environment, **_: object) -> None:
    """Locust is up in this process: one line on standard error if the load cannot be made."""
    try:
        LocustHooks(environment).start()
    except StatedrillError as error:
        print(f"statedrill: {error}", file=sys.stderr, flush=True)
        sys.exit(error.exit_code)


def _listener(environment: Environment) -> Listener:
    """Fires Locust's `request` event for an attempt."""
    fire: Callable[..., None] = environment.events.request.fire

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
