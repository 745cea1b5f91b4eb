"""Whole drills through the real command line: what it answers, and that it leaves nothing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from statedrill.errors import BAD_INPUT, BROKEN, HELD, INTERRUPTED, UNKNOWN
from tests.drill.conftest import SHORT, children_of
from tests.support.processes import Child
from tests.support.waiting import wait_until

pytestmark = pytest.mark.drill

OWN = Path(__file__).parent / "own_application"
OWN_WORDS = ("--pattern", str(OWN / "small.yaml"), "--scenario", str(OWN / "visitor.py"))
Start = Callable[..., Child]


def the_run(command: Child) -> Path:
    (folder,) = (command.folder / "reports").glob("*Z-*")
    return folder


def test_an_application_that_is_not_ours_is_drilled_and_judged(command: Start) -> None:
    drilled = command("run", *OWN_WORDS, "--experiment", "instance-kill", *SHORT, "--json")
    assert drilled.wait() == HELD, drilled.errors()
    verdict = json.loads(drilled.out.read_text())
    assert verdict["sessions"]["total"] == 45
    assert verdict["sessions"]["lost"] == 15
    assert verdict["writes"]["lost"] > 0
    assert verdict["reads"]["leaked"] == 0
    assert [fault["name"] for fault in verdict["faults"]] == ["terminate_instances"]
    clauses = {clause["clause"]: clause for clause in verdict["promise"]}
    assert clauses["survives instance"]["promised"] is False
    assert clauses["survives instance"]["outcome"] == "broken"
    assert clauses["read your writes"]["outcome"] == "held"
    assert (the_run(drilled) / "report.html").stat().st_size > 10_000
    assert children_of(drilled.pid) == []


def test_the_same_folder_gives_the_same_verdict_again(command: Start) -> None:
    drilled = command("run", *OWN_WORDS, "--experiment", "none", *SHORT, "--json")
    assert drilled.wait() == HELD, drilled.errors()
    verdict = json.loads(drilled.out.read_text())
    assert (verdict["sessions"]["lost"], verdict["writes"]["lost"]) == (0, 0)
    assert (verdict["reads"]["stale"], verdict["writes"]["duplicated"]) == (0, 0)
    run = the_run(drilled)
    (run / "history" / "operations.parquet").unlink()
    again = command("check", str(run), "--json")
    assert again.wait() == HELD
    assert json.loads(again.out.read_text()) == verdict


@pytest.mark.parametrize(
    "moment", ["starting the cluster", "warming up", "baseline", "the fault", "audit"]
)
def test_ctrl_c_at_any_moment_leaves_a_folder_and_no_process(moment: str, command: Start) -> None:
    drilled = command("run", *OWN_WORDS, "--experiment", "instance-kill", *SHORT)
    drilled.wait_for(moment)
    drilled.signal(signal.SIGINT)
    assert drilled.wait() == INTERRUPTED, drilled.errors()
    assert "Traceback" not in drilled.errors(), drilled.errors()
    assert children_of(drilled.pid) == []
    judged = command("check", str(the_run(drilled)), "--json")
    assert judged.wait() in (UNKNOWN, HELD)
    verdict = json.loads(judged.out.read_text())
    assert verdict["outcome"] == "unknown"
    assert any("stopped" in why for why in verdict["why"])


def test_sigkill_of_statedrill_takes_its_children_along(command: Start) -> None:
    killed = command("run", *OWN_WORDS, "--experiment", "none", *SHORT)
    killed.wait_for("baseline")
    assert children_of(killed.pid)
    killed.process.kill()
    killed.process.wait()
    wait_until(lambda: not children_of(killed.pid), "the children to die")
    after = command("run", *OWN_WORDS, "--experiment", "none", *SHORT)
    assert after.wait() == HELD, after.errors()
    judged = command("check", str(the_run(killed)))
    assert judged.wait() == UNKNOWN


@pytest.mark.parametrize(
    ("mood", "told"),
    [("bad", "this application has no mood to work today"), ("ill", "/health did not answer 200")],
)
def test_an_application_that_does_not_start_is_named_with_its_last_words(
    mood: str, told: str, command: Start
) -> None:
    drilled = command("run", *OWN_WORDS, "--experiment", "none", *SHORT, "--env", f"MOOD={mood}")
    assert drilled.wait() == UNKNOWN
    assert told in drilled.errors()
    assert "Traceback" not in drilled.errors(), drilled.errors()
    assert children_of(drilled.pid) == []


def test_locust_and_chaos_toolkit_work_by_hand_beside_a_standing_cluster(
    command: Start, tmp_path: Path
) -> None:
    standing = command("up", "--pattern", "distributed", "--json", "--logs", str(tmp_path / "up"))
    wait_until(lambda: standing.out.read_text().strip().endswith("}"), "the addresses")
    control = json.loads(standing.out.read_text())["control"]
    by_hand = {"cwd": tmp_path, "capture_output": True, "text": True, "timeout": 120}
    env = {"STATEDRILL_CONTROL": control, "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    root = Path(__file__).resolve().parents[2]
    files = f"{root}/scenarios/shopper.py,{root}/scenarios/profiles/steady.py"
    load = subprocess.run(
        [sys.executable, "-m", "locust", "-f", files, "--headless", "-u", "5", "-t", "3s"],
        env=env,
        check=False,
        **by_hand,  # type: ignore[call-overload]
    )
    assert load.returncode == 0, load.stderr
    assert "Aggregated" in load.stdout + load.stderr
    broken = subprocess.run(
        [
            *(sys.executable, "-m", "chaostoolkit", "--no-version-check"),
            *("run", str(root / "experiments" / "instance-kill.yaml")),
        ],
        env=env,
        check=False,
        **by_hand,  # type: ignore[call-overload]
    )
    assert broken.returncode == 0, broken.stderr
    journal = json.loads((tmp_path / "journal.json").read_text())
    assert [each["status"] for each in journal["run"]] == ["succeeded", "succeeded"]
    standing.signal(signal.SIGINT)
    assert standing.wait() == HELD
    assert children_of(standing.pid) == []


def test_a_threshold_that_aborts_ends_the_drill_early_and_is_broken(command: Start) -> None:
    threshold = "rate{phase:fault}<0.01 abortOnFail"
    words = ("--experiment", "instance-kill", *SHORT, "--threshold", threshold, "--json")
    drilled = command("run", *OWN_WORDS, *words)
    assert drilled.wait() == BROKEN, drilled.errors()
    verdict = json.loads(drilled.out.read_text())
    (entry,) = verdict["thresholds"]
    assert (entry["threshold"], entry["outcome"]) == (threshold, "broken")
    assert entry["value"] > 0.01
    assert verdict["sessions"]["total"] == 45
    assert "aborted" in drilled.errors()


def test_a_scenario_that_raises_is_named_with_what_it_raised(
    command: Start, tmp_path: Path
) -> None:
    scenario = tmp_path / "raises.py"
    scenario.write_text(
        "from statedrill.load import StatefulUser\n\n\nclass Shopper(StatefulUser):\n    pass\n\n\n"
        'raise RuntimeError("no such shop")\n'
    )
    words = ("--pattern", OWN_WORDS[1], "--scenario", str(scenario), "--experiment", "none")
    refused = command("run", *words, *SHORT, "--json")
    assert refused.wait() == BAD_INPUT, refused.errors()
    assert "the load generator did not start" in refused.errors()
    assert "RuntimeError: no such shop" in refused.errors()
    assert "Traceback" not in refused.errors(), refused.errors()
    assert refused.out.read_text() == ""
    assert children_of(refused.process.pid) == []


def test_drills_with_several_load_processes_do_not_meet_one_another(command: Start) -> None:
    words = (*OWN_WORDS, "--experiment", "none", *SHORT, "--processes", "2")
    both = [command("run", *words) for _ in range(2)]
    for each in both:
        each.wait_for("audit")
        assert "did not start" not in each.errors()
    for each in both:
        assert each.wait() in (HELD, UNKNOWN), each.errors()  # one machine, two drills: footing


def test_a_closed_terminal_is_an_interrupt(command: Start) -> None:
    drilled = command("run", *OWN_WORDS, "--experiment", "none", *SHORT)
    drilled.wait_for("warming up")
    drilled.signal(signal.SIGHUP)
    assert drilled.wait() == INTERRUPTED, drilled.errors()
    assert children_of(drilled.pid) == []


def test_an_unknown_function_in_an_experiment_starts_nothing(
    command: Start, tmp_path: Path
) -> None:
    experiment = tmp_path / "wrong.yaml"
    experiment.write_text(
        "title: t\ndescription: d\nextensions: [{name: statedrill, domain: zone}]\n"
        "method: [{type: action, name: n, provider: {type: python, "
        "module: statedrill.faults.ec2, func: stop_the_world}}]\n"
    )
    refused = command("run", "--experiment", str(experiment))
    assert refused.wait() == BAD_INPUT
    assert "has no function 'stop_the_world'" in refused.errors()
    assert not (refused.folder / "reports").exists()
