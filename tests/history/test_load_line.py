"""What the load processes measured of themselves is read whole, or the damaged line is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from statedrill.errors import HistoryError
from statedrill.history.load_line import read_load_lines
from tests.history.records import recorder


def test_the_lines_of_all_load_processes_come_in_the_order_of_time(tmp_path: Path) -> None:
    with recorder(tmp_path, 0) as one, recorder(tmp_path, 1) as two:
        for number in range(3):
            one.load({"planned_rate": float(number), "lag_ms_max": 0.5})
            two.load({"planned_rate": 10.0 + number, "p99_ms": None})
    lines = read_load_lines(tmp_path)
    assert [line["worker"] for line in lines] == [0, 1, 0, 1, 0, 1]
    assert [line["planned_rate"] for line in lines] == [0, 10, 1, 11, 2, 12]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"worker": 0}', "t: missing"),
        ('{"t": 5, "worker": "x"}', "worker: not an integer"),
        ('{"t": 5, "worker": 0, "lag_ms_max": NaN}', "lag_ms_max: not a number"),
        ('{"t": -5, "worker": 0}', "t: no moment"),
        ('{"t": 5, "worker": 0, "arrived": 3, "users": 1}', "planned_arrivals: missing"),
        ("5", "not a JSON object"),
    ],
)
def test_a_damaged_line_is_refused_with_its_place(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "load-3.jsonl").write_text(f'{{"t": 4, "worker": 0}}\n{line}\n{{}}\n')
    with pytest.raises(HistoryError, match=rf"load-3\.jsonl:2: {said}"):
        read_load_lines(tmp_path)
