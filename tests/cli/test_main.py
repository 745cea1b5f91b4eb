"""Bad input ends with one message and the right code, never with a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from statedrill.cli.main import main
from statedrill.errors import BAD_INPUT


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


def test_a_table_that_nobody_reads_to_the_end_is_no_crash() -> None:
    command = f"{sys.executable} -m statedrill list | true"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""
