from __future__ import annotations

import pytest

from statedrill.errors import ControlError
from statedrill.faults.arguments import read_arguments
from statedrill.faults.chosen_instances import Choice
from statedrill.faults.stop_zone import Arguments as ZoneArguments


def test_arguments_are_read_in_aws_s_spelling_and_a_null_is_not_given() -> None:
    given = {"InstanceIds": ["i-1", "i-2"], "Zone": None, "Count": 2}
    assert read_arguments(Choice, given) == Choice(("i-1", "i-2"), "", 2)
    assert read_arguments(Choice, {}) == Choice()


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"Count": "2"}, 'Count must be a whole number from 1 up, not "2"'),
        ({"Count": True}, "Count must be a whole number from 1 up, not true"),
        ({"Count": 1.5}, "Count must be"),
        ({"InstanceIds": "i-1"}, 'InstanceIds must be a list of instance ids, not "i-1"'),
        ({"InstanceIds": [1, 2]}, "InstanceIds must be a list of instance ids"),
        ({"instance_ids": []}, "no argument 'instance_ids'"),
        ({"InstanceId": "i-1"}, "no argument 'InstanceId': did you mean 'InstanceIds'?"),
    ],
)
def test_a_wrong_argument_is_named_with_what_it_must_be(
    given: dict[str, object], problem: str
) -> None:
    with pytest.raises(ControlError) as raised:
        read_arguments(Choice, given)
    assert problem in raised.value.message
    assert raised.value.hint == "arguments: InstanceIds, Zone, Count"


def test_all_problems_are_named_at_once_a_missing_argument_too() -> None:
    with pytest.raises(ControlError) as raised:
        read_arguments(ZoneArguments, {"Zones": "a", "Count": 1})
    assert raised.value.message.count(";") == 2
    assert "Zone is missing: give the name of a zone" in raised.value.message
