"""Histories that other projects recorded, judged as they say: `manifest.tsv` names each verdict.

The recordings are data of others and no part of this project: the tests skip where there is no
folder of them beside the checkout (or where STATEDRILL_HISTORIES says), and the summary of the test
run says so. A folder that cannot be read is a failure.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from statedrill.check.search.judge import ForeignVerdict
from statedrill.history.formats import read, recognise
from tests.check.search.foreign_histories import judged
from tests.support.skips import NO_RECORDED_HISTORIES

_BESIDE = Path(__file__).parents[3] / ".." / "shared" / "histories"
HISTORIES = Path(os.environ.get("STATEDRILL_HISTORIES", _BESIDE))
MANIFEST = HISTORIES / "manifest.tsv"
MODELS = {"cas-register": "cas-register", "kv of": "kv", "etcd KV": "etcd", "watch": "etcd"}

pytestmark = pytest.mark.skipif(
    not HISTORIES.exists(), reason=f"{NO_RECORDED_HISTORIES} at {HISTORIES}"
)


def rows() -> list[dict[str, str]]:
    with MANIFEST.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def whole(row: dict[str, str]) -> Path:
    """What the row's verdict is about: its file, or for etcd the record of all clients."""
    path = HISTORIES / row["file"]
    return path.parents[1] if row["file"].startswith("etcd-robustness/") else path


@cache
def verdict(path: Path) -> ForeignVerdict:
    return judged(read(path))


def test_every_recorded_history_is_judged_as_its_manifest_says() -> None:
    counts: Counter[tuple[str, str]] = Counter()
    wrong = []
    for row in rows():
        said = verdict(whole(row))
        group = "/".join(row["file"].split("/")[:2])
        counts[group, said["outcome"]] += 1
        expected = {"true": "held", "false": "broken"}[row["known_verdict"]]
        if said["outcome"] not in (expected, "unknown"):
            wrong.append(f"{row['file']}: {said['outcome']}, not {expected}: {said['why']}")
    for (group, outcome), count in sorted(counts.items()):
        print(f"{group}: {count} {outcome}")
    unknown = sum(count for (_, outcome), count in counts.items() if outcome == "unknown")
    print(f"{len(rows())} recorded histories, {len(wrong)} wrong, {unknown} unknown")
    assert not wrong, "\n".join(wrong)
    assert sum(counts.values()) == len(rows()) > 0
    assert unknown == 0, "every one of them is within the budget on any machine of today"


def test_every_file_is_recognised_and_read_whole() -> None:
    for row in rows():
        path = HISTORIES / row["file"]
        history = read(path)
        model = next(name for prefix, name in MODELS.items() if row["model"].startswith(prefix))
        unknown = sum(each.outcome.name == "UNKNOWN" for each in history.operations)
        assert recognise(path) == history.format
        assert history.model == model, row["file"]
        entries = len(history.operations) + len(history.watches)
        assert (entries, unknown) == (int(row["operations"]), int(row["unknown_outcome"]))


def test_a_part_of_a_legal_etcd_record_is_never_accused() -> None:
    for row in rows():
        if row["file"].startswith("etcd-robustness/"):
            path = HISTORIES / row["file"]
            assert verdict(path)["outcome"] != "broken", (path, verdict(path)["why"])
            assert verdict(path.parent)["outcome"] != "broken", verdict(path.parent)["why"]


def etcd_folder() -> Path:
    return next(whole(row) for row in rows() if row["file"].startswith("etcd-robustness/"))


Line = dict[str, Any]


def put_of(line: Line) -> dict[str, Any] | None:
    """What an acknowledged transaction put, if it put something."""
    txn, answer = line["Input"]["Txn"], line["Output"]["Txn"]
    if not txn or not answer or answer["Failure"]:
        return None
    step = txn["OperationsOnSuccess"][0]
    return dict(step["Put"]) if step["Type"] == "put-operation" else None


def a_read_loses_a_key(line: Line) -> bool:
    answer = line["Output"]["Range"]
    if not answer or len(answer["KVs"] or []) < 2:
        return False
    answer["KVs"] = answer["KVs"][1:]
    return True


def a_read_is_stale_by_its_revision(line: Line) -> bool:
    if line["Input"]["Type"] != "range" or line["Output"]["Revision"] < 50:
        return False
    line["Output"]["Revision"] -= 40
    return True


def a_read_shows_another_value(line: Line) -> bool:
    answer = line["Output"]["Range"]
    if not answer or not answer["KVs"]:
        return False
    answer["KVs"][0]["Value"]["Value"] = "never written"
    return True


def a_write_is_acknowledged_at_anothers_revision(line: Line) -> bool:
    if put_of(line) is None:
        return False
    line["Output"]["Revision"] += 1
    return True


