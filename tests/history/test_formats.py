"""Histories of other tools: told by content, read whole, refused with file, line and reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as some

from statedrill.errors import HistoryError
from statedrill.history.columns import ARROW_SCHEMA, NUMERIC, Names, write_parts
from statedrill.history.formats import export_jepsen, read, recognise
from statedrill.history.formats.edn import Keyword, Reader, dumps
from statedrill.history.operation import (
    ABSENT,
    ALIEN,
    FOREIGN,
    FOREVER,
    INITIAL,
    NOTHING,
    Operation,
)
from statedrill.history.recorder import Recorder
from statedrill.history.store import History
from statedrill.vocabulary import Kind, Model, Outcome
from tests.check.search.foreign_histories import judged

REGISTER = """\
{:index 0, :time 10, :process 0, :type :invoke, :f :write, :value 1}
{:index 1, :time 11, :process :nemesis, :type :info, :f :start, :value nil}
{:index 2, :time 12, :process 1, :type :invoke, :f :read, :value nil}
{:index 3, :time 13, :process 0, :type :ok, :f :write, :value 1}
{:index 4, :time 14, :process 1, :type :ok, :f :read, :value 1}
{:index 5, :time 15, :process 0, :type :invoke, :f :write, :value 2}
{:index 6, :time 16, :process 0, :type :info, :f :write, :value 2, :error :timeout}
{:index 7, :time 17, :process 1, :type :invoke, :f :write, :value 3}
{:index 8, :time 18, :process 1, :type :fail, :f :write, :value 3}
{:index 9, :time 19, :process 2, :type :invoke, :f :write, :value 4}
"""


def written(folder: Path, text: str, name: str = "data") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def edn(*entries: str) -> str:
    """Lines of maps from `process type f value`."""
    lines = []
    for each in entries:
        process, kind, f, value = each.split(" ", 3)
        lines.append(f"{{:process {process}, :type :{kind}, :f :{f}, :value {value}}}\n")
    return "".join(lines)


def verdict(path: Path) -> Any:
    return judged(read(path))["outcome"]


scalars = some.none() | some.booleans() | some.integers() | some.text() | some.floats(0.001, 9e9)
values = some.recursive(
    scalars | some.from_regex(r"[a-z][a-z0-9-]{0,9}", fullmatch=True).map(Keyword),
    lambda inner: (
        some.lists(inner).map(tuple)
        | some.dictionaries(some.text(), inner)
        | some.frozensets(some.integers())
    ),
    max_leaves=20,
)


@given(values)
def test_every_value_comes_back_from_its_edn(value: Any) -> None:
    ((line, back),) = Reader(dumps(value), "text").forms()
    assert (line, back) == (1, value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("; comment\n 42N", 42),
        ("#_ {:left out} [1,2 (3)]", (1, 2, (3,))),
        ('#inst "2026-01-01"', "2026-01-01"),
        ("\\newline", "\n"),
        ('"\\u0041\\t"', "A\t"),
        ("-1.5e3", -1500.0),
        ("-", "-"),
        ("##Inf", float("inf")),
        ("{}", {}),
    ],
)
def test_the_odd_corners_of_edn_are_read(text: str, value: Any) -> None:
    ((_, found),) = Reader(text, "text").forms()
    assert getattr(found, "value", found) == value


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("{:a 1}\n{:a", 2, "ends inside what began in line 2"),
        ("[1\n2\n", 2, "ends inside"),
        ("\n]", 2, "closes nothing"),
        ("(1]", 1, "closes nothing"),
        ("{:a}", 1, "no value"),
        ("{:a 1 :a 2}", 1, "one key twice"),
        ("#{1 1}", 1, "one element twice"),
        ('\n\n"abc', 3, "not EDN"),
        ("12x", 1, "not a number"),
        ("::a", 1, "not a keyword"),
        ('"\\q"', 1, "not an escape"),
        ("##Other", 1, "not EDN"),
        ("#{ {} }", 1, "not supported"),
        ("\n" + "[" * 5000 + "]" * 5000, 2, "more than 200 collections"),
    ],
)
def test_what_is_not_edn_is_refused_with_its_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(HistoryError, match=reason) as caught:
        list(Reader(text, "some.edn").forms())
    assert caught.value.message.startswith(f"some.edn:{line}: ")


def test_a_jepsen_register_is_read_in_either_shape(tmp_path: Path) -> None:
    by_line = read(written(tmp_path, REGISTER))
    vector = read(written(tmp_path, f"[{REGISTER}]", "vector"))
    tagged = REGISTER.replace("{:index", "#jepsen.history.Op{:index")
    assert by_line.operations == vector.operations
    assert by_line.operations == read(written(tmp_path, tagged, "tagged")).operations
    assert (by_line.format, by_line.model) == ("jepsen-edn", "register")
    first, seen, late, failed, cut = by_line.operations
    assert (first.call, first.ret, first.outcome) == (1, 3, Outcome.OK)
    assert (seen.action, seen.result, seen.where) == ("read", 1, "lines 3 and 5")
    assert (late.outcome, late.ret, late.value) == (Outcome.UNKNOWN, FOREVER, 2)
    assert failed.outcome is Outcome.FAILED
    assert (cut.outcome, cut.where) == (Outcome.UNKNOWN, "line 10")


def test_keys_of_jepsen_independent_are_objects(tmp_path: Path) -> None:
    text = edn(
        '0 invoke write ["a" 1]', '0 ok write ["a" 1]',
        '0 invoke read ["a" nil]', '0 ok read ["a" 1]',
        '0 invoke cas ["b" [1 2]]', '0 fail cas ["b" [1 2]]',
    )  # fmt: skip
    history = read(written(tmp_path, text))
    assert history.model == "cas-register"
    assert [each.key for each in history.operations] == ["a", "a", "b"]
    assert history.operations[2].value == (1, 2)
    assert verdict(written(tmp_path, text)) == "held"


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [("#{1 2}", "held"), ("[1 2]", "held"), ("#{1}", "broken"), ("[1 2 2]", "broken")],
)
def test_a_jepsen_set_is_judged_by_its_reads(tmp_path: Path, seen: str, outcome: str) -> None:
    text = edn(
        "0 invoke add 1", "0 ok add 1", "0 invoke add 2", "0 ok add 2",
        "1 invoke read nil", f"1 ok read {seen}",
    )  # fmt: skip
    path = written(tmp_path, text)
    assert read(path).model == "set"
    assert verdict(path) == outcome


@pytest.mark.parametrize(("seen", "outcome"), [("[1 2]", "held"), ("[2 1]", "broken")])
def test_list_append_of_single_micro_operations_is_a_log(
    tmp_path: Path, seen: str, outcome: str
) -> None:
    text = edn(
        "0 invoke txn [[:append 7 1]]", "0 ok txn [[:append 7 1]]",
        "0 invoke txn [[:append 7 2]]", "0 info txn [[:append 7 2]]",
        "1 invoke txn [[:r 7 nil]]", f"1 ok txn [[:r 7 {seen}]]",
        "1 invoke txn [[:r 8 nil]]", "1 ok txn [[:r 8 nil]]",
    )  # fmt: skip
    path = written(tmp_path, text)
    assert read(path).model == "append-log"
    assert verdict(path) == outcome


LOG = """\
INFO [2026-01-01 10:00:00,000] main - jepsen.core - started
INFO  jepsen.util - 0\t:invoke\t:write\t1
INFO  jepsen.util - :nemesis\t:info\t:start\tnil
INFO  jepsen.util - 0\t:ok\t:write\t1
WARN  jepsen.client - it went wrong
    at somewhere(File.java:1)
