"""Where sessions and user state live: one module and one row for each place.

SESSION_STORE names the row; nothing else of the application knows which store it has.
"""

from __future__ import annotations

from typing import Any

from reference_app.stores.base import StoreKind
from reference_app.stores.decoupled import DECOUPLED
from reference_app.stores.decoupled_fifo import DECOUPLED_FIFO
from reference_app.stores.memcached import MEMCACHED
from reference_app.stores.memory import MEMORY
from reference_app.stores.rds import RDS
from reference_app.stores.rds_cached import RDS_CACHED
from reference_app.stores.sqlite import SQLITE
from reference_app.stores.valkey import VALKEY

STORES: dict[str, StoreKind[Any]] = {
    kind.name: kind
    for kind in (
        MEMORY,
        SQLITE,
        VALKEY,
        MEMCACHED,
        RDS,
        RDS_CACHED,
        DECOUPLED,
        DECOUPLED_FIFO,
    )
}
