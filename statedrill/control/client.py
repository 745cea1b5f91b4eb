"""The way to the control address of a running target.

Finds it through $STATEDRILL_CONTROL (the path of a control file), else through the only target
that this user has running. Knows the protocol; knows no fault.
"""

from __future__ import annotations

import http.client
import json
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from statedrill.control.control_file import (
    ControlFile,
    read_control_file,
    running_control_files,
)

_TIMEOUT_S = 120.0


class ControlFailure(RuntimeError):
    """The control address is not there, or refused: Chaos Toolkit marks the activity failed."""


def call(action: str, *, timeout_s: float = _TIMEOUT_S, **arguments: Any) -> dict[str, Any]:
    """POST `arguments` (those that are not None) to `action`, such as "ec2/terminate-instances".

    Returns the answer's JSON object.

    Raises:
        ControlFailure: no target is running, or it refused; says what to do.
    """
    control = find_control()
    given = {name: value for name, value in arguments.items() if value is not None}
    headers = {"Authorization": f"Bearer {control['token']}", "Content-Type": "application/json"}
    body = json.dumps(given).encode()
    try:
        address = f"{control['url'].rstrip('/')}/{action}"
        request = urllib.request.Request(address, body, headers)
        with urllib.request.urlopen(request, timeout=timeout_s) as response:
            return dict(json.load(response))
    except urllib.error.HTTPError as error:
        raise ControlFailure(f"{action}: refused: {_reason(error)}") from error
    except (OSError, ValueError, TypeError, http.client.HTTPException) as error:
        raise ControlFailure(
            f"{action}: the cluster at {control['url']} does not answer ({error}): is "
            "`statedrill up` or a drill still running?"
        ) from error


def fault(action: str, **arguments: Any) -> dict[str, Any]:
    """`call` for an action that breaks something: a fault that did not happen is a failure.

    Raises:
        ControlFailure: the target could not prove that the fault happened.
    """
    answer = call(action, **arguments)
    if not answer.get("proved"):
        raise ControlFailure(f"{action}: not proved: {answer.get('proof', 'no proof given')}")
    return answer


def find_control() -> ControlFile:
    """The content of the control file to use.

    Raises:
        ControlFailure: there is none, or more than one to choose from.
    """
    if named := os.environ.get("STATEDRILL_CONTROL"):
        return _read(Path(named))
    running = running_control_files()
    if len(running) == 1:
        return _read(running[0])
    if not running:
        raise ControlFailure("no cluster is running: start one with `statedrill up`")
    listed = ", ".join(str(path) for path in sorted(running))
    raise ControlFailure(f"several clusters are running: set STATEDRILL_CONTROL to one of {listed}")


def load_balancer(control_file: Path | None = None) -> str | None:
    """The load balancer's URL as `control_file` says, or that of the newest running target.

    None when the file cannot be read, or when nothing is running.
    """
    for path in [control_file] if control_file else running_control_files():
        try:
            return read_control_file(path)["load_balancer"]
        except (OSError, ValueError):
            continue
    return None


def names_file(control_file: Path | None = None) -> Path | None:
    """The file that says what the load balancer's name resolves to; None as `load_balancer`."""
    for path in [control_file] if control_file else running_control_files():
        try:
            named = read_control_file(path).get("names")
        except (OSError, ValueError):
            continue
        return Path(named) if named else None
    return None


def _read(path: Path) -> ControlFile:
    try:
        return read_control_file(path)
    except (OSError, ValueError) as error:
        raise ControlFailure(f"{path}: no control file ({error}): is the cluster up?") from error


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        problem = json.load(error)
        hint = f" ({problem['hint']})" if problem.get("hint") else ""
        return f"{problem['error']}{hint}"
    except (OSError, ValueError, TypeError, KeyError):
        return f"status {error.code}"
