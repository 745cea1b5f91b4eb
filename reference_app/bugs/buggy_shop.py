"""Plants the bugs of bugs.py into a shop; with none of them the shop is the clean one.

The only seam: everything wrong on purpose is in buggy_writes.py and buggy_reads.py, and nothing
but this module imports them.
"""

from __future__ import annotations

import logging

from reference_app.bugs import buggy_reads, buggy_writes
from reference_app.bugs.base import Wrapper
from reference_app.bugs.table import Planted
from reference_app.shop.service import Shop

logger = logging.getLogger(__name__)

WRAPPERS: dict[str, type[Wrapper]] = {
    "acknowledge-before-storing": buggy_writes.AcknowledgeBeforeStoring,
    "drop-every-nth-write": buggy_writes.DropEveryNthWrite,
    "stale-replica": buggy_reads.StaleReplica,
    "old-state-after-failback": buggy_reads.OldStateAfterFailback,
    "retry-applied-twice": buggy_writes.RetryAppliedTwice,
    "reorder-writes": buggy_writes.ReorderWrites,
    "resurrect-removed-item": buggy_reads.ResurrectRemovedItem,
    "another-users-cart": buggy_reads.AnotherUsersCart,
    "silent-session-loss": buggy_reads.SilentSessionLoss,
    "fresh-session-on-store-error": buggy_reads.FreshSessionOnStoreError,
    "order-twice-on-redelivery": buggy_writes.OrderTwiceOnRedelivery,
    "upload-record-without-object": buggy_writes.UploadRecordWithoutObject,
    "error-after-storing": buggy_writes.ErrorAfterStoring,
    "write-into-another-users-state": buggy_writes.WriteIntoAnotherUsersState,
}


def plant(shop: Shop, bugs: tuple[Planted, ...]) -> Shop:
    """The shop with these bugs in it, the first one innermost."""
    for planted in bugs:
        logger.warning(
            "bug planted: %s, %s %d", planted.bug.name, planted.bug.param_means, planted.param
        )
        wrapper = WRAPPERS[planted.bug.name](shop, planted.param)
        wrapper.name = planted.bug.name
        shop = wrapper
    return shop
