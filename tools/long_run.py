"""The long proof: `python -m tools.long_run` prints the numbers of T1, T2 and T3.

T1: random histories of a handful of operations against trying every order. T2: every definition
written out in loops, and every accusation with its witness. T3: a correct store in bad weather,
never accused.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import cycle, islice

from tests.check import test_witnesses
from tests.check.checks import test_definitions
from tests.check.relations import test_register_zones
from tests.check.simulator import simulate
from tests.check.test_soundness import WEATHERS, accusations

_HISTORIES = 1_000
_SESSIONS, _OPERATIONS = 250, 400


def main(arguments: list[str] | None = None) -> int:
    """Run the three proofs; 1 when one of them fails."""
    options = _options(arguments)
    with ProcessPoolExecutor(
        options.processes, mp_context=multiprocessing.get_context("spawn")
    ) as pool:
        _exhaustive(pool, options.histories)
        _definitions(pool, options.histories)
        return _soundness(pool, options.operations)


def _exhaustive(pool: ProcessPoolExecutor, wanted: int) -> None:
    begin = time.monotonic()
    seeds = range(10_000, 10_000 + -(-wanted // _HISTORIES))
    compared = list(pool.map(partial(test_register_zones.compare, sessions=_HISTORIES), seeds))
    total, illegal = (sum(each) for each in zip(*compared, strict=True))
    print(
        f"T1 {total:,} histories, {illegal:,} of them illegal, judged as by trying every order: "
        f"0 mismatches ({time.monotonic() - begin:.0f} s)",
        flush=True,
    )


def _definitions(pool: ProcessPoolExecutor, wanted: int) -> None:
    begin = time.monotonic()
    seeds = range(50_000, 50_000 + -(-wanted // (2 * _HISTORIES)))
    for bounded in (False, True):
        compare = partial(test_definitions.compare, sessions=_HISTORIES, bounded=bounded)
        list(pool.map(compare, seeds))
    print(
        f"T2 {2 * len(seeds) * _HISTORIES:,} histories, every finding as by definition: "
        f"0 mismatches ({time.monotonic() - begin:.0f} s)",
        flush=True,
    )
    begin = time.monotonic()
    few = _HISTORIES // 10
    found = sum(pool.map(partial(test_witnesses.witnessed, histories=few), seeds))
    print(
        f"T2 {len(seeds) * few:,} histories judged alone: {found:,} accusations, each with its "
        f"witness ({time.monotonic() - begin:.0f} s)",
        flush=True,
    )


def _soundness(pool: ProcessPoolExecutor, wanted: int) -> int:
    begin = time.monotonic()
    runs = -(-wanted // (_SESSIONS * _OPERATIONS))
    names = list(islice(cycle(WEATHERS), runs))
    operations: Counter[str] = Counter()
    accused: Counter[str] = Counter()
    for name, count, found in pool.map(_judge_correct, names, range(runs)):
        operations[name] += count
        accused.update(found)
    for name, count in operations.items():
        print(f"T3 {name}: {count:,} operations")
    total = operations.total()
    print(
        f"T3 {total:,} operations of a correct store: {accused.total()} accusations "
        f"{dict(accused) if accused else ''}({time.monotonic() - begin:.0f} s)",
        flush=True,
    )
    return 1 if accused else 0


def _judge_correct(name: str, seed: int) -> tuple[str, int, Counter[str]]:
    table = simulate(_SESSIONS, _OPERATIONS, 1_000 + seed, WEATHERS[name])
    return name, table.num_rows, accusations(table) + accusations(table, bounded=True)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=100_000, help="small ones, for T1 and T2")
    parser.add_argument("--operations", type=int, default=10_000_000, help="simulated, for T3")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
