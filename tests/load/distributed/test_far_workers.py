"""Load processes that are no children of the master, as on other machines: folder and clock too."""

from __future__ import annotations

import itertools
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from statedrill.check.verdict.completeness import incompleteness
from statedrill.history.store import History
from statedrill.load.load_process import STRIDE
from tests.load.distributed.relay import Relay
from tests.support.load import BOTH, ONE_CALL, STEADY, Load
from tests.support.processes import Child
from tests.support.services import fresh_address
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster

DAY_S = 86_400
PLAIN = """
from locust import User, task

class OneCall(User):
    @task
    def nothing(self):
        pass
"""
UPLOADER = "from statedrill.load.distributed import uploader"


def master(
    load: Load,
    *options: str,
    files: Any = BOTH,
    workers: int = 1,
    spawn_rate: str = "50",
    **settings: str,
) -> Any:
    """(the master, where to meet it)."""
    address = (fresh_address(), 5557)
    meeting = ("--master-bind-host", address[0], "--master-bind-port", str(address[1]))
    child = load.locust(
        files, "--master", *meeting, "--expect-workers", str(workers), "-r", spawn_rate,
        "--stop-timeout", "5", *options, **settings,
    )  # fmt: skip
    return child, address


def spools(worker: Child) -> list[Path]:
    return list(worker.out.parent.glob("statedrill-load-*"))


def rows_of(load: Load, worker: int) -> int:
    path = load.history / f"operations-{worker}.jsonl"
    return path.read_bytes().count(b"\n[") if path.exists() else 0


@pytest.fixture
def relay() -> Iterator[Any]:
    made: list[Relay] = []

    def start(to: tuple[str, int]) -> Relay:
        made.append(Relay(to))
        return made[-1]

    yield start
    for each in made:
        each.close()


@pytest.mark.parametrize("clocks", [(0, 0), (DAY_S, 20 * DAY_S)], ids=["same clock", "own clocks"])
def test_every_record_ends_in_the_run_folder_whole_and_on_one_clock(
    load: Load, clocks: tuple[int, int]
) -> None:
    load.serve()
    child, address = master(load, "-u", "20", "-t", "3s", workers=2)
    workers = [load.far_worker(address, clock) for clock in clocks]
    begin = time.monotonic_ns()
    assert child.wait() == 0, child.text()
    end = time.monotonic_ns()
    assert [each.wait() for each in workers] == [0, 0]
    received = load.counts()["received"]
    rows = [row for number in (0, 1) for row in load.rows(number)]
    assert len(rows) == received > 200
    assert {row["session"] % STRIDE for row in rows} == {1, 2}
    for number in (0, 1):
        assert load.lines("operations", number)[-1]["end"]
        assert load.lines("operations", number)[0]["machine"]
        assert begin < min(line["t"] for line in load.lines("load", number)) < end
        assert begin < min(line["t"] for line in load.lines("sessions", number)) < end
    # Both were at work at the same time, by the master's clock: it is known to a few ms.
    assert all(begin < row["call"] < row["ret"] < end for row in rows)
    history = History.open(load.history)
    assert (history.rows, history.incomplete, incompleteness(history)) == (received, (), [])
    errors = [line["clock_error_ms"] for line in history.load if line["clock_error_ms"]]
    assert errors
    assert [spools(each) for each in workers] == [[], []]


def test_sessions_arrive_when_the_plan_says_on_every_machine(load: Load) -> None:
    load.serve()
    child, address = master(
        load, "-u", "40", "-t", "3s", "--arrival-rate", "40/s", workers=2,
        files=[load.scenario(ONE_CALL), STEADY],
    )  # fmt: skip
    for clock in (DAY_S, 0):
        load.far_worker(address, clock)
    assert child.wait() == 0, child.text()
    due = sorted(row["due"] for number in (0, 1) for row in load.rows(number))
    assert len(due) > 50
    gaps_ns = [after - before for before, after in itertools.pairwise(due)]
    worst_ms = max(line["clock_error_ms"] or 0 for n in (0, 1) for line in load.lines("load", n))
    assert max(abs(gap - 25_000_000) for gap in gaps_ns) <= 2e6 * worst_ms + 2