INFO  jepsen.util - 1\t:invoke\t:cas\t[1 2]
INFO  jepsen.util - 1\t:info\t:cas\t:timed-out
"""


def test_lines_of_a_jepsen_log_are_read_between_those_of_others(tmp_path: Path) -> None:
    path = written(tmp_path, LOG)
    assert recognise(path) == "jepsen-log"
    write, unknown = read(path).operations
    assert (write.outcome, write.where) == (Outcome.OK, "lines 2 and 4")
    assert (unknown.value, unknown.outcome) == ((1, 2), Outcome.UNKNOWN)


def test_porcupine_texts_are_read_with_puts_and_judged_by_search(tmp_path: Path) -> None:
    line = '{{:process 0, :type :{}, :f :{}, :key "k", :value {}}}\n'
    calls = [("put", '"a"', '"a"'), ("append", '"b"', '"b"'), ("get", "nil", '"ab"')]
    text = "".join(
        line.format(kind, f, value)
        for f, asked, shown in calls
        for kind, value in (("invoke", asked), ("ok", shown))
    )
    path = written(tmp_path, text)
    assert recognise(path) == "porcupine-kv"
    assert verdict(path) == "held"
    assert verdict(written(tmp_path, text.replace('"ab"', '"b"'))) == "broken"


def test_a_map_as_a_key_of_porcupine_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "{:process 0, :type :invoke, :f :get, :key {:a 1}, :value nil}\n")
    with pytest.raises(HistoryError, match="data:1: a map as :key is not supported"):
        read(path)


def test_a_value_that_is_no_number_is_what_was_written(tmp_path: Path) -> None:
    text = edn("0 invoke write ##NaN", "0 ok write ##NaN", "1 invoke read nil", "1 ok read ##NaN")
    assert verdict(written(tmp_path, text)) == "held"
    other = text.replace(":read, :value ##NaN", ":read, :value ##Inf")
    assert verdict(written(tmp_path, other)) == "broken"


def test_what_is_no_history_is_recognised_as_none(tmp_path: Path) -> None:
    for text in ("", "hello\n", '{"a": 1}\n', "{:a 1}", "\0\1\2", "[1 2 3]"):
        path = written(tmp_path, text)
        assert recognise(path) is None
        with pytest.raises(HistoryError, match=r"data:1: not a history of a known format"):
            read(path)
    assert recognise(tmp_path) is None
    with pytest.raises(HistoryError, match="neither the folder of a run nor a history"):
        read(tmp_path)
    with pytest.raises(HistoryError, match="no such file"):
        recognise(tmp_path / "absent")


def test_the_content_says_the_format_and_not_the_name(tmp_path: Path) -> None:
    assert recognise(written(tmp_path, REGISTER, "operations.json")) == "jepsen-edn"
    assert recognise(written(tmp_path, LOG, "history.edn")) == "jepsen-log"


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (REGISTER[:-6], 10, "ends inside"),
        (REGISTER.replace("{:index 4", "[:index 4"), 5, "closes nothing"),
        (REGISTER + "{:process 3, :type :ok, :f :read, :value 1}\n", 11, "has not called"),
        (REGISTER + "{:process 2, :type :invoke, :f :read, :value nil}\n", 11, "calls again"),
        (REGISTER + "{:process 2, :type :ok, :f :read, :value 4}\n", 11, "does not fit"),
        (REGISTER + "{:process 2, :type :done, :f :read}\n", 11, "none of Jepsen's"),
        (REGISTER + "{:process 2, :f :read}\n", 11, "no :type"),
        (REGISTER + "17\n", 11, "a map is expected"),
        (edn("0 invoke transfer {:from 1}"), 1, ":transfer is not supported"),
        (edn("0 invoke txn [[:append 1 1] [:r 1 nil]]"), 1, "micro-operation is not supported"),
        (edn("0 invoke txn [5]"), 1, "one micro-operation is not supported"),
        (edn("0 invoke txn [[{} 1 2]]"), 1, "micro-operation {} is not supported"),
        (edn("0 invoke add 1", "1 invoke write 1"), 1, "add, write together is not supported"),
        (REGISTER + "{:process 2, :type {}, :f :read}\n", 11, "none of Jepsen's"),
        (edn("0 invoke write nil", f"0 ok write {'9' * 5000}"), 2, "more than 4000 digits"),
        (edn("0 invoke cas 5"), 1, "old new"),
        (edn("0 invoke write [1 2]", "0 ok write 2"), 2, "key value"),
        (edn("0 invoke add 1", "0 ok add 1", "0 invoke read nil", "0 ok read 7"), 4, "set or list"),
        (LOG + "INFO  jepsen.util - 3\t:inv", 9, "not a line of a Jepsen log"),
        (LOG + "INFO  jepsen.util - 3\t:invoke\t:write\t[1", 9, "ends inside"),
        (LOG + "what is this\n", 9, "not a line of a Jepsen log"),
    ],
)
def test_damage_is_an_error_with_file_line_and_reason(
    tmp_path: Path, text: str, line: int, reason: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(HistoryError, match=reason) as caught:
        read(path)
    assert caught.value.message.startswith(f"{path}:{line}:"), caught.value.message
    assert caught.value.hint


ETCD = (
    '{"ClientId":9,"Input":{"Type":"range","Range":{"Start":"a","End":"","Limit":0,"Revision":0},'
    '"Txn":null},"Call":5,"Output":{"Txn":null,"Range":{"KVs":null,"Count":0},"Revision":1,'
    '"Error":""},"Return":9}\n'
)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (ETCD + ETCD[:-9], 2, "not JSON"),
        (ETCD + ETCD.replace('"Call"', '"Cal"'), 2, "no field 'Call'"),
        (ETCD + ETCD.replace('"range"', '"compact"'), 2, "'compact' is not supported"),
        (ETCD + ETCD.replace('"Return":9', '"Return":1'), 2, "before Call"),
        (ETCD + "[]", 2, "an object is expected"),
        (ETCD + ETCD.replace('{"KVs":null,"Count":0}', "null"), 2, "has no 'Range'"),
        (ETCD + '{"ClientId": "\udcff"}', 2, "not JSON"),
    ],
)
def test_damage_in_an_etcd_record_is_an_error_with_file_line_and_reason(
    tmp_path: Path, text: str, line: int, reason: str
) -> None:
    path = tmp_path / "operations.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(HistoryError, match=reason) as caught:
        read(path)
    assert caught.value.message.startswith(f"{path}:{line}:")
    (tmp_path / "client-1").mkdir()
    path.rename(tmp_path / "client-1" / "operations.json")
    with pytest.raises(HistoryError, match=reason):
        read(tmp_path)


def test_an_error_quotes_no_more_of_a_record_than_a_person_reads(tmp_path: Path) -> None:
    path = tmp_path / "operations.json"
    path.write_text(ETCD + ETCD.replace('"range"', f'"{"[" * 9000}"'))
    with pytest.raises(HistoryError, match="a request of type") as caught:
        read(path)
    assert len(str(caught.value)) < 2000


def test_bytes_that_are_no_text_are_an_error_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(REGISTER.encode() + b"{:process 9 \xff}\n")
    with pytest.raises(HistoryError, match=r"data:11: not UTF-8"):
        read(path)


class Recording:
    """A small history of ours: rows of two objects a model, at times 10 apart."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.recorder, self.time = folder, Recorder(folder, "r1"), 1000
        self.objects = {
            model: self.recorder.code("object", model.name.lower(), model) for model in Model
        }

    def row(self, model: Model, kind: Kind, outcome: Outcome = Outcome.OK, **more: Any) -> None:
        self.time += 10
        facts: dict[str, Any] = {"session": 1, "lane": 0, "call": self.time, "ret": self.time + 5}
        facts |= {"object": self.objects[model], "op": 0, "kind": kind, "outcome": outcome}
        self.recorder.record(Operation(**(facts | more)))

    def clean(self) -> None:
        """Operations of a correct store on every model, with ties, unknown and accepted writes."""
        self.row(Model.SESSION, Kind.SIGN_IN, wid=90)
        self.row(Model.REGISTER, Kind.READ, read_wid=INITIAL)
        self.row(Model.REGISTER, Kind.PUT, wid=1, read_wid=1)
        self.row(Model.REGISTER, Kind.READ, read_wid=1)
        self.row(Model.REGISTER, Kind.PUT, Outcome.UNKNOWN, wid=2)
        self.row(Model.REGISTER, Kind.PUT, Outcome.ACCEPTED, wid=3)
        self.row(Model.REGISTER, Kind.PUT, Outcome.FAILED, wid=4)
        self.row(Model.REGISTER, Kind.READ, read_wid=1)
        self.row(Model.REGISTER, Kind.READ, read_wid=3)
        self.row(Model.REGISTER, Kind.READ, read_wid=2)
        self.row(Model.REGISTER, Kind.READ, Outcome.FAILED, read_wid=NOTHING)
        for model in (Model.LOG, Model.ORDERS):
            self.row(model, Kind.READ, read_wid=INITIAL)
            self.row(model, Kind.APPEND, wid=10, read_wid=10)
            self.row(model, Kind.APPEND, Outcome.UNKNOWN, wid=11)
            self.row(model, Kind.APPEND, wid=12, read_wid=11)  # a replay of 11
            self.row(model, Kind.READ, read_wid=11, items=[10, 11])
        self.row(Model.SET, Kind.ADD, session=2, wid=20, read_wid=20)
        self.row(Model.SET, Kind.READ, session=2, read_wid=20, items=[20])
        self.row(Model.SET, Kind.ADD, wid=20, read_wid=20)
        self.row(Model.SET, Kind.ADD, wid=21, read_wid=21)
        self.row(Model.SET, Kind.REMOVE, wid=22, read_wid=22, element=20)
        self.row(Model.SET, Kind.READ, read_wid=22, items=[21])
        self.row(Model.SET, Kind.CLEAR, wid=23, read_wid=23)
        self.row(Model.SET, Kind.READ, read_wid=23, items=[])

    def exported(self) -> dict[str, Path]:
        self.recorder.close()
        paths = export_jepsen(History.open(self.folder), self.folder / "jepsen")
        return {path.stem: path for path in paths}


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    return Recording(tmp_path)


