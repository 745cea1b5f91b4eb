"""How many files and connections a process may hold open, and the most that it may ask for."""

from __future__ import annotations

import resource

# More than any drill needs; some programs walk through all numbers below their limit.
_MOST = 65_536


def greatest_file_limit() -> int:
    """The limit that this process may have."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return _MOST if hard == resource.RLIM_INFINITY else min(hard, _MOST)


def raise_file_limit() -> None:
    """Take the greatest limit for this process, and so for all that it starts; never lowers it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < greatest_file_limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (greatest_file_limit(), hard))
