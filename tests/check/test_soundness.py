"""T3: a correct store, however bad the network, is never accused; a liar of the same kind is."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest

from statedrill.check.checks.lost_sessions import LostSessions
from statedrill.check.consequences import exclude_consequences
from statedrill.check.run_checks import run_checks
from statedrill.history.store import to_part
from statedrill.vocabulary import Outcome
from tests.check.history_builder import CONTEXT, NAMES
from tests.check.simulator import FAIR, QUEUED, ROUGH, STRICT, Weather, simulate

WEATHERS = {"fair": FAIR, "rough": ROUGH, "queued": QUEUED, "one session a user": STRICT}


def accusations(table: pa.Table, bounded: bool = False) -> Counter[str]:
    """The violations that the checks find, per check."""
    results = run_checks(to_part(table), NAMES, CONTEXT, bounded)
    exclude_consequences(results)
    found = {name: int(result.violation.sum()) for name, result in results.by_name.items()}
    found["undecided sessions"] = int(results.of(LostSessions).undecided.sum())
    return +Counter(found)


@pytest.mark.parametrize("weather", WEATHERS.values(), ids=WEATHERS)
def test_a_correct_store_is_never_accused(weather: Weather) -> None:
    table = simulate(120, 400, seed=11, weather=weather)
    assert accusations(table) == {}


def test_nor_in_the_bounded_column_while_the_bound_is_true() -> None:
    table = simulate(60, 300, seed=12, weather=ROUGH)
    assert accusations(table, bounded=True) == {}


@pytest.mark.parametrize("belief", [Outcome.OK, Outcome.FAILED], ids=["done", "not done"])
def test_believing_that_a_timeout_tells_what_happened_accuses_the_innocent(belief: Outcome) -> None:
    table = simulate(60, 300, seed=13, weather=ROUGH)
    outcome = table["outcome"].to_numpy().copy()
    outcome[outcome == Outcome.UNKNOWN] = belief
    place = table.schema.get_field_index("outcome")
    believed = table.set_column(place, "outcome", pa.array(outcome))
    assert accusations(table) == {}
    assert sum(accusations(believed).values()) > 100
