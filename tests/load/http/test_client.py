from __future__ import annotations

import contextlib
import datetime
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from statedrill.cluster.network.silent_address import SilentAddress
from statedrill.errors import InputError
from statedrill.load.http import client as client_module
from statedrill.load.http.client import HttpClient, target
from statedrill.load.http.name_resolution import NameResolution
from statedrill.load.http.response import MAX_RESPONSE_BYTES
from tests.load.stub import Handler, Request, Stub, response, serving

HELLO = response({"hello": 1})
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def ask(stub: Stub, **options: Any) -> HttpClient:
    """A client after one GET."""
    client = HttpClient(stub.address, **options)
    client.exchange(b"GET /", b"")
    return client


@contextlib.contextmanager
def silent() -> Iterator[tuple[str, int]]:
    """An address where nobody answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address: tuple[str, int] = free.getsockname()
    held = SilentAddress(*address)
    try:
        yield address
    finally:
        held.close()


def names_in(file: Path, *addresses: tuple[str, int]) -> Path:
    """A file that says that 127.0.0.9:80 resolves to these."""
    file.write_text("".join(f"{host}:{port} 127.0.0.9:80\n" for host, port in addresses))
    return file


def always(raw: bytes, close: bool = False) -> Handler:
    def handler(request: Request, sock: Any) -> bytes | None:
        sock.sendall(raw)
        if close:
            sock.shutdown(socket.SHUT_RDWR)
        return None

    return handler


def test_a_request_is_sent_once_and_its_answer_is_whole() -> None:
    with serving(always(HELLO)) as stub:
        client = ask(stub)
        assert (client.response.status, client.response.body) == (200, b'{"hello": 1}')
        assert client.error == ""
        assert client.sent
        assert client.call < client.ret
        assert stub.requests[0].headers["host"] == stub.address.removeprefix("http://")


def test_a_connection_serves_many_requests() -> None:
    with serving(always(HELLO)) as stub:
        client = ask(stub)
        for _ in range(5):
            client.exchange(b"GET /again", b"")
        assert len(stub.requests) == 6
        assert stub.connections == client.connected == 1


def test_per_request_every_request_has_its_own_connection() -> None:
    with serving(always(HELLO)) as stub:
        client = ask(stub, connections="request")
        client.exchange(b"GET /", b"")
        assert stub.connections == 2
        assert stub.requests[0].headers["connection"] == "close"


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (CHUNKED + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"abcde"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    ],
    ids=["chunked", "after an interim response", "without a body"],
)  # fmt: skip
def test_an_answer_is_read_in_every_form(raw: bytes, body: bytes) -> None:
    with serving(always(raw)) as stub:
        client = ask(stub)
        assert client.error == ""
        assert client.response.body == body


def test_an_answer_may_end_with_its_connection() -> None:
    with serving(always(b"HTTP/1.0 200 OK\r\n\r\nall of it", close=True)) as stub:
        client = ask(stub)
        assert (client.error, client.response.status, client.response.body) == (
            "",
            200,
            b"all of it",
        )


def test_an_answer_in_small_pieces_is_whole() -> None:
    def handler(request: Request, sock: Any) -> None:
        for start in range(len(HELLO)):
            sock.sendall(HELLO[start : start + 1])
            gevent.sleep(0)

    with serving(handler) as stub:
        assert ask(stub).response.body == b'{"hello": 1}'


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"", "closed without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "closed early"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "closed early"),
        (CHUNKED + b"3\r\nab", "closed early"),
        (b"\x16\x03\x01 what is this?\r\n\r\n", "nonsense"),
        (b"HTTP/1.1 abc\r\n\r\n", "nonsense"),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "nonsense"),
    ],
    ids=["nothing", "half header", "short body", "half chunk", "no HTTP", "no status", "upgrade"],
)  # fmt: skip
def test_a_broken_answer_is_an_error_and_the_request_counts_as_sent(raw: bytes, error: str) -> None:
    with serving(always(raw, close=True)) as stub:
        client = ask(stub)
        assert client.error.startswith(error)
        assert client.response.status == 0 or "nonsense" in client.error
        assert client.sent
        assert len(stub.requests) == 1


def test_a_reset_is_an_error() -> None:
    def handler(request: Request, sock: Any) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        sock.shutdown = None
        sock.close()
        raise OSError

    with serving(handler) as stub:
        client = ask(stub)
        assert client.error in ("reset", "closed without an answer")
        assert client.sent


def test_an_endless_answer_is_cut_off() -> None:
    def handler(request: Request, sock: Any) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            sock.sendall(bytes(1 << 20))

    with serving(handler) as stub:
        client = ask(stub)
        assert client.error == "nonsense: an answer too large"
        assert len(client.response.body) < MAX_RESPONSE_BYTES + (1 << 20)


def test_a_silent_server_costs_the_time_out_and_the_next_request_a_new_connection() -> None:
    silent = [True]

    def handler(request: Request, sock: Any) -> bytes | None:
        return None if silent[0] else HELLO

    with serving(handler) as stub:
        client = ask(stub, timeout_s=0.05)
        assert client.error == "timeout"
        assert client.sent
        assert client.ret - client.call >= 50_000_000
        silent[0] = False
        client.exchange(b"GET /", b"")
        assert client.response.status == 200
        assert stub.connections == 2


def test_a_connection_closed_while_idle_is_replaced_before_a_byte_is_sent() -> None:
    def handler(request: Request, sock: Any) -> None:
        sock.sendall(HELLO)
        sock.shutdown(socket.SHUT_WR)  # without having said so

    with serving(handler) as stub:
        client = ask(stub)
        for _ in range(20):
            client.exchange(b"GET /", b"")
            assert client.error == ""
        assert len(stub.requests) == 21
        assert client.connected == 21


def test_words_that_nobody_asked_for_end_the_connection() -> None:
    with serving(always(HELLO + b"HTTP/1.1 408 Request Timeout\r\n\r\n")) as stub:
        client = ask(stub)
        assert client.response.status == 200
        client.exchange(b"GET /", b"")
        assert client.response.status == 200
        assert client.connected == 2


def test_refused_means_that_nothing_was_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        client = HttpClient(f"http://127.0.0.1:{taken.getsockname()[1]}")
        client.exchange(b"GET /", b"")
    assert (client.error, client.sent, client.response.status) == ("refused", False, 0)
    assert client.call <= client.ret


def test_a_name_that_does_not_exist_means_that_nothing_was_sent() -> None:
    client = HttpClient("http://no-such-name.invalid:1", connect_timeout_s=20)
    client.exchange(b"GET /", b"")
    assert client.error.startswith("no such name")
    assert not client.sent


def test_a_connection_that_does_not_come_about_means_that_nothing_was_sent() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(address)
            client = HttpClient(f"http://127.0.0.1:{address[1]}", connect_timeout_s=0.1)
            client.exchange(b"GET /", b"")
        finally:
            for filler in fillers:
                filler.close()
    assert client.error == "connect timeout"
    assert not client.sent


def test_the_next_address_of_a_name_is_tried_where_nobody_answers(tmp_path: Path) -> None:
    with serving(always(HELLO)) as stub, silent() as nobody, socket.socket() as refuses:
        refuses.bind(("127.0.0.1", 0))  # bound, but nobody listens
        answers = target(stub.address)[:2]
        addresses = [nobody, refuses.getsockname(), answers]
        names = NameResolution(names_in(tmp_path / "names", *addresses))
        for _ in addresses:  # each begins with another one
            client = HttpClient("http://127.0.0.9:80", names=names)
            client.exchange(b"GET /", b"")
            assert client.response.status == 200
        assert (names.failed, stub.connections) == (3, 3)
        # A silent address costs what a browser waits for it, one that refuses next to nothing.
        assert names.failed_ns > client_module.NEXT_ADDRESS_S * 0.9e9
        assert stub.requests[0].headers["host"] == "127.0.0.9"


def test_the_last_address_says_what_was_wrong(tmp_path: Path) -> None:
    with silent() as nobody, socket.socket() as refuses:
        refuses.bind(("127.0.0.1", 0))
        names = NameResolution(names_in(tmp_path / "names", refuses.getsockname(), nobody))
        client = HttpClient("http://127.0.0.9:80", names=names, connect_timeout_s=0.1)
        client.exchange(b"GET /", b"")
        assert (client.error, client.sent) == ("refused", False)


def test_a_greenlet_that_is_killed_leaves_a_closed_connection_and_a_true_sent() -> None:
    with serving(lambda request, sock: None) as stub:
        client = HttpClient(stub.address)
        user = gevent.spawn(client.exchange, b"GET /", b"")
        while not stub.requests:
            gevent.sleep(0)
        user.kill()
        assert client.sent
        assert client.ret >= client.call > 0
        stub.handler = always(HELLO)
        client.exchange(b"GET /", b"")
        assert client.response.status == 200
        assert client.connected == 2


def test_a_greenlet_that_is_killed_before_its_turn_has_sent_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client_module, "_AT_ONCE_NS", 2**63)

    def user() -> str:
        try:
            client.exchange(b"GET /never", b"")
        except gevent.GreenletExit:
            gevent.sleep(0.01)  # fails if its turn wakes it here
            return "at peace"
        return "sent"

    with serving(always(HELLO)) as stub:
        client = ask(stub)
        greenlet = gevent.spawn(user)
        # The loop's callbacks run in their order: the user's start, its end, its turn.
        gevent.get_hub().loop.run_callback(greenlet.throw, gevent.GreenletExit())
        assert greenlet.get() == "at peace"
        assert not client.sent
        assert client.ret >= client.call > 0
        client.exchange(b"GET /", b"")
        assert [request.path for request in stub.requests] == ["/", "/"]


@pytest.mark.parametrize("at_once_ns", [2**63, 0])
def test_users_that_go_on_at_once_send_together_and_others_when_they_like(
    monkeypatch: pytest.MonkeyPatch, at_once_ns: int
) -> None:
    monkeypatch.setattr(client_module, "_AT_ONCE_NS", at_once_ns)
    with serving(always(HELLO)) as stub:
        clients = [ask(stub) for _ in range(3)]
        ready_ns: list[int] = []

        def user(client: HttpClient) -> None:
            ready_ns.append(time.monotonic_ns())
            client.exchange(b"GET /", b"")

        gevent.joinall([gevent.spawn(user, client) for client in clients])
        assert all(client.response.status == 200 for client in clients)
        together = max(ready_ns) < min(client.call for client in clients)
        assert together == (at_once_ns > 0)


def test_a_large_request_is_sent_whole_and_once() -> None:
    body = bytes(range(256)) * 40_000
    with serving(always(HELLO)) as stub:
        client = HttpClient(stub.address)
        client.exchange(b"PUT /", b"Content-Length: %d\r\n" % len(body), body)
        assert client.response.status == 200
        assert stub.requests[0].body == body


def test_cookies_are_kept_and_sent_back() -> None:
    jar = response({}, headers=("Set-Cookie: sid=a1; Path=/; HttpOnly", "Set-Cookie: b=2"))
    with serving(always(jar)) as stub:
        client = ask(stub)
        client.exchange(b"GET /", b"")
        assert stub.requests[1].headers["cookie"] == "sid=a1; b=2"
        assert stub.requests[0].headers.get("cookie") is None


def test_an_address_that_is_none_is_refused_with_a_cure() -> None:
    assert target("https://[::1]/") == ("::1", 443, True)
    for wrong in ("127.0.0.1:80", "ftp://x", "http://", "http://a:b", "http://a/shop"):
        with pytest.raises(InputError, match="not the address of a host"):
            target(wrong)


def certificate(folder: Path) -> Path:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stub")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "stub.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def server_side(tmp_path: Path) -> tuple[Any, Path]:
    from gevent import ssl as green

    path = certificate(tmp_path)
    context = green.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context, path


def test_a_certificate_that_nobody_vouches_for_is_refused_before_a_byte_is_sent(
    server_side: tuple[Any, Path],
) -> None:
    with serving(always(HELLO), server_side[0]) as stub:
        client = ask(stub)
        assert client.error.startswith("tls: self-signed certificate")
        assert not client.sent
        assert stub.requests == []


def test_a_verified_server_is_spoken_to_and_its_silent_close_is_noticed(
    server_side: tuple[Any, Path],
) -> None:
    def handler(request: Request, sock: Any) -> bytes | None:
        if request.path == "/last":
            sock.sendall(HELLO)
            sock.shutdown(socket.SHUT_WR)
            return None
        return HELLO

    trusting = ssl.create_default_context(cafile=str(server_side[1]))
    with serving(handler, server_side[0]) as stub:
        client = ask(stub, context=trusting)
        assert (client.error, client.response.status) == ("", 200)
        client.exchange(b"GET /last", b"")
        assert (client.error, client.response.status) == ("", 200)
        client.exchange(b"GET /", b"")
        assert (client.error, client.response.status) == ("", 200)
        assert client.connected == 2


def test_plain_words_from_a_tls_port_are_a_tls_failure() -> None:
    def handler(request: Request, sock: Any) -> None:
        sock.close()

    with serving(handler) as stub:
        client = ask(Stub(handler, address=stub.address.replace("http:", "https:")))
        assert client.error.startswith("tls")
        assert not client.sent


def test_verification_is_on_by_default() -> None:
    context = client_module.default_context()
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
