"""The first thing that runs: hears Ctrl-C while Python still loads the rest of statedrill.

Knows the door, and nothing behind it.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

from statedrill import errors


def main() -> int:
    """Load the command line and run this process's own words; returns the exit code."""
    heard = signal.getsignal(signal.SIGINT)
    if heard is signal.default_int_handler:  # a shell has it ignored for what runs behind it
        signal.signal(signal.SIGINT, _leave)
    from statedrill.cli import main  # noqa: PLC0415 - it takes the first tenth of a second

    try:
        signal.signal(signal.SIGINT, heard)
        return main.main()
    except KeyboardInterrupt:
        _leave(signal.SIGINT, None)


def _leave(number: int, frame: object) -> NoReturn:
    """End this process: nothing runs yet, and an import may swallow an exception."""
    os.write(2, b"statedrill: interrupted\n")
    os._exit(errors.INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
