"""The load of a drill: how many users, how fast, and from which load processes.

One part of a plan, made of the options. Pure; starts nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from statedrill.errors import InputError
from statedrill.inputs.arrival_rate import UNIFORM, parse_arrival_rate
from statedrill.inputs.options import Options

_MOST_USERS = 20_000
_MOST_WORKERS = 100


@dataclass(frozen=True)
class Load:
    """How many users send requests, and how fast.

    `pace_s` is the time between two operations of a user, `arrival_rate` in new sessions per second
    (None: the users stay), `arrivals` "closed", "uniform" or "poisson", and `planned_rate` in
    operations per second (None: the arrivals decide).

    With `expect_workers` the load comes from that many Locust workers that the user starts, on this
    machine or on others. They connect to `master_bind_host` (empty: an address of the
    cluster's own network) and `master_bind_port`; 5557 is Locust's own.
    """

    users: int
    spawn_rate: float
    processes: int
    pace_s: float
    arrival_rate: float | None
    arrivals: str
    planned_rate: float | None
    expect_workers: int = 0
    expect_workers_max_wait_s: float = 300.0
    master_bind_host: str = ""
    master_bind_port: int = 5557


def make_load(options: Options) -> Load:
    """The load that the options ask for.

    Raises:
        InputError: names every problem at once.
    """
    problems = []
    if not 1 <= options.users <= _MOST_USERS:
        problems.append(f"users: {options.users}; must be from 1 to {_MOST_USERS}")
    if not 0.01 <= options.pace_s <= 3600:
        problems.append(f"pace: {options.pace_s:g} s; must be from 0.01 to 3600")
    if not 1 <= options.processes <= 64:
        problems.append(f"processes: {options.processes}; must be from 1 to 64")
    rate, how = None, "closed"
    if options.arrival_rate:
        try:
            rate, spacing = parse_arrival_rate(options.arrival_rate)
            how = spacing or UNIFORM
        except InputError as error:
            problems.append(f"{error.message}; {error.hint}")
    problems += _meeting_problems(options)
    if problems:
        raise InputError("the load cannot be made", "see `statedrill run --help`", problems)
    planned = None if rate else options.users / options.pace_s
    # Everybody is there within two seconds, but no faster than a small machine can sign them in.
    spawn_rate = min(max(options.users / 2.0, 1.0), 200.0)
    return Load(
        users=options.users,
        spawn_rate=spawn_rate,
        processes=options.processes,
        pace_s=options.pace_s,
        arrival_rate=rate,
        arrivals=how,
        planned_rate=planned,
        expect_workers=options.expect_workers,
        expect_workers_max_wait_s=options.expect_workers_max_wait_s,
        master_bind_host=options.master_bind_host,
        master_bind_port=options.master_bind_port,
    )


def _meeting_problems(options: Options) -> list[str]:
    problems = []
    if not 0 <= options.expect_workers <= _MOST_WORKERS:
        problems.append(f"workers: {options.expect_workers}; must be from 0 to {_MOST_WORKERS}")
    if options.expect_workers and options.processes > 1:
        problems.append(
            "processes: not together with workers; start `locust --worker --processes N` instead"
        )
    if not 1 <= options.expect_workers_max_wait_s <= 86_400:
        problems.append(
            f"wait for workers: {options.expect_workers_max_wait_s:g} s; must be from 1 to 86400"
        )
    if not 1 <= options.master_bind_port <= 65_535:
        problems.append(f"master port: {options.master_bind_port}; must be from 1 to 65535")
    return problems
