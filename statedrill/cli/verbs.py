"""The verbs of the command line: one function each, from its arguments to an exit code.

Each calls the entry functions of the rooms it needs, in the order in which the work flows, and
imports them when it runs: no verb waits for another's libraries. Decides nothing.
"""

from __future__ import annotations

import argparse
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from statedrill import errors
from statedrill.cli.arguments import options
from statedrill.cli.planning import plan_of, plans_of
from statedrill.cli.printing import print_error, print_for_people, print_json, reader_may_leave
from statedrill.errors import ClusterError, StatedrillError
from statedrill.history.event_log import EventLog
from statedrill.inputs.options import Options
from statedrill.run_folder import (
    LOGS_FOLDER,
    VERDICT_FILE,
    open_folder,
    read_plan,
    write_log,
    write_verdict,
)

if TYPE_CHECKING:
    from statedrill.check.verdict.record import StoredVerdict, Verdict
    from statedrill.plan.plan import Plan


def run(arguments: argparse.Namespace) -> int:
    """`statedrill run`: plan it, drill it, check it, report it."""
    plan = plan_of(options(arguments))
    folder = _open(plan, arguments.reports)
    _drill(plan, folder, plan.title, arguments.headless)
    verdict = _judge_and_report(folder)
    return _print_verdicts([verdict], folder / "report.html", arguments.json)


def compare(arguments: argparse.Namespace) -> int:
    """`statedrill compare`: every pattern under every experiment, then one report."""
    plans, impossible = plans_of(
        options(arguments, pattern=pattern, experiment=experiment)
        for pattern in arguments.patterns
        for experiment in arguments.experiments
    )
    for cell, why in impossible.items():
        print_error(f"left out: {' under '.join(cell)}: {why}")
    folders: list[Path] = []
    failures: dict[Path, str] = {}
    for number, plan in enumerate(plans, start=1):
        folder = _open(plan, arguments.reports)
        try:
            _drill(plan, folder, f"{number}/{len(plans)} {plan.title}", arguments.headless)
        except ClusterError as error:
            # One pattern that does not come up is a result (unknown); the others still count.
            print_error(str(error))
        folders.append(folder)
        failures |= _failure(folder, partial(_judge_and_report, folder))
    page, verdicts = _write_comparison(arguments.reports, folders, failures, impossible)
    return _print_verdicts(verdicts, page, arguments.json, several=True)


def up(arguments: argparse.Namespace) -> int:
    """`statedrill up`: a cluster that stays until Ctrl-C."""
    from statedrill.cluster.foreground import serve_until_interrupted

    plan = plan_of(
        Options(
            pattern=arguments.pattern,
            experiment=arguments.experiment,
            timings=arguments.timings,
            seed=arguments.seed,
            env=tuple(arguments.env),
        )
    )
    serve_until_interrupted(plan, arguments.logs, _printer(arguments.json))
    return errors.HELD


def check(arguments: argparse.Namespace) -> int:
    """`statedrill check RUN`: judge a recorded run again, or the history of another tool."""
    if not (arguments.run / "plan.json").exists():
        return _check_external(arguments)
    return _print_verdicts([_judge(arguments.run)], None, arguments.json)


def report(arguments: argparse.Namespace) -> int:
    """`statedrill report RUN…`: write the pages again."""
    if len(arguments.runs) == 1:
        print(_report(arguments.runs[0]))
        return errors.HELD
    failures: dict[Path, str] = {}
    for folder in arguments.runs:
        failures |= _failure(folder, partial(_report, folder))
    page, _ = _write_comparison(arguments.reports, arguments.runs, failures)
    print(page)
    return errors.BAD_INPUT if failures else errors.HELD


def export(arguments: argparse.Namespace) -> int:
    """`statedrill export RUN`: the history in the words of another checker."""
    from statedrill.history.formats import export_jepsen
    from statedrill.history.store import History

    history = History.open(arguments.run / "history")
    for path in export_jepsen(history, arguments.output or arguments.run / "export"):
        print(path)
    return errors.HELD


def list_(arguments: argparse.Namespace) -> int:
    """`statedrill list`: what can be named, each with one line."""
    from statedrill.cli.listing import rows

    found = rows()
    if arguments.json:
        print_json([{**asdict(row), "path": str(row.path)} for row in found])
    else:
        width = max(len(row.name) for row in found)
        for row in found:
            print(f"{row.kind:<11} {row.name:<{width}} {row.description}")
    return errors.HELD


def doctor(arguments: argparse.Namespace) -> int:
    """`statedrill doctor`: what this machine has and lacks."""
    from statedrill.cluster.doctor import examine

    rows = examine()
    if arguments.json:
        print_json(rows)
    else:
        for row in rows:
            print(f"{'ok     ' if row['ok'] else 'MISSING'}  {row['part']:<16} {row['found']}")
            if not row["ok"]:
                print(f"         {'':<16} {row['cure']}")
    return errors.HELD if all(row["ok"] for row in rows) else errors.BAD_INPUT


