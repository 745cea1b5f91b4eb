"""The words of the command line: verbs have help, and what the README shows is understood."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from statedrill.cli.arguments import EXIT_CODES, options, parse, seconds
from statedrill.cli.verbs import VERBS
from statedrill.inputs.options import Options

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_that_names_the_exit_codes(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse([verb, "--help"])
    assert caught.value.code == 0
    told = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert EXIT_CODES in told


def test_times_are_read_as_locust_reads_them() -> None:
    assert [seconds(text) for text in ("90", "90s", "1m30s", "2h", "0.5s")] == [
        90.0,
        90.0,
        90.0,
        7200.0,
        0.5,
    ]


@pytest.mark.parametrize("name", ["README.md"])
def test_every_command_that_the_readme_shows_is_understood(name: str) -> None:
    text = (ROOT / name).read_text()
    shown = re.findall(r"^(?:\$ )?statedrill (.+?)(?: \\)?$", text, re.MULTILINE)
    for line in shown:
        words = shlex.split(re.sub(r"RUN…", "a b", line.split(" #")[0]))
        if words[0] in VERBS:
            parse(words)


def test_flags_that_are_not_given_have_the_defaults_of_the_options() -> None:
    assert options(parse(["run"])) == Options()


def test_every_option_has_its_flag() -> None:
    given = options(
        parse(
            [
                *("run", "--pattern", "p", "--experiment", "e", "--scenario", "s"),
                *("--profile", "q", "-u", "3", "--pace", "2s", "--arrival-rate", "5/s"),
                *("--processes", "2", "--expect-workers", "1", "--expect-workers-max-wait", "9"),
                *(
                    "--master-bind-host",
                    "h",
                    "--master-bind-port",
                    "1",
                    "-t",
                    "1m",
                    "--warmup",
                    "1",
                ),
                *("--baseline", "2", "--recovery", "4", "--seed", "8", "--timings", "aws"),
                *("--threshold", "avg<1", "--threshold", "avg<2", "--env", "A=b"),
            ]
        )
    )
    default = Options()
    assert given.thresholds == ("avg<1", "avg<2")
    for name in vars(default):
        assert getattr(given, name) != getattr(default, name), name
