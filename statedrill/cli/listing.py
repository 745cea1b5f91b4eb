"""What `statedrill list` shows: files that can be named, and the rows of the tables behind them.

A row says itself what it is; nothing is described here.
"""

from __future__ import annotations

import inspect
from pathlib import Path

from statedrill.check.checks import CHECKS
from statedrill.cluster.services import SERVICES
from statedrill.faults import FAULTS
from statedrill.inputs import discovery
from statedrill.inputs.discovery import Entry


def rows() -> list[Entry]:
    """Files by kind, then services, faults and checks; `path` is the file that defines each."""
    files = [entry for kind in discovery.FILE_KINDS for entry in discovery.entries(kind)]
    services = [_row("service", each.key, each, _first_line(each.options)) for each in SERVICES]
    faults = [_row("fault", each.name, each, each.description) for each in FAULTS]
    checks = [_row("check", each.name, type(each), each.meaning) for each in CHECKS]
    return [*files, *services, *faults, *checks]


def _row(kind: str, name: str, definition: type, description: str) -> Entry:
    return Entry(kind, name, Path(inspect.getfile(definition)), description)


def _first_line(definition: type) -> str:
    return (inspect.getdoc(definition) or "").partition("\n")[0]
