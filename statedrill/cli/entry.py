"""The first module that runs: handles Ctrl-C while Python still loads the rest of statedrill.

Knows `main` and nothing behind it.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

from statedrill import errors


def main() -> int:
    """Load the command line and run this process's own arguments; returns the exit code."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:  # in the background a shell has it ignored
        signal.signal(signal.SIGINT, _leave)
    from statedrill.cli import main  # noqa: PLC0415 - it takes the first tenth of a second

    try:
        signal.signal(signal.SIGINT, handler)
        return main.main()
    except KeyboardInterrupt:
        _leave(signal.SIGINT, None)


def _leave(number: int, frame: object) -> NoReturn:
    """End this process: nothing runs yet, and an import may swallow an exception."""
    os.write(2, b"statedrill: interrupted\n")
    os._exit(errors.INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
