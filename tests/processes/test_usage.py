"""What processes used is read from the system, descendants included."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from statedrill.processes.usage import usage
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
BUSY = "import os, time\nif os.fork(): os.wait()\nx = bytearray(60 << 20)\nwhile True: pass"


def test_a_process_counts_with_its_descendants() -> None:
    child = subprocess.Popen([sys.executable, "-c", BUSY], start_new_session=True)
    try:
        # Only the grandchild works: the child waits for it.
        def both_count() -> bool:
            used = usage(child.pid)
            return used is not None and used.cpu_s > 0.3 and used.memory_bytes > 60 << 20

        wait_until(both_count, "the grandchild is counted")
    finally:
        os.killpg(child.pid, 9)
        child.wait()
    assert usage(child.pid) is None


def test_processor_time_only_grows() -> None:
    before = usage(os.getpid())
    sum(range(3_000_000))
    after = usage(os.getpid())
    assert before
    assert after
    assert after.cpu_s >= before.cpu_s > 0