def _open(plan: Plan, reports: Path) -> Path:
    """A run folder that can be judged from its first moment on: a plan and an empty record."""
    plan.write(folder := open_folder(reports, plan.title))
    EventLog(folder / "history" / "events.jsonl").close()
    return folder


def _drill(plan: Plan, folder: Path, title: str, headless: bool) -> None:
    from rich.console import Console

    from statedrill.cluster.cluster import make_cluster
    from statedrill.drill.drill import drill
    from statedrill.drill.terminal import PlainObserver, terminal_observer

    console = Console(stderr=True, highlight=False)
    make_observer = PlainObserver if headless else terminal_observer
    with make_observer(title, console) as observer:
        drill(plan, folder, partial(make_cluster, plan, folder), [observer])


def _failure(folder: Path, work: Callable[[], object]) -> dict[Path, str]:
    """`folder` with the reason why `work` on its run failed; empty when it did not.

    One run that cannot be judged is a result (unknown); the others of a comparison still count.
    """
    try:
        work()
    except StatedrillError as error:
        print_error(str(error))
        return {folder: error.message}
    except OSError:
        raise  # a full disk, say, is not a matter of this run
    except Exception as error:
        crash = f"the judgement crashed ({type(error).__name__}: {error})"
        path = write_log(folder, "crash.txt", traceback.format_exc())
        print_error(f"{folder}: {crash}\n  the traceback is in {path}")
        return {folder: f"{crash}; the traceback is in {LOGS_FOLDER}/{path.name}"}
    return {}


def _report(folder: Path) -> Path:
    """Write the page of one run again; judge it first where that was never done."""
    read_plan(folder)
    if not (folder / VERDICT_FILE).exists():
        _judge(folder)
    return _write_report(folder)


def _judge_and_report(folder: Path) -> Verdict:
    verdict = _judge(folder)
    _write_report(folder)
    return verdict


def _judge(folder: Path) -> Verdict:
    from statedrill.check import assemble
    from statedrill.history.store import History

    judgement = assemble(History.open(folder / "history"), read_plan(folder))
    write_verdict(folder, judgement.verdict)
    for crash in judgement.crashes:
        write_log(folder, crash.log_name, crash.traceback)
    return judgement.verdict


def _check_external(arguments: argparse.Namespace) -> int:
    from statedrill.check import exit_code
    from statedrill.check.search.judge import judge_foreign
    from statedrill.history.formats import read

    begun_s = time.monotonic()
    history = read(arguments.run)
    verdict = judge_foreign(history, arguments.budget, time.monotonic, begun_s)
    with reader_may_leave():
        if arguments.json:
            print_json(verdict)
        else:
            print("\n".join([f"{verdict['outcome']}: {'; '.join(verdict['why'])}",
                             *filter(None, [verdict["witness"]])]), flush=True)  # fmt: skip
    return exit_code(verdict["outcome"])


def _write_report(folder: Path) -> Path:
    from statedrill.report.run.outputs import write_report

    return write_report(folder)


def _write_comparison(
    reports: Path,
    folders: list[Path],
    failures: Mapping[Path, str],
    impossible: Mapping[tuple[str, str], str] = MappingProxyType({}),
) -> tuple[Path, list[StoredVerdict]]:
    from statedrill.report.comparison.page import load_runs, write_comparison

    runs = load_runs(folders, failures)
    page = write_comparison(open_folder(reports, "comparison"), runs, impossible)
    return page, [run.verdict for run in runs]


def _print_verdicts(
    verdicts: Sequence[Verdict | StoredVerdict],
    page: Path | None,
    as_json: bool,
    several: bool = False,
) -> int:
    """Print what came out, for a person or as JSON, and return the worst exit code."""
    from statedrill.check import exit_code

    with reader_may_leave():
        if as_json:
            table = {"schema": 1, "report": str(page), "runs": verdicts}
            print_json(table if several else verdicts[0])
        else:
            print_for_people(verdicts, page, several)
    return exit_code(*(verdict["outcome"] for verdict in verdicts))


def _printer(as_json: bool) -> Callable[[dict[str, Any]], None]:
    def show(addresses: dict[str, Any]) -> None:
        if as_json:
            print_json(addresses)
            return
        for name, address in addresses.items():
            print(f"{name:<14} {address}")
        print("Ctrl-C stops it", flush=True)

    return show


VERBS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "run": run,
    "compare": compare,
    "up": up,
    "check": check,
    "report": report,
    "export": export,
    "list": list_,
    "doctor": doctor,
}
