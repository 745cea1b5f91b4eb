"""Whether the failure happened as planned, and what broke that nobody had planned."""

from __future__ import annotations

from statedrill.check import exit_code
from statedrill.history.events import Event
from tests.check.drill_builder import events, forget, plan, users, verdict
from tests.check.history_builder import MS, START


def test_a_fault_that_is_not_proved_leaves_the_verdict_open() -> None:
    seen = verdict(users(), events=events(proved=False))
    assert (seen["outcome"], exit_code(seen["outcome"])) == ("unknown", 3)
    assert any("nothing proves that the fault f1" in why for why in seen["why"])


def test_a_fault_that_never_happened_leaves_the_verdict_open() -> None:
    seen = verdict(users(), events=events(None))
    assert seen["outcome"] == "unknown"
    assert any("the fault never happened" in why for why in seen["why"])
    assert seen["summary"].endswith(
        "in a drill whose fault never happened, as far as is known; the verdict is open."
    )


def died(name: str, role: str, at: int = 5_000) -> Event:
    return {"t": START + at * MS, "event": "process", "name": name, "role": role, "zone": "b",
            "state": "dead", "why": "was ended by SIGKILL"}  # fmt: skip


def test_losses_while_a_part_died_by_itself_are_not_held_against_the_pattern() -> None:
    builder = users()
    forget(builder, 2)
    seen = verdict(builder, plan(survives=["instance"]), events=events(also=[died("aws", "aws")]))
    assert seen["outcome"] == "unknown"
    assert seen["writes"]["lost"] > 0
    assert seen["promise"][0]["outcome"] == "unknown"
    assert seen["why"][0] == (
        "Not known: aws was ended by SIGKILL at 5.0 s, which nobody had planned."
    )


def replaced(instance: str, at: int) -> Event:
    return {"t": START + at * MS, "event": "instance", "id": instance, "role": "instance",
            "zone": "b", "address": "", "state": "terminating", "why": "it hung"}  # fmt: skip


def test_losses_with_an_instance_that_the_group_replaced_are_not_held_against_the_pattern() -> None:
    builder = users()
    forget(builder, 2)
    gone = events(also=[replaced("i-9", 5_000)])
    seen = verdict(builder, plan(survives=["instance"]), events=gone)
    assert seen["promise"][0]["outcome"] == "unknown"
    assert seen["why"][0] == (
        "Not known: instance-i-9 was replaced: it hung, at 5.0 s, which nobody had planned."
    )


def test_an_instance_that_was_replaced_because_of_the_fault_is_no_excuse() -> None:
    builder = users()
    forget(builder, 2)
    for gone in (replaced("i-00000001", 31_000), replaced("i-9", 10_500)):
        seen = verdict(builder, plan(survives=["instance"]), events=events(also=[gone]))
        assert (seen["outcome"], seen["deaths"]) == ("broken", [])


def test_an_instance_replaced_meanwhile_excuses_who_never_promised_instances() -> None:
    builder = users()
    forget(builder, 2)
    for gone, deaths in ((replaced("i-00000001", 12_000), 0), (replaced("i-9", 10_500), 1)):
        seen = verdict(builder, plan(survives=["storage"]), events=events(also=[gone]))
        assert len(seen["deaths"]) == deaths


def test_a_group_that_shrinks_by_itself_is_held_against_those_who_promise_to_survive_it() -> None:
    shrunk = {"t": START + 5_000 * MS, "event": "scaling", "role": "instance", "was": 5,
              "desired": 3, "why": "nobody came"}  # fmt: skip
    grown = {**shrunk, "was": 3, "desired": 5}
    for survives, told, outcome in (
        (["instance"], shrunk, "unknown"),
        (["instance"], grown, "broken"),
        (["instance", "deployment"], shrunk, "broken"),
    ):
        builder = users()
        forget(builder, 2)
        seen = verdict(builder, plan(survives=survives), events=events(also=[told]))
        assert seen["promise"][0]["outcome"] == outcome
        named = (
            "Not known: the group scaled in from 5 to 3 at 5.0 s, and the pattern does not promise "
            "to survive a planned change."
        )
        assert (named in seen["why"]) is (outcome == "unknown")


def test_an_application_that_dies_by_itself_is_named_and_is_no_excuse() -> None:
    builder = users()
    forget(builder, 2)
    dead = died("instance-i-9", "instance")
    seen = verdict(builder, plan(survives=["instance"]), events=events(also=[dead]))
    assert seen["outcome"] == "broken"
    assert seen["why"][-1].startswith("Also: instance-i-9 was ended by SIGKILL at 5.0 s")


def test_the_targets_of_a_fault_and_the_drill_s_own_children_die_as_planned() -> None:
    planned = [
        died("instance-i-00000001", "instance", 10_001),
        died("chaos", "experiment", 20_000),
        died("database-1", "database", 33_000),
    ]
    seen = verdict(users(), plan(survives=["instance"]), events=events(also=planned))
    assert (seen["outcome"], seen["deaths"]) == ("held", [])


def test_an_experiment_that_failed_says_why() -> None:
    failed = {"t": START + 20_000 * MS, "event": "experiment", "failed": ["lose it: no zone 'd'"]}
    seen = verdict(users(), plan(None), events=events(None, also=[failed]))
    assert seen["outcome"] == "unknown"
    assert "Not known: the experiment failed: lose it: no zone 'd'." in seen["why"]
