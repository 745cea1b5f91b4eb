"""A packed history is read part by part, or refused where it is damaged."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from statedrill.errors import HistoryError
from statedrill.history.columns import ARROW_SCHEMA, PARQUET, write_parts
from statedrill.history.store import History, _flat
from statedrill.vocabulary import Model
from tests.history.records import operation, recorder


def test_a_part_of_many_row_groups_is_read_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("statedrill.history.columns._ROW_GROUP", 7)
    with recorder(tmp_path) as recording:
        cart = recording.code("object", "cart", Model.SET)
        for number in range(40):
            items = None if number % 3 == 0 else list(range(number % 5))
            row = operation(number, number, object=cart, items=items, note=f"n{number}")
            recording.record(row)
    history = History.open(tmp_path)
    (part,) = history.parts()
    assert history.groups[0][1] > 5
    assert part["session"].tolist() == list(range(40))
    assert part.listed.tolist() == [number % 3 != 0 for number in range(40)]
    lists = [part.values[a:b].tolist() for a, b in pairwise(part.offsets)]
    assert lists == [list(range(number % 5)) if number % 3 else [] for number in range(40)]
    assert part.logical_offsets.tolist() == [0] * 41
    assert part.notes.to_pylist() == [f"n{number}" for number in range(40)]


def test_the_span_of_a_history_is_known_without_reading_its_rows(tmp_path: Path) -> None:
    with recorder(tmp_path) as recording:
        for call in (300, 100, 200):
            recording.record(operation(1, call))
    assert History.open(tmp_path).span() == (100, 305)


def test_lists_keep_their_values_in_slices_and_behind_lists_that_are_not_there() -> None:
    offsets = pa.array([0, 2, 3, 5], pa.int32())
    values = pa.array([1, 2, 3, 4, 5], pa.uint32())
    hidden = pa.ListArray.from_arrays(offsets, values, mask=pa.array([False, True, False]))
    for array, expected in ((hidden, [1, 2, 4, 5]), (hidden[2:], [4, 5]), (hidden[:0], [])):
        listed, begins, found = _flat(pa.chunked_array([array]))
        assert found.tolist() == expected
        assert begins[-1] == len(expected)
        assert listed.sum() == len(array) - array.null_count


def packed(folder: Path) -> Path:
    """The packed file of a record with a hundred operations."""
    with recorder(folder) as recording:
        for number in range(100):
            recording.record(operation(number % 7, number, items=[number]))
    History.open(folder)
    return folder / PARQUET


def test_a_changed_byte_in_a_packed_column_is_noticed(tmp_path: Path) -> None:
    path = packed(tmp_path)
    whole = path.read_bytes()
    columns = pq.read_metadata(path).row_group(0)
    for at in range(columns.num_columns):
        damaged = bytearray(whole)
        column = columns.column(at)
        begin = column.dictionary_page_offset or column.data_page_offset
        damaged[begin + column.total_compressed_size - 1] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(HistoryError, match=r"operations\.parquet: not a whole history"):
            list(History.open(tmp_path).parts())


def test_a_packed_file_that_is_cut_off_or_none_is_named_with_its_cure(tmp_path: Path) -> None:
    path = packed(tmp_path)
    for damaged in (path.read_bytes()[:-100], b"", b"PAR1PAR1"):
        path.write_bytes(damaged)
        with pytest.raises(HistoryError, match="delete the file to have it packed anew"):
            History.open(tmp_path)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("kind", 8, "8 stands in the column 'kind'"),
        ("phase", 9, "9 stands in the column 'phase'"),
        ("object", 77, "the number 77 stands for no name in the column 'object'"),
        ("call", -5, "-5 stands in the column 'call'"),
    ],
)  # fmt: skip
def test_a_packed_value_that_stands_for_nothing_is_refused(
    tmp_path: Path, column: str, value: int, said: str
) -> None:
    table = pq.read_table(packed(tmp_path))
    numbers = table[column].to_numpy().copy()
    numbers[3] = value
    place = table.schema.get_field_index(column)
    history = History.open(tmp_path)
    damaged = table.set_column(place, column, pa.array(numbers))
    write_parts(tmp_path, history.run, history.names, [damaged])
    with pytest.raises(HistoryError, match=said):
        list(History.open(tmp_path).parts())


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"rows": 99}, "other rows than it says"),
        ({"groups": [[0, 2]]}, "other rows than it says"),
        ({"groups": [[0]]}, "not enough values"),
        ({"incomplete": ["x"]}, "incomplete.0: not an integer"),
        ({"run": None}, "run: not a text"),
    ],
)
def test_a_packed_file_that_contradicts_itself_is_refused(
    tmp_path: Path, about: dict[str, object], said: str
) -> None:
    path = packed(tmp_path)
    table, facts = pq.read_table(path), pq.read_metadata(path).metadata
    changed = json.dumps({**json.loads(facts[b"statedrill"]), **about})
    with pq.ParquetWriter(path, ARROW_SCHEMA) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({"statedrill": changed, "names": facts[b"names"]})
    with pytest.raises(HistoryError, match=said):
        History.open(tmp_path)


def test_lines_that_came_after_somebody_looked_are_packed_too(tmp_path: Path) -> None:
    with recorder(tmp_path) as recording:
        recording.record(operation(1, 1))
        recording.flush()
        early = History.open(tmp_path)
        assert (early.rows, early.incomplete) == (1, (0,))
        assert History.open(tmp_path).rows == 1
        recording.record(operation(1, 20))
    late = History.open(tmp_path)
    assert (late.rows, late.incomplete) == (2, ())
    with recorder(tmp_path, worker=1) as another:
        another.record(operation(2, 1))
    assert History.open(tmp_path).rows == 3


def test_a_packed_file_is_enough_without_the_lines(tmp_path: Path) -> None:
    with recorder(tmp_path) as recording:
        recording.record(operation(1, 1))
    assert History.open(tmp_path).rows == 1
    (tmp_path / "operations-0.jsonl").unlink()
    assert History.open(tmp_path).rows == 1
