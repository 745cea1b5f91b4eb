"""Which server session the answers belong to, as the client of one session sees it.

Numbers the distinct public ids in order of appearance and notices when the session is no longer
the one that was signed in. Only the live figures come from here; the verdict judges the record.
"""

from __future__ import annotations

from statedrill.history.operation import NOT_SHOWN, SIGNED_OUT

_MOST = 65_535


class Identity:
    """The server sessions that one session has been shown; `current` is 0 when none is expected."""

    __slots__ = ("_known", "current", "lost")

    def __init__(self) -> None:
        self._known: dict[bytes, int] = {}
        self.current = 0
        self.lost = False

    def seen(self, shown: bytes | None, status: int) -> int:
        """The number of what an answer shows; remembers when it is not the expected session."""
        if status == 401:
            number = SIGNED_OUT
        elif shown is None:
            return NOT_SHOWN
        else:
            number = self._known.get(shown) or self._learn(shown)
        if self.current and number != self.current:
            self.lost = True
        return number

    def learn(self, ids: list[str]) -> None:
        """Know these ids, in this order, as if they had been shown."""
        for shown in ids:
            self._learn(shown.encode("latin-1"))

    def ids(self) -> list[str]:
        """All ids in order of appearance."""
        return [shown.decode("latin-1") for shown in self._known]

    def _learn(self, shown: bytes) -> int:
        number = min(2 + len(self._known), _MOST)
        return self._known.setdefault(shown, number)