def test_a_machine_that_is_lost_is_named_and_keeps_what_it_had_sent(load: Load) -> None:
    load.serve()
    child, address = master(load, "-u", "20", "-t", "5s", workers=2)
    first, second = load.far_worker(address), load.far_worker(address)
    wait_until(lambda: rows_of(load, 0) > 100 and rows_of(load, 1) > 100)
    first.signal(signal.SIGKILL)
    killed = first.wait() == -signal.SIGKILL
    assert killed
    assert child.wait() == 0, child.text()
    assert second.wait() == 0
    history = History.open(load.history)
    (lost,) = history.incomplete
    name = load.lines("operations", lost)[0]["machine"]
    assert incompleteness(history) == [
        f"load process {lost} on {name} was lost: what it had in flight is not on record"
    ]
    assert f"load process {lost} on {name} was lost" in child.text()
    assert rows_of(load, lost) > 100
    # What it had recorded by then is still on its machine, and the master has its beginning.
    (spool,) = spools(first)
    kept = (spool / f"operations-{lost}.jsonl").read_bytes()
    assert kept.startswith((load.history / f"operations-{lost}.jsonl").read_bytes())


def test_a_network_that_was_cut_costs_nothing(load: Load, relay: Any) -> None:
    load.serve()
    child, address = master(load, "-u", "20", "-t", "6s")
    between = relay(address)
    worker = load.far_worker(between.address)
    wait_until(lambda: rows_of(load, 0) > 200)
    between.cut()
    # Shorter than the three seconds after which Locust gives a load process up.
    sizes = [(load.history / "operations-0.jsonl").stat().st_size]
    deadline = time.monotonic() + 1.5
    wait_until(lambda: time.monotonic() > deadline)
    between.mend()
    wait_until(lambda: (load.history / "operations-0.jsonl").stat().st_size > sizes[0])
    assert child.wait() == 0, child.text()
    assert worker.wait() == 0, worker.text()
    history = History.open(load.history)
    assert history.rows == load.counts()["received"]
    assert history.incomplete == ()
    assert spools(worker) == []


def test_what_the_master_did_not_get_stays_and_can_be_brought_later(load: Load, relay: Any) -> None:
    load.serve()
    child, address = master(load, "-u", "20", "-t", "30s")
    between = relay(address)
    worker = load.far_worker(between.address)
    wait_until(lambda: rows_of(load, 0) > 200)
    between.cut()
    child.signal(signal.SIGKILL)
    child.wait()
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0, worker.text()
    (spool,) = spools(worker)
    assert f"copy the files of {spool}" in worker.text()
    assert History.open(load.history).incomplete == (0,)
    for path in spool.iterdir():
        (load.history / path.name).write_bytes(path.read_bytes())
    for name in ("operations.parquet", "operations-0.open"):
        (load.history / name).unlink()
    history = History.open(load.history)
    assert history.incomplete == ()
    # Users are stopped in flight at the end, so that the server may not have seen their last call.
    assert abs(history.rows - load.counts()["received"]) <= 20


def test_a_worker_that_is_stopped_delivers_first(load: Load) -> None:
    load.serve()
    child, address = master(load, "-u", "21", "-t", "4s", workers=3)
    workers = [load.far_worker(address) for _ in range(3)]
    wait_until(lambda: all(rows_of(load, number) > 50 for number in range(3)))
    workers[0].signal(signal.SIGTERM)
    workers[1].signal(signal.SIGINT)
    for worker in workers:
        assert worker.wait() == 0, worker.text()
        assert spools(worker) == [], worker.text() + child.text()
    assert child.wait() == 0, child.text()
    history = History.open(load.history)
    assert (history.rows, history.incomplete) == (load.counts()["received"], ())


def test_a_test_that_ends_while_users_are_still_coming_loses_no_operation(load: Load) -> None:
    """Without a load shape Locust's master sends users until it has told everybody to quit."""
    load.serve("--service-s", "0.4")
    child, address = master(load, "-u", "200", "-t", "3s", files=BOTH[:2], spawn_rate="15")
    load.far_worker(address)
    assert child.wait() == 0, child.text()
    history = History.open(load.history)
    assert (history.rows, history.incomplete) == (load.counts()["received"], ())
    assert [line for line in load.lines("operations") if "end" in line] == [
        {"end": True, "rows": history.rows}
    ]


