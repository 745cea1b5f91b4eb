"""Every planted bug is found as what it is, in a real drill, and exactly as often as it struck;
the same application without bugs is never accused.

A few clean drills are for every day; STATEDRILL_PROVE=1 plays every pattern under every experiment.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from reference_app.bugs import BUGS
from tests.drill.bug_drills import GRAVE, PROOFS, Clean, Drilled, Proof, play_all
from tools.track_record import README, in_readme, read_record, table

EVERY_DAY = (
    Clean("distributed", "instance-kill"),
    Clean("sticky", "zone-outage"),
    Clean("decoupled", "zone-outage"),
)
EVERY = tuple(
    Clean(pattern, experiment)
    for pattern in ("sticky", "distributed", "decoupled")
    for experiment in ("none", "instance-kill", "cache-flush", "zone-outage")
)
CLEAN = EVERY if os.environ.get("STATEDRILL_PROVE") == "1" else EVERY_DAY
# Where the state is lost that a pattern does not promise to keep, these are never to be seen.
NEVER = [check for check in GRAVE if check not in ("lost-writes", "lost-sessions")]

Played = Callable[[Proof | Clean], Drilled]


@pytest.fixture(scope="module")
def played(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Played]:
    """The drill of a proof. All drills that this module's chosen tests need are begun in turn."""
    chosen: dict[Proof | Clean, None] = {}
    for item in request.session.items:
        if isinstance(item, pytest.Function) and item.path == request.path:
            drill = item.callspec.params.get("drill") if hasattr(item, "callspec") else None
            if isinstance(drill, Proof | Clean):
                chosen[drill] = None
    drills = play_all(list(chosen), tmp_path_factory.mktemp("drills"))
    yield lambda each: drills[each].result()
    for each in drills.values():
        each.cancel()


def test_every_bug_has_a_drill() -> None:
    assert [proof.bug.name for proof in PROOFS] == list(BUGS)


def test_the_track_record_has_every_bug_found_as_what_it_is_and_as_often_as_it_struck() -> None:
    rows = read_record()
    assert [row["bug"] for row in rows] == list(BUGS)
    for row in rows:
        assert row["class"] in BUGS[row["bug"]].found_as
        assert 0 < row["least"] <= row["found"] <= row["most"]
        assert row["witness"]


def test_the_readme_shows_the_track_record() -> None:
    assert in_readme(README.read_text()) == table(read_record())


@pytest.mark.drill
@pytest.mark.parametrize("drill", PROOFS, ids=str)
def test_a_bug_is_found_as_what_it_is_and_as_often_as_it_struck(
    drill: Proof, played: Played
) -> None:
    assert drill.proved(played(drill))["found"] > 0


@pytest.mark.drill
@pytest.mark.parametrize("drill", CLEAN, ids=str)
def test_the_clean_application_is_never_accused(drill: Clean, played: Played) -> None:
    verdict = (drilled := played(drill)).verdict
    assert {check: drilled.finding(check)["violations"] for check in NEVER} == dict.fromkeys(
        NEVER, 0
    )
    assert verdict["reads"]["unrecorded"] == 0
    promised = [clause for clause in verdict["promise"] if clause["promised"]]
    unheld = [clause for clause in promised if clause["outcome"] != "held"]
    # Queued writes are answered without versions, so some clauses have no opportunities.
    assert [each for each in unheld if not each["evidence"].startswith("not tested")] == []
