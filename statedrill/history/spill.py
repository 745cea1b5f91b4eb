"""A folder for parts that are spilled to disk while a history is packed.

Lies beside the history, which has the room for it, and says whose it is. Knows no history.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

_PREFIX = "pack-"


@contextlib.contextmanager
def spill_folder(beside: Path) -> Iterator[Path]:
    """A folder in `beside` that is removed in the end.

    What a program that was killed left there is removed first.
    """
    for left in beside.glob(f"{_PREFIX}*"):
        owner = left.name.removeprefix(_PREFIX).partition("-")[0]
        if not (owner.isdigit() and psutil.pid_exists(int(owner))):
            shutil.rmtree(left, ignore_errors=True)
    spill = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=beside))
    try:
        yield spill
    finally:
        shutil.rmtree(spill, ignore_errors=True)
