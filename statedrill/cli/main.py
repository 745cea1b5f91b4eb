"""From the words of the command line to an exit code: one verb runs, and every error has a code.

Knows errors and signals; what a verb does is in `verbs`.
"""

from __future__ import annotations

import errno
import signal
import sys
from collections.abc import Sequence

from statedrill import errors
from statedrill.cli.arguments import parse
from statedrill.cli.printing import print_error, reader_may_leave
from statedrill.cli.verbs import VERBS
from statedrill.errors import StatedrillError


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line `words` (default: this process's own) and return the exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # `nohup` has the closed terminal ignored
            signal.signal(number, _interrupt)
    try:
        arguments = parse(list(sys.argv[1:] if words is None else words))
        with reader_may_leave():
            return VERBS[arguments.verb](arguments)
        return errors.HELD
    except StatedrillError as error:
        print_error(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        print_error("interrupted")
        return errors.INTERRUPTED
    except OSError as error:
        if error.errno not in _ENVIRONMENT:
            raise
        where = error.filename or "while writing"
        print_error(f"{error.strerror}: {where}\n  {_ENVIRONMENT[error.errno]}")
        return errors.BAD_INPUT


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


_ENVIRONMENT = {
    errno.ENOSPC: "the disk is full: make room, or write elsewhere (--reports DIR, or TMPDIR)",
    errno.EDQUOT: "the disk quota is used up: make room, or write elsewhere with --reports DIR",
    errno.EROFS: "the file system is read-only: write elsewhere with --reports DIR",
    errno.EACCES: "not permitted: write elsewhere with --reports DIR",
    errno.ENAMETOOLONG: "the name is too long: name another file or folder",
    errno.EEXIST: "something else is there: name another file or folder",
    errno.ENOTDIR: "a part of the path is no folder: name another one",
    errno.EISDIR: "it is a folder: name a file, or restore the one that was there",
    errno.EMFILE: "too many open files: raise the limit with `ulimit -n`",
}

if __name__ == "__main__":
    sys.exit(main())
