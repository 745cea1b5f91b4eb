from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from statedrill.errors import ControlError
from statedrill.faults import shift_clocks
from statedrill.faults.shift_clocks import Arguments, ShiftClocks
from statedrill.vocabulary import Equipment
from tests.faults.fake_target import FakeInstance, FakeTarget, assert_nothing_is_left

HOUR = 3600


@pytest.fixture
def instance(target: FakeTarget) -> Iterator[FakeInstance]:
    """The first instance, which answers with the time of its own clock."""
    (first, *_) = target.instances

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(200)
            self.send_header("Date", formatdate(time.time() + first.clock.seconds, usegmt=True))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    first.address, first.port = "127.0.0.1", server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield first
    server.shutdown()
    thread.join()
    server.server_close()


def test_nothing_of_it_is_left_when_it_was_undone(
    target: FakeTarget, instance: FakeInstance
) -> None:
    assert ShiftClocks.equipment == {Equipment.CLOCKS}
    assert_nothing_is_left(target, ShiftClocks(target, Arguments(HOUR)))


@pytest.mark.parametrize(("seconds", "way"), [(HOUR, "ahead"), (-HOUR, "behind")])
def test_the_instance_itself_says_what_time_it_is(
    target: FakeTarget, instance: FakeInstance, seconds: int, way: str
) -> None:
    fault = ShiftClocks(target, Arguments(seconds))
    assert fault.phrase == f"clocks of instances were 3,600 s {way}"
    fault.inject()
    proof = fault.prove()
    assert proof.proved
    assert proof.sentence.startswith("i-0 is ")
    assert not fault.is_over()
    fault.undo()
    assert fault.is_over()


def test_an_instance_that_tells_no_time_proves_nothing(
    target: FakeTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shift_clocks, "_PROOF_S", 0.05)
    fault = ShiftClocks(target, Arguments(HOUR, instance_ids=("i-1",)))
    fault.inject()
    assert fault.prove() == (False, "i-1 tells no time")


def test_it_is_over_for_an_instance_that_is_dead(target: FakeTarget) -> None:
    fault = ShiftClocks(target, Arguments(HOUR, instance_ids=("i-1",)))
    fault.inject()
    target.kill_instances(["i-1"])
    assert fault.is_over()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (Arguments(1), "Seconds is 1"),
        (Arguments(HOUR, count=0), "Count is 0"),
        (Arguments(HOUR, ("i-9",)), "not in service: i-9"),
    ],
)
def test_what_cannot_be_seen_or_is_not_there_is_refused(
    target: FakeTarget, arguments: Arguments, why: str
) -> None:
    with pytest.raises(ControlError, match=why):
        ShiftClocks(target, arguments)
    target.kill_instances(["i-0", "i-1", "i-2"])
    with pytest.raises(ControlError, match="no instance is in service"):
        ShiftClocks(target, Arguments(HOUR))
