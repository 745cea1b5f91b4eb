"""The audit: every object of every session is read once more, as its own user, after the faults.

`python -m statedrill.load.audit --history DIR --host URL --run R --worker N` needs no Locust. Each
session first shows its old cookies; if the server no longer knows it, it signs in again, which is
on record. What cannot be read is tried again until the time is over or the target is gone for
good. Knows how to read, not what the responses prove.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import gevent
import orjson
from gevent.pool import Pool

from statedrill.errors import ClusterError, InputError, StatedrillError
from statedrill.history.session_line import SessionLine
from statedrill.load.contract import CHECK_SESSION, DOWNLOAD, READS, Call
from statedrill.load.load_process import LoadProcess, new_recording, session_numbers
from statedrill.load.session.session import Session
from statedrill.load.settings import Settings
from statedrill.load.signals import end_cleanly
from statedrill.load.target_health import TargetHealth

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 1.0
_LEAST_S, _SESSION_S = 60.0, 0.1
_PATIENCE_S = 10.0
# A session whose last line is missing (its load process was killed) may have used more numbers.
_UNKNOWN_WRITES = 1_000_000


class OutOfTime(Exception):
    """The audit's time is over, or the target is gone."""


@dataclass
class AuditCounts:
    """What the audit did."""

    sessions: int = 0
    sessions_read: int = 0
    objects: int = 0
    objects_read: int = 0
    attempts: int = 0
    signed_in_again: int = 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the audit and print its counts as one line of JSON; 0 unless it could not run."""
    options = _options(arguments)
    end_cleanly()
    started = time.monotonic()
    try:
        counts = audit(options)
    except StatedrillError as error:
        print(f"audit: {error}", file=sys.stderr)
        return error.exit_code
    print(json.dumps({**vars(counts), "took_s": round(time.monotonic() - started, 3)}), flush=True)
    return 0


def audit(options: argparse.Namespace) -> AuditCounts:
    """Read every object of every session in the record, at most `concurrency` at a time.

    Raises:
        InputError: there are no sessions on record, or the address is not one.
        ClusterError: the target is gone for good; what was read before is on record.
    """
    lines = last_lines(options.history)
    if not lines:
        raise InputError(
            f"{options.history}: no session is on record", "name the history/ of a run with load"
        )
    settings = replace(
        Settings.from_environment(), history=options.history, run=options.run, pace_s=0.0
    )
    process = LoadProcess(settings, new_recording(settings, options.worker), session_numbers())
    process.report(lines=False)
    counts = AuditCounts(sessions=len(lines))
    least_s = _LEAST_S + _SESSION_S * len(lines)
    deadline_s = time.monotonic() + (options.timeout or least_s)
    health = TargetHealth(options.patience) if settings.control else None
    pool = Pool(options.concurrency)
    try:
        for line in lines:
            session = process.session_numbered(line["session"], options.host)
            audited = _SessionAudit(session, line, counts, deadline_s, health)
            pool.spawn(audited.read_all, options.objects)
        pool.join()
    finally:
        pool.kill()
        process.close()
    if health and health.gone:
        raise ClusterError(
            f"the target is gone for good ({'; '.join(health.gone)}): {counts.sessions_read} of "
            f"{counts.sessions} sessions were read"
        )
    return counts


def last_lines(folder: Path) -> list[SessionLine]:
    """The latest line of every session in `sessions-*.jsonl`, by session number."""
    found: dict[int, SessionLine] = {}
    for path in sorted(folder.glob("sessions-*.jsonl")):
        for text in path.read_bytes().split(b"\n"):
            try:
                line: SessionLine = orjson.loads(text)
            except orjson.JSONDecodeError:
                continue  # the torn last line of a killed process
            known = found.get(line["session"])
            if known is None or line["t"] >= known["t"]:
                found[line["session"]] = line
    return [found[number] for number in sorted(found)]


class _SessionAudit:
    """The audit of one session."""

    def __init__(
        self,
        session: Session,
        line: SessionLine,
        counts: AuditCounts,
        deadline_s: float,
        health: TargetHealth | None,
    ) -> None:
        gap = 0 if line.get("ended") else _UNKNOWN_WRITES
        session.resume(
            {
                **line,
                "next_write": line["next_write"] + gap,
                "next_logical": line["next_logical"] + gap,
            }
        )
        self._session = session
        self._counts = counts
        self._deadline_s = deadline_s
        self._health = health

    def read_all(self, objects: str) -> None:
        """Show the old cookies, then read everything, as far as the time allows."""
        try:
            if self._session.signed_in:
                self._until_read(CHECK_SESSION, "")
            calls = calls_for(sorted(self._session.objects), objects)
            self._counts.objects += len(calls)
            for call, name in calls:
                self._until_read(call, name)
                self._counts.objects_read += 1
            self._counts.sessions_read += 1
        except OutOfTime:
            pass
        finally:
            self._session.end()

    def _until_read(self, call: Call, name: str) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            signed_in = self._session.signed_in or self._sign_in()
            if signed_in and self._read(call, name):
                return
            if call is CHECK_SESSION and self._session.signed_in is False:
                return  # that is the result: the server has forgotten this session
            self._pause(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _read(self, call: Call, name: str) -> bool:
        self._check_time()
        self._counts.attempts += 1
        if call is DOWNLOAD:
            self._session.download(name)
        else:
            self._session.read(call)
        return self._session.answered

    def _sign_in(self) -> bool:
        self._check_time()
        self._counts.attempts += 1
        done = self._session.sign_in()
        self._counts.signed_in_again += done
        return done

    def _pause(self, pause_s: float) -> None:
        if self._health:
            self._health.look()
        self._check_time()
        gevent.sleep(pause_s)

    def _check_time(self) -> None:
        if time.monotonic() > self._deadline_s or (self._health and self._health.gone):
            raise OutOfTime


def calls_for(used: Sequence[str], objects: str) -> list[tuple[Call, str]]:
    """(call, name of the upload or "") for every object: `used` ones, of all kinds, or named.

    Raises:
        InputError: an object of `objects` does not exist.
    """
    uploads = [name.removeprefix("upload/") for name in used if name.startswith("upload/")]
    if objects == "used":
        names = [name for name in READS if name in used]
    elif objects == "all":
        names = list(READS)
    else:
        names = [name for name in objects.split(",") if name != "uploads"]
        uploads = uploads if "uploads" in objects.split(",") else []
    if unknown := [name for name in names if name not in READS]:
        raise InputError(
            f"there are no objects named {', '.join(unknown)}",
            f"choose from all, used, uploads, {', '.join(READS)}",
        )
    return [(READS[name], "") for name in names] + [(DOWNLOAD, name) for name in uploads]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m statedrill.load.audit", description=__doc__)
    parser.add_argument("--history", type=Path, required=True, help="folder of the record")
    parser.add_argument("--host", required=True, help="the load balancer, http://...")
    parser.add_argument("--run", required=True, help="id of the run")
    parser.add_argument("--worker", type=int, required=True, help="number of the audit's own files")
    parser.add_argument("--concurrency", type=int, default=16, help="sessions at a time")
    parser.add_argument(
        "--timeout", type=float, default=0.0,
        help=f"seconds for all of it (default: {_LEAST_S:g} and {_SESSION_S:g} for each session)",
    )  # fmt: skip
    parser.add_argument(
        "--patience", type=float, default=_PATIENCE_S,
        help="seconds after which a target that is not healthy is gone for good (%(default)g)",
    )  # fmt: skip
    parser.add_argument(
        "--objects", default="used", help="used (default), all, or names: cart,history,uploads"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
