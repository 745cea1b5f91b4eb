"""Switchable bugs: what real systems did wrong, by name, for whoever must prove to notice it.

The table only; nothing here does anything wrong. `buggy_shop.py` plants them into the clean shop
when the environment says BUGS="name" or "name:param,other".
"""

from __future__ import annotations

from dataclasses import dataclass

ALL = ("memory", "valkey", "decoupled")


@dataclass(frozen=True, slots=True)
class Bug:
    """One bug: `param` is the default of its number, explained by `param_means`.

    `found_as`: the class a checker must find it as; more than one when the first effect seen
    depends on timing, the most typical first. `stores`: where it can show.
    """

    name: str
    found_as: tuple[str, ...]
    description: str
    seen_in: str
    param: int
    param_means: str
    stores: tuple[str, ...] = ALL


@dataclass(frozen=True, slots=True)
class Planted:
    """A bug switched on, with its number."""

    bug: Bug
    param: int


TABLE = (
    Bug(
        "acknowledge-before-storing",
        ("lost", "stale"),
        "a write is answered first and stored later; whatever is in between dies with the process",
        "MongoDB before 2012 (write concern 0 by default); write-back caches without a battery",
        1000,
        "milliseconds between answer and storing",
    ),
    Bug(
        "drop-every-nth-write",
        ("lost",),
        "every nth write is answered as done and thrown away",
        "Elasticsearch 1.x during partitions; swallowed exceptions in asynchronous handlers",
        10,
        "n",
    ),
    Bug(
        "stale-replica",
        ("stale", "read-your-writes", "monotonic-reads"),
        "reads come from a copy of the object that is refreshed only at every nth read",
        "reads sent to an asynchronous MySQL or PostgreSQL replica that lags",
        4,
        "n",
    ),
    Bug(
        "old-state-after-failback",
        ("lost", "monotonic-reads", "read-your-writes", "stale"),
        "once an object has n versions, reads come from the side that stopped at half of them",
        "the old primary taken back into service with its old data (Redis without fencing)",
        6,
        "n",
    ),
    Bug(
        "retry-applied-twice",
        ("duplicate",),
        "every nth write is applied twice, as if its retry had not been recognised",
        "HTTP clients and proxies that resend a POST; carts with a doubled item",
        5,
        "n",
    ),
    Bug(
        "reorder-writes",
        ("monotonic-writes", "order-conflict"),
        "every nth write of an object is applied only after the next one, though both are answered",
        "parallel consumers of an unordered queue; last-write-wins with skewed clocks",
        3,
        "n",
    ),
    Bug(
        "resurrect-removed-item",
        ("resurrected",),
        "an item that was removed from the cart is back at every nth reading",
        "the Dynamo shopping cart: merging divergent carts brings deleted items back",
        2,
        "n",
    ),
    Bug(
        "another-users-cart",
        ("leak",),
        "every nth reading of the cart answers the cart that another user read before",
        "Steam store, 25 December 2015; ChatGPT, 20 March 2023 (a shared redis connection)",
        7,
        "n",
    ),
    Bug(
        "silent-session-loss",
        ("session-lost",),
        "the server session is thrown away at its nth request, without an error",
        "session keys with a TTL evicted first by volatile-lru when a cache is full",
        8,
        "n",
    ),
    Bug(
        "fresh-session-on-store-error",
        ("session-lost",),
        "when the store fails, which it also seems to do at every nth request, the user silently "
        "gets a new, empty session instead of an error",
        "PHP and Express session handlers that treat a failed lookup as no session",
        20,
        "n",
    ),
    Bug(
        "order-twice-on-redelivery",
        ("duplicate",),
        "every nth order is applied once more, as if a redelivered message were a new one",
        "consumers of at-least-once queues that are not idempotent: double charges",
        2,
        "n",
    ),
    Bug(
        "upload-record-without-object",
        ("lost",),
        "every nth upload is recorded and answered, but its object is never stored",
        "two-system writes without an order or an outbox; fire-and-forget uploads",
        3,
        "n",
    ),
    Bug(
        "error-after-storing",
        ("rejected-visible",),
        "every nth write is stored, then refused with an error that promises nothing was changed",
        "an exception in an after-commit hook turned into a clean error page",
        6,
        "n",
    ),
    Bug(
        "write-into-another-users-state",
        ("leak",),
        "every nth write lands in the state of the user served before",
        "request state kept in a global or a thread-local that a coroutine shares",
        9,
        "n",
    ),
)
BY_NAME = {bug.name: bug for bug in TABLE}


def parse_bugs(text: str) -> tuple[Planted, ...]:
    """`"name, other:3"` as planted bugs. Raises ValueError naming the known ones."""
    return tuple(_planted(part.strip()) for part in text.split(",") if part.strip())


def _planted(part: str) -> Planted:
    name, colon, number = part.partition(":")
    bug = BY_NAME.get(name)
    if bug is None:
        raise ValueError(f"no bug named {name!r}; there are {', '.join(BY_NAME)}")
    if colon and (not number.isdigit() or int(number) < 1):
        raise ValueError(f"{part!r}: {bug.param_means} must be a whole number from 1 up")
    return Planted(bug, int(number) if colon else bug.param)
