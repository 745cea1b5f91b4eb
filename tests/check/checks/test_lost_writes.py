"""What the audit cannot tell: an answer that shows another session's write says nothing of ours."""

from __future__ import annotations

from typing import Any

from statedrill.history.operation import FOREIGN
from statedrill.vocabulary import Phase
from tests.check.drill_builder import AUDIT, events, forget, plan, users, verdict
from tests.check.history_builder import CART, DRAFT, MS, PREFERENCES, START, HistoryBuilder

WRITES = 15  # of each session of a drill
SHOWN = "acknowledged writes are in objects for which the audit was shown another session's write"


def audited(*answers: tuple[int, int]) -> dict[str, int]:
    """Counts after two confirmed writes and an audit that gives these (id, version) in turn."""
    builder = HistoryBuilder()
    builder.write(10, PREFERENCES, 1, ver=1)
    builder.write(20, PREFERENCES, 2, ver=2)
    builder.read(30, PREFERENCES, 2, ver=2)
    builder.phase = Phase.AUDIT
    for number, (wid, ver) in enumerate(answers):
        builder.read(40 + 10 * number, PREFERENCES, wid, ver=ver)
    writes = builder.verdict()["writes"]
    return {name: writes[name] for name in ("lost", "unaudited")}


def test_a_leak_as_the_last_answer_of_the_audit_leaves_the_object_unaudited() -> None:
    kept, leaked = (2, 2), (FOREIGN, 7)
    assert audited(kept) == {"lost": 0, "unaudited": 0}
    assert audited(leaked) == {"lost": 0, "unaudited": 2}
    assert audited(kept, leaked) == {"lost": 0, "unaudited": 2}
    assert audited(leaked, leaked) == {"lost": 0, "unaudited": 2}


def test_an_own_answer_after_a_leak_decides() -> None:
    kept, leaked, older = (2, 2), (FOREIGN, 7), (1, 1)
    assert audited(leaked, kept) == {"lost": 0, "unaudited": 0}
    assert audited(kept, leaked, older) == {"lost": 1, "unaudited": 0}


def test_a_leak_takes_no_loss_back_that_an_own_answer_of_the_audit_showed() -> None:
    assert audited((1, 1), (FOREIGN, 0)) == {"lost": 1, "unaudited": 1}


def test_a_strange_entry_among_the_own_ones_is_a_leak_too_and_accuses_nobody_of_a_loss() -> None:
    builder = HistoryBuilder()
    builder.write(10, CART, 1, ver=1)
    builder.write(20, CART, 2, ver=2)
    builder.write(25, DRAFT, 3, ver=1)
    builder.phase = Phase.AUDIT
    builder.read(30, CART, 2, ver=2, items=[1, 2])
    builder.read(35, DRAFT, 3, ver=1)
    builder.read(40, CART, 2, ver=3, items=[2, FOREIGN])
    writes = builder.verdict()["writes"]
    assert (writes["lost"], writes["unaudited"]) == (0, 2)


def leak_to(sessions: int, again: bool) -> dict[str, Any]:
    """A drill in which the audit, or the audit again, shows the first sessions somebody else's."""
    builder = users()
    for row in [row for row in builder.rows if row["phase"] == Phase.AUDIT]:
        late = dict(row, call=row["call"] + 500 * MS, ret=row["ret"] + 500 * MS)
        if row["session"] <= sessions:
            late["read_wid"] = FOREIGN
            row["read_wid"] = row["read_wid"] if again else FOREIGN
        builder.rows.append(late)
    assert max(row["call"] for row in builder.rows) < START + (AUDIT + 1_000) * MS
    return verdict(builder, plan(survives=["instance"]))


def test_the_verdict_says_for_how_many_writes_the_audit_was_shown_something_else() -> None:
    for again in (False, True):
        seen = leak_to(2, again)
        assert seen["outcome"] == "broken"
        assert (seen["writes"]["lost"], seen["writes"]["unaudited"]) == (0, 2 * WRITES)
        assert f"Not known: {2 * WRITES} {SHOWN}." in seen["why"]
        (finding,) = [each for each in seen["findings"] if each["check"] == "lost-writes"]
        assert (finding["outcome"], finding["opportunities"]) == ("unknown", 8 * WRITES)


def test_an_audit_that_was_shown_nothing_but_leaks_says_so() -> None:
    seen = leak_to(10, again=False)
    assert f"Not known: {10 * WRITES} {SHOWN}." in seen["why"]
    assert not any("could read nothing" in why for why in seen["why"])


def clause(seen: dict[str, Any], text: str) -> dict[str, Any]:
    (found,) = [each for each in seen["promise"] if each["clause"] == text]
    return dict(found)


def test_without_an_audit_nothing_is_said_to_be_kept() -> None:
    builder = users()
    builder.rows = [row for row in builder.rows if row["phase"] != Phase.AUDIT]
    seen = verdict(builder, plan("instance", survives=["instance"]))
    assert clause(seen, "survives instance")["outcome"] == "unknown"
    assert seen["outcome"] == "unknown"
    assert seen["writes"]["unaudited"] == 150


def test_an_object_that_the_audit_could_not_read_is_not_known() -> None:
    builder = users()
    builder.rows = [
        row for row in builder.rows if row["phase"] != Phase.AUDIT or row["session"] != 3
    ]
    seen = verdict(builder, plan("instance", survives=["instance"]))
    assert seen["writes"]["unaudited"] > 0
    assert any("that the audit could not read" in why for why in seen["why"])


def test_accepted_writes_need_a_drained_queue() -> None:
    builder = users()
    for row in builder.rows:
        if row["kind"] == 1:
            row |= {"outcome": 3, "status": 202, "ver": 2**32 - 1}
    seen = verdict(builder, plan("instance", survives=["instance"]), events=events(drained=False))
    assert seen["outcome"] == "unknown"
    assert any("the queue was not seen empty" in why for why in seen["why"])
    seen = verdict(builder, plan("instance", survives=["instance"]))
    assert seen["outcome"] == "held"
    assert seen["writes"]["accepted"] == seen["writes"]["acknowledged"] == 150


def test_accepted_writes_that_are_missing_are_lost_only_after_the_queue_was_drained() -> None:
    builder = users()
    forget(builder, 1)
    for row in builder.rows:
        if row["kind"] == 1:
            row |= {"outcome": 3, "status": 202}
    made = plan("instance", survives=["instance"])
    open_queue = verdict(builder, made, events=events(drained=False))
    assert (open_queue["writes"]["lost"], open_queue["writes"]["unsettled"]) == (0, 15)
    assert open_queue["outcome"] == "unknown"
    assert verdict(builder, made)["writes"]["lost"] == 15
