"""Read your writes, for each client and object.

Broken by a read of v when an own write w was confirmed before it and older(v, w)
(`relations/client_order.py`), or by a list that lacks an element of an own confirmed add. A write
that was only accepted promises durability, not visibility: reads that miss one are marked apart.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.checks.base import Check, CheckInput, ResultWithAccepted
from statedrill.check.clauses import Clause
from statedrill.check.index.describe import Describer, Explanation
from statedrill.check.index.fast_path import CleanObjects
from statedrill.check.index.observations import Observations
from statedrill.check.numeric.arrays import NEVER, NONE, Array
from statedrill.check.relations.client_order import (
    any_before,
    comparable_reads,
    older_than_before,
    older_than_own_writes,
    rows_before,
)
from statedrill.check.relations.missing_elements import (
    elements_missing_from,
    explain_missing,
    missing_elements,
)
from statedrill.vocabulary import Outcome


class ReadYourWrites(Check[ResultWithAccepted]):
    """Reads against the client's own confirmed writes."""

    name = "read-your-writes"
    class_ = "read-your-writes"
    unit = "reads"
    term = "read your writes"
    meaning = "Session guarantee: a session sees its own acknowledged writes."
    clause = Clause.READ_YOUR_WRITES
    consequence_of_loss = True
    result_type = ResultWithAccepted

    def find(self, given: CheckInput) -> ResultWithAccepted:
        """Opportunities are the reads after an own confirmed write."""
        obs = given.observations
        table = obs.table
        reads = np.flatnonzero(comparable_reads(obs))
        confirming, sent_at, version = _confirmations(obs)
        after_write = any_before(obs, confirming, reads)
        older = older_than_before(obs, reads, confirming, sent_at, version)
        result = ResultWithAccepted.of(
            len(table),
            opportunity=table.mask(reads[after_write]),
            violation=table.mask(reads[after_write & older]),
        )
        lacking = obs.cached(missing_elements)
        result.violation[lacking.rows[lacking.own_write]] = True
        result.opportunity |= result.violation
        if obs.must_appear.any():
            missed = older_than_own_writes(obs, reads, obs.must_appear)
            result.only_accepted = table.mask(reads[missed])
        return result

    def explain(
        self, given: CheckInput, result: ResultWithAccepted, row: int, describe: Describer
    ) -> Explanation:
        """The own write, the response that confirmed it, and the read."""
        obs, table = given.observations, given.observations.table
        own = obs.confirmed & (table.outcome == Outcome.OK)
        if row in obs.cached(missing_elements).rows:
            missing = elements_missing_from(obs, row)
            mine = missing[own[missing] & (table["lane"][missing] == table["lane"][row])]
            mine = mine[table.ret[mine] < table.call[row]]
            if len(mine):
                return explain_missing(obs, int(mine[0]), row, describe)
        write, response = _newest_confirmed(obs, row, own)
        return Explanation(
            list(dict.fromkeys((write, response, row))),
            f"session {describe.session(row)} had {describe.op(write)} {describe.wid(write)}"
            f"{describe.version(response)} confirmed at {describe.at(response)}, and read an "
            f"older state of its {describe.object(row)} at {describe.called(row)}: "
            f"{describe.shows(row)}.",
        )

    def clean_opportunities(self, clean: CleanObjects) -> ResultWithAccepted:
        """Every read after a write."""
        return ResultWithAccepted.of(len(clean.table), opportunity=clean.reads & clean.after_write)


def _confirmations(obs: Observations) -> tuple[Array, Array, Array]:
    """(mask of the responses that confirm a write, S and version of that write per row). A replay
    stands for the write that it confirms.
    """
    table = obs.table
    confirming = obs.confirmed & (table.outcome == Outcome.OK) & obs.acknowledged_directly
    sent_at, version = table.call, obs.write_version[: len(table)]
    replays = np.flatnonzero(obs.replay)
    if len(replays):
        confirming[replays] = True
        sent_at, version = sent_at.copy(), version.copy()
        sent_at[replays] = table.call[obs.reported_write[replays]]
        version[replays] = obs.write_version[obs.reported_write[replays]]
    return confirming, sent_at, version


def _newest_confirmed(obs: Observations, row: int, own: Array) -> tuple[int, int]:
    """The newest own write that the read `row` surely is older than, and the response that
    confirmed it: its own, or the replay of a later attempt.
    """
    responses = rows_before(obs, row, own & obs.acknowledged_directly | obs.replay)
    writes = np.where(obs.replay[responses], obs.reported_write[responses], responses)
    sent_at, version = obs.table.call[writes], obs.write_version[writes]
    shown, value = int(obs.observed_version[row]), obs.observed_write[row]
    visible_by = obs.visible_by[value] if value != NONE else NEVER
    known = (version != NONE) & (shown != NONE)
    older = np.where(known, shown < version, visible_by < sent_at)
    newest = np.lexsort((sent_at, version, older))[-1]
    return int(writes[newest]), int(responses[newest])
