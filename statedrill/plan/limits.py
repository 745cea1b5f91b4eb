"""How many users fit on this machine, computed from the plan before anything starts.

Users that do not fit would wait for a connection and time out, and the verdict would blame the
application. Pure; looks at no machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from statedrill.errors import InputError
from statedrill.plan.load_plan import Load

_FILES_OF_A_LOAD_PROCESS = 200  # beside its users' connections: the record, modules, Locust


class Limit(NamedTuple):
    """`most_users` is how many fit within `what`, in words."""

    what: str
    most_users: int


def load_limits(load: Load, files: int) -> list[Limit]:
    """What the load processes of this machine can hold, when each may open so many `files`."""
    if load.expect_workers:
        return []  # they may be elsewhere
    each = max(0, files - _FILES_OF_A_LOAD_PROCESS)
    processes = "the load process" if load.processes == 1 else f"{load.processes} load processes"
    return [
        Limit(f"open files of {processes}, {files:,} each (`ulimit -Hn`)", each * load.processes)
    ]


def check_limits(load: Load, limits: Sequence[Limit]) -> None:
    """Every user of `load` must fit within every limit.

    Raises:
        InputError: says which limits are too small, and the number that would fit.
    """
    problems = [
        f"{limit.what}: {limit.most_users:,} users fit"
        for limit in limits
        if load.users > limit.most_users
    ]
    if problems:
        fitting = min(limit.most_users for limit in limits)
        raise InputError(
            f"{load.users:,} users do not fit on this machine",
            f"use --users {fitting}" if fitting else "raise what is too small",
            problems,
        )
