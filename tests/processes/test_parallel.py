from __future__ import annotations

import threading

import pytest

from statedrill.processes.parallel import in_parallel


def test_all_jobs_run_at_once_each_in_a_thread_of_its_name() -> None:
    meeting = threading.Barrier(3, timeout=10)
    names: set[str] = set()

    def job() -> None:
        names.add(threading.current_thread().name)
        meeting.wait()

    in_parallel({"a": job, "b": job, "c": job})
    assert names == {"a", "b", "c"}
    in_parallel({})


def test_the_first_failure_is_raised_while_others_still_run() -> None:
    go_on = threading.Event()
    threads: list[threading.Thread] = []

    def fail() -> None:
        raise LookupError("no such zone")

    with pytest.raises(LookupError, match="no such zone"):
        in_parallel({"slow": lambda: go_on.wait(30), "bad": fail}, threads)
    assert threads[0].is_alive()
    go_on.set()
    for thread in threads:
        thread.join()
