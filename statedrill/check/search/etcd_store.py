"""The content of an etcd store at every revision, rebuilt from all changes on record.

Knows what a range or a condition must show at a revision; knows no time and no authors.
"""

from __future__ import annotations

from bisect import bisect_right

from statedrill.check.search.etcd_watch import Revisions
from statedrill.history.formats.etcd import Range, Shown

FRESH = 1  # the revision of an empty store


class Store:
    """The store at every revision up to `known`, the last one before a gap in the record."""

    def __init__(self, revisions: Revisions) -> None:
        self.revisions = revisions
        self.known = FRESH
        while self.known + 1 in revisions:
            self.known += 1
        self._changes: dict[str, list[int]] = {}
        for revision in sorted(revisions):
            for key in revisions[revision]:
                self._changes.setdefault(key, []).append(revision)
        self._keys = sorted(self._changes)

    def modified(self, key: str, revision: int) -> int:
        """The revision of the last known change of `key` up to `revision`; 0: absent."""
        changes = self._changes.get(key, [])
        place = bisect_right(changes, revision)
        if place == 0 or self.revisions[changes[place - 1]][key] is None:
            return 0
        return changes[place - 1]

    def refutes(self, asked: Range, shown: Shown, revision: int) -> str | None:
        """Why `shown` cannot be the store's content at `revision`; None if it can.

        Beyond a gap only what is known to be wrong is refuted.
        """
        if revision <= self.known:
            wanted = self.range(asked, revision)
            return None if shown == wanted else f"the store held {_brief(wanted)}"
        for key, value, modified in shown.entries:
            changed = self.revisions.get(modified, {})
            if changed and changed.get(key) != value:
                return f"revision {modified} did not put {value!r} to {key}"
            newest = self._newest(key, revision)
            if newest > modified:
                return f"{key} was changed at revision {newest}"
        return None

    def range(self, asked: Range, revision: int) -> Shown:
        """What a range of the store at `revision` shows."""
        keys = [asked.start]
        if asked.end:
            keys = [key for key in self._keys if asked.start <= key < asked.end]
        entries = [
            (key, value, modified)
            for key in keys
            if (modified := self.modified(key, revision))
            and (value := self.revisions[modified][key]) is not None
        ]
        limited = entries[: asked.limit] if asked.limit and asked.end else entries
        return Shown(tuple(limited), len(entries))

    def _newest(self, key: str, revision: int) -> int:
        changes = self._changes.get(key, [])
        place = bisect_right(changes, revision)
        return changes[place - 1] if place else 0


def _brief(shown: Shown) -> str:
    entries = ", ".join(f"{key} = {value!r}" for key, value, _ in shown.entries[:3])
    return f"{shown.count} keys ({entries}{', …' if len(shown.entries) > 3 else ''})"
