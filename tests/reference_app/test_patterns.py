from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from reference_app.stores import STORES

FOLDER = Path(__file__).resolve().parents[2] / "reference_app" / "patterns"
FILES = sorted(FOLDER.glob("*.yaml"))


def test_there_is_one_pattern_for_each_family() -> None:
    families = {read(path)["family"] for path in FILES}
    assert families == {"sticky", "distributed", "decoupled"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_pattern_is_named_after_its_file_and_uses_a_store_that_is_there(path: Path) -> None:
    pattern = read(path)
    assert pattern["name"] == path.stem
    store = pattern["application"]["env"]["SESSION_STORE"]
    assert store in STORES
    decoupled = store.startswith("decoupled")
    assert ("queue" in pattern["services"]) == decoupled == ("workers" in pattern)
    routed = pattern["load_balancer"]
    by_user = routed.get("stickiness", False) or routed.get("shards", False)
    assert by_user == (store in ("memory", "sqlite"))
    assert ("volume" in pattern["application"]) == (store == "sqlite")


def test_no_storm_of_redeliveries_makes_a_group_go_on_without_one_of_its_messages() -> None:
    for queues in (pattern["services"].get("queue", {}) for pattern in map(read, FILES)):
        for queue in queues["queues"].values() if queues.get("fifo") else ():
            assert queue["max_receive_count"] >= 200, "a storm of 4 s has seen 120 receipts"


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found
