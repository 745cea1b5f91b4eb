from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from statedrill.errors import ClusterError
from statedrill.processes.process import MARKER, Process, State
from statedrill.processes.registry import ProcessRegistry
from tests.support.events import Events
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster


def python(registry: ProcessRegistry, code: str, name: str = "child", **more: object) -> Process:
    """A Python child that is ready as soon as its log says `up`."""

    def ready() -> bool:
        return "up" in made.log_tail()

    command = [sys.executable, "-u", "-c", textwrap.dedent(code)]
    made = registry.process(name, "test", "a", command, ready=ready, **more)  # type: ignore[arg-type]
    return made


SLEEPER = "import time; print('up'); time.sleep(60)"


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


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


def is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"


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
    wait_until(lambda: "T" in Path(f"/proc/{child.pid}/stat").read_text().split()[2])
    child.resume()
    child.pause()
    child.stop(5)
    assert child.exit_code == -signal.SIGTERM


def test_a_transition_that_cannot_be_is_asserted(registry: ProcessRegistry) -> None:
    child = python(registry, SLEEPER)
    with pytest.raises(AssertionError, match="stopped -> paused"):
        child.pause()


def test_a_closed_roster_ends_all_and_makes_no_more(registry: ProcessRegistry) -> None:
    children = [python(registry, SLEEPER, name=f"child-{n}") for n in range(4)]
    for child in children:
        child.start(10)
    registry.close(0.5)
    assert [exists(child.pid) for child in children] == [False] * 4
    with pytest.raises(ClusterError, match="being stopped"):
        python(registry, SLEEPER)


def test_every_child_carries_the_marker(registry: ProcessRegistry) -> None:
    child = python(
        registry, f"import os, time; print(os.environ['{MARKER}'], 'up'); time.sleep(60)"
    )
    child.start(10)
    assert registry.cluster in child.log_tail()


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
def test_children_die_with_an_owner_that_was_killed(tmp_path: Path) -> None:
    owner = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(
                f"""
                import sys, threading, time
                from pathlib import Path
                from statedrill.processes.registry import ProcessRegistry
                here = Path({str(tmp_path)!r})
                registry = ProcessRegistry("t", here, here, lambda *a, **k: None)
                child = registry.process("c", "test", "a", ["sleep", "60"], ready=lambda: True)
                starter = threading.Thread(target=child.start, args=(5,))
                starter.start()
                starter.join()  # the thread that asked for the start is gone, the child lives on
                print(child.pid, flush=True)
                time.sleep(60)
                """
            ),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout
    with owner:
        child = int(owner.stdout.readline())
        time.sleep(0.2)  # a signal that followed the starter's end would have come by now
        assert exists(child)
        owner.send_signal(signal.SIGKILL)
    wait_until(lambda: not exists(child) or is_zombie(child))
