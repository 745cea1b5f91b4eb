"""Bad input ends with one message and the right code, never with a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from statedrill.cli.main import main
from statedrill.errors import BAD_INPUT, BROKEN, HELD


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
        (["run", "--profile", "ramp,spike"], "several profiles are named"),
        (["compare", "--patterns", ","], "give different names"),
        (["compare", "--patterns", "sticky,sticky"], "give different names"),
        (["drill"], "invalid choice: 'drill'"),
        ([], "the following arguments are required"),
        (["run", "--pattern", "~nobody-at-all/mine.yaml"], "no such pattern file"),
        (["run", "--pattern", f"{'x' * 5000}.yaml"], "no such pattern file"),
        (["run", "--seed", "-1"], "must be from 0 to"),
        (["check", "absent"], "absent"),
        (["check", "x" * 5000], "the name is too long"),
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


def test_where_something_else_is_in_the_way_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["up", "--logs", str(tmp_path / "file")]) == BAD_INPUT
    assert capsys.readouterr().err == (
        f"statedrill: File exists: {tmp_path / 'file'}\n"
        "  something else is there: name another file or folder\n"
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [("list", HELD), ("check {history}", BROKEN), ("check {history} --json", BROKEN)],
)
def test_what_nobody_reads_to_the_end_is_no_crash(tmp_path: Path, words: str, code: int) -> None:
    history = tmp_path / "history.edn"
    history.write_text(
        "{:process 0, :type :invoke, :f :read, :value nil}\n"
        "{:process 0, :type :ok, :f :read, :value 1}\n"
    )
    command = f"{sys.executable} -m statedrill {words.format(history=history)}"
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            command.split(), stdout=writer, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (code, "")