def test_a_message_to_stop_that_was_lost_is_sent_again(load: Load, relay: Any) -> None:
    load.serve()
    child, address = master(load, "-u", "10", "-t", "30s")
    between = relay(address)
    worker = load.far_worker(between.address)
    wait_until(lambda: rows_of(load, 0) > 50)
    between.cut()
    child.signal(signal.SIGTERM)
    wait_until(lambda: "Got SIGTERM" in child.text() or child.process.poll() is not None)
    deadline = time.monotonic() + 1.0
    wait_until(lambda: time.monotonic() > deadline)
    between.mend()
    assert child.wait() == 0, child.text()
    assert worker.wait() == 0, worker.text()
    assert History.open(load.history).incomplete == ()
    assert spools(worker) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_master_that_is_interrupted_while_it_waits_stops_the_workers_that_are_there(
    load: Load, number: int
) -> None:
    load.serve()
    child, address = master(load, "-u", "10", workers=2)
    worker = load.far_worker(address)
    wait_until(lambda: (load.history / "load-0.jsonl").exists() and load.lines("load"))
    child.signal(number)
    assert child.wait() == 128 + number, child.text()
    assert worker.wait() == 0, worker.text()
    assert spools(worker) == []
    assert "Traceback" not in child.text() + worker.text()


def test_a_worker_with_other_scenarios_is_refused(load: Load) -> None:
    load.serve()
    child, address = master(load, "-u", "1", "-t", "30s", files=[load.scenario(ONE_CALL)])
    other = load.scenario(ONE_CALL.replace("OneCall", "Another"), "other")
    worker = load.far_worker(address, 0, "-f", str(other))
    assert worker.wait() == 104, worker.text()
    assert "runs users that this load process does not know: OneCall" in worker.text()
    child.signal(signal.SIGTERM)
    child.wait()


def test_a_folder_with_a_record_takes_no_second_one(load: Load) -> None:
    load.serve()
    load.history.mkdir()
    (load.history / "operations-0.jsonl").write_text("")
    child, _ = master(load, "-u", "1")
    assert child.wait() == 104, child.text()
    assert f"there is a record in {load.history} already" in child.text()


def test_a_master_that_is_not_of_statedrill_is_named(load: Load) -> None:
    load.serve()
    child, address = master(load, "-u", "1", "-t", "30s", files=[load.scenario(PLAIN, "plain")])
    ours = load.scenario(
        ONE_CALL
        + "\nfrom statedrill.load.distributed import uploader\nuploader._GIVE_UP_S = 1.0\n",
        "ours",
    )
    worker = load.far_worker(address, 0, "-f", str(ours))
    assert worker.wait() == 3, worker.text()
    assert f"the Locust master at {address[0]} does not answer" in worker.text()
    assert "Traceback" not in worker.text()
    child.signal(signal.SIGTERM)
    child.wait()


def test_a_worker_of_another_version_is_refused(load: Load) -> None:
    load.serve()
    older = (
        ONE_CALL
        + "\nfrom statedrill.load.distributed import uploader\nuploader.__version__ = '0.0.1'\n"
    )
    child, address = master(load, "-u", "1", "-t", "30s", files=[load.scenario(ONE_CALL)])
    worker = load.far_worker(address, 0, "-f", str(load.scenario(older, "older")))
    assert worker.wait() == 104, worker.text()
    assert "this load process 0.0.1" in worker.text()
    child.signal(signal.SIGTERM)
    child.wait()


def test_a_run_that_is_not_recorded_is_recorded_nowhere(load: Load) -> None:
    load.serve()
    child, address = master(load, "-u", "5", "-t", "2s", history="")
    worker = load.far_worker(address)
    assert child.wait() == 0, child.text()
    assert worker.wait() == 0, worker.text()
    assert load.counts()["received"] > 10
    assert not load.history.exists()
    assert spools(worker) == []
    assert "Aggregated" in child.text()
