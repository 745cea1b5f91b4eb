from __future__ import annotations

import threading
from typing import cast

import pytest

from statedrill.cluster.services.postgres import connection_storm
from statedrill.cluster.services.postgres.client import PostgresConnection
from statedrill.cluster.services.postgres.connection_storm import ConnectionStorm
from tests.support.waiting import wait_until


class Connection:
    def __init__(self) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False


def test_a_connection_that_is_established_after_the_end_is_hung_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection_storm, "_STOPPED_S", 0.0)
    made: list[Connection] = []
    third_is_awaited, third_may_come = threading.Event(), threading.Event()

    def connect() -> PostgresConnection:
        if len(made) == 2:
            third_is_awaited.set()
            third_may_come.wait()
        made.append(Connection())
        return cast(PostgresConnection, made[-1])

    storm = ConnectionStorm(connect)
    storm.start()
    third_is_awaited.wait()
    storm.stop()
    assert [each.is_open for each in made] == [False, False]
    third_may_come.set()
    wait_until(lambda: len(made) == 3 and not made[2].is_open)
    assert storm.held == 0
