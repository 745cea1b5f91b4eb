"""Which server session the responses belong to, as the client of one session sees it.

Numbers the distinct public ids in order of appearance and notices when the session is no longer
the one that was signed in. Only the live figures come from here; the verdict judges the record.
"""

from __future__ import annotations

from statedrill.history.operation import NOT_SHOWN, SIGNED_OUT

_GREATEST_NUMBER = 65_535


class ServerSessions:
    """The server sessions that one session has been shown.

    `current` is the number of the one that is signed in (0: none is expected); `lost` whether a
    response ever belonged to another one.
    """

    __slots__ = ("_numbers", "current", "lost")

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self.current = 0
        self.lost = False

    def observe(self, shown: bytes | None, status: int) -> int:
        """The number of what a response shows; notices when it is not the expected session."""
        if status == 401:
            number = SIGNED_OUT
        elif shown is None:
            return NOT_SHOWN
        else:
            number = self._numbers.get(shown) or self._number(shown)
        if self.current and number != self.current:
            self.lost = True
        return number

    def restore(self, ids: list[str]) -> None:
        """Know these ids, in this order, as if responses had shown them."""
        for shown in ids:
            self._number(shown.encode("latin-1"))

    def ids(self) -> list[str]:
        """All ids in order of appearance."""
        return [shown.decode("latin-1") for shown in self._numbers]

    def _number(self, shown: bytes) -> int:
        number = min(2 + len(self._numbers), _GREATEST_NUMBER)
        return self._numbers.setdefault(shown, number)
