"""Which node has which key: pure, no connection.

CACHE_HASHING chooses. With `rendezvous` the keys of a node that goes are spread over the others,
and all other keys stay where they are; with `modulo`, the oldest way, two thirds of the keys of
three nodes move when one of them goes.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Sequence

Choose = Callable[[str, Sequence[str]], str]
"""The node, of some by name in order, that has what belongs to a user."""


def rendezvous(user: str, nodes: Sequence[str]) -> str:
    """The node with the greatest weight for this user (Thaler and Ravishankar 1998)."""
    return max(nodes, key=lambda node: hashlib.blake2b(f"{node} {user}".encode()).digest())


def modulo(user: str, nodes: Sequence[str]) -> str:
    """The node whose place is the hash modulo the number of nodes."""
    return nodes[zlib.crc32(user.encode()) % len(nodes)]


HASHING: dict[str, Choose] = {"rendezvous": rendezvous, "modulo": modulo}
