from __future__ import annotations

import fcntl
import random
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from statedrill.cluster.network import addresses
from statedrill.cluster.network.addresses import (
    Network,
    accepts,
    require_free,
)
from statedrill.errors import ClusterError
from statedrill.processes.file_lock import drop_unused_networks


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    made = Network(tmp_path)
    yield made
    made.release()


def test_two_networks_never_collide(tmp_path: Path) -> None:
    networks = [Network(tmp_path) for _ in range(20)]
    assert len({network.n for network in networks}) == 20
    for network in networks:
        network.release()


def test_a_network_that_was_released_can_be_taken_again(tmp_path: Path) -> None:
    for _ in range(300):
        Network(tmp_path).release()


def test_a_released_network_leaves_no_lock_file(tmp_path: Path) -> None:
    released, held = Network(tmp_path), Network(tmp_path)
    released.release()
    released.release()
    assert [path.name for path in tmp_path.iterdir()] == [f"network-{held.n}.lock"]
    held.release()
    assert not list(tmp_path.iterdir())


def test_only_lock_files_that_nobody_holds_are_dropped(tmp_path: Path, network: Network) -> None:
    (tmp_path / f"network-{network.n % 254 + 1}.lock").touch()
    drop_unused_networks(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [f"network-{network.n}.lock"]


def test_a_lock_file_that_goes_away_while_it_is_reached_for_gives_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "sample", lambda among, count: [7, 8])
    first, lock = Network(tmp_path), fcntl.flock
    taken = []

    def late(fd: int, how: int) -> None:
        """Between opening the file and locking it, its owner goes and another one takes 7."""
        monkeypatch.setattr(fcntl, "flock", lock)
        first.release()
        taken.append(Network(tmp_path))
        lock(fd, how)

    monkeypatch.setattr(fcntl, "flock", late)
    second = Network(tmp_path)
    assert [taken[0].n, second.n] == [7, 8]
    for each in (taken[0], second):
        each.release()


def test_no_network_is_held_twice_however_starts_ends_and_clean_ups_meet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "sample", lambda among, count: [7, 8, 9, 10])
    held: set[int] = set()
    twice = []

    def start_and_end() -> None:
        for _ in range(100):
            drop_unused_networks(tmp_path)
            try:
                network = Network(tmp_path)
            except ClusterError:
                continue  # a clean-up holds a lock for a moment
            if network.n in held:
                twice.append(network.n)
            held.add(network.n)
            drop_unused_networks(tmp_path)
            held.discard(network.n)
            network.release()

    threads = [threading.Thread(target=start_and_end) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not twice


def test_addresses_read_like_a_vpc_and_are_never_given_twice(network: Network) -> None:
    n = network.n
    assert network.cidr == f"127.{n}.0.0/16"
    assert network.regional_address(80) == f"127.{n}.0.80"
    assert [network.zone_address(zone) for zone in "aabc"] == [
        f"127.{n}.1.10",
        f"127.{n}.1.11",
        f"127.{n}.2.10",
        f"127.{n}.3.10",
    ]
    assert network.zone_address("a", 12) == f"127.{n}.1.12"
    assert network.zone_address("a") == f"127.{n}.1.13"
    with pytest.raises(ClusterError, match="zone a has no address left"):
        network.zone_address("a", 12)


def test_services_have_their_usual_ports(network: Network) -> None:
    assert [network.port(port) for port in (8080, 5432, 6379)] == [8080, 5432, 6379]


def test_a_port_held_on_all_addresses_gets_one_substitute(network: Network) -> None:
    with socket.socket() as squatter:
        squatter.bind(("0.0.0.0", 0))
        squatter.listen()
        taken = squatter.getsockname()[1] % 10_000 + 10_000
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("0.0.0.0", taken))
        squatter.listen()
        assert network.port(taken) == taken + 10_000
        assert network.port(taken) == taken + 10_000


def test_a_port_in_use_is_named_with_its_cure(network: Network) -> None:
    host = network.regional_address(9)
    with socket.socket() as holder:
        holder.bind((host, 0))
        holder.listen()
        port = holder.getsockname()[1]
        assert accepts(host, port)
        with pytest.raises(ClusterError, match=rf"{host} port {port} is in use\n.*ss -ltnp"):
            require_free(host, port)
    assert not accepts(host, port)
    require_free(host, port)


def test_where_only_one_address_answers_every_port_is_a_free_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "_binds", lambda host, port: host == "127.0.0.1")
    network = Network(tmp_path)
    assert network.cidr == "127.0.0.1/32"
    assert network.zone_address("a") == network.regional_address(80) == "127.0.0.1"
    assert len({network.port(8080) for _ in range(20)}) == 20
