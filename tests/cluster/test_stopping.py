"""Stopping a cluster while somebody is impatient."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

import pytest

from statedrill.cluster.cluster import Cluster
from statedrill.processes.state_directory import state_directory

pytestmark = pytest.mark.cluster


def test_an_interrupt_while_lowering_is_raised_when_everything_is_down_and_not_before(
    make_cluster: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = make_cluster()
    returned, too_early = threading.Event(), []
    stop = cluster._topology.stop

    def slow_stop() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        too_early.append(returned.wait(1.0))
        stop()

    monkeypatch.setattr(cluster._topology, "stop", slow_stop)
    with pytest.raises(KeyboardInterrupt):
        cluster.stop()
    returned.set()
    assert too_early == [False]
    name = cluster.control_file.stem
    assert not [path for path in state_directory().iterdir() if path.stem == name]
