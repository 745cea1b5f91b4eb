"""What a process and its descendants have used: processor time and resident memory, from /proc.

Knows Linux's files, and that other systems have none of them; knows no cluster.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_PROC = Path("/proc")


class Usage(NamedTuple):
    """Processor seconds since the start, those of ended children included; resident memory now."""

    cpu_s: float
    memory_bytes: int


def usage(pid: int) -> Usage | None:
    """What the process `pid` and its descendants have used; None when it is gone, or where the
    system does not say.
    """
    try:
        # The name in brackets may hold spaces and brackets itself.
        words = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (OSError, UnicodeDecodeError):
        return None
    # As proc(5) counts them: utime 14, stime 15, cutime 16, cstime 17, rss 24.
    found = Usage(sum(map(int, words[11:15])) / _TICKS_A_SECOND, int(words[21]) * _PAGE_BYTES)
    for child in _children(pid):
        if more := usage(child):
            found = Usage(found.cpu_s + more.cpu_s, found.memory_bytes + more.memory_bytes)
    return found


def _children(pid: int) -> list[int]:
    """The children of all its threads; none where the kernel does not list them."""
    found: list[int] = []
    try:
        for thread in (_PROC / str(pid) / "task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    except OSError:
        pass
    return found
