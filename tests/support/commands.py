"""The command's `main` called in this process, for tests that call it a thousand times."""

from __future__ import annotations

import contextlib
import io
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType

from statedrill.cli.main import main

CODES = (0, 3, 99, 104)


@dataclass(frozen=True)
class Called:
    """What a call of the command gave."""

    code: int
    out: str
    err: str


def call(*words: str, within_s: float = 20.0) -> Called:
    """Run the command line `words`.

    Raises:
        TimeoutError: it took longer than `within_s`.
        Exception: whatever left `main`: the user would have seen a traceback.
    """
    out, err = io.StringIO(), io.StringIO()
    with _at_most(within_s), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(list(words))
        except SystemExit as exit_:  # argparse
            code = int(exit_.code or 0)
    return Called(code, out.getvalue(), err.getvalue())


def assert_one_clear_sentence(called: Called) -> None:
    """Bad input is told in one sentence with its place, on standard error, and the code is 104."""
    assert called.code in CODES, called
    assert "Traceback" not in called.err + called.out
    if called.code == 104:
        assert called.err.startswith("statedrill: "), called
        assert len(called.err) < 3000, called.err[:300]
        assert called.out == "", called


@contextlib.contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    def expired(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"not done after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, expired)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