def test_a_clean_history_is_exported_read_back_and_held(recording: Recording) -> None:
    recording.clean()
    paths = recording.exported()
    assert list(paths) == ["registers", "logs", "sets", "sets-with-removal"]
    assert [recognise(path) for path in paths.values()] == ["jepsen-edn"] * 4
    answers = {name: judged(read(path)) for name, path in paths.items()}
    assert {name: answer["outcome"] for name, answer in answers.items()} == dict.fromkeys(
        paths, "held"
    )
    models = [answer["model"] for answer in answers.values()]
    assert models == ["register", "append-log", "set", "set"]
    assert answers["registers"]["unknown_operations"] == 2
    assert not list(recording.folder.glob("jepsen/export-*"))


@pytest.mark.parametrize(
    ("family", "model", "row"),
    [
        ("registers", Model.REGISTER, {"read_wid": 1}),  # older than what was read before
        ("registers", Model.REGISTER, {"read_wid": INITIAL}),
        ("registers", Model.REGISTER, {"read_wid": 4}),  # rejected, yet visible
        ("registers", Model.REGISTER, {"read_wid": ALIEN}),
        ("registers", Model.REGISTER, {"read_wid": FOREIGN}),
        ("registers", Model.REGISTER, {"read_wid": ABSENT}),
        ("logs", Model.LOG, {"read_wid": 10, "items": [10]}),
        ("logs", Model.LOG, {"read_wid": 10, "items": [11, 10]}),
        ("logs", Model.ORDERS, {"read_wid": 11, "items": [10, 11, 11]}),
        ("logs", Model.LOG, {"read_wid": 11, "items": [10, 11, FOREIGN]}),
        ("sets", Model.SET, {"session": 2, "read_wid": 20, "items": []}),
        ("sets", Model.SET, {"session": 2, "read_wid": 20, "items": [20, 20]}),
        ("sets-with-removal", Model.SET, {"read_wid": 23, "items": [20]}),  # resurrected
    ],
)
def test_a_fault_in_a_history_is_still_found_in_its_export(
    recording: Recording, family: str, model: Model, row: dict[str, Any]
) -> None:
    recording.clean()
    recording.row(model, Kind.READ, **row)
    outcomes = {name: verdict(path) for name, path in recording.exported().items()}
    assert outcomes.pop(family) == "broken"
    assert set(outcomes.values()) == {"held"}


