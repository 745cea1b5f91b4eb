"""Edges of a cluster, direct and through its hop."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from statedrill.cluster.network.addresses import Network
from statedrill.cluster.network.edge import Edge
from statedrill.cluster.network.edges import Edges
from statedrill.cluster.network.impairments import NONE, Impairment
from statedrill.errors import ClusterError
from statedrill.processes.registry import ProcessRegistry
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster

Address = tuple[str, int]
SLOW, CUT = Impairment(0.05), Impairment(cut=True)


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            while data := self.request.recv(65536):
                self.request.sendall(data)


@pytest.fixture
def network() -> Iterator[Network]:
    made = Network()
    yield made
    made.release()


@pytest.fixture
def service(network: Network) -> Iterator[Address]:
    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = daemon_threads = True

    address = network.regional_address(54), network.port(5432)
    with Server(address, Echo) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield address
        server.shutdown()


@pytest.fixture
def edges(registry: ProcessRegistry, network: Network, service: Address) -> Iterator[Edges]:
    made = Edges(registry, network, latency_s=0.0)
    made.announce("database", service, 54)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def primary_in() -> dict[str, str]:
    """The zone that each service is served from."""
    return {"database": "a"}


@pytest.fixture
def breakable(
    registry: ProcessRegistry, network: Network, service: Address, primary_in: dict[str, str]
) -> Iterator[Edges]:
    """A database and a service of the region, with a hop wherever there can be one."""
    made = Edges(
        registry, network, 0.0, to_instances=True, between_nodes=True, zone_of=primary_in.get
    )
    made.announce("database", service, 54)
    made.announce("aws", service, 70)
    made.start()
    yield made
    made.stop()


def slow_ones(edges: Edges) -> set[str]:
    """The edges over which a round trip takes the delay of SLOW twice, whenever it is tried."""

    def is_slow(edge: Edge) -> bool:
        return all(edge.round_trip_s(5.0) >= 0.099 for _ in range(5))  # a busy machine is slow, too

    return {edge.name for edge in edges.all() if is_slow(edge)}


def echo(address: Address, words: bytes = b"hello", timeout_s: float = 5.0) -> bytes:
    with socket.create_connection(address, timeout_s) as client:
        client.sendall(words)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65536), b""))


def test_without_a_hop_every_zone_is_told_the_services_own_address(
    registry: ProcessRegistry, network: Network, service: Address
) -> None:
    edges = Edges(registry, network)
    edges.announce("database", service, 54)
    edges.start()
    assert {edge.address for edge in edges.all()} == {service}
    assert edges.edge("a", "database").is_direct
    assert edges.is_healthy()
    assert registry.alive() == []
    with pytest.raises(ClusterError, match=r"edge a/database is direct.*\n.*latency_ms"):
        edges.edge("a", "database").cut()
    edges.restore()
    edges.stop()


def test_with_a_hop_every_zone_has_an_address_of_its_own_that_leads_there(
    edges: Edges, network: Network
) -> None:
    addresses = [edge.address for edge in edges.all()]
    assert addresses == [(f"127.{network.n}.{zone}.54", network.port(5432)) for zone in (1, 2, 3)]
    assert [echo(address) for address in addresses] == [b"hello"] * 3


def test_one_zone_loses_its_way_and_the_others_do_not(edges: Edges) -> None:
    lost, kept = edges.edge("b", "database"), edges.edge("a", "database")
    lost.cut()
    with pytest.raises(TimeoutError):
        echo(lost.address, timeout_s=0.3)
    assert echo(kept.address) == b"hello"
    assert lost.describe()["up_lost_bytes"] == 5
    lost.restore()
    assert echo(lost.address) == b"hello"


def test_an_edge_refuses_slows_and_limits(edges: Edges) -> None:
    edge = edges.edge("c", "database")
    edge.refuse()
    with pytest.raises(ConnectionRefusedError):
        echo(edge.address)
    edge.restore()
    edge.delay(0.1, jitter_s=0.01)
    begin = time.monotonic()
    assert echo(edge.address) == b"hello"
    assert time.monotonic() - begin >= 0.199
    edge.restore()
    edge.limit("down", 2)
    with pytest.raises(ConnectionResetError):
        echo(edge.address)


def test_the_latency_of_the_pattern_is_there_again_after_a_restore(
    registry: ProcessRegistry, network: Network, service: Address
) -> None:
    edges = Edges(registry, network, latency_s=0.05)
    edges.announce("database", service, 54)
    edges.start()
    edge = edges.edge("a", "database")
    edge.delay(0.0)
    edges.restore()
    assert edge.describe()["delay_s"] == 0.05
    edges.stop()


def test_the_wires_of_a_dead_zone_are_reset(edges: Edges) -> None:
    connections = {
        zone: socket.create_connection(edges.edge(zone, "database").address, 5) for zone in "ab"
    }
    for client in connections.values():
        client.sendall(b"x")
        assert client.recv(1) == b"x"
    edges.zone_down("a")
    with pytest.raises(ConnectionResetError):
        connections["a"].recv(1)
    connections["b"].sendall(b"y")
    assert connections["b"].recv(1) == b"y"
    for client in connections.values():
        client.close()


def test_a_hop_that_died_is_missed_and_brought_back(
    edges: Edges, registry: ProcessRegistry
) -> None:
    edges.edge("a", "database").cut()
    (hop,) = registry.alive()
    os.kill(hop.pid, signal.SIGKILL)
    wait_until(lambda: not edges.is_healthy())
    with pytest.raises(ClusterError, match="the hop does not answer"):
        edges.edge("a", "database").describe()
    edges.restore()
    assert edges.is_healthy()
    assert echo(edges.edge("a", "database").address) == b"hello"


def test_an_address_in_use_is_named(
    registry: ProcessRegistry, network: Network, service: Address
) -> None:
    edges = Edges(registry, network, latency_s=0.0)
    edges.announce("database", service, 54)
    with (
        socket.create_server(edges.edge("a", "database").address),
        pytest.raises(ClusterError, match=r"the hop refused to open .*in use"),
    ):
        edges.start()
    edges.stop()


def test_a_zone_is_slow_for_whatever_crosses_its_border(breakable: Edges) -> None:
    breakable.impair_zone("a", SLOW)
    assert slow_ones(breakable) == {"b/database", "c/database", "a/aws"}
    assert {edge.name for edge in breakable.across("a")} == slow_ones(breakable)
    assert breakable.missing() == ["the network of zone a is slow"]
    breakable.impair_zone("a", NONE)
    assert slow_ones(breakable) == set()
    assert breakable.is_healthy()


def test_a_primary_that_moves_takes_the_border_with_it(
    breakable: Edges, primary_in: dict[str, str]
) -> None:
    breakable.impair_zone("a", SLOW)
    primary_in["database"] = "b"
    breakable.reconsider()
    assert slow_ones(breakable) == {"a/database", "a/aws"}


def test_a_zone_that_is_cut_off_answers_nobody_until_it_is_connected_again(
    breakable: Edges, service: Address
) -> None:
    inside = breakable.to_instance("i-1", "c", service, lambda: True)
    assert echo(inside) == b"hello"
    breakable.impair_zone("c", CUT)
    assert len(breakable.across("c")) == 3
    for edge in breakable.across("c"):
        with pytest.raises(TimeoutError):
            edge.round_trip_s(0.2)
    assert echo(breakable.edge("a", "database").address) == b"hello"
    assert breakable.missing() == ["zone c is cut off"]
    breakable.restore()
    assert breakable.is_healthy()
    assert echo(inside) == echo(breakable.edge("c", "database").address) == b"hello"


def test_a_hop_that_is_slow_to_obey_keeps_nobody_waiting_who_only_asks(
    breakable: Edges, registry: ProcessRegistry
) -> None:
    (hop,) = registry.alive()
    os.kill(hop.pid, signal.SIGSTOP)
    change = threading.Thread(target=breakable.impair_zone, args=("a", CUT))
    change.start()
    wait_until(lambda: breakable.is_cut_off("a"))
    assert breakable.missing() == ["zone a is cut off"]
    assert len(breakable.across("a")) == 3
    assert change.is_alive()
    os.kill(hop.pid, signal.SIGCONT)
    change.join()
    with pytest.raises(TimeoutError):
        breakable.edge("a", "aws").round_trip_s(0.2)


def test_an_edge_that_is_opened_over_an_impaired_border_is_impaired_too(
    breakable: Edges, service: Address
) -> None:
    breakable.impair_zone("b", SLOW)
    host = breakable._network.zone_address("b")
    address = breakable.to_primary("cache-2/cache-1", ("b", "a"), host, service, lambda: True)
    assert address[0] == host
    assert "cache-2/cache-1" in slow_ones(breakable)
    (link,) = breakable.between_nodes("cache")
    breakable.impair(link, CUT)
    with pytest.raises(TimeoutError):
        link.round_trip_s(0.2)
    breakable.impair(link, NONE)
    assert link.round_trip_s(5.0) >= 0.099


def test_an_edge_whose_node_is_gone_is_closed_when_the_next_one_is_opened(
    breakable: Edges, service: Address
) -> None:
    hosts = [breakable._network.zone_address("b") for _ in range(2)]
    kept = [True]
    old = breakable.to_primary("db-2/db-1", ("b", "a"), hosts[0], service, lambda: kept[0])
    assert echo(old) == b"hello"
    kept[0] = False
    assert breakable.between_nodes("db") == []
    breakable.to_primary("db-3/db-1", ("b", "a"), hosts[1], service, lambda: True)
    with pytest.raises(ConnectionRefusedError):
        echo(old)


def test_instances_and_nodes_are_reached_directly_where_no_fault_needs_a_hop(
    edges: Edges, service: Address
) -> None:
    assert edges.to_instance("i-1", "c", service, lambda: True) == service
    assert edges.to_primary("x-2/x-1", ("b", "a"), "127.0.0.9", service, lambda: True) == service
