"""The open model in a Locust process: sessions start when the plan says, whatever the answers do.

A pool of Locust users waits at a desk; one greenlet per load process hands them the due times of
one plan, which the master (or the only process) makes when all users are there. Knows Locust's
runners and messages; what a session does is the user's.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import gevent
import locust
from locust.runners import MasterRunner, WorkerRunner

from statedrill.inputs.arrival_rate import SPACINGS, UNIFORM, parse_arrival_rate
from statedrill.load.arrivals import schedule
from statedrill.load.arrivals.arrival_queue import Desk
from statedrill.load.profiles.profile import Profile
from statedrill.load.recording.counters import Tally
from statedrill.load.settings import Settings, shape_length_s

MESSAGE = "statedrill-plan"
# Time for the plan to reach every worker before the first session is due.
_HEADSTART_S = 0.25


class Arrivals:
    """The arrivals of one load process; `desk` is where its users wait.

    `shift_ns` is how far the master's clock is ahead of this machine's.
    """

    def __init__(self, environment: Any, tally: Tally, bound: int, shift_ns: int = 0) -> None:
        self.desk = Desk(bound)
        self._shift_ns = shift_ns
        self._environment = environment
        self._tally = tally
        self._scheduler: Any = None
        self._planned_rate = 0.0

    def begin(self, plan: Mapping[str, Any], worker: int, workers: int) -> None:
        """Start to hand out due times: number `worker` of `workers` takes its share."""
        self.stop()
        start_ns = plan["start_ns"] - self._shift_ns
        self._scheduler = gevent.spawn(self._play, plan, start_ns, worker, workers)

    def stop(self) -> None:
        """No session is due any more."""
        if self._scheduler is not None:
            self._scheduler.kill(block=False)
            self._scheduler = None
        self._planned_rate = 0.0

    def figures(self) -> dict[str, Any]:
        """For the line a second: arrivals planned per second, and what became of them."""
        figures = self.desk.take_figures()
        self._tally.planned += figures["dropped"]
        return {"planned_arrivals": round(self._planned_rate, 3), **figures}

    def _play(self, plan: Mapping[str, Any], start_ns: int, worker: int, workers: int) -> None:
        run_time_s = plan["run_time_s"] or math.inf
        profile = self._environment.shape_class
        share = profile.share if isinstance(profile, Profile) else _all

        def rate(elapsed_s: float) -> float:
            return float(plan["rate"] * share(elapsed_s, plan["shape_s"]))

        until_s = min(run_time_s, 86_400.0)
        times = schedule.due_times(rate, plan["kind"], plan["seed"], until_s)
        for due_s in schedule.share_of(times, worker, workers):
            due_ns = start_ns + round(due_s * 1e9)
            ahead_ns = due_ns - time.monotonic_ns()
            if ahead_ns > 0:
                gevent.sleep(ahead_ns / 1e9)
            self._tally.lag(time.monotonic_ns() - due_ns)
            self._planned_rate = rate(due_s) / workers
            self.desk.arrive(due_ns)
        self._planned_rate = 0.0


def is_open(environment: Any) -> bool:
    """Whether sessions arrive at a rate (else `-u` users stay for the whole test)."""
    return bool(getattr(environment.parsed_options, "arrival_rate", None))


def plan_for(runner: Any, settings: Settings) -> dict[str, Any]:
    """The plan that every load process plays its share of; it starts at `start_ns`, monotonic.

    Raises:
        InputError: the arrival rate is not one.
    """
    options = runner.environment.parsed_options
    rate = parse_arrival_rate(options.arrival_rate)
    clients = sorted(runner.clients, key=runner.get_worker_index) if _is_master(runner) else []
    return {
        "start_ns": time.monotonic_ns() + round(_HEADSTART_S * 1e9),
        "rate": rate.per_s,
        "kind": rate.spacing or options.arrivals or UNIFORM,
        "seed": settings.seed,
        "run_time_s": options.run_time or 0,
        "shape_s": shape_length_s(options.run_time),
        "clients": clients,
    }


def follow(arrivals: Arrivals, runner: Any) -> None:
    """Have this process play the plans that the master (or itself) sends, until the test stops."""

    def begin(environment: Any, msg: Any, **_: Any) -> None:
        clients = msg.data["clients"]
        if isinstance(runner, WorkerRunner):
            if runner.client_id in clients:
                arrivals.begin(msg.data, clients.index(runner.client_id), len(clients))
        else:
            arrivals.begin(msg.data, 0, 1)

    runner.register_message(MESSAGE, begin)
    runner.environment.events.test_stopping.add_listener(lambda **_: arrivals.stop())


def announce(runner: Any, settings: Settings) -> None:
    """Have the master (or the only process) send a plan when all users of the pool are there.

    Raises:
        InputError: the arrival rate is not one.
    """
    if is_open(runner.environment):
        parse_arrival_rate(runner.environment.parsed_options.arrival_rate)
    running = {"plan": False}

    def complete(user_count: int, **_: Any) -> None:
        if is_open(runner.environment) and not running["plan"]:
            running["plan"] = True
            runner.send_message(MESSAGE, plan_for(runner, settings))

    def stopped(**_: Any) -> None:
        running["plan"] = False

    if not isinstance(runner, WorkerRunner):
        runner.environment.events.spawning_complete.add_listener(complete)
        runner.environment.events.test_stopping.add_listener(stopped)


@locust.events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def _options(parser: Any, **_: Any) -> None:
    group = parser.add_argument_group("statedrill", "the open model")
    group.add_argument(
        "--arrival-rate",
        metavar="<50/s>",
        default="",
        env_var="STATEDRILL_ARRIVAL_RATE",
        help="start sessions at this rate whatever the answers do; -u is then the pool of users",
    )
    group.add_argument(
        "--arrivals",
        choices=SPACINGS,
        default=UNIFORM,
        env_var="STATEDRILL_ARRIVALS",
        help="evenly spaced, or a Poisson process with the run's seed",
    )


def _is_master(runner: Any) -> bool:
    return isinstance(runner, MasterRunner)


def _all(elapsed_s: float, run_time_s: float) -> float:
    return 1.0