def test_equal_stamps_stay_concurrent_in_the_export(recording: Recording) -> None:
    recording.row(Model.REGISTER, Kind.PUT, wid=1, call=5, ret=10)
    recording.row(Model.REGISTER, Kind.READ, read_wid=INITIAL, call=10, ret=12)
    assert verdict(recording.exported()["registers"]) == "held"


def test_the_lines_have_the_fields_and_the_order_that_jepsen_asks_for(
    recording: Recording,
) -> None:
    recording.clean()
    for path in recording.exported().values():
        text = path.read_text(encoding="utf-8")
        maps = [form for _, form in Reader(text, str(path)).forms()]
        assert text.count("\n") == len(maps)
        assert [each["index"] for each in maps] == list(range(len(maps)))
        assert [each["time"] for each in maps] == sorted(each["time"] for each in maps)
        crashed: set[int] = set()
        for each in maps:
            assert each["process"] not in crashed, "a crashed process must not come back"
            if each["type"] == "info":
                crashed.add(each["process"])
    (first, *_) = Reader((recording.folder / "jepsen/registers.edn").read_text(), "").forms()
    assert dumps(first[1]["value"]) == '["1/register" nil]'


def test_parts_are_merged_by_time_without_sharing_a_process(tmp_path: Path) -> None:
    with Recorder(tmp_path, "r1") as recorder:
        code = recorder.code("object", "draft", Model.REGISTER)
        for number in range(60):
            kind = Kind.PUT if number % 8 < 4 else Kind.READ
            seen = number + 1 if kind is Kind.PUT else number - 3
            times = {"call": 100 * number, "ret": 100 * number + 150}
            facts = {"object": code, "op": 0, "lane": 0, "session": number % 4, **times}
            recorder.record(
                Operation(kind=kind, outcome=Outcome.OK, wid=number + 1, read_wid=seen, **facts)
            )
    history = History.open(tmp_path)
    (whole,) = export_jepsen(history, tmp_path / "one")
    table = pq.read_table(tmp_path / "operations.parquet")
    even = pa.array(table["session"].to_numpy() % 2 == 0)
    odd = pa.array(table["session"].to_numpy() % 2 == 1)
    split = tmp_path / "split"
    write_parts(split, "r1", history.names, [table.filter(even), table.filter(odd)])
    (merged,) = export_jepsen(History.open(split), tmp_path / "two")
    times = [form["time"] for _, form in Reader(merged.read_text(), "").forms()]
    assert times == sorted(times)
    assert len(times) == 120
    assert read(merged).operations != ()
    assert verdict(merged) == verdict(whole) == "held"


def test_what_has_no_counterpart_is_refused_and_leaves_nothing(recording: Recording) -> None:
    recording.row(Model.LOG, Kind.CLEAR, wid=1)
    with pytest.raises(HistoryError, match="CLEAR has no counterpart"):
        recording.exported()
    assert list((recording.folder / "jepsen").iterdir()) == []


def test_an_empty_history_exports_nothing(tmp_path: Path) -> None:
    write_parts(tmp_path, "r1", Names(), [])
    assert export_jepsen(History.open(tmp_path), tmp_path / "jepsen") == []
    assert set(NUMERIC) <= set(ARROW_SCHEMA.names)
