"""Orders happen once: one logical action that took effect under two attempts.

That is a violation only where idempotency is promised; orders are the one kind of state that
carries logical ids.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.checks.base import Check, CheckInput, CheckResult
from statedrill.check.clauses import Clause
from statedrill.check.index.describe import Describer, Explanation
from statedrill.check.index.fast_path import CleanObjects
from statedrill.check.numeric.arrays import NONE
from statedrill.check.relations.list_repeats import believed_items
from statedrill.history.operation import NOTHING
from statedrill.vocabulary import Model


class OrdersOnce(Check[CheckResult]):
    """Orders that a list shows under more than one attempt; the later attempt stands for it."""

    name = "orders-once"
    class_ = "duplicate"
    unit = "orders"
    term = "order placed twice"
    meaning = "One order that the user sent again, with the same key, and that is there twice."
    clause = Clause.ORDERS_ONCE

    def find(self, given: CheckInput) -> CheckResult:
        """Opportunities are the orders that surely were there at some time."""
        obs, lists = given.observations, given.observations.lists
        table = obs.table
        size = len(table)
        orders = obs.may_apply & (table.model == Model.ORDERS)
        result = CheckResult.of(
            size, opportunity=orders & (obs.visible_by[:size] < table.clock.top)
        )
        if not len(lists.logical):
            return result
        later = believed_items(obs, lists.repeated(lists.logical))
        later = later[(lists.logical[later] != 0) & (lists.logical[later] != NOTHING)]
        later = later[table.model[lists.read_row[later]] == Model.ORDERS]
        result.violation[lists.write_row[later]] = True
        return result

    def explain(
        self, given: CheckInput, result: CheckResult, row: int, describe: Describer
    ) -> Explanation:
        """The first two attempts, and a read that lists them."""
        lists = given.observations.lists
        place = int(np.flatnonzero(lists.write_row == row)[0])
        read = int(lists.read_row[place])
        same = (lists.read_row == read) & (lists.logical == lists.logical[place])
        attempts = lists.write_row[same & (lists.write_row != NONE)].tolist()
        return Explanation(
            [*attempts[:2], read],
            f"session {describe.session(row)} placed one order in several attempts with the same "
            f"key; at {describe.at(read)} its orders hold {len(attempts)} of them "
            f"({describe.wids(attempts)}).",
        )

    def clean_opportunities(self, clean: CleanObjects) -> CheckResult:
        """Every order."""
        orders = clean.writes & (clean.table.model == Model.ORDERS)
        return CheckResult.of(len(clean.table), opportunity=orders)
