"""ElastiCache for Valkey: a primary and a replica in another zone, replicated asynchronously.

A failover keeps what the replica had received. When both nodes are dead a new, empty primary
takes their place: what outlives them is in `persistent_cache`, if anything. Knows Valkey's
replication; knows no application.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from redis.exceptions import RedisError
from typing_extensions import override

from statedrill.cluster.binaries import first_line
from statedrill.cluster.network.impairments import NONE, Impairment
from statedrill.cluster.services.base import Requirement, ServiceContext
from statedrill.cluster.services.valkey.expiry import shorten_lives
from statedrill.cluster.services.valkey.memory import (
    MemoryLimit,
    fill,
    memory_limit,
    remove_ballast,
    set_memory_limit,
)
from statedrill.cluster.services.valkey.node import ValkeyNode, answers, valkey_server
from statedrill.cluster.services.valkey.persistent_cache import PersistentCache
from statedrill.cluster.waiting import wait_until
from statedrill.errors import ClusterError
from statedrill.inputs.services import CacheOptions

_LINK_S = 15.0
_POLL_S = 0.01
_REPLICA_MS = 1000


class Flush(NamedTuple):
    """What a flush removed: keys before and after (of which the sentinel is none), and proof."""

    keys_before: int
    keys_after: int
    proof: str


class Full(NamedTuple):
    """A node whose memory is full, and the limit that it had before."""

    node: ValkeyNode
    limit_before: MemoryLimit


class ReplicationGroup(PersistentCache):
    """A cache without password behind a fixed address."""

    kind, key, options = "elasticache-valkey", "cache", CacheOptions
    requires = (Requirement("Valkey", lambda: first_line(str(valkey_server()), "--version")),)

    def __init__(self, context: ServiceContext, options: CacheOptions) -> None:
        super().__init__(context, options)
        self._full: Full | None = None

    @override
    def environment(self, zone: str) -> Mapping[str, str]:
        host, port = self._address(zone, self.key)
        known = {"CACHE_URL": f"redis://{host}:{port}/0"}
        if self._options.durability == "wait":
            known["CACHE_WAIT_REPLICAS"] = "1"
        return known

    def key_count(self) -> int:
        """How many keys the primary holds now.

        Raises:
            ClusterError: there is no primary that answers.
        """
        primary = self._serving()
        try:
            with primary.session() as session:
                return int(session.dbsize())
        except RedisError as error:
            raise primary.failed(f"does not count its keys: {error}") from error

    @override
    def sample(self) -> Mapping[str, Any]:
        """Raises:
        RedisError: the primary does not answer.
        """
        primary, replica = self._primary, self._standby
        if primary is None or not primary.alive:
            return {}
        counted: dict[str, Any] = dict(primary.counters())
        if replica and replica.alive:
            # Asked after the primary: what the replica lacks of the position seen there.
            counted |= {"replica": replica.name, "applied": replica.position()}
        return {"node": primary.name, **counted}

    def flush(self) -> Flush:
        """Remove every key, and prove it by a sentinel key that was planted among them.

        Planting, flushing and looking are one transaction: no write of the application can come
        between them and spoil the proof. The replica has followed when this returns.

        Raises:
            ClusterError: there is no primary that answers, or a key outlived the flush.
        """
        primary = self._serving()
        sentinel = f"statedrill:sentinel:{secrets.token_hex(4)}"
        try:
            with primary.session(timeout_s=10.0) as session:
                with session.pipeline(transaction=True) as transaction:
                    transaction.dbsize()
                    transaction.set(sentinel, "planted")
                    transaction.exists(sentinel)
                    # SYNC: without it Valkey may free the keys later than it says.
                    transaction.execute_command("FLUSHALL", "SYNC")
                    transaction.exists(sentinel)
                    transaction.dbsize()
                    before, _, planted, _, sentinels, after = transaction.execute()
                replicas = int(session.wait(1, _REPLICA_MS)) if self._standby else 0
        except RedisError as error:
            raise primary.failed(f"could not be flushed: {error}") from error
        if planted != 1 or sentinels != 0 or after != 0:
            raise primary.failed(f"still has {after} keys after FLUSHALL")
        followed = " and its replica followed" if replicas else ""
        proof = (
            f"FLUSHALL on {primary.name} removed {before} keys and the planted sentinel key; "
            f"in the same transaction the sentinel was absent and DBSIZE was 0{followed}"
        )
        return Flush(before, after, proof)

    def cut_replication(self) -> None:
        """Lose whatever goes between the primary and its replica, until `restore_replication`."""
        for edge in self._edges.between_nodes(self.key):
            self._edges.impair(edge, Impairment(cut=True))

    def restore_replication(self) -> None:
        """Let the replica catch up; idempotent."""
        for edge in self._edges.between_nodes(self.key):
            self._edges.impair(edge, NONE)

    def replication_offsets(self) -> tuple[int, int]:
        """How many bytes the primary has sent, one message of now included, and its replica has.

        Raises:
            ClusterError: one of them is not there, or does not answer.
        """
        primary, replica = self._serving(), self._standby
        if replica is None:
            raise ClusterError("the cache has no replica", "wait until it has one again")
        try:
            return primary.offset_after_message(), replica.offset()
        except RedisError as error:
            raise primary.failed(f"or its replica does not say how far it is: {error}") from error

    def is_replicating(self) -> bool:
        """Whether it is healthy and its replica confirms what happens now."""
        primary = self._primary
        return bool(primary and self.is_healthy() and primary.is_followed())

    def expire_keys(self, match: str, life_s: int) -> tuple[bool, str]:
        """Have the keys that match live for `life_s` at most; whether they do, and proof in words.

        Raises:
            ClusterError: there is no primary that answers.
        """
        primary = self._serving()
        try:
            with primary.session(timeout_s=10.0) as session:
                keys, left = shorten_lives(session, match, life_s)
        except RedisError as error:
            raise primary.failed(f"could not shorten lives: {error}") from error
        sentence = f"{keys} keys {match} of {primary.name} live for {life_s} s at most"
        return left == 0, sentence + (f", and {left} do not" if left else "")

    def fill_memory(self) -> tuple[int, str]:
        """Fill the primary's memory, so that it evicts what expires, or refuses to be written.

        Returns how many keys were evicted or writes refused, and the proof in words.

        Raises:
            ClusterError: there is no primary that answers.
        """
        primary = self._serving()
        try:
            with primary.session(timeout_s=10.0) as session:
                self._full = Full(primary, memory_limit(session))
                filled = fill(session)
        except RedisError as error:
            raise primary.failed(f"could not be filled: {error}") from error
        sentence = (
            f"{primary.name} may hold no more than {filled.limit_bytes:,} bytes, and it evicted "
            f"{filled.keys} keys of the application"
            + (", but refuses to be written" if filled.refused else "")
        )
        return filled.keys or filled.refused, sentence

    def free_memory(self) -> None:
        """Take limit and ballast away, wherever the ballast is by now; idempotent.

        Raises:
            ClusterError: the primary does not answer.
        """
        if self._full is None:
            return
        primary = self._serving()
        try:
            if self._full.node.alive:
                with self._full.node.session() as session:
                    set_memory_limit(session, self._full.limit_before)
            with primary.session(timeout_s=10.0) as session:
                remove_ballast(session)
        except RedisError as error:
            raise primary.failed(f"could not be given memory: {error}") from error
        self._full = None

    def is_full(self) -> bool:
        """Whether the primary is one whose memory was filled."""
        return self._full is not None and self._full.node is self._primary

    def _serving(self) -> ValkeyNode:
        if self._primary is None or not self._primary.alive:
            raise ClusterError("the cache has no primary that is alive", "wait for its failover")
        return self._primary

    @override
    def _create(self, primary: ValkeyNode, standby: ValkeyNode) -> None:
        if self._log:
            primary.write_log(self._log)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(self._nodes.launch, (primary, standby)))
        self._link(primary, standby)

    @override
    def _answers(self) -> bool:
        return answers(self._endpoints.address(self.key))

    @override
    def _add_standby(self, primary: ValkeyNode, standby: ValkeyNode) -> None:
        self._nodes.launch(standby)
        self._link(primary, standby)

    def _link(self, primary: ValkeyNode, standby: ValkeyNode) -> None:
        try:
            standby.follow(self._nodes.found_at(self._edges, primary, standby))
        except RedisError as error:
            raise standby.failed(f"does not follow {primary.name}: {error}") from error
        linked = wait_until(
            lambda: standby.is_linked() and primary.is_followed(),
            _LINK_S,
            _POLL_S,
            give_up=lambda: not (primary.alive and standby.alive),
        )
        if not linked and primary.alive and standby.alive:
            raise standby.failed(f"was not linked to {primary.name} within {_LINK_S:g} s")
        if not linked:
            raise standby.failed(f"or {primary.name} died while it joined")
