"""The Auto Scaling group's decisions as a table: what it sees and the time -> what it does."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from statedrill.cluster.compute.scaling_decisions import (
    Action,
    FinishRebalance,
    GroupState,
    InstanceState,
    Launch,
    Member,
    Reap,
    TerminateOneOf,
    TerminateOutdated,
    TerminateUnhealthy,
    VolumeState,
    decide,
)

DETECTION_S = 2.0


def member(name: str, state: str = "registered", since_s: float = 0.0) -> Member:
    """An instance named after its zone, such as `b2`."""
    life = InstanceState(state)
    in_service = life in (InstanceState.READY, InstanceState.REGISTERED)
    return Member(name, name[0], life, since_s, in_service)


def group(
    *members: Member | str,
    desired: int = 3,
    zones: str = "abc",
    ids_left: int = 100,
    rebalance_at_s: float | None = None,
) -> GroupState:
    named = tuple(member(each) if isinstance(each, str) else each for each in members)
    return GroupState(named, desired, tuple(zones), ids_left, DETECTION_S, rebalance_at_s)


DEAD_AT_5 = member("b1", "dead", since_s=5.0)
GONE_AT_5 = replace(member("b1", since_s=5.0), in_service=False)  # its exit is not processed yet
LAUNCHING = member("b2", "launching")
TERMINATING = member("a2", "terminating")

OLD = {name: replace(member(name), outdated=True) for name in ("a1", "a2", "b1", "c1")}

UNHEALTHY = {name: replace(member(name), unhealthy_since_s=5.0) for name in ("a1", "b1", "c1")}


def volumes(names: str, *members: Member | str, **more: Any) -> GroupState:
    """A group whose volumes are named after their zones: `A` attached, `a` free, `(a)` kept."""
    found, kept = [], False
    for letter in names:
        if letter in "()":
            kept = letter == "("
        else:
            zone = letter.lower()
            number = sum(each.zone == zone for each in found)
            found.append(VolumeState(f"{zone}v{number}", zone, letter.isupper(), kept))
    return replace(group(*members, **more), volumes=tuple(found))


TABLE: list[tuple[str, GroupState, float, list[Action]]] = [
    ("nothing to do", group("a1", "b1", "c1"), 10, []),
    # replacing
    ("a death is not noticed at once", group("a1", DEAD_AT_5, "c1"), 6.9, []),
    ("a death is noticed", group("a1", DEAD_AT_5, "c1"), 7.0, [Reap("b1"), Launch("b")]),
    ("an exit that is not processed yet", group("a1", GONE_AT_5, "c1"), 60, []),
    ("a replacement under way", group("a1", LAUNCHING, "c1"), 60, []),
    ("a termination under way is not replaced", group("a1", TERMINATING, "b1", "c1"), 60, []),
    ("a termination leaves a gap", group(TERMINATING, "b1", "c1"), 60, [Launch("a")]),
    ("an empty group", group(), 0, [Launch("a"), Launch("b"), Launch("c")]),
    ("more than zones", group(desired=5), 0, [Launch(zone) for zone in "abcab"]),
    ("a zone is down", group("a1", "c1", zones="ac"), 10, [Launch("a")]),
    (
        "deaths of a lost zone go where there is room",
        group("a1", DEAD_AT_5, member("b2", "dead", 5.0), "c1", zones="ac", desired=4),
        8.0,
        [Reap("b1"), Reap("b2"), Launch("a"), Launch("c")],
    ),
    ("no zone is up", group(DEAD_AT_5, zones="", desired=1), 10, [Reap("b1")]),
    # ids used up
    ("no id is left", group("a1", "b1", ids_left=0), 10, []),
    ("one id is left", group("a1", ids_left=1), 10, [Launch("b")]),
    (
        "a rebalance without an id waits for ever",
        group("a1", "a2", "c1", ids_left=0, rebalance_at_s=1),
        10,
        [],
    ),
    # rebalancing
    ("not yet due", group("a1", "a2", "c1", rebalance_at_s=10), 9.9, []),
    (
        "launch before terminate",
        group("a1", "a2", "c1", rebalance_at_s=10),
        10,
        [Launch("b")],
    ),
    (
        "wait for the launch",
        group("a1", "a2", LAUNCHING, "c1", rebalance_at_s=10),
        60,
        [],
    ),
    (
        "then terminate in the fullest zone",
        group("a2", "a1", "b2", "c1", rebalance_at_s=10),
        60,
        [TerminateOneOf(("a1", "a2"))],
    ),
    (
        "one at a time",
        group("a1", TERMINATING, "b2", "c1", rebalance_at_s=10),
        60,
        [],
    ),
    ("balanced", group("a1", "b1", "c1", rebalance_at_s=10), 60, [FinishRebalance()]),
    (
        "as balanced as it can be",
        group("a1", "b1", rebalance_at_s=10, desired=2),
        60,
        [FinishRebalance()],
    ),
    (
        "the dead are replaced first",
        group("a1", "a2", DEAD_AT_5, rebalance_at_s=1),
        60,
        [Reap("b1"), Launch("b")],
    ),
    ("zones went down again", group("a1", "a2", zones="", desired=2, rebalance_at_s=1), 60, []),
    # health type ELB
    ("a failed check is not noticed at once", group(UNHEALTHY["a1"], "b1", "c1"), 6.9, []),
    (
        "an unhealthy instance is replaced",
        group(UNHEALTHY["a1"], "b1", "c1"),
        7.0,
        [TerminateUnhealthy("a1"), Launch("a")],
    ),
    (
        "so are two of three",
        group(UNHEALTHY["a1"], UNHEALTHY["b1"], "c1"),
        7.0,
        [TerminateUnhealthy("a1"), TerminateUnhealthy("b1"), Launch("a"), Launch("b")],
    ),
    (
        "one that leaves already",
        group(replace(TERMINATING, unhealthy_since_s=5.0), "a1", "b1", "c1"),
        60,
        [],
    ),
    (
        "an instance that is one too many and unhealthy leaves first",
        group(UNHEALTHY["a1"], "b1", "c1", desired=2),
        7.0,
        [TerminateUnhealthy("a1")],
    ),
    # scaling in
    (
        "one too many, in the fullest zone",
        group("a1", "b1", "b2", "c1"),
        10,
        [TerminateOneOf(("b1", "b2"))],
    ),
    (
        "any of zones that are equally full",
        group("a1", "b1", "c1", desired=2),
        10,
        [TerminateOneOf(("a1", "b1", "c1"))],
    ),
    (
        "two too many leave at once",
        group("a1", TERMINATING, "b1", "c1", desired=2),
        10,
        [TerminateOneOf(("a1", "b1", "c1"))],
    ),
    ("as many as desired stay", group("a1", TERMINATING, "b1", desired=2), 10, []),
    ("not while one is launched", group("a1", LAUNCHING, "c1", desired=2), 10, []),
    (
        "a death that is not noticed does not count",
        group("a1", DEAD_AT_5, "c1", desired=2),
        6,
        [],
    ),
    # an instance refresh
    ("launch in the zone of the oldest", group(*OLD.values(), desired=4), 10, [Launch("a")]),
    (
        "terminate an outdated one of the fullest zone that has one",
        group(OLD["a1"], "a3", "a4", OLD["b1"], "b2", OLD["c1"], desired=5),
        10,
        [TerminateOneOf(("a1",))],
    ),
    (
        "the new one must be in service",
        group(OLD["a1"], OLD["b1"], OLD["c1"], LAUNCHING),
        10,
        [],
    ),
    (
        "one at a time, drained to its end",
        group(TERMINATING, "a1", OLD["b1"], OLD["c1"]),
        10,
        [],
    ),
    ("the next one", group("a3", OLD["b1"], OLD["c1"]), 10, [Launch("b")]),
    ("a refresh without an id waits", group("a3", OLD["b1"], "c3", ids_left=0), 10, []),
    (
        "rebalancing comes first",
        group(OLD["a1"], OLD["a2"], OLD["c1"], rebalance_at_s=10),
        10,
        [Launch("b")],
    ),
    (
        "nothing is launched into a zone that is down",
        group(OLD["a1"], OLD["b1"], "c3", zones="bc", desired=3),
        10,
        [Launch("b")],
    ),
    # volumes
    ("an empty group gets new volumes", volumes(""), 0, [Launch("a"), Launch("b"), Launch("c")]),
    ("with volumes: nothing to do", volumes("ABC", "a1", "b1", "c1"), 10, []),
    (
        "the volume of a dead instance is not given away before the death is noticed",
        volumes("ABC", "a1", DEAD_AT_5, "c1"),
        6.9,
        [],
    ),
    (
        "the dead is forgotten first, which frees its volume",
        volumes("ABC", "a1", DEAD_AT_5, "c1"),
        7,
        [Reap("b1")],
    ),
    (
        "a replacement goes where its volume is, not into the emptiest zone",
        volumes("AAaBBCC", "a1", "a2", "b1", "b2", "c1", "c2", desired=7),
        10,
        [Launch("a", "av2")],
    ),
    (
        "a replacement waits for the zone of its volume",
        volumes("AbC", "a1", "c1", zones="ac"),
        9,
        [],
    ),
    ("and is launched when it is back", volumes("AbC", "a1", "c1"), 9, [Launch("b", "bv0")]),
    (
        "an instance that hangs still has its volume",
        volumes("ABC", UNHEALTHY["a1"], "b1", "c1"),
        7,
        [TerminateUnhealthy("a1")],
    ),
    (
        "no empty volume is made for one that its instance still has",
        volumes("ABC", TERMINATING, "b1", "c1"),
        60,
        [],
    ),
    (
        "scaling out makes a new volume",
        volumes("ABC", "a1", "b1", "c1", desired=4),
        10,
        [Launch("a")],
    ),
    (
        "also while another one waits for its zone",
        volumes("AbC", "a1", "c1", zones="ac", desired=4),
        10,
        [Launch("a")],
    ),
    (
        "a volume that was kept is taken again before a new one is made",
        volumes("A(b)C", "a1", "c1", desired=4),
        10,
        [Launch("b", "bv0"), Launch("b")],
    ),
    (
        "a kept volume does not stand in for one that is waited for",
        volumes("A(b)c", "a1", zones="ab", desired=2),
        10,
        [],
    ),
    ("a kept volume without need", volumes("A(b)C", "a1", "c1", desired=2), 10, []),
    ("one id is left, one volume", volumes("Abc", "a1", ids_left=1), 10, [Launch("b", "bv0")]),
    (
        "volumes are not rebalanced",
        volumes("AAB", "a1", "a2", "b1", rebalance_at_s=10),
        10,
        [FinishRebalance()],
    ),
    (
        "a refresh ends the old one first, as its successor needs the volume",
        volumes("ABC", OLD["a1"], OLD["b1"], OLD["c1"]),
        10,
        [TerminateOutdated("a1")],
    ),
    (
        "then the successor is launched",
        volumes("aBC", OLD["b1"], OLD["c1"]),
        10,
        [Launch("a", "av0")],
    ),
]


@pytest.mark.parametrize(
    ("state", "now_s", "actions"),
    [pytest.param(*row, id=name) for name, *row in TABLE],
)
def test_what_the_group_sees_decides_what_it_does(
    state: GroupState, now_s: float, actions: list[Action]
) -> None:
    assert decide(state, now_s) == actions


@pytest.mark.parametrize(
    ("state", "complete"),
    [
        (group("a1", "b1", "c1"), True),
        (group("a1", "b1"), False),
        (group("a1", "b1", "c1", "a2"), False),
        (group("a1", DEAD_AT_5, "c1"), False),
        (group("a1", LAUNCHING, "c1"), False),
        (group("a1", "b1", "c1", rebalance_at_s=99), False),
        (group("a1", "b1", OLD["c1"]), False),
    ],
)
def test_a_group_is_complete_when_all_serve_and_nothing_is_under_way(
    state: GroupState, complete: bool
) -> None:
    assert state.is_complete() is complete


def played(state: GroupState) -> tuple[GroupState, list[str]]:
    """The decisions played to their end, every action done at once, and the kinds of actions."""
    now_s, history = 0.0, list[str]()
    while not state.is_complete():
        assert now_s < 60, "it never ends"
        for action in decide(state, now_s):
            members = list(state.members)
            if isinstance(action, Launch):
                members.append(member(f"{action.zone}{len(history) + 10}"))
            elif isinstance(action, TerminateOneOf):
                members = [each for each in members if each.id != action.ids[0]]
            due = None if isinstance(action, FinishRebalance) else state.rebalance_at_s
            state = replace(state, members=tuple(members), rebalance_at_s=due)
            history.append(type(action).__name__)
        assert len(state.members) >= state.desired
        now_s += 0.05
    return state, history


def test_a_zones_return_ends_in_balance_and_never_below_the_desired_number() -> None:
    state, history = played(group("a1", "c1", "a2", rebalance_at_s=2.0))
    assert state.population() == {"a": 1, "b": 1, "c": 1}
    assert list(pairwise(history)) == [
        ("Launch", "TerminateOneOf"),
        ("TerminateOneOf", "FinishRebalance"),
    ]


@pytest.mark.parametrize("names", [["a1", "b1", "c1"], ["a1", "a2", "b1", "c1"], ["a1"]])
def test_a_refresh_replaces_all_and_leaves_the_zones_as_they_were(names: list[str]) -> None:
    before = group(*(OLD[name] for name in names), desired=len(names))
    after, history = played(before)
    assert not {each.id for each in after.members} & set(names)
    assert after.population() == before.population()
    assert history == ["Launch", "TerminateOneOf"] * len(names)


def test_a_refresh_while_a_zone_returns_ends_with_both_done() -> None:
    outdated = (OLD[name] for name in ("a1", "a2", "c1"))
    after, _ = played(group(*outdated, rebalance_at_s=1.0))
    assert after.population() == {"a": 1, "b": 1, "c": 1}
    assert not any(each.outdated for each in after.members)
