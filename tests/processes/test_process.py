from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from statedrill.errors import ClusterError
from statedrill.processes.process_state import State
from statedrill.processes.registry import ProcessRegistry
from tests.processes.children import SLEEPER, exists, is_zombie, python
from tests.support.events import Events
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster


def test_a_process_becomes_ready_and_stops_when_asked(
    registry: ProcessRegistry, events: Events
) -> None:
    child = python(registry, SLEEPER)
    child.start(10)
    assert child.state is State.READY
    assert os.getpgid(child.pid) == child.pid
    child.stop(5)
    assert child.state is State.STOPPED
    assert child.exit_code == -signal.SIGTERM
    assert not exists(child.pid)
    told = [e["state"] for e in events.of("process")]
    assert told == ["starting", "ready", "stopping", "stopped"]


def test_a_child_that_ignores_sigterm_is_killed_with_its_group(registry: ProcessRegistry) -> None:
    child = python(
        registry,
        """
        import signal, subprocess, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        print(grandchild.pid, "up")
        time.sleep(60)
        """,
    )
    child.start(10)
    grandchild = int(child.log_tail().split()[0])
    child.stop(0.3)
    assert child.exit_code == -signal.SIGKILL
    wait_until(lambda: not exists(grandchild) or is_zombie(grandchild))


def test_a_command_that_ends_before_anybody_has_seen_it_ready_has_done_its_work(
    registry: ProcessRegistry,
) -> None:
    def ready() -> bool:
        return bool(wait_until(lambda: child.state is State.DEAD))

    child = registry.process("short", "audit", "", ["true"], ready=ready)
    child.start(10)
    assert child.exit_code == 0


def test_a_kill_takes_descendants_with_groups_of_their_own(registry: ProcessRegistry) -> None:
    child = python(
        registry,
        """
        import subprocess, sys, time
        sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
        print(subprocess.Popen(sleep, start_new_session=True).pid, "up")
        time.sleep(60)
        """,
    )
    child.start(10)
    grandchild = int(child.log_tail().split()[0])
    child.kill()
    wait_until(lambda: not exists(grandchild) or is_zombie(grandchild))


def test_a_child_that_dies_at_birth_fails_at_once_with_its_last_words(
    registry: ProcessRegistry, events: Events
) -> None:
    child = python(registry, "print('no such table: shop'); raise SystemExit(7)")
    begin = time.monotonic()
    with pytest.raises(ClusterError, match=r"exited with code 7 while starting.*\n.*no such table"):
        child.start(60)
    assert time.monotonic() - begin < 30
    assert child.state is State.DEAD
    assert "no such table" in events.of("process", state="dead")[0]["log_tail"]


def test_a_child_that_never_gets_ready_is_ended(registry: ProcessRegistry) -> None:
    child = python(registry, "import time; print('still loading'); time.sleep(60)")
    with pytest.raises(ClusterError, match=r"not ready within 0.5 s; .*\nstill loading"):
        child.start(0.5)
    assert not child.alive
    assert not exists(child.pid)


def test_a_command_that_does_not_exist_is_named(registry: ProcessRegistry) -> None:
    child = registry.process("ghost", "test", "a", ["/no/such/program"], ready=lambda: False)
    with pytest.raises(ClusterError, match="/no/such/program"):
        child.start(5)


def test_an_exit_nobody_asked_for_is_told_with_code_and_log(
    registry: ProcessRegistry, events: Events
) -> None:
    exits: list[int] = []
    child = python(registry, SLEEPER, on_exit=lambda _, code: exits.append(code))
    child.start(10)
    os.kill(child.pid, signal.SIGABRT)
    wait_until(lambda: exits)
    assert exits == [-signal.SIGABRT]
    dead = events.of("process", state="dead")[0]
    assert dead["why"] == "was ended by SIGABRT"
    assert "up" in dead["log_tail"]


def test_death_is_noticed_promptly(registry: ProcessRegistry) -> None:
    noticed: list[float] = []
    child = python(registry, SLEEPER, on_exit=lambda *_: noticed.append(time.monotonic()))
    child.start(10)
    begin = time.monotonic()
    child.kill()
    child.wait_gone()
    wait_until(lambda: noticed)
    assert noticed[0] - begin < 5  # typically 2 ms; a bound that a busy machine keeps


def test_a_dead_process_can_be_started_again_until_it_is_retired(registry: ProcessRegistry) -> None:
    child = python(registry, SLEEPER)
    child.start(10)
    first = child.pid
    child.kill()
    child.wait_gone()
    child.start(10)
    assert child.pid != first
    child.retire(1)
    with pytest.raises(ClusterError, match="is not started"):
        child.start(10)


def test_a_paused_process_answers_nobody_and_can_still_be_stopped(
    registry: ProcessRegistry,
) -> None:
    child = python(registry, SLEEPER)
    child.start(10)
    child.pause()
    wait_until(lambda: child.frozen)
    child.resume()
    child.resume()
    wait_until(lambda: not child.frozen)
    child.pause()
    child.stop(5)
    assert child.exit_code == -signal.SIGTERM
    assert not child.frozen


def test_a_paused_process_that_is_stopped_without_grace_does_not_run_again(
    registry: ProcessRegistry, tmp_path: Path
) -> None:
    beats = tmp_path / "beats"
    code = f"print('up')\nwhile True: open({str(beats)!r}, 'a').write('.')"
    child = python(registry, code)
    child.start(10)
    wait_until(beats.exists)
    child.pause()
    wait_until(lambda: child.frozen)
    seen = beats.stat().st_size
    child.stop(0)
    assert child.exit_code == -signal.SIGKILL
    assert child.state is State.STOPPED
    assert beats.stat().st_size == seen


def test_a_transition_that_cannot_be_is_asserted(registry: ProcessRegistry) -> None:
    child = python(registry, SLEEPER)
    with pytest.raises(AssertionError, match="stopped -> paused"):
        child.pause()
