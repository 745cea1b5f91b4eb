"""Switchable bugs: what real systems did wrong, for a checker that must prove to notice it.

One class, one module and one row each. BUGS="name" or "name:number,other" in the environment puts
them into the shop; without it, the shop is the one without bugs.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from reference_app.bugs.acknowledge_before_storing import AcknowledgeBeforeStoring
from reference_app.bugs.another_users_cart import AnotherUsersCart
from reference_app.bugs.base import Bug
from reference_app.bugs.dead_letter_swallows_order import DeadLetterSwallowsOrder
from reference_app.bugs.drop_every_nth_write import DropEveryNthWrite
from reference_app.bugs.error_after_storing import ErrorAfterStoring
from reference_app.bugs.expire_sessions_by_local_clock import ExpireSessionsByLocalClock
from reference_app.bugs.fill_from_lagging_replica import FillFromLaggingReplica
from reference_app.bugs.fresh_session_on_store_error import FreshSessionOnStoreError
from reference_app.bugs.mount_volume_twice import MountVolumeTwice
from reference_app.bugs.old_state_after_failback import OldStateAfterFailback
from reference_app.bugs.order_twice_on_redelivery import OrderTwiceOnRedelivery
from reference_app.bugs.reorder_writes import ReorderWrites
from reference_app.bugs.resurrect_removed_item import ResurrectRemovedItem
from reference_app.bugs.retry_applied_twice import RetryAppliedTwice
from reference_app.bugs.retry_with_new_id import RetryWithNewId
from reference_app.bugs.save_old_state_at_shutdown import SaveOldStateAtShutdown
from reference_app.bugs.sign_out_in_unlogged_table import SignOutInUnloggedTable
from reference_app.bugs.silent_session_loss import SilentSessionLoss
from reference_app.bugs.stale_replica import StaleReplica
from reference_app.bugs.store_under_expired_lock import StoreUnderExpiredLock
from reference_app.bugs.upload_record_without_object import UploadRecordWithoutObject
from reference_app.bugs.write_into_another_users_state import WriteIntoAnotherUsersState
from reference_app.shop.service import ShopService

logger = logging.getLogger(__name__)

BUGS: dict[str, type[Bug]] = {
    bug.name: bug
    for bug in (
        AcknowledgeBeforeStoring,
        DropEveryNthWrite,
        StaleReplica,
        OldStateAfterFailback,
        RetryAppliedTwice,
        ReorderWrites,
        ResurrectRemovedItem,
        AnotherUsersCart,
        SilentSessionLoss,
        FreshSessionOnStoreError,
        OrderTwiceOnRedelivery,
        UploadRecordWithoutObject,
        ErrorAfterStoring,
        WriteIntoAnotherUsersState,
        SaveOldStateAtShutdown,
        StoreUnderExpiredLock,
        ExpireSessionsByLocalClock,
        RetryWithNewId,
        FillFromLaggingReplica,
        MountVolumeTwice,
        DeadLetterSwallowsOrder,
        SignOutInUnloggedTable,
    )
}


@dataclass(frozen=True, slots=True)
class ChosenBug:
    """A bug that is switched on, with its number."""

    bug: type[Bug]
    number: int


def parse_bugs(text: str) -> tuple[ChosenBug, ...]:
    """The bugs of `"name, other:3"`. Raises ValueError naming the known ones."""
    return tuple(_chosen(part.strip()) for part in text.split(",") if part.strip())


def apply_bugs(shop: ShopService, chosen: tuple[ChosenBug, ...]) -> ShopService:
    """The shop with these bugs in it, the first one innermost."""
    for each in chosen:
        bug = each.bug
        logger.warning("bug planted: %s, %s %d", bug.name, bug.number_means, each.number)
        shop = bug(shop, each.number)
    return shop


def _chosen(part: str) -> ChosenBug:
    name, colon, number = part.partition(":")
    bug = BUGS.get(name)
    if bug is None:
        raise ValueError(f"no bug named {name!r} (there are {', '.join(BUGS)})")
    if colon and (not number.isdecimal() or int(number) < 1):
        raise ValueError(f"{part!r}: {bug.number_means} must be a whole number from 1 up")
    return ChosenBug(bug, int(number) if colon else bug.default_number)
