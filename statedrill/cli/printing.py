"""What goes to standard output: JSON for programs, a table or a few lines for people.

Imports what it prints with only when it prints: rich takes longer to load than a check.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def print_json(value: Any) -> None:
    """Print `value` as JSON and nothing else."""
    print(json.dumps(value, indent=1, default=str), flush=True)


def print_for_people(
    verdicts: Sequence[Mapping[str, object]], page: Path | None, several: bool
) -> None:
    """Print a table of `several` verdicts or the few lines of one, and where the report is."""
    from rich.console import Console

    from statedrill.report.text.terminal import terminal_table, text_summary

    # A pipe has no width: there nothing is shortened to fit.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    if several:
        console.print(terminal_table(verdicts))
    else:
        console.print(text_summary(verdicts[0]), markup=False, soft_wrap=True)
    if page:
        console.print(f"report: {page}", markup=False, soft_wrap=True)


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """A reader of our output who has gone (`statedrill list | head`) does not matter."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_error(text: str) -> None:
    """Print one message on standard error."""
    print(f"statedrill: {text}", file=sys.stderr)
