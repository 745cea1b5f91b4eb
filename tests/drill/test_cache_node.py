"""What a client does about a node of the cache that hangs decides whether old values come back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from statedrill.inputs import discovery

pytestmark = pytest.mark.drill

SHORT = (
    *("--users", "60", "--pace", "0.4s", "--warmup", "1s", "--baseline", "2s"),
    *("--recovery", "3s", "--run-time", "10s", "--seed", "7", "--headless", "--json"),
)


def test_a_client_that_leaves_a_hanging_node_out_is_seen_to_bring_old_values_back(
    tmp_path: Path,
) -> None:
    found = frozen(tmp_path, CACHE_EJECT_S="2")
    assert found["sessions"]["lost"] > 0
    back = found["guarantees"]["read_your_writes"]["violations"] + found["reads"]["after_loss"]
    assert back > 0
    assert found["faults"][0]["proved"]


def frozen(folder: Path, **env: str) -> dict[str, Any]:
    """The verdict on the pattern with these settings, while one of its cache's nodes hangs."""
    text = discovery.find("pattern", "distributed-memcached").read_text()
    words = ", ".join(f'{name}: "{value}"' for name, value in env.items())
    text = text.replace("name: distributed-memcached", "name: mine")
    text = text.replace("SESSION_STORE: memcached}", f"SESSION_STORE: memcached, {words}}}")
    (folder / "mine.yaml").write_text(text)
    command = [sys.executable, "-m", "statedrill", "run", "--pattern", str(folder / "mine.yaml")]
    command += ["--experiment", "cache-node-freeze", "--reports", str(folder), *SHORT]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode in (0, 3, 99), done.stderr
    verdict: dict[str, Any] = json.loads(done.stdout)
    return verdict
