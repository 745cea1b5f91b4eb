from __future__ import annotations

import itertools
import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from statedrill.history.store import History
from statedrill.vocabulary import Kind
from tests.support.load import BOTH, ONE_CALL, SCENARIOS, STEADY, Load
from tests.support.processes import Child
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster


def planned(lines: list[dict[str, Any]], name: str) -> float:
    """What the lines of one load process say was planned, times the seconds."""
    times_s = [line["t"] / 1e9 for line in lines]
    first_s = times_s[0] - 1.0
    lengths_s = [after - before for before, after in itertools.pairwise([first_s, *times_s])]
    return sum(line[name] * length_s for line, length_s in zip(lines, lengths_s, strict=True))


def counted(child: Child) -> int:
    """The number of requests in Locust's own summary."""
    found = re.search(r"Aggregated +(\d+)", child.text())
    assert found, child.text()
    return int(found[1])


def children_of(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(each) for each in path.read_text().split()]


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_the_scenarios_work_with_plain_locust_and_every_call_is_on_record(load: Load) -> None:
    load.serve()
    child = load.locust(BOTH, "-u", "20", "-r", "20", "-t", "4s", "--stop-timeout", "5")
    assert child.wait() == 0
    rows = load.rows()
    assert len(rows) == counted(child) == load.counts()["received"]
    assert load.lines("operations")[-1] == {"end": True, "rows": len(rows)}
    assert {row["session"] for row in rows} == set(range(1, 21))
    history = History.open(load.history)
    assert (history.rows, history.incomplete) == (len(rows), ())
    # one call a user every 50 ms
    line = load.lines("load")[1]
    assert (line["users"], line["planned_rate"]) == (20, 400)
    assert {each["ended"] for each in load.lines("sessions")[-20:]} == {True}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("profile", ["steady", "ramp"])
def test_a_signal_ends_it_with_every_request_on_record(
    load: Load, number: int, profile: str
) -> None:
    load.serve("--service-s", "0.01")
    child = load.locust(
        [*BOTH[:2], STEADY.with_name(f"{profile}.py")],
        *("-u", "20", "-r", "20"),
        pace_s="0",
        shape_s="1",
    )
    wait_until(lambda: len(list(load.history.glob("load-0.jsonl"))) and load.lines("load"))
    child.signal(number)
    assert child.wait() == 0
    assert load.lines("operations")[-1]["end"]
    rows = load.rows()
    sent = [row for row in rows if row["status"] or row["outcome"] != 1]
    counts = load.counts()
    # Users are killed in flight; what was sent may not have been read when the server ended.
    assert len(sent) - 20 <= counts["received"] <= len(sent)
    assert set(counts["executed"]) <= {f"r7.{row['session']}.{row['wid']}" for row in sent}
    assert "Traceback" not in child.text()


def test_every_load_process_has_a_file_and_sessions_of_its_own(load: Load) -> None:
    load.serve()
    child = load.locust(
        BOTH, "-u", "20", "-r", "20", "-t", "3s", "--stop-timeout", "5", "--processes", "2"
    )
    assert child.wait() == 0
    first, second = load.rows(0), load.rows(1)
    assert len(first) + len(second) == load.counts()["received"]
    sessions = [{row["session"] for row in rows} for rows in (first, second)]
    assert not sessions[0] & sessions[1]
    assert len(sessions[0] | sessions[1]) == 20
    assert History.open(load.history).incomplete == ()


def test_a_load_process_that_is_killed_is_named(load: Load) -> None:
    load.serve()
    child = load.locust(
        BOTH, "-u", "10", "-r", "10", "-t", "6s", "--stop-timeout", "5", "--processes", "2"
    )
    wait_until(lambda: all((load.history / f"load-{n}.jsonl").exists() and load.lines("load", n)
                         for n in (0, 1)))  # fmt: skip
    os.kill(children_of(child.pid)[0], signal.SIGKILL)
    child.wait()
    history = History.open(load.history)
    assert len(history.incomplete) == 1
    assert history.rows > 0


