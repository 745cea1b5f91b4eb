"""The door: one function per verb, errors to exit codes, no decisions.

Each verb calls the entry function of the rooms it needs, in the order in which the work flows.
"""

from __future__ import annotations

import argparse
import errno
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statedrill import errors
from statedrill.cli.arguments import choices, parse
from statedrill.cli.printing import print_for_people, print_json
from statedrill.errors import ClusterError, StatedrillError
from statedrill.history.events import EventLog
from statedrill.inputs import discovery
from statedrill.inputs.options import Choices
from statedrill.run_folder import VERDICT_FILE, open_folder, read_plan, write_verdict

if TYPE_CHECKING:
    from statedrill.plan.plan import Plan


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line `words` (default: this process's own) and return the exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # `nohup` has the closed terminal ignored
            signal.signal(number, _interrupt)
    try:
        chosen = parse(list(sys.argv[1:] if words is None else words))
        return _VERBS[chosen.verb](chosen)
    except StatedrillError as error:
        _complain(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        _complain("interrupted")
        return errors.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone (`statedrill list | head`): nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return errors.HELD
    except OSError as error:
        if error.errno not in _ENVIRONMENT:
            raise
        where = error.filename or "while writing"
        _complain(f"{error.strerror}: {where}\n  {_ENVIRONMENT[error.errno]}")
        return errors.BAD_INPUT


def run(chosen: argparse.Namespace) -> int:
    """`statedrill run`: plan it, drill it, check it, report it."""
    plan = _plan(choices(chosen))
    folder = _open(plan, chosen.reports)
    _drill(plan, folder, plan.title, chosen.headless)
    verdict = _judge(folder)
    _write_report(folder)
    return _tell([(folder, verdict)], folder / "report.html", chosen.json)


def compare(chosen: argparse.Namespace) -> int:
    """`statedrill compare`: every pattern under every experiment, then one report."""
    plans = [
        _plan(choices(chosen, pattern=pattern, experiment=experiment))
        for pattern in chosen.patterns
        for experiment in chosen.experiments
    ]
    judged: list[tuple[Path, dict[str, Any]]] = []
    for number, plan in enumerate(plans, start=1):
        folder = _open(plan, chosen.reports)
        try:
            _drill(plan, folder, f"{number}/{len(plans)} {plan.title}", chosen.headless)
        except ClusterError as error:
            # One pattern that does not come up is a result (unknown); the others still count.
            _complain(str(error))
        judged.append((folder, _judge(folder)))
        _write_report(folder)
    page = _write_comparison(chosen.reports, [folder for folder, _ in judged])
    return _tell(judged, page, chosen.json, several=True)


def up(chosen: argparse.Namespace) -> int:
    """`statedrill up`: a cluster that stays until Ctrl-C."""
    from statedrill.cluster.foreground import serve_until_interrupted

    plan = _plan(
        Choices(
            pattern=chosen.pattern,
            experiment="none",
            timings=chosen.timings,
            seed=chosen.seed,
            env=tuple(chosen.env),
        )
    )
    serve_until_interrupted(plan, chosen.logs, _printer(chosen.json))
    return errors.HELD


def check(chosen: argparse.Namespace) -> int:
    """`statedrill check RUN`: judge anew from the record alone."""
    if not (chosen.run / "plan.json").exists():
        return _check_foreign(chosen)
    return _tell([(chosen.run, _judge(chosen.run))], None, chosen.json)


def report(chosen: argparse.Namespace) -> int:
    """`statedrill report RUN…`: write the pages anew."""
    for folder in chosen.runs:
        read_plan(folder)
        if not (folder / VERDICT_FILE).exists():
            _judge(folder)
        page = _write_report(folder)
    if len(chosen.runs) > 1:
        page = _write_comparison(chosen.reports, chosen.runs)
    print(page)
    return errors.HELD


def export(chosen: argparse.Namespace) -> int:
    """`statedrill export RUN`: the history in the words of another checker."""
    from statedrill.history.formats import export_jepsen
    from statedrill.history.store import History

    history = History.open(chosen.run / "history")
    for path in export_jepsen(history, chosen.output or chosen.run / "export"):
        print(path)
    return errors.HELD


def list_(chosen: argparse.Namespace) -> int:
    """`statedrill list`: what can be named, each with one line."""
    rows = [entry for kind in discovery.SHELVES for entry in discovery.entries(kind)]
    if chosen.json:
        print_json(
            [
                {
                    "kind": row.kind,
                    "name": row.name,
                    "path": str(row.path),
                    "description": row.description,
                }
                for row in rows
            ]
        )
        return errors.HELD
    for row in rows:
        print(f"{row.kind:<11} {row.name:<16} {row.description}")
    return errors.HELD


def doctor(chosen: argparse.Namespace) -> int:
    """`statedrill doctor`: what this machine has and lacks."""
    from statedrill.cluster.doctor import examine

    rows = examine()
    if chosen.json:
        print_json(rows)
    else:
        for row in rows:
            print(f"{'ok     ' if row['ok'] else 'MISSING'}  {row['part']:<16} {row['found']}")
            if not row["ok"]:
                print(f"         {'':<16} {row['cure']}")
    return errors.HELD if all(row["ok"] for row in rows) else errors.BAD_INPUT


def _plan(inputs: Choices) -> Plan:
    from statedrill.plan.plan import make_plan

    run_id = f"r{secrets.token_hex(3)}"
    return make_plan(inputs, run_id, datetime.now(UTC).isoformat(timespec="seconds"))


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


def _judge(folder: Path) -> dict[str, Any]:
    from statedrill.check import judge
    from statedrill.history.store import History

    verdict = judge(History.open(folder / "history"), read_plan(folder))
    write_verdict(folder, verdict)
    return verdict


def _check_foreign(chosen: argparse.Namespace) -> int:
    from statedrill.check import exit_code
    from statedrill.check.search.judge import judge_foreign
    from statedrill.history.formats import read

    begun_s = time.monotonic()
    history = read(chosen.run)
    verdict = judge_foreign(history, chosen.budget, time.monotonic, begun_s)
    if chosen.json:
        print_json(verdict)
    else:
        print(f"{verdict['outcome']}: {'; '.join(verdict['why'])}")
        if verdict["witness"]:
            print(verdict["witness"])
    return exit_code(verdict)


def _write_report(folder: Path) -> Path:
    from statedrill.report import write_report

    return write_report(folder)


def _write_comparison(reports: Path, runs: list[Path]) -> Path:
    from statedrill.report import write_comparison

    return write_comparison(open_folder(reports, "comparison"), runs)


def _tell(
    judged: list[tuple[Path, dict[str, Any]]],
    page: Path | None,
    as_json: bool,
    several: bool = False,
) -> int:
    """Print what came out, for a person or as JSON, and return the worst exit code."""
    from statedrill.check import worst_exit_code

    verdicts = [verdict for _, verdict in judged]
    if as_json:
        table = {"schema": 1, "report": str(page), "runs": verdicts}
        print_json(table if several else verdicts[0])
    else:
        print_for_people(verdicts, page, several)
    return worst_exit_code(verdicts)


def _printer(as_json: bool) -> Callable[[dict[str, Any]], None]:
    def show(addresses: dict[str, Any]) -> None:
        if as_json:
            print_json(addresses)
            return
        for name, address in addresses.items():
            print(f"{name:<14} {address}")
        print("Ctrl-C lowers it", flush=True)

    return show


def _complain(text: str) -> None:
    print(f"statedrill: {text}", file=sys.stderr)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


_ENVIRONMENT = {
    errno.ENOSPC: "the disk is full: make room, or write elsewhere (--reports DIR, or TMPDIR)",
    errno.EDQUOT: "the disk quota is used up: make room, or write elsewhere with --reports DIR",
    errno.EROFS: "the file system is read-only: write elsewhere with --reports DIR",
    errno.EACCES: "not permitted: write elsewhere with --reports DIR",
    errno.EMFILE: "too many open files: raise the limit with `ulimit -n`",
}

_VERBS: dict[str, Callable[[argparse.Namespace], int]] = {
    "run": run,
    "compare": compare,
    "up": up,
    "check": check,
    "report": report,
    "export": export,
    "list": list_,
    "doctor": doctor,
}

if __name__ == "__main__":
    sys.exit(main())
