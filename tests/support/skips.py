"""What a test run did not check, said in its last lines: a skip is no success."""

from __future__ import annotations

from collections.abc import Iterable

NO_RECORDED_HISTORIES = "no recorded histories"


def not_checked(reasons: Iterable[str]) -> str | None:
    """The line about tests that were skipped for want of outside evidence; None: all were run."""
    skipped = sum(NO_RECORDED_HISTORIES in reason for reason in reasons)
    if not skipped:
        return None
    return (
        f"NOT CHECKED: {skipped} tests against histories that other projects recorded. Put them "
        "into ../shared/histories, or say with STATEDRILL_HISTORIES where they are."
    )
