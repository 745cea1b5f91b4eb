"""Write ids are numbers within their session, whoever shows them."""

from __future__ import annotations

from statedrill.history.operation import ALIEN, FOREIGN, INITIAL, read_id, write_id


def test_a_write_id_comes_back_as_the_number_it_was_made_from() -> None:
    assert read_id(write_id("r1", 7, 3), "r1", 7) == 3
    assert read_id(None, "r1", 7) == INITIAL
    assert read_id(write_id("r1", 8, 3), "r1", 7) == FOREIGN
    assert read_id(write_id("r0", 7, 3), "r1", 7) == ALIEN
    assert [read_id(text, "r1", 7) for text in ("", "r1.7", "r1.7.x", "r1.7.0", 5)] == [ALIEN] * 5
