from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from statedrill.cluster.context import ClusterContext
from statedrill.cluster.routing.endpoints import Endpoint, Endpoints
from statedrill.errors import ClusterError
from statedrill.processes.registry import ProcessRegistry
from tests.cluster.support import context_for
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster


class Greeter:
    """Listens, greets every connection with its name and keeps it open."""

    def __init__(self, host: str, name: str) -> None:
        self._name, self._open = name.encode(), [socket.create_server((host, 0))]
        self.address: tuple[str, int] = self._open[0].getsockname()
        threading.Thread(target=self._greet, daemon=True).start()

    def close(self) -> None:
        self._open[0].shutdown(socket.SHUT_RDWR)
        for each in self._open:
            each.close()

    def _greet(self) -> None:
        while True:
            try:
                connection, _ = self._open[0].accept()
            except OSError:
                return
            self._open.append(connection)
            connection.sendall(self._name)


@pytest.fixture
def context(registry: ProcessRegistry) -> Iterator[ClusterContext]:
    with context_for(registry) as made:
        yield made


@pytest.fixture
def endpoints(context: ClusterContext) -> Iterator[Endpoints]:
    made = Endpoints(context)
    made.announce(Endpoint("database", 54, 5432))
    made.announce(Endpoint("cache", 63, 6379))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def pair(context: ClusterContext) -> Iterator[tuple[Greeter, Greeter]]:
    both = (
        Greeter(context.network.zone_address("a"), "a"),
        Greeter(context.network.zone_address("b"), "b"),
    )
    yield both
    for each in both:
        each.close()


def greeting(endpoints: Endpoints, service: str = "cache") -> bytes:
    with socket.create_connection(endpoints.address(service), 5) as connection:
        connection.settimeout(5)
        return connection.recv(10)


def test_an_endpoint_without_a_target_closes_connections_at_once(endpoints: Endpoints) -> None:
    assert greeting(endpoints) == b""
    assert endpoints.target("cache") is None


def test_an_endpoint_leads_where_it_is_pointed(
    endpoints: Endpoints, pair: tuple[Greeter, Greeter]
) -> None:
    endpoints.point("cache", *pair[0].address)
    assert greeting(endpoints) == b"a"
    endpoints.point("cache", *pair[1].address)
    assert greeting(endpoints) == b"b"


def test_moving_an_endpoint_drops_the_old_connections(
    endpoints: Endpoints, pair: tuple[Greeter, Greeter]
) -> None:
    endpoints.point("cache", *pair[0].address)
    with socket.create_connection(endpoints.address("cache"), 5) as old:
        old.settimeout(5)
        assert old.recv(10) == b"a"
        endpoints.point("cache", *pair[1].address)
        assert old.recv(10) == b""


def test_an_unplugged_endpoint_closes_old_and_new_connections(
    endpoints: Endpoints, pair: tuple[Greeter, Greeter]
) -> None:
    endpoints.point("cache", *pair[0].address)
    with socket.create_connection(endpoints.address("cache"), 5) as old:
        old.settimeout(5)
        assert old.recv(10) == b"a"
        endpoints.disconnect("cache")
        assert old.recv(10) == b""
    assert greeting(endpoints) == b""


def test_the_endpoints_of_two_services_move_apart(
    endpoints: Endpoints, pair: tuple[Greeter, Greeter]
) -> None:
    endpoints.point("cache", *pair[0].address)
    endpoints.point("database", *pair[1].address)
    endpoints.disconnect("cache")
    assert greeting(endpoints, "cache") == b""
    assert greeting(endpoints, "database") == b"b"


def test_healed_endpoints_lead_where_they_led(
    endpoints: Endpoints, pair: tuple[Greeter, Greeter], registry: ProcessRegistry
) -> None:
    endpoints.point("cache", *pair[0].address)
    registry.alive("region")[0].kill()
    wait_until(lambda: not endpoints.is_healthy())
    endpoints.restore()
    assert endpoints.is_healthy()
    assert greeting(endpoints) == b"a"


def test_an_endpoint_moved_while_nobody_listens_leads_there_once_healed(
    endpoints: Endpoints, pair: tuple[Greeter, Greeter], registry: ProcessRegistry
) -> None:
    endpoints.point("cache", *pair[0].address)
    registry.alive("region")[0].kill()
    wait_until(lambda: not endpoints.is_healthy())
    endpoints.point("cache", *pair[1].address)
    endpoints.restore()
    assert greeting(endpoints) == b"b"


def test_an_address_in_use_is_named(context: ClusterContext) -> None:
    endpoints = Endpoints(context)
    endpoints.announce(Endpoint("cache", 63, 6379))
    host, port = endpoints.address("cache")
    with (
        socket.create_server((host, port)),
        pytest.raises(ClusterError, match=f"{host} port {port} is in use"),
    ):
        endpoints.start()


def test_without_any_endpoint_nothing_is_started(
    context: ClusterContext, registry: ProcessRegistry
) -> None:
    endpoints = Endpoints(context)
    endpoints.start()
    assert endpoints.is_healthy()
    assert registry.alive() == []
    endpoints.stop()
