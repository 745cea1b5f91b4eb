from __future__ import annotations

import asyncio
import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from reference_app.model.model import Unavailable
from reference_app.valkey.pool import ValkeyPool


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for localhost, with its key, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(now - datetime.timedelta(days=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=1))
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    signed = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    path = tmp_path / "certificate.pem"
    path.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


async def serve_pong(certificate: Path) -> asyncio.Server:
    """A server that speaks TLS and answers PONG to every command."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while received := await reader.read(4096):
            writer.write(b"+PONG\r\n" * received.count(b"*"))  # each command begins with one
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return await asyncio.start_server(respond, "localhost", 0, ssl=context)


def call(certificate: Path, options: str) -> list[object]:
    async def whole() -> list[object]:
        server = await serve_pong(certificate)
        port = server.sockets[0].getsockname()[1]
        pool = ValkeyPool(f"rediss://localhost:{port}/0?{options}", 5, 5)
        try:
            return await pool.call(("PING",))
        finally:
            await pool.stop()
            server.close()

    return asyncio.run(whole())


def test_rediss_speaks_tls_with_a_server_whose_certificate_is_trusted(certificate: Path) -> None:
    assert call(certificate, f"ssl_ca_certs={certificate}") == [b"PONG"]


def test_rediss_refuses_a_server_whose_certificate_is_not_trusted(certificate: Path) -> None:
    with pytest.raises(Unavailable, match="the cache does not answer"):
        call(certificate, "")
