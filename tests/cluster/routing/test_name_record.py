"""A name follows its nodes after a delay."""

from __future__ import annotations

from pathlib import Path

import pytest

from statedrill.cluster.routing.name_record import Address, NameRecord, NodeRecord, resolved
from tests.support.waiting import wait_until

A, B = ("127.9.1.80", 8080), ("127.9.2.80", 8080)
NAME = ("127.9.0.80", 8080)


@pytest.mark.parametrize(
    ("alive", "announced", "now_s", "expected"),
    [
        (False, True, 101.9, True),  # a dead one is still found
        (False, True, 102.0, False),
        (True, True, 101.0, True),  # it was dead for a moment only
        (True, False, 101.9, False),  # one that is back is not found yet
        (True, False, 102.0, True),
    ],
)
def test_a_state_that_lasted_for_the_delay_is_in_the_name(
    alive: bool, announced: bool, now_s: float, expected: bool
) -> None:
    record = NodeRecord(A, alive, since_s=100.0, announced=announced)
    assert record.followed(now_s, delay_s=2.0).announced is expected


def test_a_name_without_any_node_alive_keeps_all_addresses() -> None:
    def addresses(*announced: bool) -> list[Address]:
        pairs = zip((A, B), announced, strict=True)
        return resolved([NodeRecord(address, announced=shown) for address, shown in pairs])

    assert addresses(True, False) == [A]
    assert addresses(False, False) == [A, B]


def test_the_file_says_what_the_name_resolves_to(tmp_path: Path) -> None:
    record = NameRecord(tmp_path / "names", NAME, [A, B], delay_s=0.05)
    record.open()
    both = record.path.read_text()
    assert both == "127.9.1.80:8080 127.9.0.80:8080\n127.9.2.80:8080 127.9.0.80:8080\n"
    record.set_alive(A, False)
    wait_until(lambda: record.path.read_text() == "127.9.2.80:8080 127.9.0.80:8080\n")
    assert record.addresses() == [B]
    record.set_alive(A, True)
    wait_until(lambda: record.path.read_text() == both)


def test_a_record_that_was_closed_writes_no_more(tmp_path: Path) -> None:
    record = NameRecord(tmp_path / "gone" / "names", NAME, [A, B], delay_s=0.0)
    record.close()
    record.open()
    assert not record.path.parent.exists()
