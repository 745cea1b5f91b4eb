"""The long proof: `python -m tools.long_run` proves the checker at length, and prints one table.

T1 to T3, T5 and T6 are those of docs/definitions.md#proofs; T4, the planted bugs, is a part of the
tests. "cuts" are records that end early, "fuzz" is damaged input of every kind. `--only cuts` runs
the proofs whose names begin so.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from pathlib import Path

from tests.check import test_cut_histories, test_metamorphic, test_witnesses
from tests.check.checks import test_definitions
from tests.check.relations import test_register_zones
from tests.check.search import test_recorded_histories
from tests.check.simulator import simulate
from tests.check.test_soundness import WEATHERS, accusations
from tests.support import damaged_inputs, damaged_records

_HISTORIES = 1_000
_SESSIONS, _OPERATIONS = 250, 400
_MUTANTS = 100


@dataclass(frozen=True)
class Task:
    """A piece of a proof: `run` returns how much it looked at, or raises what went wrong."""

    proof: str
    unit: str
    run: Callable[[], int]


def main(arguments: list[str] | None = None) -> int:
    """Run the chosen proofs; 1 when one of them fails."""
    options = _options(arguments)
    every = (*_proofs(options), *_cuts(options), *_fuzz(options))
    tasks = [each for each in every if each.proof.startswith(options.only)]
    done: dict[str, int] = {}
    failed: dict[str, list[str]] = {}
    begin = time.monotonic()
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.processes, mp_context=spawn) as pool:
        running = {pool.submit(task.run): task for task in tasks}
        for number, future in enumerate(as_completed(running), start=1):
            task = running[future]
            done.setdefault(task.proof, 0)
            if (error := future.exception()) is not None:
                failed.setdefault(task.proof, []).append(str(error)[:2000])
            else:
                done[task.proof] += future.result()
            _progress(number, len(tasks), time.monotonic() - begin)
    units = {task.proof: task.unit for task in tasks}
    _print_table(units, done, failed)
    return 1 if failed or not tasks else 0


def _proofs(options: argparse.Namespace) -> Iterator[Task]:
    for seed in range(10_000, 10_000 + -(-options.histories // _HISTORIES)):
        yield Task("T1 every order", "histories", partial(_exhaustive, seed))
    for seed in range(50_000, 50_000 + -(-options.histories // (2 * _HISTORIES))):
        for bounded in (False, True):
            yield Task("T2 definitions", "histories", partial(_definitions, seed, bounded))
        yield Task("T2 witnesses", "accusations", partial(_witnesses, seed))
    runs = -(-options.operations // (_SESSIONS * _OPERATIONS))
    for seed, name in enumerate(islice(cycle(WEATHERS), runs)):
        yield Task("T3 correct store", "operations", partial(_soundness, name, seed))
    if test_recorded_histories.HISTORIES.exists():
        yield Task("T5 recorded", "histories", _recorded)
    for seed in range(options.cuts):
        yield Task("T6 metamorphic", "histories", partial(_metamorphic, seed))


def _cuts(options: argparse.Namespace) -> Iterator[Task]:
    for run in test_cut_histories.RUNS:
        yield Task("cuts of samples", "moments", partial(_cut_sample, run, options.cuts))
    for weather in test_cut_histories.WEATHERS:
        for seed in range(100, 100 + options.cuts):
            yield Task("cuts of drills", "moments", partial(_cut_drill, weather, seed))


def _fuzz(options: argparse.Namespace) -> Iterator[Task]:
    for kind in damaged_records.KINDS:
        for seed in _seeds(options.mutants):
            yield Task("fuzz of records", "mutants", partial(_damaged_record, kind, seed))
    for kind in damaged_inputs.INPUTS:
        for seed in _seeds(options.mutants):
            yield Task("fuzz of inputs", "mutants", partial(_damaged_input, kind, seed))
    for seed in _seeds(options.mutants):
        yield Task("fuzz of plans", "mutants", partial(_damaged_plan, seed))


def _seeds(mutants: int) -> range:
    return range(1, 1 + -(-mutants // _MUTANTS))


def _exhaustive(seed: int) -> int:
    histories, _ = test_register_zones.compare(seed, sessions=_HISTORIES)
    return histories


def _definitions(seed: int, bounded: bool) -> int:
    test_definitions.compare(seed, sessions=_HISTORIES, bounded=bounded)
    return _HISTORIES


def _witnesses(seed: int) -> int:
    return test_witnesses.witnessed(seed, histories=_HISTORIES // 10)


def _soundness(weather: str, seed: int) -> int:
    table = simulate(_SESSIONS, _OPERATIONS, 1_000 + seed, WEATHERS[weather])
    for bounded in (False, True):
        if found := accusations(table, bounded=bounded):
            raise AssertionError(f"{weather}, seed {seed}: {dict(found)}")
    return table.num_rows


def _recorded() -> int:
    test_recorded_histories.test_every_recorded_history_is_judged_as_its_manifest_says()
    return len(test_recorded_histories.rows())


def _metamorphic(seed: int) -> int:
    test_metamorphic.test_the_order_of_the_rows_does_not_matter(seed)
    test_metamorphic.test_wider_intervals_never_add_a_violation(seed)
    return 2


def _cut_sample(run: str, count: int) -> int:
    if found := test_cut_histories.accused_samples(run, count, seed=7):
        raise AssertionError(f"{run}: {found[:3]}")
    return count


def _cut_drill(weather: str, seed: int) -> int:
    if found := test_cut_histories.accused_drills(weather, count=5, seed=seed):
        raise AssertionError(f"{weather}, seed {seed}: {found[:3]}")
    return 5


def _damaged_record(kind: str, seed: int) -> int:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        damaged_records.call_with_damaged(kind, Path(folder), _MUTANTS, seed)
    return _MUTANTS


def _damaged_input(kind: str, seed: int) -> int:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        damaged_inputs.plan_with_damaged_inputs(kind, Path(folder), _MUTANTS, seed)
    return _MUTANTS


def _damaged_plan(seed: int) -> int:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        damaged_inputs.check_with_damaged_plans(Path(folder), _MUTANTS, seed)
    return _MUTANTS


def _progress(number: int, total: int, seconds: float) -> None:
    end = "\n" if number == total else ""
    print(
        f"\r{number:,} of {total:,} pieces, {seconds:,.0f} s", end=end, file=sys.stderr, flush=True
    )


def _print_table(units: dict[str, str], done: dict[str, int], failed: dict[str, list[str]]) -> None:
    for proof, unit in units.items():
        problems = failed.get(proof, [])
        outcome = f"{len(problems)} FAILED" if problems else "none failed"
        print(f"{proof:<18} {done.get(proof, 0):>12,} {unit:<12} {outcome}")
    for proof, problems in failed.items():
        for problem in problems[:3]:
            print(f"\n{proof}: {problem}")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=100_000, help="small ones, for T1 and T2")
    parser.add_argument("--operations", type=int, default=10_000_000, help="simulated, for T3")
    parser.add_argument("--cuts", type=int, default=200, help="moments at which each run is cut")
    parser.add_argument("--mutants", type=int, default=2_000, help="damaged inputs of each kind")
    parser.add_argument("--only", default="", metavar="NAME", help="proofs whose names begin so")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
