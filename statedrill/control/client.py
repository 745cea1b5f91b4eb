"""The way to the control address of a running cluster.

Finds it through $STATEDRILL_CONTROL (the path of a control file), else through the only cluster
that this user has running. Knows the protocol; knows no fault.
"""

from __future__ import annotations

import json
import os
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

_TIMEOUT_S = 120.0


class ControlFailure(RuntimeError):
    """The control address is not there, or refused: Chaos Toolkit marks the activity failed."""


def call(action: str, **arguments: Any) -> dict[str, Any]:
    """POST `arguments` (those that are not None) to `action`, such as "ec2/terminate-instances".

    Returns the answer's JSON object.

    Raises:
        ControlFailure: no cluster is running, or it refused; says what to do.
    """
    where = find_control()
    given = {name: value for name, value in arguments.items() if value is not None}
    request = urllib.request.Request(
        f"{where['url'].rstrip('/')}/{action}",
        data=json.dumps(given).encode(),
        headers={
            "Authorization": f"Bearer {where['token']}",
            "Content-Type": "application/json",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        raise ControlFailure(f"{action}: refused: {_reason(error)}") from error
    except OSError as error:
        raise ControlFailure(
            f"{action}: the cluster at {where['url']} does not answer ({error}): is "
            "`statedrill up` or a drill still running?"
        ) from error


def fault(action: str, **arguments: Any) -> dict[str, Any]:
    """`call` for an action that breaks something: a fault that did not happen is a failure.

    Raises:
        ControlFailure: the cluster could not prove that the fault happened.
    """
    answer = call(action, **arguments)
    if not answer.get("proved"):
        raise ControlFailure(f"{action}: not proved: {answer.get('proof', 'no proof given')}")
    return answer


def find_control() -> dict[str, Any]:
    """The control file's content: url, token, load_balancer and more.

    Raises:
        ControlFailure: there is none, or more than one to choose from.
    """
    named = os.environ.get("STATEDRILL_CONTROL")
    if named:
        return _read(Path(named))
    folder = Path(tempfile.gettempdir()) / f"statedrill-{os.getuid()}"
    found = [each for each in sorted(folder.glob("*.json")) if _is_running(each)]
    if len(found) == 1:
        return _read(found[0])
    if not found:
        raise ControlFailure("no cluster is running: start one with `statedrill up`")
    listed = ", ".join(str(path) for path in found)
    raise ControlFailure(f"several clusters are running: set STATEDRILL_CONTROL to one of {listed}")


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise ControlFailure(f"{path}: no control file ({error}): is the cluster up?") from error


def _is_running(path: Path) -> bool:
    try:
        os.kill(int(json.loads(path.read_text(encoding="utf-8"))["pid"]), 0)
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return True


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        told = json.load(error)
        return " ".join(str(told[key]) for key in ("error", "hint") if told.get(key))
    except (OSError, ValueError, TypeError):
        return f"status {error.code}"
