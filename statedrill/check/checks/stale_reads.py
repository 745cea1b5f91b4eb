"""Stale reads: a read of v is stale iff a definitely newer u was surely there before its call.

Evidence: by versions, a higher one had returned before; by ids, where a version is not known,
S(u) > F(v) and F(u) < call(r); by content, an element that must be in a set or log is missing.
Staleness is at least call(r) - min F(u) over the newer u. "As if accepted meant visible" adds the
reads that are older than a write that was accepted before their call; they are counted apart and
break nothing alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statedrill.check.checks.base import Check, CheckInput, Moment, ResultWithAccepted
from statedrill.check.index.describe import Describer, Explanation
from statedrill.check.index.fast_path import CleanObjects
from statedrill.check.index.observations import Observations
from statedrill.check.numeric.arrays import NEVER, NONE, Array, suffix_min
from statedrill.check.relations.client_order import comparable_reads
from statedrill.check.relations.missing_elements import (
    elements_missing_from,
    explain_missing,
    missing_elements,
)
from statedrill.check.relations.register_zones import newer_visible_by
from statedrill.check.relations.version_order import outdated_rows


@dataclass(kw_only=True, eq=False)
class StaleResult(ResultWithAccepted):
    """`since`: the tick by which something newer than what a read shows surely was there."""

    since: Moment

    @property
    def late(self) -> Array:
        """Reads that are stale, also those that are so only against accepted writes."""
        late: Array = self.violation | self.only_accepted
        return late


class StaleReads(Check[StaleResult]):
    """Reads that are definitely stale."""

    name = "stale-reads"
    class_ = "stale"
    unit = "reads"
    term = "stale read"
    meaning = "A read that shows an older state than one already acknowledged or seen."
    consequence_of_loss = True
    result_type = StaleResult

    def find(self, given: CheckInput) -> StaleResult:
        """Opportunities are the reads that show a value, a version or a list."""
        obs = given.observations
        since = _older_by_id(obs)
        rows, newer = obs.cached(outdated_rows)
        reads = obs.valid[rows]
        since[rows[reads]] = np.minimum(since[rows[reads]], newer[reads])
        lacking = obs.cached(missing_elements)
        since[lacking.rows] = np.minimum(since[lacking.rows], lacking.since)
        stale = since != NEVER
        accepted_since = _older_than_accepted(obs)
        only_accepted = (accepted_since != NEVER) & ~stale
        since[only_accepted] = accepted_since[only_accepted]
        listed = obs.table.mask(obs.lists.rows) & obs.valid
        return StaleResult.of(
            len(obs.table),
            opportunity=comparable_reads(obs) | listed,
            violation=stale,
            only_accepted=only_accepted,
            since=since,
        )

    def explain(
        self, given: CheckInput, result: StaleResult, row: int, describe: Describer
    ) -> Explanation:
        """The read, and what surely was there before its call."""
        obs, table = given.observations, given.observations.table
        since = int(result.since[row])
        lacking = obs.cached(missing_elements)
        if since in lacking.since[lacking.rows == row]:
            missing = elements_missing_from(obs, row)
            element = int(missing[np.argmin(obs.visible_by[missing])])
            return explain_missing(obs, element, row, describe)
        same = np.flatnonzero(table.object_of == table.object_of[row])
        newer = same[(table.ret[same] == since) & (table.call[same] < since)][:1].tolist()
        age_ms = (table.clock.ns(table.call[row]) - table.clock.ns(np.array(since))) / 1e6
        proof = f" ({describe.op(newer[0])}, {describe.at(newer[0])})" if newer else ""
        return Explanation(
            [*newer, row],
            f"session {describe.session(row)} read an old state of its {describe.object(row)} at "
            f"{describe.called(row)}: {describe.shows(row)}; something newer had been there for "
            f"{age_ms:,.1f} ms{proof}.",
        )

    def clean_opportunities(self, clean: CleanObjects) -> StaleResult:
        """Every read."""
        return StaleResult.of(len(clean.table), opportunity=clean.reads)


def _older_by_id(obs: Observations) -> Array:
    """Per row, since when something newer than the value it shows was there, judged by ids. Where
    both versions are known, they decide instead.
    """
    table = obs.table
    since = np.full(len(table), NEVER)
    without_version = obs.write_version[: len(table)] == NONE
    versioned = obs.observed_version != NONE
    for writes, reads in ((without_version, versioned), (obs.may_apply, ~versioned)):
        rows = np.flatnonzero((obs.observed_write != NONE) & reads)
        if len(rows) == 0 or not (writes & obs.may_apply).any():
            continue
        newer = _newer_than(obs, writes, obs.observed_write[rows])
        late = newer < table.key(table.object_of[rows], table.call[rows])
        since[rows[late]] = table.tick_of(newer[late])
    return since


def _newer_than(obs: Observations, writes: Array, shown: Array) -> Array:
    """When something newer than each of the values `shown` was surely there, as a key."""
    wanted = np.zeros(len(obs.visible_by), dtype=bool)
    wanted[shown] = True
    values = np.flatnonzero(wanted)
    newer = np.full(len(obs.visible_by), NEVER)
    newer[values] = newer_visible_by(obs, values, writes)
    return newer[shown]


def _older_than_accepted(obs: Observations) -> Array:
    """For reads older than a write accepted before their call: the tick of its acceptance."""
    table = obs.table
    since = np.full(len(table), NEVER)
    if not obs.must_appear.any():
        return since
    comparable = comparable_reads(obs)
    versioned_reads = comparable & (obs.observed_version != NONE)
    silent_reads = comparable & (obs.observed_version == NONE)
    versioned_writes = obs.must_appear & (obs.write_version[: len(table)] != NONE)
    for compare, writes, reads in (
        (_accepted_by_version, versioned_writes, versioned_reads),
        (_accepted_by_id, obs.must_appear & ~versioned_writes, versioned_reads),
        (_accepted_by_id, obs.must_appear, silent_reads),
    ):
        chosen, rows = np.flatnonzero(writes), np.flatnonzero(reads)
        if len(chosen) == 0 or len(rows) == 0:
            continue
        accepted = table.key(table.object_of[chosen], obs.acknowledged_at[chosen])
        newer = compare(obs, chosen, accepted, rows)
        late = newer < table.key(table.object_of[rows], table.call[rows])
        rows = rows[late]
        since[rows] = np.minimum(since[rows], table.tick_of(newer[late]))
    return since


def _accepted_by_id(obs: Observations, writes: Array, accepted: Array, reads: Array) -> Array:
    """For each of `reads` the least of the keys `accepted` of writes that are newer by id."""
    table = obs.table
    sent = table.key(table.object_of[writes], table.call[writes])
    value = obs.observed_write[reads]
    visible_by = np.where(value != NONE, obs.visible_by[value], table.clock.top)
    known_by = table.key(table.object_of[reads], visible_by)
    return _least_of_object(obs, sent, accepted, known_by, reads)


def _accepted_by_version(obs: Observations, writes: Array, accepted: Array, reads: Array) -> Array:
    """For each of `reads` the least of the keys `accepted` of writes with a higher version."""
    object_of = obs.table.object_of
    greatest = max(obs.write_version.max(initial=0), obs.observed_version.max(initial=0))
    width = int(greatest).bit_length()
    packed = (object_of[writes] << width) | obs.write_version[writes]
    order = np.argsort(packed, kind="stable")
    wanted = (object_of[reads] << width) | obs.observed_version[reads]
    return _least_of_object(obs, packed[order], accepted[order], wanted, reads)


def _least_of_object(
    obs: Observations, order: Array, keys: Array, wanted: Array, reads: Array
) -> Array:
    """For each of `reads` the least of `keys` whose `order` (sorted) is above `wanted`; NEVER
    where it is of another object.
    """
    found = suffix_min(keys)[np.searchsorted(order, wanted, side="right")]
    return np.where(obs.table.group_of(found) == obs.table.object_of[reads], found, NEVER)
