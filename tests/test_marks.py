from __future__ import annotations

import pytest

from tests.support.marks import has_no_test_for

MARKED = "pytestmark = pytest.mark.drill\n"


@pytest.mark.parametrize(
    ("expression", "text", "needless"),
    [
        ("drill and not bench", MARKED, False),
        ("drill", "@pytest.mark.drill\ndef test_it(): ...", False),
        ("drill and not bench", "pytestmark = pytest.mark.cluster\n", True),
        ("cluster and not drill", MARKED, True),
        ("not cluster and not drill", "", False),
        ("cluster or drill", MARKED, False),
        ("(cluster or drill) and not bench", MARKED, False),
        ("", "", False),
    ],
)
def test_a_file_is_left_out_only_where_it_lacks_a_mark_that_every_test_must_have(
    expression: str, text: str, needless: bool
) -> None:
    assert has_no_test_for(expression, text) is needless
