"""The exit code of a child in words."""

from __future__ import annotations

import signal


def describe_exit(exit_code: int | None) -> str:
    """How a process ended; `exit_code` is negative for a signal, None when it was stopped."""
    if exit_code is None:
        return "was stopped"
    if exit_code >= 0:
        return f"exited with code {exit_code}"
    return f"was ended by {signal.Signals(-exit_code).name}"