def test_load_processes_die_with_their_parent(load: Load) -> None:
    load.serve()
    child = load.locust(BOTH, "-u", "10", "-r", "10", "--processes", "2")
    wait_until(lambda: all((load.history / f"load-{n}.jsonl").exists() for n in (0, 1)))
    workers = children_of(child.pid)
    assert len(workers) == 2
    child.signal(signal.SIGKILL)
    child.wait()
    wait_until(lambda: not any(map(alive, workers)), 10)


@pytest.mark.parametrize("processes", [1, 2])
def test_sessions_arrive_when_the_plan_says(load: Load, processes: int) -> None:
    load.serve()
    more = ["--processes", "2"] if processes == 2 else []
    child = load.locust(
        [load.scenario(ONE_CALL), STEADY], "-u", "20", "-r", "100", "-t", "4s",
        "--arrival-rate", "40/s", "--stop-timeout", "5", *more,
    )  # fmt: skip
    assert child.wait() == 0
    rows = [row for worker in range(processes) for row in load.rows(worker)]
    dues = sorted(row["due"] for row in rows)
    assert {row["kind"] for row in rows} == {Kind.SIGN_IN}
    # Two processes turn the same wall clock into monotonic time on their own.
    gaps = [later - earlier for earlier, later in itertools.pairwise(dues)]
    assert max(abs(gap - 25_000_000) for gap in gaps) < (1_000_000 if processes == 2 else 2)
    assert len({row["session"] for row in rows}) == len(rows) > 60
    assert all(row["call"] >= row["due"] for row in rows)
    lines = [line for worker in range(processes) for line in load.lines("load", worker)]
    assert sum(line["arrived"] for line in lines) == sum(line["started"] for line in lines)
    assert sum(line["started"] for line in lines) == len(rows)
    assert {line["dropped"] for line in lines} == {0}
    for worker in range(processes):
        for before, line in itertools.pairwise(load.lines("load", worker)):
            passed_s = (line["t"] - before["t"]) / 1e9
            planned = line["planned_rate"] * passed_s
            assert line["arrived"] <= planned + 2
            # A line is written each second. Where it came late the machine had stopped the process,
            # and what it owes may be cut off by the end of the load.
            assert planned == pytest.approx(line["arrived"], abs=2) or passed_s > 1.5


def test_a_pool_that_is_too_small_queues_and_then_drops_and_says_so(load: Load) -> None:
    load.serve("--service-s", "0.2")
    child = load.locust(
        [load.scenario(ONE_CALL), STEADY], "-u", "2", "-r", "10", "-t", "3s",
        "--stop-timeout", "5", arrival_rate="50/s", arrivals="poisson", queue="5",
    )  # fmt: skip
    assert child.wait() == 0
    lines = load.lines("load")
    assert max(line["queued"] for line in lines) == 5
    dropped, started = (sum(line[key] for line in lines) for key in ("dropped", "started"))
    assert dropped > 0
    assert sum(line["arrived"] for line in lines) - dropped - started <= 5
    assert started == len(load.rows())
    arrived = sum(line["arrived"] for line in lines)
    # of a Poisson process: four standard deviations
    assert arrived == pytest.approx(planned(lines, "planned_arrivals"), abs=4 * arrived**0.5)


def test_a_profile_changes_the_number_of_users(load: Load) -> None:
    load.serve()
    files = [SCENARIOS / "shopper.py", SCENARIOS / "profiles" / "ramp.py"]
    child = load.locust(files, "-u", "20", "-r", "50", "-t", "5s", "--stop-timeout", "5")
    assert child.wait() == 0
    lines = load.lines("load")
    users = [line["users"] for line in lines[:-1]]
    assert users == sorted(users)
    assert users[0] < 10
    assert users[-1] == 20
    # a tenth to all of it in half of the time, then level
    assert planned(lines, "planned_users") == pytest.approx(20 * (2.5 * 0.55 + 2.5), rel=0.05)
    assert planned(lines, "planned_rate") == pytest.approx(planned(lines, "planned_users") / 0.05)
    assert len(load.rows()) == load.counts()["received"]


