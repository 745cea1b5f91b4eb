from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from statedrill.processes.spawner import Spawner
from tests.processes.children import exists, is_zombie
from tests.support.waiting import wait_until


def test_what_a_job_raises_is_raised_where_it_was_asked_for() -> None:
    spawner = Spawner()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            spawner.run(lambda: divide(0))
    spawner.run(lambda: divide(1))


def divide(by: int) -> None:
    assert 1 / by


@pytest.mark.cluster
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
