"""What an experiment may ask of the target, and how it waits for it."""

from __future__ import annotations

import time
import urllib.error
import urllib.request

from statedrill.control.client import ControlFailure, call, find_control

_RESTORE_S = 1800.0  # the target gives up earlier, whatever its delays are


def application_answers(path: str = "/health", timeout: float = 5.0) -> int:
    """The HTTP status of one request through the load balancer; 0 when nothing answers."""
    url = find_control()["load_balancer"].rstrip("/") + path
    try:
        with urllib.request.urlopen(url, timeout=timeout) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def targets_health_count() -> int:
    """How many instances the load balancer sends requests to. Name as in chaosaws.elbv2.probes."""
    targets = call("elbv2/describe-target-health").get("targets", [])
    return sum(1 for target in targets if target.get("state") == "healthy")


def is_healthy() -> bool:
    """Whether every instance, node and worker that the pattern wants is there and ready."""
    return bool(call("status").get("healthy"))


def wait_until_healthy(timeout: float = 60.0) -> bool:
    """Wait until the target has replaced what it lost.

    Raises:
        ControlFailure: it is not healthy after `timeout` seconds.
    """
    end = time.monotonic() + timeout
    while not is_healthy():
        if time.monotonic() > end:
            raise ControlFailure(f"the cluster is not whole again after {timeout:.0f} s")
        time.sleep(0.2)
    return True


def wait_until_over(timeout: float = 60.0) -> bool:
    """Wait until every fault has ended: what it took away is there again, by itself or undone.

    Raises:
        ControlFailure: one is still open after `timeout` seconds.
    """
    end = time.monotonic() + timeout
    while opened := call("status").get("open_faults"):
        if time.monotonic() > end:
            raise ControlFailure(f"{len(opened)} faults are not over after {timeout:.0f} s")
        time.sleep(0.2)
    return True


def queue_depth() -> int:
    """How many messages wait or are in flight, in all queues together."""
    return int(call("sqs/get-queue-depth").get("depth", 0))


def restore() -> list[str]:
    """Undo every fault that is still open, and wait until the target is healthy.

    Planned changes that are done are taken back too: the next experiment finds what this one found.
    """
    return [str(each) for each in call("restore", timeout_s=_RESTORE_S).get("restored", [])]


def is_whole() -> bool:
    """The name of `is_healthy` in an earlier version; it goes with the next one."""
    return is_healthy()


def wait_until_whole(timeout: float = 60.0) -> bool:
    """The name of `wait_until_healthy` in an earlier version; it goes with the next one."""
    return wait_until_healthy(timeout)


def heal() -> list[str]:
    """The name of `restore` in an earlier version; it goes with the next one."""
    return restore()
