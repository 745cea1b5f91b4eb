"""The long run finds the tests that it repeats."""

from __future__ import annotations

import pytest

from tools.long_run import main


def test_it_can_be_started(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    assert "usage" in capsys.readouterr().out
