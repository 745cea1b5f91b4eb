"""What `statedrill list` shows: every file and every fault that can be named.

Knows where the rows come from; knows nothing of what they mean.
"""

from __future__ import annotations

import inspect
from pathlib import Path

from statedrill.faults import FAULTS
from statedrill.inputs import discovery


def rows() -> list[discovery.Entry]:
    """Files by kind, then the table of faults; the path of a fault is the file that it is."""
    files = [entry for kind in discovery.FILE_KINDS for entry in discovery.entries(kind)]
    faults = [
        discovery.Entry("fault", each.name, Path(inspect.getfile(each)), each.description)
        for each in FAULTS
    ]
    return files + faults
