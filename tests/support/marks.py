"""Which files need no look when only the tests with a mark are wanted: to import all takes long."""

from __future__ import annotations

import re


def has_no_test_for(expression: str, text: str) -> bool:
    """Whether `pytest -m EXPRESSION` chooses no test of a file with this text.

    Decides only where the first word is a mark that every chosen test has ("drill and not bench");
    such a mark stands in the file itself.
    """
    wanted = re.match(r"[a-z]+", expression)
    if wanted is None or wanted[0] == "not" or " or " in expression:
        return False
    return f"mark.{wanted[0]}" not in text
