from __future__ import annotations

import socket

import pytest

from statedrill.cluster.network.addresses import accepts
from statedrill.cluster.network.silent_address import SilentAddress


def free_address() -> tuple[str, int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host, port = probe.getsockname()
        return host, port


def test_a_silent_address_neither_accepts_nor_refuses_until_it_is_given_back() -> None:
    address = free_address()
    silent = SilentAddress(*address)
    with pytest.raises(TimeoutError):
        socket.create_connection(address, 0.1)
    silent.close()
    silent.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, 5)


def test_an_address_where_somebody_listens_cannot_be_silenced() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with pytest.raises(OSError, match="in use"):
            SilentAddress(*server.getsockname())
        assert accepts(*server.getsockname())
