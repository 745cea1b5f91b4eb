"""Which row sent a write id: ids are numbers within their session, and each attempt has its own.

Knows sessions and ids; knows no response.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.numeric.arrays import NONE, Array
from statedrill.history.operation import INITIAL, LAST_ID


class WriteIndex:
    """Finds the row of a write id; `shared` are rows whose id another attempt has too.

    `session_of` numbers the session of every row, `session_starts` are the sessions' first rows.
    """

    def __init__(self, session_of: Array, session_starts: Array, wid: Array, write: Array) -> None:
        rows = np.flatnonzero(write & (wid > INITIAL) & (wid <= LAST_ID))
        ids = wid[rows].astype(np.int64)
        self._greatest = np.zeros(len(session_starts), dtype=np.int64)
        np.maximum.at(self._greatest, session_of[rows], ids)
        self._base = np.cumsum(self._greatest + 1) - (self._greatest + 1)
        places = int((self._greatest + 1).sum()) if len(session_starts) else 0
        self._sparse: Array | None = None
        if places > 16 * len(session_of) + (1 << 16):
            self._sparse = np.unique((session_of[rows].astype(np.int64) << 32) | ids)
            places = len(self._sparse)
        self._rows = np.full(places + 1, NONE, dtype=np.int64)
        place = self._place(session_of[rows], ids)
        self._rows[place[::-1]] = rows[::-1]  # of two rows with one id the first is kept
        self._rows[-1] = NONE
        self.shared = rows[np.bincount(place, minlength=places + 1)[place] > 1]

    def row(self, session_of: Array, ids: Array) -> Array:
        """The row of each write id in its session; NONE where none is on record."""
        return self._rows[self._place(session_of, ids.astype(np.int64))]

    def _place(self, session_of: Array, ids: Array) -> Array:
        if self._sparse is not None:
            wanted = (session_of.astype(np.int64) << 32) | ids
            place = np.searchsorted(self._sparse, wanted)
            inside = np.minimum(place, len(self._sparse) - 1)
            known = self._sparse[inside] == wanted if len(self._sparse) else inside < 0
            return np.where(known, place, len(self._rows) - 1)
        known = (ids > INITIAL) & (ids <= self._greatest[session_of])
        return np.where(known, self._base[session_of] + ids, len(self._rows) - 1)
