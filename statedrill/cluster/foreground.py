"""A cluster that stays up until the user interrupts it: `statedrill up`.

For Locust and Chaos Toolkit used by hand, in another terminal.
"""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from statedrill.cluster.cluster import make_cluster
from statedrill.history.event_log import EventLog
from statedrill.plan.plan import Plan


def serve_until_interrupted(
    plan: Plan, logs: Path | None, show: Callable[[dict[str, Any]], None]
) -> None:
    """Start the cluster of `plan`, `show` its addresses, and stop it at Ctrl-C or SIGTERM.

    `logs` is the folder for `logs/` and `events.jsonl`; a temporary one when None.

    Raises:
        ClusterError: it did not start.
    """
    folder = logs or Path(tempfile.mkdtemp(prefix="statedrill-up-"))
    events = EventLog(folder / "events.jsonl")
    cluster = make_cluster(plan, folder, events.emit, sampled=False)
    try:
        cluster.start()
        show(
            {
                "application": cluster.url,
                "control": str(cluster.control_file),
                "logs": str(folder / "logs"),
                **cluster.environment(),
            }
        )
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        cluster.stop()
        events.close()