def a_refused_transaction_says_it_was_applied(line: Line) -> bool:
    answer = line["Output"]["Txn"]
    if not answer or not answer["Failure"]:
        return False
    answer["Failure"], answer["Results"] = False, [{"KVs": None, "Count": 0, "Deleted": 0}]
    return True


def an_acknowledged_write_was_another_value(line: Line) -> bool:
    if put_of(line) is None:
        return False
    line["Input"]["Txn"]["OperationsOnSuccess"][0]["Put"]["Value"]["Value"] = "another"
    return True


def a_write_began_after_a_watch_had_told_of_it(line: Line) -> bool:
    if put_of(line) is None:
        return False
    line["Call"] += 10_000_000_000
    line["Return"] += 10_000_000_000
    return True


def a_watch_skips_an_event(line: Line) -> bool:
    for response in line["Responses"][3:]:
        if response["Events"]:
            del response["Events"][0]
            return True
    return False


def a_watch_goes_back(line: Line) -> bool:
    responses = [each for each in line["Responses"] if each["Events"]]
    if len(responses) < 2:
        return False
    responses[0]["Events"], responses[1]["Events"] = responses[1]["Events"], responses[0]["Events"]
    return True


def a_watch_tells_of_another_value(line: Line) -> bool:
    for response in line["Responses"]:
        for event in response["Events"] or []:
            if event["Type"] == "put-operation":
                event["Value"]["Value"] = "another"
                return True
    return False


def an_applied_transaction_asked_for_another_revision(line: Line) -> bool:
    if put_of(line) is None or not line["Input"]["Txn"]["Conditions"]:
        return False
    line["Input"]["Txn"]["Conditions"][0]["ExpectedRevision"] += 1
    return True


def a_watch_tells_of_an_event_before_its_write_began(line: Line) -> bool:
    late = [each for each in line["Responses"] if each["Events"]][1:]
    if not late:
        return False
    late[-1]["Time"] = 1
    return True


MUTATIONS: list[tuple[Callable[[Line], bool], str]] = [
    (a_read_loses_a_key, "operations.json"),
    (a_read_is_stale_by_its_revision, "operations.json"),
    (a_read_shows_another_value, "operations.json"),
    (a_write_is_acknowledged_at_anothers_revision, "operations.json"),
    (a_refused_transaction_says_it_was_applied, "operations.json"),
    (an_acknowledged_write_was_another_value, "operations.json"),
    (a_write_began_after_a_watch_had_told_of_it, "operations.json"),
    (an_applied_transaction_asked_for_another_revision, "operations.json"),
    (a_watch_tells_of_an_event_before_its_write_began, "watch.json"),
    (a_watch_skips_an_event, "watch.json"),
    (a_watch_goes_back, "watch.json"),
    (a_watch_tells_of_another_value, "watch.json"),
]


@pytest.mark.parametrize(
    ("mutate", "name"), MUTATIONS, ids=[each.__name__ for each, _ in MUTATIONS]
)
def test_one_planted_fault_in_a_legal_etcd_record_is_found(
    mutate: Callable[[Line], bool], name: str, tmp_path: Path
) -> None:
    copy = tmp_path / "record"
    shutil.copytree(etcd_folder(), copy, copy_function=shutil.copyfile)
    for folder in copy.iterdir():
        folder.chmod(0o755)
    path = copy / "client-10" / name
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    begin = len(lines) // 2
    assert any(mutate(line) for line in lines[begin:] or lines), "the fault found no place"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    answer = judged(read(copy))
    assert answer["outcome"] == "broken", answer["why"]
    assert 1 <= len(answer["witness_operations"]) <= 4
    assert json.loads(json.dumps(answer)) == answer
    assert answer["witness"]


def test_a_write_missing_from_the_record_leaves_an_event_without_author(tmp_path: Path) -> None:
    copy = tmp_path / "record"
    shutil.copytree(etcd_folder(), copy, copy_function=shutil.copyfile)
    path = copy / "client-10" / "operations.json"
    path.parent.chmod(0o755)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    number = next(at for at, line in enumerate(lines) if put_of(json.loads(line)))
    path.write_text("".join(lines[:number] + lines[number + 1 :]), encoding="utf-8")
    answer = judged(read(copy))
    assert answer["outcome"] == "broken"
    assert "no request made the change" in answer["why"][0]


def test_one_wrong_answer_in_a_legal_porcupine_history_is_found(tmp_path: Path) -> None:
    path = HISTORIES / "porcupine" / "kv" / "c10-ok.txt"
    text = path.read_text(encoding="utf-8").splitlines(keepends=True)
    number = max(at for at, line in enumerate(text) if ":ok, :f :get" in line and '"x ' in line)
    text[number] = text[number].replace('"x ', '"y ')
    copy = tmp_path / "bad.txt"
    copy.write_text("".join(text), encoding="utf-8")
    answer = judged(read(copy))
    assert answer["outcome"] == "broken"
    assert str(number + 1) in answer["witness"]
