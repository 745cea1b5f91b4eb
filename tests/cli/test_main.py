"""The door: bad input ends with one message and the right code, never with a traceback."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from statedrill.cli.arguments import EXIT_CODES, parse, seconds
from statedrill.cli.main import main
from statedrill.errors import BAD_INPUT, HELD, INTERRUPTED

ROOT = Path(__file__).resolve().parents[2]
PAUSE = """
import sys, time
class Pause:
    def find_spec(self, name, path=None, target=None):
        if name == "{module}":
            print("loading", flush=True)
            time.sleep({pause_s})
sys.meta_path.insert(0, Pause())
"""
VERBS = ("run", "compare", "up", "check", "report", "export", "list", "doctor")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run", "--pattern", "stiky"], "did you mean 'sticky'?"),
        (["run", "--experiment", "instance-kil"], "did you mean 'instance-kill'?"),
        (["run", "--pattern", "./absent.yaml"], "no such pattern file"),
        (["run", "-u", "many"], "argument -u/--users: invalid int value"),
        (["run", "-t", "soon"], "'soon' is no time such as 90, 90s or 1m30s"),
        (["run", "--threshold", "p(99)<"], "p(99)<"),
        (["run", "--users", "0", "--timings", "slow"], "2 inputs have problems"),
        (["compare", "--patterns", ","], "give different names"),
        (["compare", "--patterns", "sticky,sticky"], "give different names"),
        (["drill"], "invalid choice: 'drill'"),
        ([], "the following arguments are required"),
        (["check", "absent"], "absent"),
        (["report", "absent"], "not a run folder"),
        (["export", "absent"], "absent"),
    ],
)
def test_bad_input_is_one_message_with_a_cure(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == BAD_INPUT
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("statedrill: ")
    assert told in err
    assert "Traceback" not in err


def test_reports_that_cannot_be_written_say_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["run", "--reports", str(tmp_path / "file")]) == BAD_INPUT
    assert "choose another place with --reports DIR" in capsys.readouterr().err


def test_everything_in_the_box_is_listed_with_a_description(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["list", "--json"]) == HELD
    rows = json.loads(capsys.readouterr().out)
    found = {(row["kind"], row["name"]) for row in rows}
    assert found >= {
        *(("pattern", name) for name in ("sticky", "distributed", "decoupled")),
        *(("experiment", name) for name in ("none", "instance-kill", "cache-flush", "zone-outage")),
        *(("scenario", name) for name in ("shopper", "reader")),
        ("profile", "steady"),
    }
    assert all(row["description"] for row in rows)


def test_a_table_that_nobody_reads_to_the_end_is_no_crash() -> None:
    command = f"{sys.executable} -m statedrill list | true"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def entry() -> list[str]:
    """What the installed command does."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    module, _, function = project["scripts"]["statedrill"].partition(":")
    return [sys.executable, "-c", f"import sys, {module}; sys.exit({module}.{function}())"]


def begun(module: str, pause_s: float, folder: Path) -> subprocess.Popen[str]:
    """`statedrill list`, in the midst of loading `module`, which takes `pause_s` longer."""
    (folder / "sitecustomize.py").write_text(PAUSE.format(module=module, pause_s=pause_s))
    process = subprocess.Popen(
        [*entry(), "list"],
        env={**os.environ, "PYTHONPATH": str(folder)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "loading\n"
    return process


@pytest.mark.parametrize(
    "module", ["statedrill.cli.main", "argparse", "statedrill.inputs.discovery", "yaml"]
)
def test_ctrl_c_while_statedrill_loads_is_one_sentence(module: str, tmp_path: Path) -> None:
    with begun(module, 60, tmp_path) as process:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (INTERRUPTED, "", "statedrill: interrupted\n")


def test_a_program_that_ignores_ctrl_c_ignores_it_while_it_loads(tmp_path: Path) -> None:
    ignored = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = begun("statedrill.inputs.discovery", 0.2, tmp_path)
    finally:
        signal.signal(signal.SIGINT, ignored)
    with process:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (HELD, "")
    assert "sticky" in out


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