def test_the_breaking_point_is_found_and_reported(load: Load) -> None:
    load.serve("--service-s", "0.02")
    files = [load.scenario(ONE_CALL), SCENARIOS / "profiles" / "breakpoint.py"]
    child = load.locust(
        files, "-u", "2", "-r", "10", "-t", "20s", "--arrival-rate", "200/s",
        "--stop-timeout", "5", break_p99_ms="100000",
    )  # fmt: skip
    assert child.wait() == 0
    found = json.loads((load.history / "breakpoint.json").read_text())
    # two users of 20 ms each carry less than 100 sessions a second: steps of 20 a second
    assert found["unit"] == "arrivals/s"
    assert found["broke"] == found["held"] + 20
    assert 0 < found["broke"] <= 120
    assert "no user was free" in found["why"]
    assert f"{found['held']:g} arrivals/s held" in child.text()


def test_without_a_host_the_newest_cluster_is_the_target(load: Load) -> None:
    address = load.serve()
    folder = load.folder / f"statedrill-{os.getuid()}"
    folder.mkdir()
    control = {"url": "http://127.0.0.1:1", "token": "x", "pid": os.getpid()}
    control["load_balancer"] = address
    (folder / "1.json").write_text(json.dumps(control))
    load.address = ""
    os.environ["TMPDIR"] = str(load.folder)
    try:
        child = load.locust(BOTH, "-u", "4", "-r", "9", "-t", "2s", "--stop-timeout", "5")
    finally:
        del os.environ["TMPDIR"]
    assert child.wait() == 0
    assert len(load.rows()) == load.counts()["received"] > 0


def test_without_any_host_it_ends_with_a_sentence(load: Load) -> None:
    child = load.locust(BOTH, "-u", "1", "-t", "20s", control="/nowhere.json")
    assert child.wait() == 104
    assert "there is no host to send users to" in child.text()
    assert "-H http://..." in child.text()
    assert "Traceback" not in child.text()


@pytest.mark.parametrize(
    ("settings", "options", "words"),
    [
        ({"pace_s": "fast"}, [], "STATEDRILL_PACE_S=fast"),
        ({}, ["--arrival-rate", "50/day"], "write it as 50/s"),
        ({"connections": "none"}, ["--processes", "2"], "should be session or request"),
    ],
)
def test_wrong_settings_end_it_with_a_sentence(
    load: Load, settings: dict[str, str], options: list[str], words: str
) -> None:
    load.serve()
    child = load.locust(BOTH, "-u", "1", "-t", "20s", *options, **settings)
    assert child.wait() == 104
    assert words in child.text()
    assert "Traceback" not in child.text()


def test_an_audit_that_is_stopped_leaves_a_complete_record(load: Load) -> None:
    load.serve("--service-s", "0.05")
    load.locust(BOTH, "-u", "20", "-r", "20", "-t", "2s", "--stop-timeout", "5").wait()
    audit = load.audit(901, "--concurrency", "1")
    path = load.history / "operations-901.jsonl"
    wait_until(lambda: path.exists() and "\n[" in path.read_text())
    audit.signal(signal.SIGTERM)
    assert audit.wait() == 128 + signal.SIGTERM
    assert load.lines("operations", 901)[-1] == {"end": True, "rows": len(load.rows(901))}


def test_users_without_a_server_do_not_keep_the_process_from_ending(load: Load) -> None:
    load.address = "http://127.0.0.1:1"
    child = load.locust(BOTH, "-u", "5", "-r", "10", "-t", "2s", "--stop-timeout", "5", pace_s="0")
    assert child.wait() == 0
    rows = load.rows()
    assert {(row["outcome"], row["note"]) for row in rows} == {(1, "refused")}
    assert load.lines("operations")[-1]["end"]
    assert len(load.lines("load")) >= 1
