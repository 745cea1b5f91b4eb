"""What tests of the managed services share: a context, short delays, and a writer that keeps on."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

from statedrill.cluster.context import ClusterContext
from statedrill.cluster.network.addresses import Network
from statedrill.cluster.network.edges import Edges
from statedrill.cluster.routing.endpoints import Endpoints
from statedrill.cluster.services.base import ServiceContext
from statedrill.cluster.services.postgres.client import PostgresConnection, PostgresError
from statedrill.cluster.services.postgres.multi_az import MultiAzDatabase
from statedrill.inputs.services import DatabaseOptions
from statedrill.inputs.timings import Timings
from statedrill.processes.registry import ProcessRegistry

# Short, but long enough to be seen: an outage, and a time without a second node.
TIMINGS = replace(
    Timings.named("fast"),
    database_detection_s=1.0,
    database_failover_s=0.6,
    database_standby_rebuild_s=0.6,
    cache_detection_s=1.0,
    cache_failover_s=0.4,
    cache_replica_rebuild_s=0.4,
)


SHOP = DatabaseOptions(name="shop", user="shop")


@contextlib.contextmanager
def context_for(registry: ProcessRegistry, timings: Timings = TIMINGS) -> Iterator[ClusterContext]:
    """A site with a network of its own."""
    network = Network()
    try:
        yield ClusterContext(registry, network, timings)
    finally:
        network.release()


@contextlib.contextmanager
def services_of(
    registry: ProcessRegistry, timings: Timings = TIMINGS, *, between_nodes: bool = False
) -> Iterator[ServiceContext]:
    """What services are made in, with endpoints that they announce and that a test starts.

    `between_nodes`: with edges between the nodes that can be broken, which a test starts, too.
    """
    with context_for(registry, timings) as context:
        endpoints = Endpoints(context)
        edges = Edges(registry, context.network, between_nodes=between_nodes)
        yield ServiceContext(context, endpoints, edges)
        endpoints.stop()
        edges.stop()


def connect(database: MultiAzDatabase, timeout_s: float = 2.0) -> PostgresConnection:
    """A session of the application's user, through the endpoint."""
    address = database._endpoints.address("database")
    return PostgresConnection(address, user="shop", database="shop", timeout_s=timeout_s)


class Writer:
    """Inserts 1, 2, 3… each in a transaction of its own, and remembers which were acknowledged."""

    def __init__(self, database: MultiAzDatabase) -> None:
        self.acknowledged: list[int] = []
        self.failures = 0
        self.hung = False
        self._database, self._stop = database, threading.Event()
        with connect(database) as session:
            session.query("CREATE TABLE IF NOT EXISTS written (i integer PRIMARY KEY)")
        self._thread = threading.Thread(target=self._write, daemon=True)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def kept(self) -> set[int]:
        """What is in the table now."""
        with connect(self._database) as session:
            return {int(str(row[0])) for row in session.query("SELECT i FROM written")}

    def _write(self) -> None:
        i, session = 0, None
        while not self._stop.is_set():
            i += 1
            time.sleep(0.002)  # a busy client, not a busy loop
            try:
                session = session or connect(self._database, timeout_s=10.0)
                session.query(f"INSERT INTO written VALUES ({i})")
            except (OSError, PostgresError) as error:
                self.hung = self.hung or isinstance(error, TimeoutError)
                if session:
                    session.close()
                session = None
                self.failures += 1
            else:
                self.acknowledged.append(i)
        if session:
            session.close()
