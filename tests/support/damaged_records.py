"""Damaged records of every kind, for the tests and for the long run of `make prove`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from statedrill.errors import BAD_INPUT
from statedrill.history.columns import PARQUET
from tests.support.commands import assert_one_clear_sentence, call
from tests.support.mutation import mutants
from tests.support.runs import small_run, unpacked


@dataclass(frozen=True)
class Victim:
    """A file to be damaged, and the command that reads it; `remains` are files that the command
    makes of it and would read instead the next time.
    """

    path: Path
    words: tuple[str, ...]
    remains: tuple[Path, ...] = ()


def call_with_damaged(kind: str, folder: Path, count: int, seed: int = 0) -> int:
    """Call the command with `count` damaged files of one `kind` in `folder`; how many it refused.

    Each is refused in words that name the file, or judged. Whatever else happens is raised.
    """
    victim = KINDS[kind](folder)
    whole = victim.path.read_bytes()
    assert call(*victim.words).code != BAD_INPUT, kind
    refused = 0
    for how, damaged in mutants(whole, count, seed):
        for path in victim.remains:
            path.unlink(missing_ok=True)
        victim.path.write_bytes(damaged)
        try:
            called = call(*victim.words)
            assert_one_clear_sentence(called)
            if called.code == BAD_INPUT:
                refused += 1
                assert victim.path.name in called.err, called.err
        except Exception as error:
            raise AssertionError(f"{kind}, seed {seed}, {how}: {error!r}") from error
    return refused


def _of_run(name: str, verb: str = "check") -> Callable[[Path], Victim]:
    def victim(folder: Path) -> Victim:
        run = small_run(folder / "run")
        call("check", str(run))
        return Victim(run / name, (verb, str(run)))

    return victim


def _lines_of_arrivals(folder: Path) -> Victim:
    run = small_run(folder / "run")
    path = run / "history" / "load-0.jsonl"
    figures = {"planned_arrivals": 20.0, "arrived": 20, "waited": 0, "started": 20, "ended": 18,
               "session_s": 5.0, "queued": 0, "dropped": 0, "users": 120}  # fmt: skip
    lines = [json.loads(line) | figures for line in path.read_text().splitlines()]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return Victim(path, ("check", str(run)))


def _recorder_lines(folder: Path) -> Victim:
    run = unpacked(small_run(folder / "run"))
    packed = run / "history" / PARQUET
    return Victim(run / "history" / "operations-0.jsonl", ("check", str(run)), (packed,))


def _foreign(name: str, text: str) -> Callable[[Path], Victim]:
    def victim(folder: Path) -> Victim:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return Victim(path, ("check", str(path), "--budget", "1s"))

    return victim


def _edn(*entries: str) -> str:
    """Lines of maps from `process type f value`."""
    return "".join(
        "{{:process {}, :type :{}, :f :{}, :value {}}}\n".format(*entry.split(" ", 3))
        for entry in entries
    )


_REGISTER = _edn(
    "0 invoke write 1", ":nemesis info start nil", "1 invoke read nil", "0 ok write 1",
    "1 ok read 1", "0 invoke cas [1 2]", "0 info cas [1 2]", "1 invoke write 3", "1 fail write 3",
    "2 invoke read nil", "2 ok read 2",
)  # fmt: skip
_SET = _edn(
    "0 invoke add 1", "0 ok add 1", "0 invoke add 2", "0 ok add 2", "1 invoke read nil",
    "1 ok read #{1 2}", "0 invoke remove 1", "0 ok remove 1", "1 invoke read nil", "1 ok read #{2}",
)  # fmt: skip
_TRANSACTIONS = _edn(
    "0 invoke txn [[:append 7 1]]", "0 ok txn [[:append 7 1]]", "0 invoke txn [[:append 7 2]]",
    "0 info txn [[:append 7 2]]", "1 invoke txn [[:r 7 nil]]", "1 ok txn [[:r 7 [1 2]]]",
)  # fmt: skip
_LOG = """\
INFO [2026-01-01 10:00:00,000] main - jepsen.core - started
INFO  jepsen.util - 0\t:invoke\t:write\t1
INFO  jepsen.util - :nemesis\t:info\t:start\tnil
INFO  jepsen.util - 0\t:ok\t:write\t1
WARN  jepsen.client - it went wrong
    at somewhere(File.java:1)
