"""Which ways cross the border of a zone, and what is wrong with them then."""

from __future__ import annotations

import pytest

from statedrill.cluster.network.impairments import (
    NONE,
    Ends,
    Impairment,
    crosses,
    impairment_of,
    in_words,
)

SLOW, CUT = Impairment(0.05), Impairment(cut=True)


@pytest.mark.parametrize(
    ("ends", "across_a"),
    [
        (("a", "a"), False),
        (("a", "b"), True),
        (("b", "a"), True),
        (("b", "c"), False),
        (("a", None), True),  # to a service of the region
        ((None, "a"), True),  # from the load balancer
        ((None, None), False),
    ],
)
def test_a_way_crosses_the_border_of_a_zone_that_holds_one_of_its_ends(
    ends: Ends, across_a: bool
) -> None:
    assert crosses(ends, "a") is across_a
    assert impairment_of(ends, {"a": SLOW}) == (SLOW if across_a else NONE)


@pytest.mark.parametrize(
    ("zones", "found"),
    [
        ({}, NONE),
        ({"c": CUT}, NONE),
        ({"a": SLOW}, SLOW),
        ({"a": SLOW, "b": SLOW}, Impairment(0.1)),
        ({"a": SLOW, "b": CUT}, Impairment(0.05, cut=True)),
    ],
)
def test_a_way_suffers_from_both_of_its_zones(
    zones: dict[str, Impairment], found: Impairment
) -> None:
    assert impairment_of(("a", "b"), zones) == found


def test_what_is_wrong_is_said_for_each_zone() -> None:
    assert in_words({"b": CUT, "a": SLOW}) == [
        "the network of zone a is slow",
        "zone b is cut off",
    ]
