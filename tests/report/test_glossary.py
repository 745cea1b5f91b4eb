"""The glossary explains every word that a check brings along."""

from __future__ import annotations

from statedrill.check.checks import CHECKS
from statedrill.report.glossary import glossary


def test_every_check_has_its_word_in_alphabetical_order() -> None:
    words = glossary()
    assert {check.term for check in CHECKS} < words.keys()
    assert list(words) == sorted(words, key=str.lower)


def test_no_check_takes_the_word_of_another() -> None:
    terms = [check.term for check in CHECKS]
    assert len(set(terms)) == len(terms)
