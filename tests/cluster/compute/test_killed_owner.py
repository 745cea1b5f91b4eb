"""A program that is killed while instances hang, are slow, and the group is changing."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from statedrill.faults.ledger import read_ledger, undo_left_behind
from statedrill.processes.leftovers import cleanup_leftovers
from statedrill.processes.state_directory import state_directory
from tests.support.events import marked
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster

OWNER = """
import os, threading
from pathlib import Path
from tests.cluster.conftest import QUICK, TINY
from statedrill.cluster.cluster import Cluster
from statedrill.faults import autoscaling, ec2
with Cluster(TINY, QUICK, Path({folder!r}), lambda event, **fields: None, "r", 7) as cluster:
    os.environ["STATEDRILL_CONTROL"] = str(cluster.control_file)
    autoscaling.set_desired_capacity(4)
    autoscaling.start_instance_refresh()
    ec2.freeze_instances()
    ec2.throttle_cpu()
    print("broken", flush=True)
    threading.Event().wait(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
def test_nothing_that_hangs_or_is_slow_outlives_its_owner(tmp_path: Path) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(OWNER).format(folder=str(tmp_path))],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    with program:
        assert program.stdout
        assert program.stdout.readline() == "broken\n"
        name = f"{program.pid}-1"
        opened = {each.name for each in read_ledger(state_directory() / name)}
        assert {"freeze_instances", "throttle_cpu"} <= opened
        program.kill()
    # A process that stands still dies of its owner's death all the same.
    wait_until(lambda: marked(name) == [])
    cleanup_leftovers(undo=undo_left_behind)
    assert not [path for path in state_directory().iterdir() if path.stem == name]
