"""The plan of a test: the master (or the only process) sends it, every load process follows it.

The plan is a function of time: the profile says how many users there are (closed model) or how
many sessions arrive a second (open model) at each moment. Locust starts the users itself; sessions
are started here. Each load process knows its share of what is planned, and writes it down beside
what was there. Knows Locust's runners and messages; what a session does is the user's.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Protocol, TypedDict

from locust.env import Environment
from locust.runners import MasterRunner, Runner, WorkerRunner

from statedrill.history.load_line import LoadLine
from statedrill.inputs.arrival_rate import UNIFORM, ArrivalRate, parse_arrival_rate
from statedrill.load.arrivals import schedule
from statedrill.load.arrivals.arrivals import Arrivals
from statedrill.load.profiles.planned_course import PlannedCourse
from statedrill.load.profiles.profile import Profile
from statedrill.load.recording.counters import Counters
from statedrill.load.settings import Settings, shape_length_s

MESSAGE = "statedrill-plan"
# Time for the plan to reach every load process before the first session is due.
_HEADSTART_S = 0.25
_LONGEST_S = 86_400.0


class LoadPlan(TypedDict):
    """The message: everything that a load process needs to know its share at any moment.

    `start_ns` is on the master's monotonic clock. `arrival_rate` is None in the closed model, and
    `users` are the full load of the profile. `clients` are the load processes in order.
    """

    start_ns: int
    clients: list[str]
    users: int
    spawn_rate: float
    arrival_rate: float | None
    arrivals: str
    seed: int
    end_s: float | None
    shape_s: float


class PlanMessage(Protocol):
    """Locust's message, with a plan in it."""

    data: LoadPlan


def is_open(environment: Environment) -> bool:
    """Whether sessions arrive at a rate (else `-u` users stay for the whole test)."""
    return bool(getattr(environment.parsed_options, "arrival_rate", None))


class PlanSender:
    """On the master or the only process: sends the plan once a test."""

    def __init__(self, environment: Environment, runner: Runner, settings: Settings) -> None:
        """
        Raises:
            InputError: the arrival rate is not one.
        """
        self._environment, self._runner, self._settings = environment, runner, settings
        self._sent = False
        self._rate()
        environment.events.test_start.add_listener(self._on_start)
        environment.events.spawning_complete.add_listener(self._on_all_users)
        environment.events.test_stopping.add_listener(self._on_stop)

    def plan(self) -> LoadPlan:
        """The plan of a test that begins now."""
        runner, options = self._runner, self._environment.parsed_options
        assert options is not None
        profile, rate = self._environment.shape_class, self._rate()
        clients: list[str] = []
        if isinstance(runner, MasterRunner):
            clients = sorted(runner.clients, key=runner.get_worker_index)
        start_s = time.monotonic()
        if is_open(self._environment):
            start_s += _HEADSTART_S
        elif isinstance(profile, Profile):
            start_s -= profile.elapsed_s()
        return {
            "start_ns": round(start_s * 1e9),
            "clients": clients,
            "users": (options.num_users or 1) if profile else runner.target_user_count,
            "spawn_rate": options.spawn_rate or 1.0,
            "arrival_rate": rate.per_s if rate else None,
            "arrivals": (rate and rate.spacing) or options.arrivals or UNIFORM,
            "seed": self._settings.seed,
            "end_s": options.run_time or None,
            "shape_s": shape_length_s(options.run_time),
        }

    def _rate(self) -> ArrivalRate | None:
        options = self._environment.parsed_options
        if options is None or not is_open(self._environment):
            return None
        return parse_arrival_rate(options.arrival_rate)

    def _on_start(self, **_: object) -> None:
        if not is_open(self._environment):
            self._runner.send_message(MESSAGE, self.plan())

    def _on_all_users(self, user_count: int, **_: object) -> None:
        """The pool is there: sessions may arrive; a profile that adds users changes nothing."""
        if is_open(self._environment) and not self._sent:
            self._sent = True
            self._runner.send_message(MESSAGE, self.plan())

    def _on_stop(self, **_: object) -> None:
        self._sent = False


class PlanFollower:
    """What one load process is to do, from the message to the end of the test.

    `shift_ns` is how far the master's clock is ahead of this machine's.
    """

    def __init__(
        self, environment: Environment, runner: Runner, counters: Counters, settings: Settings,
        shift_ns: int = 0,
    ) -> None:  # fmt: skip
        self.arrivals = Arrivals(counters, settings.queue)
        self._environment, self._runner = environment, runner
        self._pace_s, self._shift_ns = settings.pace_s, shift_ns
        self._course: PlannedCourse | None = None
        self._start_ns = 0
        self._since_ns = time.monotonic_ns()
        self._workers = 1
        runner.register_message(MESSAGE, self._on_plan)
        environment.events.test_stopping.add_listener(self._on_stop)

    def take_figures(self) -> LoadLine:
        """What was planned, and what was there, since the last call."""
        users = self._runner.user_count
        planned = self._planned()
        if is_open(self._environment):
            figures = self.arrivals.take_figures()
            return {"users": users, "planned_arrivals": planned or 0.0, **figures}
        if planned is None:
            # A shape that is none of our profiles: what Locust asks of this process is the plan.
            planned = float(self._runner.target_user_count)
        rate = round(planned / self._pace_s, 3) if self._pace_s else None
        return {
            "users": users,
            "planned_users": planned,
            "planned_rate": rate,
            "queued": 0,
            "dropped": 0,
        }

    def _planned(self) -> float | None:
        """The mean of this process's share of the plan since the last call."""
        since_ns, self._since_ns = self._since_ns, time.monotonic_ns()
        if self._course is None:
            return None
        total = self._course.total_until(self._elapsed_s())
        return round(total / self._workers / ((self._since_ns - since_ns) / 1e9), 3)

    def _elapsed_s(self) -> float:
        return (time.monotonic_ns() - self._start_ns) / 1e9

    def _on_plan(self, msg: PlanMessage, **_: object) -> None:
        plan = msg.data
        worker, self._workers = 0, 1
        if isinstance(self._runner, WorkerRunner):
            if self._runner.client_id not in plan["clients"]:
                return  # it came when the test was under way, and has no share in the plan
            worker = plan["clients"].index(self._runner.client_id)
            self._workers = len(plan["clients"])
        self._start_ns = plan["start_ns"] - self._shift_ns
        end_s = plan["end_s"] or math.inf
        load = self._profile(plan)
        if plan["arrival_rate"] is None:
            self._course = load and PlannedCourse(load, end_s, plan["spawn_rate"])
            return
        assert load is not None
        self._course = PlannedCourse(load, end_s)
        due_s = schedule.due_times(load, plan["arrivals"], plan["seed"], min(end_s, _LONGEST_S))
        self.arrivals.begin(schedule.share_of(due_s, worker, self._workers), self._start_ns)

    def _profile(self, plan: LoadPlan) -> Callable[[float], float] | None:
        """All users, or arrivals a second, at an elapsed time; None where no profile says it."""
        shape = self._environment.shape_class
        rate, users, shape_s = plan["arrival_rate"], plan["users"], plan["shape_s"]
        if isinstance(shape, Profile):
            profile = shape
            if rate is not None:
                return lambda elapsed_s: rate * profile.share(elapsed_s, shape_s)
            return lambda elapsed_s: profile.users_at(elapsed_s, shape_s, users)
        if rate is not None:
            return lambda _: rate
        return None if shape else lambda _: users

    def _on_stop(self, **_: object) -> None:
        self.arrivals.stop()
        if self._course is not None:
            self._course.end(self._elapsed_s())
