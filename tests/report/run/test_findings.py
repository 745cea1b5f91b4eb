"""Findings with their witnesses: broken ones first, and each operation as it was."""

from __future__ import annotations

from statedrill.report.figures.axis import axis_of
from statedrill.report.run.findings import ShownFinding, findings_of
from tests.report.reading import row_of
from tests.report.runs import sample_verdict, stored


def shown(pattern: str, experiment: str, **changes: object) -> list[ShownFinding]:
    verdict = stored(pattern, experiment, **changes)
    return findings_of(verdict, axis_of(verdict, 30.0))


def test_only_findings_with_something_to_show_are_shown() -> None:
    verdict = sample_verdict("sticky", "instance-kill")
    broken = [each["check"] for each in verdict["findings"] if each["violations"]]
    assert broken
    assert [each.check for each in shown("sticky", "instance-kill")] == broken
    assert shown("sticky", "none") == []


def test_broken_findings_stand_before_unknown_ones() -> None:
    findings = sample_verdict("sticky", "instance-kill")["findings"]
    findings[0] |= {"outcome": "unknown", "witness": "the check leaks crashed", "crash": "x"}
    found = shown("sticky", "instance-kill", findings=findings)
    assert [each.outcome for each in found][-1] == "unknown"
    assert found[-1].check == "leaks"


def test_a_finding_says_how_many_of_how_many_with_the_interval() -> None:
    findings = sample_verdict("sticky", "instance-kill")["findings"]
    lost = next(each for each in findings if each["check"] == "lost-sessions")
    [counted] = [each.counted for each in shown("sticky", "instance-kill")
                 if each.check == "lost-sessions"]  # fmt: skip
    low, high = (f"{100 * bound:.1f} %" for bound in lost["interval"])
    assert counted == f"80 of 240 (33.3 %), 95 % interval {low} to {high}"


def test_the_operations_stand_in_the_order_of_their_calls_without_thousands_in_names() -> None:
    findings = sample_verdict("sticky", "instance-kill")["findings"]
    lost = next(each for each in findings if each["check"] == "lost-writes")
    operations = lost["operations"]
    operations.reverse()
    operations[0] |= {"ver": 12345, "ret_s": None}
    found = next(each for each in shown("sticky", "instance-kill", findings=findings)
                 if each.check == "lost-writes")  # fmt: skip
    titles = found.operations.columns[1:]
    last = dict(zip(titles, row_of(found.operations, f"{len(operations)}."), strict=True))
    assert (last["version"], last["return (s)"]) == ("12345", "no answer seen")
    assert last["call (s)"] == f"{operations[0]['call_s']:,.4f}"
    assert "<svg" in found.drawing
