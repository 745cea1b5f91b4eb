"""The hop of one cluster as a process: starts it and gives it commands (see `hop`).

Knows the commands of the hop; knows no zone and no service.
"""

from __future__ import annotations

import json
import socket
import sys
from typing import Any

from statedrill.errors import ClusterError
from statedrill.processes.registry import ProcessRegistry

_START_TIMEOUT_S = 10.0
_CALL_TIMEOUT_S = 5.0


class HopProcess:
    """The hop of one cluster, and the commands that it takes."""

    def __init__(self, registry: ProcessRegistry) -> None:
        self._socket = registry.socket("hop.sock")
        self.process = registry.process(
            "hop",
            "hop",
            "region",
            (sys.executable, "-m", "statedrill.cluster.network.hop", str(self._socket)),
            ready=self._answers,
        )

    def start(self) -> None:
        """Start it without any link.

        Raises:
            ClusterError: it did not start.
        """
        self._socket.unlink(missing_ok=True)
        self.process.start(_START_TIMEOUT_S)

    def stop(self) -> None:
        """End it at once; idempotent."""
        self.process.kill()
        self.process.wait_gone()

    def call(self, do: str, **parameters: Any) -> dict[str, Any]:
        """The answer to one command.

        Raises:
            ClusterError: it is not there, or refused.
        """
        try:
            with socket.socket(socket.AF_UNIX) as control:
                control.settimeout(_CALL_TIMEOUT_S)
                control.connect(str(self._socket))
                control.sendall(json.dumps({"do": do, **parameters}).encode() + b"\n")
                with control.makefile("rb") as answers:
                    answer: dict[str, Any] = json.loads(answers.readline())
        except (OSError, ValueError) as error:
            raise ClusterError(f"the hop does not answer: {error}") from error
        if "error" in answer:
            raise ClusterError(f"the hop refused to {do} {parameters}: {answer['error']}")
        return dict(answer["ok"])

    def _answers(self) -> bool:
        try:
            self.call("describe")
        except ClusterError:
            return False
        return True
