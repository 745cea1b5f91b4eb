"""Keys of the cache get a short time to live by mistake: what is not used soon expires."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Protocol, cast, runtime_checkable

from typing_extensions import override

from statedrill.control.client import fault
from statedrill.faults.base import Capabilities, FaultTarget, Proof
from statedrill.faults.cache_mistake import CacheMistake


def expire_keys(match: str = "*:session:*", life_s: int = 1) -> dict[str, Any]:
    """Every key that `match`es lives for `life_s` at most, until the application renews it.

    Raises:
        ControlFailure: the pattern has no such cache, or it could not be proved.
    """
    return fault(ExpireKeys.action, Match=match, LifeS=life_s)


@runtime_checkable
class CanExpire(Protocol):
    """A cache whose keys can be found, and given a time to live."""

    def expire_keys(self, match: str, life_s: int) -> tuple[bool, str]:
        """Shorten the lives of those that match; whether they are, and how that was seen."""

    def is_healthy(self) -> bool:
        """Whether it has all its nodes and they can serve."""


@dataclass(frozen=True)
class Arguments:
    """Which keys, as Valkey's SCAN matches them, and how long they may live."""

    match: Annotated[str, "a pattern of keys, such as '*:session:*'"] = "*:session:*"
    life_s: Annotated[int, "a whole number of seconds"] = 1


class ExpireKeys(CacheMistake):
    """EXPIRE on every key that matches; the next use of a key sets it right."""

    name = "expire_keys"
    action = "elasticache/expire-keys"
    domain = "data"
    client = "statedrill.faults.elasticache.expire_keys"
    description = "keys of the cache, such as sessions, get a short time to live by mistake"
    arguments = Arguments
    phrase = "sessions got a short time to live"

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        super().__init__(target, arguments)
        self._cache = cast(CanExpire, target.service("cache"))
        self._arguments = arguments
        self._seen = (False, "nothing was tried")

    @classmethod
    @override
    def why_unavailable(cls, capabilities: Capabilities) -> str:
        return capabilities.why_not("cache", CanExpire, "asked for its keys")

    @override
    def _make_mistake(self) -> None:
        self._seen = self._cache.expire_keys(self._arguments.match, self._arguments.life_s)

    @override
    def prove(self) -> Proof:
        """The service looked at each key in the transaction that shortened its life."""
        return Proof(*self._seen)
