"""What the verbs print that need no cluster."""

from __future__ import annotations

import json

import pytest

from statedrill.cli.main import main
from statedrill.errors import HELD


def test_everything_in_the_box_is_listed_with_a_description(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["list", "--json"]) == HELD
    rows = json.loads(capsys.readouterr().out)
    found = {(row["kind"], row["name"]) for row in rows}
    assert found >= {
        *(("pattern", name) for name in ("sticky", "distributed", "decoupled")),
        *(("experiment", name) for name in ("none", "instance-kill", "cache-flush", "zone-outage")),
        *(("scenario", name) for name in ("shopper", "reader")),
        ("profile", "steady"),
    }
    assert all(row["description"] for row in rows)
