from __future__ import annotations

from pathlib import Path

import pytest

from statedrill.errors import ClusterError
from statedrill.processes.process import MARKER
from statedrill.processes.registry import ProcessRegistry
from tests.processes.children import SLEEPER, exists, python
from tests.support.events import Events


@pytest.mark.cluster
def test_a_closed_registry_ends_all_and_makes_no_more(registry: ProcessRegistry) -> None:
    children = [python(registry, SLEEPER, name=f"child-{n}") for n in range(4)]
    for child in children:
        child.start(10)
    registry.close(0.5)
    assert [exists(child.pid) for child in children] == [False] * 4
    with pytest.raises(ClusterError, match="being stopped"):
        python(registry, SLEEPER)


@pytest.mark.cluster
def test_every_child_carries_the_marker(registry: ProcessRegistry) -> None:
    child = python(
        registry, f"import os, time; print(os.environ['{MARKER}'], 'up'); time.sleep(60)"
    )
    child.start(10)
    assert registry.cluster in child.log_tail()


def test_a_socket_path_is_short_enough_for_the_kernel_and_goes_away(
    tmp_path: Path, events: Events
) -> None:
    deep = tmp_path / ("d" * 100)
    registry = ProcessRegistry("t", deep, tmp_path, events)
    path = registry.socket("endpoints.sock")
    assert len(str(path)) < 92
    assert path.parent.is_dir()
    registry.close()
    assert not path.parent.exists()
