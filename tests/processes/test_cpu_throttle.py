from __future__ import annotations

import signal
import time

from statedrill.processes.cpu_throttle import CpuThrottle
from statedrill.processes.process_state import State
from statedrill.processes.registry import ProcessRegistry
from tests.processes.children import SLEEPER, python
from tests.support.waiting import wait_until


def test_a_throttled_process_stands_still_most_of_the_time_until_it_is_let_go(
    registry: ProcessRegistry,
) -> None:
    child = python(registry, SLEEPER)
    child.start(10)
    throttle = CpuThrottle(child, share=0.2, period_s=0.05)
    throttle.start()
    looks = []
    for _ in range(60):
        time.sleep(0.005)  # looks over six periods, whatever they find
        looks.append(child.frozen)
    assert True in looks
    assert False in looks
    assert child.state is State.READY
    throttle.stop()
    throttle.stop()
    wait_until(lambda: not child.frozen)
    child.stop(5)
    assert child.exit_code == -signal.SIGTERM


def test_a_throttle_ends_with_its_process(registry: ProcessRegistry) -> None:
    child = python(registry, SLEEPER)
    child.start(10)
    throttle = CpuThrottle(child, share=0.5, period_s=0.02)
    throttle.start()
    child.kill()
    child.wait_gone()
    wait_until(lambda: not throttle._thread.is_alive())


def test_a_paused_process_is_not_let_go_by_a_throttle(registry: ProcessRegistry) -> None:
    child = python(registry, SLEEPER)
    child.start(10)
    throttle = CpuThrottle(child, share=0.5, period_s=0.02)
    throttle.start()
    child.pause()
    throttle.stop()
    wait_until(lambda: child.frozen)
    child.resume()
