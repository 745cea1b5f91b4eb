"""What a killed owner left broken is known from the disk, and undone from there alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from statedrill.errors import ClusterError
from statedrill.faults.injector import FaultInjector
from statedrill.faults.ledger import (
    LEDGER_FILE,
    FaultLedger,
    OpenFault,
    read_ledger,
    undo_left_behind,
)
from tests.faults.toy_fault import Toy


def test_the_newest_open_fault_comes_first_and_closed_ones_are_gone(tmp_path: Path) -> None:
    ledger = FaultLedger(tmp_path)
    assert read_ledger(tmp_path) == []
    for name in ("f1", "f2", "f3"):
        ledger.opened(OpenFault(name, "toy", {}))
    ledger.opened(OpenFault("f1", "toy", {"path": "x"}))
    ledger.closed("f2")
    assert read_ledger(tmp_path) == [
        OpenFault("f3", "toy", {}),
        OpenFault("f1", "toy", {"path": "x"}),
    ]


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    FaultLedger(tmp_path).opened(OpenFault("f1", "toy", {}))
    with (tmp_path / LEDGER_FILE).open("a") as file:
        file.write('{"fault": "f2", "na')
    assert [each.fault for each in read_ledger(tmp_path)] == ["f1"]


@pytest.mark.parametrize(
    "line",
    ["nonsense", "[]", "7", "{}", '{"fault": "f1"}', '{"fault": [], "name": "", "undo": 1}'],
)
def test_a_damaged_ledger_is_named_with_its_file(tmp_path: Path, line: str) -> None:
    (tmp_path / LEDGER_FILE).write_text(f"{line}\n")
    with pytest.raises(ClusterError, match=r"faults\.jsonl: damaged"):
        undo_left_behind(tmp_path)


def test_a_fault_is_in_the_ledger_from_before_it_begins_until_its_end(
    injector: FaultInjector, toy: type[Toy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[OpenFault]] = []
    monkeypatch.setattr(Toy, "inject", lambda self: seen.append(read_ledger(tmp_path)))
    injector.inject(toy, {"Path": str(tmp_path / "made")})
    (entries,) = seen
    assert entries == [OpenFault("f1", "toy", {"path": str(tmp_path / "made")})]


def test_faults_left_behind_are_undone_from_the_ledger_alone(
    toy: type[Toy], tmp_path: Path
) -> None:
    made = [tmp_path / name for name in ("one", "two")]
    ledger = FaultLedger(tmp_path)
    for number, path in enumerate(made):
        path.touch()
        ledger.opened(OpenFault(f"f{number}", "toy", {"path": str(path)}))
    undo_left_behind(tmp_path)
    undo_left_behind(tmp_path)
    assert not any(path.exists() for path in made)


def test_what_cannot_be_undone_is_named_and_the_rest_is_undone(
    toy: type[Toy], tmp_path: Path
) -> None:
    made = tmp_path / "made"
    made.touch()
    ledger = FaultLedger(tmp_path)
    ledger.opened(OpenFault("f1", "toy", {"path": str(made)}))
    ledger.opened(OpenFault("f2", "gone_fault", {"pid": 7}))
    with pytest.raises(ClusterError, match=r"gone_fault \{'pid': 7\}.*does not know it") as raised:
        undo_left_behind(tmp_path)
    assert str(tmp_path) in raised.value.hint
    assert not made.exists()
