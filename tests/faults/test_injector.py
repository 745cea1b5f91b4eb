"""The life of a fault: begin, proof, end; undone in reverse order, by hand, or left behind."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from statedrill import faults
from statedrill.errors import ClusterError, ControlError
from statedrill.faults.flush_cache import FlushCache
from statedrill.faults.injector import FaultInjector
from statedrill.faults.ledger import FaultLedger, read_ledger
from statedrill.faults.stop_zone import StopZone
from statedrill.faults.terminate_instances import TerminateInstances
from statedrill.vocabulary import Equipment
from tests.faults.fake_target import FakeTarget
from tests.faults.toy_fault import Toy
from tests.support.events import Events
from tests.support.waiting import wait_until


def soon() -> float:
    return time.monotonic() + 5.0


def test_a_fault_begins_is_proved_and_ends_when_the_target_is_healthy(
    injector: FaultInjector, target: FakeTarget, events: Events
) -> None:
    answer = injector.inject(TerminateInstances, {})
    assert (answer["fault"], answer["targets"], answer["proved"]) == ("f1", ["i-0"], True)
    begin = events.of("fault-begin")[0]
    assert begin["phrase"] == "one instance was killed"
    assert (begin["name"], begin["domain"]) == ("terminate_instances", "instance")
    assert not events.of("fault-end")
    target.restore()
    wait_until(lambda: events.of("fault-end", fault="f1", how="by itself"))
    story = [e["event"] for e in events.seen if e.get("fault") == "f1"]
    assert story == ["fault-begin", "fault-proof", "fault-end"]
    assert injector.open() == []


def test_every_fault_and_every_end_by_hand_has_an_action(
    injector: FaultInjector, toy: type[Toy]
) -> None:
    actions = set(injector.actions())
    assert {"ec2/stop-zone", "ec2/start-zone", "toy/make-file", "toy/remove-file"} <= actions
    assert actions == {
        each for kind in faults.FAULTS for each in (kind.action, kind.end_action) if each
    }


def test_what_the_pattern_lacks_is_refused_and_nothing_begins(
    events: Events, tmp_path: Path
) -> None:
    injector = FaultInjector(FakeTarget(has_cache=False), events, FaultLedger(tmp_path))
    with pytest.raises(ControlError, match="nothing to break: pattern tiny has no cache"):
        injector.inject(FlushCache, {})
    assert events.seen == []
    assert read_ledger(tmp_path) == []


def test_wrong_arguments_are_refused_and_nothing_begins(
    injector: FaultInjector, events: Events
) -> None:
    for given in ({"Zone": "d"}, {"Zone": 1}, {"Zones": "a"}, {}):
        with pytest.raises(ControlError):
            injector.inject(StopZone, given)
    assert events.seen == []
    assert injector.inject(StopZone, {"Zone": "a"})["fault"] == "f1"


def test_an_injection_that_fails_or_crashes_is_not_proved_and_says_why(
    injector: FaultInjector, target: FakeTarget, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    target.cache.answers = False
    assert injector.inject(FlushCache, {})["proof"] == "not injected: cache-1 does not answer"

    def crash(self: FlushCache) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(FlushCache, "inject", crash)
    assert injector.inject(FlushCache, {})["proved"] is False
    assert "ZeroDivisionError('oops')" in events.of("fault-proof", fault="f2")[0]["proof"]


def test_restoring_undoes_every_open_fault_the_newest_first(
    injector: FaultInjector,
    toy: type[Toy],
    events: Events,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    undone: list[str] = []
    undo = Toy.undo

    def note(self: Toy) -> None:
        undone.append(self.path.name)
        undo(self)

    monkeypatch.setattr(Toy, "undo", note)
    for name in ("one", "two"):
        injector.inject(toy, {"Path": str(tmp_path / name)})
    injector.inject(StopZone, {"Zone": "a"})
    assert injector.restore(soon()) == ["f1", "f2", "f3"]
    assert undone == ["two", "one"]
    assert {e["how"] for e in events.of("fault-end")} == {"healed"}
    assert injector.restore(soon()) == []
    assert undone == ["two", "one"]


def test_a_fault_that_cannot_be_undone_does_not_keep_the_others_open(
    injector: FaultInjector, toy: type[Toy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, free = tmp_path / "stuck", tmp_path / "free"
    for path in (free, stuck):
        injector.inject(toy, {"Path": str(path)})

    def undo(self: Toy) -> None:
        if self.path == stuck:
            raise PermissionError("not permitted")
        self.path.unlink()

    with monkeypatch.context() as patch:
        patch.setattr(Toy, "undo", undo)
        with pytest.raises(ClusterError, match="toy could not be undone: not permitted"):
            injector.restore(soon())
    assert not free.exists()
    assert injector.restore(soon())[-1] == "f2"
    assert not stuck.exists()


def test_a_target_that_does_not_get_healthy_says_what_is_missing(
    injector: FaultInjector, target: FakeTarget
) -> None:
    injector.inject(TerminateInstances, {})
    target.restores = False
    with pytest.raises(ClusterError, match="instance-i-0"):
        injector.restore(soon())


def test_a_fault_that_is_undone_and_not_over_all_the_same_is_named(
    injector: FaultInjector, toy: type[Toy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("statedrill.faults.injector._END_S", 0.3)
    monkeypatch.setattr(Toy, "is_over", lambda self: self.path.name != "one")
    for name in ("one", "two"):
        injector.inject(toy, {"Path": str(tmp_path / name)})
    with pytest.raises(ClusterError, match=r"not over all the same: toy \(f1\)$"):
        injector.restore(time.monotonic())


def test_an_end_by_hand_undoes_what_its_arguments_name(
    injector: FaultInjector, target: FakeTarget, events: Events
) -> None:
    for zone in ("a", "b"):
        injector.inject(StopZone, {"Zone": zone})
    answer = injector.end(StopZone, {"Zone": "us-east-1a"})
    assert answer == {"zone": "us-east-1a", "ended": ["f1"]}
    assert target.zones_down == {"b"}
    assert injector.end(StopZone, {"Zone": "a"})["ended"] == ["f1"]  # it is not over yet
    target.start_zone("b")
    target.restore()
    wait_until(lambda: events.of("fault-end", fault="f1", how="rollback"))
    wait_until(lambda: events.of("fault-end", fault="f2", how="by itself"))
    assert injector.end(StopZone, {"Zone": "a"})["ended"] == []
    with pytest.raises(ControlError, match="no zone 'd'"):
        injector.end(StopZone, {"Zone": "d"})


def test_closing_undoes_what_outlives_the_target_and_nothing_else(
    target: FakeTarget, toy: type[Toy], events: Events, tmp_path: Path
) -> None:
    injector = FaultInjector(target, events, FaultLedger(tmp_path))
    injector.start()
    made = tmp_path / "made"
    injector.inject(toy, {"Path": str(made)})
    injector.inject(StopZone, {"Zone": "a"})
    injector.close()
    injector.close()
    assert not made.exists()
    assert target.zones_down == {"a"}
    assert read_ledger(tmp_path) == []
    assert not events.of("fault-end")


def test_a_fault_whose_equipment_the_target_lacks_is_refused_and_nothing_begins(
    target: FakeTarget,
    toy: type[Toy],
    events: Events,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    injector = FaultInjector(target, events, FaultLedger(tmp_path))
    path = {"Path": str(tmp_path / "made")}
    monkeypatch.setattr(toy, "equipment", frozenset({Equipment.ZONE_LINKS}))
    assert faults.equipment(["another.function", toy.client]) == {Equipment.ZONE_LINKS}
    with pytest.raises(ControlError, match=r"needs zone links, which this target lacks"):
        injector.inject(toy, path)
    assert events.seen == []
    target.equipment = frozenset({Equipment.ZONE_LINKS})
    assert injector.inject(toy, path)["proved"]
