"""Fixtures: the application in memory, and with every real service behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reference_app.client import Direct, running
from tests.support.aws import Region
from tests.support.services import Memcached, MiniStack, Postgres, Valkey, remove


@pytest.fixture
def memory() -> Iterator[Direct]:
    with running(SESSION_STORE="memory") as app:
        yield app


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    service = Valkey(tmp_path_factory.mktemp("valkey"))
    service.start()
    yield service
    service.kill()


@pytest.fixture(scope="module")
def memcached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Memcached]:
    cluster = Memcached(tmp_path_factory.mktemp("memcached"))
    cluster.start()
    yield cluster
    cluster.kill()


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    folder = tmp_path_factory.mktemp("postgres")
    service = Postgres(folder)
    service.start()
    yield service
    service.kill()
    remove(folder)


@pytest.fixture(scope="module")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    service = MiniStack(tmp_path_factory.mktemp("ministack"))
    service.start()
    yield service
    service.kill()


@pytest.fixture(scope="module")
def region(ministack: MiniStack) -> Iterator[Region]:
    one = Region(ministack, "shop")
    yield one
    one.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
