"""The line that a session leaves in `sessions-<worker>.jsonl` for the audit.

Said once, so that the writer and the reader agree on the names. Knows no file.
"""

from __future__ import annotations

from typing import TypedDict


class SessionLine(TypedDict, total=False):
    """What the audit needs to come back as this user; the last line of a session counts.

    `t` is in ns on the run's clock. `ended` is true when the user left in an orderly way: then no
    write id after `next_write` was used.
    """

    session: int
    t: int
    user: str
    cookies: dict[str, str]
    objects: list[str]
    next_write: int
    next_logical: int
    server_sessions: list[str]
    current: int
    signed_in: bool
    ended: bool
