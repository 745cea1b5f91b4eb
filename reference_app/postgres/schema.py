"""The tables, created by the application itself; safe when many processes start at once."""

from __future__ import annotations

import secrets
from typing import Any

LOCK = 7_021_904_415_223_001
"""Key of the advisory lock around creating the tables; an arbitrary constant."""

TABLES = """
CREATE TABLE IF NOT EXISTS users (
    name text PRIMARY KEY
);
CREATE TABLE IF NOT EXISTS objects (
    user_name text NOT NULL,
    object text NOT NULL,
    ver bigint NOT NULL,
    wid text NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (user_name, object)
);
CREATE TABLE IF NOT EXISTS applied_writes (
    user_name text NOT NULL,
    apply_id text NOT NULL,
    ver bigint NOT NULL,
    PRIMARY KEY (user_name, apply_id)
);
CREATE TABLE IF NOT EXISTS sessions (
    id text PRIMARY KEY,
    user_name text NOT NULL,
    ver bigint NOT NULL,
    wid text NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS secrets (
    name text PRIMARY KEY,
    secret text NOT NULL
);
"""
"""users: one row to lock for all changes to a user's state. objects: the state itself.
applied_writes: makes a write idempotent, and says which predecessors are applied; a row must
outlive the last redelivery of its message. sessions, secrets: for stores that sign users in here.
"""


async def prepare(connection: Any) -> None:
    """Create what is missing; waits while another process does the same."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        await connection.execute(TABLES)
        await connection.execute(
            "INSERT INTO secrets VALUES ('session', $1) ON CONFLICT DO NOTHING",
            secrets.token_hex(32),
        )


async def session_secret(connection: Any) -> bytes:
    """The secret with which every instance signs session cookies."""
    secret: str = await connection.fetchval("SELECT secret FROM secrets WHERE name = 'session'")
    return secret.encode()
