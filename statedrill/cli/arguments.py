"""The words of the command line: verbs, flags and their defaults.

Flags follow Locust where Locust has one, k6 for thresholds, Chaos Toolkit for experiments. Knows
how to read them; runs nothing.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

from statedrill import __version__
from statedrill.errors import InputError
from statedrill.inputs.options import Options

_DEFAULT = Options()
EXIT_CODES = (
    "exit codes: 0 held, 99 a promise or a threshold was broken, 3 unknown, 104 bad input, "
    "105 interrupted, 1 a crash of statedrill itself"
)


class _Parser(argparse.ArgumentParser):
    """A parser that raises InputError for wrong words (argparse itself would exit with 2)."""

    def error(self, message: str) -> NoReturn:
        raise InputError(message, f"see `{self.prog} --help`")


def parse(words: list[str]) -> argparse.Namespace:
    """The command line as a namespace; `verb` is a key of `verbs.VERBS`.

    Raises:
        InputError: a word is unknown or a value cannot be read.
    """
    return _parser().parse_args(words)


def options(arguments: argparse.Namespace, **override: Any) -> Options:
    """The inputs of a plan from the flags of `run` or `compare`."""
    given = {
        each.name: getattr(arguments, each.name)
        for each in fields(Options)
        if getattr(arguments, each.name, None) is not None
    }
    for name in ("thresholds", "env"):
        given[name] = tuple(given.get(name, ()))
    return Options(**{**given, **override})


def names(text: str) -> list[str]:
    """`a,b` as ["a", "b"].

    Raises:
        argparse.ArgumentTypeError: there is no name in it, or one twice.
    """
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found or len(set(found)) != len(found):
        raise argparse.ArgumentTypeError(f"{text!r}: give different names with commas between")
    return found


def seconds(text: str) -> float:
    """`90`, `90s`, `1m30s` or `2h` in seconds, as Locust reads its -t.

    Raises:
        argparse.ArgumentTypeError: it is none of these.
    """
    match = re.fullmatch(
        r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?", text.strip().replace(" ", "")
    )
    if not match or not any(match.groups()):
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 90, 90s or 1m30s")
    hours, minutes, rest = (float(each or 0) for each in match.groups())
    return hours * 3600 + minutes * 60 + rest


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="statedrill",
        description="Stands up a small AWS-like system, sends it users, breaks it, and proves "
        "which user state was kept, lost, stale or doubled.",
        epilog=EXIT_CODES,
    )
    parser.add_argument("--version", action="version", version=f"statedrill {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    _run(_verb(verbs, "run", "one drill: a pattern under an experiment"))
    _compare(_verb(verbs, "compare", "patterns x experiments, one table, one report"))
    _up(_verb(verbs, "up", "start a cluster and leave it running until Ctrl-C"))
    _check(_verb(verbs, "check", "judge a run again from its folder, or another tool's history"))
    _report(_verb(verbs, "report", "write a run's report again; several runs: a comparison"))
    _export(_verb(verbs, "export", "write a run's history for another checker"))
    _json(
        _verb(verbs, "list", "every pattern, scenario, profile, experiment, service, fault, check")
    )
    _json(_verb(verbs, "doctor", "what this machine has and lacks, and what to do about it"))
    return parser


def _verb(verbs: Any, name: str, summary: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = verbs.add_parser(
        name, help=summary, description=summary[0].upper() + summary[1:] + ".", epilog=EXIT_CODES
    )
    return made


def _run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pattern", default=_DEFAULT.pattern, help="name or file (%(default)s)")
    parser.add_argument(
        "--experiment", default=_DEFAULT.experiment, help="name or file (%(default)s)"
    )
    _drill_flags(parser)


def _compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--patterns",
        type=names,
        default="sticky,distributed,decoupled",
        help="names or files, with commas (%(default)s)",
    )
    parser.add_argument(
        "--experiments",
        type=names,
        default="instance-kill",
        help="names or files, with commas (%(default)s)",
    )
    _drill_flags(parser)


def _drill_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--scenario", help=f"what users do: names or files, with commas ({_DEFAULT.scenario})")
    add("--profile", help=f"how many, and when: name or file ({_DEFAULT.profile})")
    add("-u", "--users", type=int, help=f"concurrent users, each a session ({_DEFAULT.users})")
    add("--pace", dest="pace_s", type=seconds, help="one operation per user each this long (1s)")
    add("--arrival-rate", help="new sessions per time, such as 50/s or '50/s poisson'")
    add("--processes", type=int, help=f"load processes on this machine ({_DEFAULT.processes})")
    _worker_flags(parser)
    add(
        *("-t", "--run-time"),
        dest="run_time_s",
        type=seconds,
        help=f"how long the load lasts at least, such as 90s or 1m30s ({_DEFAULT.run_time_s:g}s)",
    )
    add("--warmup", dest="warmup_s", type=seconds, help=f"({_DEFAULT.warmup_s:g}s)")
    add("--baseline", dest="baseline_s", type=seconds, help=f"({_DEFAULT.baseline_s:g}s)")
    add("--recovery", dest="recovery_s", type=seconds, help=f"at least ({_DEFAULT.recovery_s:g}s)")
    add("--seed", type=int, help=f"the one source of chance ({_DEFAULT.seed})")
    add("--timings", help=f"column of AWS's delays: fast or aws ({_DEFAULT.timings})")
    add(
        "--threshold",
        dest="thresholds",
        action="append",
        metavar="T",
        help="such as 'p(99){phase:recovery}<500'; may be given several times",
    )
    add(
        "--env",
        action="append",
        metavar="NAME=VALUE",
        help="a variable for the application; may be given several times",
    )
    _reports_folder(parser)
    add("--headless", action="store_true", help="plain progress lines even on a terminal")
    _json(parser)


def _worker_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--expect-workers",
        type=int,
        metavar="N",
        help="the load comes from N Locust workers that you start; the drill says how",
    )
    add(
        "--expect-workers-max-wait",
        dest="expect_workers_max_wait_s",
        type=seconds,
        metavar="TIME",
        help=f"give up when they are not there by then ({_DEFAULT.expect_workers_max_wait_s:g}s)",
    )
    add(
        "--master-bind-host",
        metavar="HOST",
        help="where workers meet (in the cluster's own network, which every drill has another of)",
    )
    add("--master-bind-port", type=int, metavar="PORT", help=f"({_DEFAULT.master_bind_port})")


def _up(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pattern", default="distributed", help="name or file (%(default)s)")
    parser.add_argument(
        "--experiment",
        default="none",
        help="name or file: what it breaks can then be broken by hand; it is not played",
    )
    parser.add_argument("--timings", default=_DEFAULT.timings, help="fast or aws (%(default)s)")
    parser.add_argument("--seed", type=int, default=_DEFAULT.seed, help="(%(default)s)")
    parser.add_argument("--env", action="append", metavar="NAME=VALUE", default=[])
    parser.add_argument("--logs", type=Path, help="folder for the logs (a temporary one)")
    _json(parser)


def _check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder, or a history file")
    parser.add_argument(
        "--budget",
        type=seconds,
        default="60s",
        help="time for the search in histories whose values are not unique (%(default)s)",
    )
    _json(parser)


def _report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", type=Path, metavar="RUN", nargs="+")
    _reports_folder(parser)


def _export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("--format", choices=("jepsen",), default="jepsen")
    parser.add_argument("--output", type=Path, help="folder (RUN/export)")


def _reports_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--reports", type=Path, default=Path("reports"), help="folder of the run folders"
    )


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--json", action="store_true", help="print JSON, and nothing else, on standard output"
    )
