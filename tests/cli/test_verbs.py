"""What the verbs print that need no cluster."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from statedrill.check.checks import CHECKS
from statedrill.cli.main import main
from statedrill.cluster.services import SERVICES
from statedrill.errors import HELD
from statedrill.faults import FAULTS


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
    assert all(Path(row["path"]).is_file() for row in rows)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("service", [service.key for service in SERVICES]),
        ("fault", [fault.name for fault in FAULTS]),
        ("check", [check.name for check in CHECKS]),
    ],
)
def test_each_row_of_a_table_is_listed(
    kind: str, names: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list"]) == HELD
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines if line.startswith(f"{kind} ")] == names