INFO  jepsen.util - 1\t:invoke\t:cas\t[1 2]
INFO  jepsen.util - 1\t:info\t:cas\t:timed-out
INFO  jepsen.util - 2\t:invoke\t:read\tnil
INFO  jepsen.util - 2\t:ok\t:read\t1
"""
_TEXTS = "".join(
    f'{{:process 0, :type :{kind}, :f :{f}, :key "k", :value {value}}}\n'
    for f, asked, shown in (("put", '"a"', '"a"'), ("append", '"b"', '"b"'), ("get", "nil", '"ab"'))
    for kind, value in (("invoke", asked), ("ok", shown))
)
_PUT = {"Type": "put-operation",
        "Put": {"Key": "a", "Value": {"Value": "x", "Hash": 0}, "LeaseID": 0}}  # fmt: skip
_TXN = {"Conditions": [{"Key": "a", "ExpectedRevision": 0}], "OperationsOnSuccess": [_PUT],
        "OperationsOnFailure": None}  # fmt: skip
_RANGE = {"Start": "a", "End": "", "Limit": 0, "Revision": 0}
_KVS = [{"Key": "a", "Value": {"Value": "x", "Hash": 0}, "ModRevision": 2}]
_ETCD = "".join(json.dumps(line) + "\n" for line in (
    {"ClientId": 9, "Input": {"Type": "txn", "Range": None, "Txn": _TXN}, "Call": 5,
     "Output": {"Txn": {"Failure": False, "Results": [{"KVs": None, "Count": 0, "Deleted": 0}]},
                "Range": None, "Revision": 2, "Error": ""}, "Return": 9},
    {"ClientId": 9, "Input": {"Type": "range", "Range": _RANGE, "Txn": None}, "Call": 15,
     "Output": {"Txn": None, "Range": {"KVs": _KVS, "Count": 1}, "Revision": 2, "Error": ""},
     "Return": 19},
))  # fmt: skip
_WATCHED = {"Type": "put-operation", "Key": "a", "Value": {"Value": "x", "Hash": 0}, "Revision": 2}
_WATCH = "".join(json.dumps(line) + "\n" for line in (
    {"Request": {"Key": "a", "Revision": 0, "WithPrefix": True}, "Responses": [
        {"Events": [_WATCHED], "IsProgressNotify": False, "Revision": 2, "Time": 20},
        {"Events": None, "IsProgressNotify": True, "Revision": 2, "Time": 30},
    ]},
    {"Request": {"Key": "a", "Revision": 0, "WithPrefix": False}, "Responses": [
        {"Events": [_WATCHED], "IsProgressNotify": False, "Revision": 2, "Time": 25},
    ]},
))  # fmt: skip

KINDS: Mapping[str, Callable[[Path], Victim]] = MappingProxyType(
    {
        "events.jsonl": _of_run("history/events.jsonl"),
        "load-0.jsonl": _of_run("history/load-0.jsonl"),
        "load-0.jsonl of arrivals": _lines_of_arrivals,
        "operations.parquet": _of_run("history/operations.parquet"),
        "operations.parquet, exported": _of_run("history/operations.parquet", "export"),
        "operations-0.jsonl": _recorder_lines,
        "verdict.json, reported": _of_run("verdict.json", "report"),
        "jepsen register": _foreign("history.edn", _REGISTER),
        "jepsen set": _foreign("history.edn", _SET),
        "jepsen transactions": _foreign("history.edn", _TRANSACTIONS),
        "jepsen log": _foreign("jepsen.log", _LOG),
        "porcupine": _foreign("history.txt", _TEXTS),
        "etcd operations": _foreign("operations.json", _ETCD),
        "etcd watches": _foreign("watch.json", _WATCH),
    }
)
