"""Checks a whole history: every partition alone, and the sum of what was found.

Every check is per session or per object, so partitions are checked alone, in two or more processes
where there is more than one. Knows processes; knows no check.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial, reduce

from statedrill.check.aggregate import PartitionResult
from statedrill.check.context import CheckContext
from statedrill.check.metrics.traffic import Traffic
from statedrill.check.partition import check_partition, check_rows
from statedrill.errors import StatedrillError
from statedrill.history.columns import ARROW_SCHEMA
from statedrill.history.store import History, to_part

_MOST_PROCESSES = 3  # each holds about 350 MiB

Checked = tuple[PartitionResult, Traffic]


def check_history(history: History, context: CheckContext) -> Checked:
    """The findings and the traffic of `history`."""
    return reduce(_added, _partition_results(history, context))


def _added(left: Checked, right: Checked) -> Checked:
    return left[0] + right[0], left[1] + right[1]


def _partition_results(history: History, context: CheckContext) -> Iterator[Checked]:
    check = partial(check_partition, history, context=context)
    number = len(history.groups)
    if number == 0:
        nothing = to_part(ARROW_SCHEMA.empty_table())
        return iter([check_rows(nothing, history.names, history.run, context)])
    return map(check, range(number)) if number == 1 else _in_processes(check, number)


def _in_processes(check: partial[Checked], number: int) -> Iterator[Checked]:
    # most histories are one partition: what only the others need would make every start slower
    import multiprocessing  # noqa: PLC0415
    import signal  # noqa: PLC0415
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415
    from concurrent.futures.process import BrokenProcessPool  # noqa: PLC0415

    processes = min(number, multiprocessing.cpu_count(), _MOST_PROCESSES)
    if processes == 1:
        yield from map(check, range(number))
        return
    fresh = multiprocessing.get_context("spawn")  # a fork would inherit Arrow's threads
    ignoring = (signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for this process, which ends them
    try:
        with ProcessPoolExecutor(
            processes, mp_context=fresh, initializer=signal.signal, initargs=ignoring
        ) as pool:
            yield from pool.map(check, range(number))
    except BrokenProcessPool as error:
        raise StatedrillError(
            "a process that checked a part of the history was killed",
            f"each of {processes} needs about 350 MiB: make room in memory, and check again",
        ) from error
