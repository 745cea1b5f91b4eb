"""Judges etcd's operations by the revision that every answer carries.

A revision puts a write at one place of the store's history and a read after it, so no search is
needed: real time, content, conditions and authors are checked against the table of revisions.
Sound where the record has gaps: what cannot be decided makes the answer unknown, never broken.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from statedrill.check.search.etcd_store import Store
from statedrill.check.search.etcd_watch import Revisions, WatchedRevisions, gather
from statedrill.check.search.unique_writes import Contradiction, inversion
from statedrill.history.formats import ForeignHistory, ForeignOperation
from statedrill.history.formats.etcd import Answer, Change, Range, Shown, Txn
from statedrill.vocabulary import Outcome


@dataclass(frozen=True)
class EtcdAnswer:
    """The first contradiction, if any, and how many answers the record could not decide."""

    contradiction: Contradiction | None
    undecided: int


def judge_etcd(history: ForeignHistory) -> EtcdAnswer:
    """Check watches, one author for each revision, real time, and content, in this order."""
    seen = gather(history.watches)
    if isinstance(seen, Contradiction):
        return EtcdAnswer(seen, 0)
    placed = _PlacedOperations(history, seen)
    problem = placed.place_known() or placed.place_unknown() or placed.against_time()
    if problem:
        return EtcdAnswer(problem, 0)
    return placed.content()


class _PlacedOperations:
    """All operations, each at the revision that it made or saw."""

    def __init__(self, history: ForeignHistory, seen: WatchedRevisions) -> None:
        self.seen, self.whole = seen, history.whole
        self.known = [each for each in history.operations if each.outcome is Outcome.OK]
        self.unknown = [each for each in history.operations if each.outcome is Outcome.UNKNOWN]
        self.leases = any(
            each.action == "leaseRevoke" or any(change.leased for change in _changes(each))
            for each in history.operations
        )
        self.revisions: Revisions = {key: dict(each) for key, each in seen.revisions.items()}
        self.authors: dict[int, ForeignOperation] = {}

    def place_known(self) -> Contradiction | None:
        """Give every acknowledged write its revision, which it must have alone."""
        for each in self.known:
            applied = applied_changes(each)
            if not applied:
                continue
            revision = each.result.revision
            other = self.authors.setdefault(revision, each)
            if other is not each:
                return Contradiction(f"two writes were given revision {revision}", (other, each))
            watched = self.revisions.setdefault(revision, {})
            if any(key not in applied or applied[key] != watched[key] for key in watched):
                sentence = f"a watch tells of revision {revision} what its write did not do"
                return Contradiction(sentence, (each, self.seen.first_shown[revision]))
            watched.update(applied)
        return None

    def place_unknown(self) -> Contradiction | None:
        """Find the unknown writes behind changes that only watches saw."""
        orphans: dict[tuple[str, str | None], list[int]] = defaultdict(list)
        for revision, changes in sorted(self.revisions.items()):
            if revision not in self.authors:
                for key, value in changes.items():
                    orphans[key, value].append(revision)
        makers: dict[tuple[str, str | None], list[ForeignOperation]] = defaultdict(list)
        for each in self.unknown:
            for change in {(change.key, change.value) for change in _changes(each)}:
                makers[change].append(each)
        for (key, value), revisions in orphans.items():
            candidates = makers[key, value]
            if self._too_many(value, len(revisions), len(candidates)):
                what = f"the change of {key} to {value!r} at revision {revisions[-1]}"
                shown = self.seen.first_shown[revisions[-1]]
                return Contradiction(f"no request made {what}", (*candidates[:3], shown))
            if self.whole and len(revisions) == len(candidates) == 1 and value is not None:
                self.authors[revisions[0]] = candidates[0]
        return None

    def _too_many(self, value: str | None, changes: int, candidates: int) -> bool:
        if not self.whole or (value is None and self.leases):
            return False
        return changes > candidates

    def against_time(self) -> Contradiction | None:
        """No answer of a higher revision may end before one of a lower revision is asked for."""
        ranks = [(2 * revision, each) for revision, each in self.authors.items()]
        ranks += [
            (2 * each.result.revision + 1, each)
            for each in self.known
            if self.authors.get(each.result.revision) is not each and each.action != "leaseRevoke"
        ]
        ranks += [(2 * revision + 1, each) for revision, each in self.seen.first_shown.items()]
        pair = inversion(ranks)
        if pair is None:
            return None
        sentence = (
            "the first was answered from a later revision than the second, but it had ended "
            "before the second began"
        )
        return Contradiction(sentence, pair)

    def content(self) -> EtcdAnswer:
        """Every read and condition against the store at its revision."""
        store = Store(self.revisions)
        undecided = 0
        for each in self.known:
            for revision, asked, shown in _reads(each):
                reason = store.refutes(asked, shown, revision)
                if reason:
                    sentence = f"a read at revision {revision} shows what was not there: {reason}"
                    return EtcdAnswer(Contradiction(sentence, (each,)), undecided)
                undecided += revision > store.known
        for each, before in self._conditional():
            if before > store.known:
                undecided += 1
                continue
            reason = _refutes_txn(each, before, store)
            if reason:
                return EtcdAnswer(Contradiction(reason, (each,)), undecided)
        return EtcdAnswer(None, undecided)

    def _conditional(self) -> Iterator[tuple[ForeignOperation, int]]:
        """Every placed txn with the revision of the store that it found."""
        for revision, each in self.authors.items():
            if each.action == "txn":
                yield each, revision - 1
        for each in self.known:
            if each.action == "txn" and self.authors.get(each.result.revision) is not each:
                yield each, each.result.revision


def _changes(operation: ForeignOperation) -> list[Change]:
    """Every change that a request may make."""
    if not isinstance(operation.value, Txn):
        return []
    steps = operation.value.success + operation.value.failure
    return [each for each in steps if isinstance(each, Change)]


def applied_changes(operation: ForeignOperation) -> dict[str, str | None]:
    """What an acknowledged request changed: key -> value (None: deleted)."""
    txn, answer = operation.value, operation.result
    if not isinstance(txn, Txn) or answer.partial:
        return {}
    steps = txn.failure if answer.failed else txn.success
    return {
        step.key: step.value
        for step, result in zip(steps, answer.results, strict=True)
        if isinstance(step, Change) and (step.value is not None or result)
    }


def _reads(operation: ForeignOperation) -> Iterator[tuple[int, Range, Shown]]:
    """(revision of the content, what was asked for, what was shown) of every range."""
    answer: Answer = operation.result
    if answer.partial:
        return
    if isinstance(operation.value, Range):
        revision = operation.value.revision or answer.revision
        yield revision, operation.value, answer.results[0]  # type: ignore[misc]
    elif isinstance(operation.value, Txn) and not applied_changes(operation):
        steps = operation.value.failure if answer.failed else operation.value.success
        for step, shown in zip(steps, answer.results, strict=True):
            if isinstance(step, Range) and isinstance(shown, Shown):
                yield answer.revision, step, shown


def _refutes_txn(operation: ForeignOperation, before: int, store: Store) -> str | None:
    """Why a txn cannot have decided as it did on the store of revision `before`."""
    txn: Txn = operation.value
    met = all(store.modified(key, before) == revision for key, revision in txn.conditions)
    if operation.outcome is Outcome.OK:
        failed = operation.result.failed
    elif any(isinstance(each, Change) for each in txn.failure):
        return None  # what was seen of it may be its other branch
    else:
        failed = False
    if met == failed:
        found = Counter({key: store.modified(key, before) for key, _ in txn.conditions})
        verb = "refused" if failed else "applied"
        return f"a transaction was {verb} at revision {before}, where it found {dict(found)}"
    return None
