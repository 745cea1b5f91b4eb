"""An experiment file is read for what a plan must know; what does not exist is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from statedrill.errors import InputError
from statedrill.inputs import discovery
from statedrill.inputs.experiment import Experiment

GOOD = """\
title: One
description: two
extensions: [{name: statedrill, domain: zone}]
method:
  - type: action
    name: lose it
    provider:
      type: python
      module: statedrill.faults.ec2
      func: stop_zone
      arguments: {az: a}
"""


def read(folder: Path, text: str) -> Experiment:
    path = folder / "mine.yaml"
    path.write_text(text)
    return Experiment.read(path)


def test_a_good_file_tells_its_domain_and_its_actions(tmp_path: Path) -> None:
    experiment = read(tmp_path, GOOD)
    assert (experiment.name, experiment.domain) == ("mine", "zone")
    assert experiment.actions == ("stop_zone",)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "stop_zone",
            "stop_zones",
            "line 10: method.provider.func: 'lose it': statedrill.faults.ec2 has no function "
            "'stop_zones'; did you mean 'stop_zone'?",
        ),
        (
            "faults.ec2",
            "faults.ec3",
            "line 9: method.provider.module: 'lose it': there is no module 'statedrill.",
        ),
        (
            "{az: a}",
            "{zone: a}",
            "line 11: method.provider.arguments: 'lose it': stop_zone() takes no argument "
            "'zone'; it takes: az",
        ),
        (
            "domain: zone",
            "domain: zones",
            "line 3: extensions.domain: is 'zones'; choose one of instance",
        ),
        ("extensions: [{name: statedrill, domain: zone}]\n", "", "without the failure domain"),
        ("title: One\n", "", "title: missing"),
        ("method:", "method: [", "mine.yaml:5:3: not YAML: expected the node content"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, GOOD.replace(old, new))
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("method: 5", "method: must be a list of mappings, not 5"),
        (
            "method: [5, {type: action}]",
            "line 4: method: has 5; must be a mapping of type, name, provider",
        ),
        ("method:", "method: must be a list of mappings, not None"),
        ("rollbacks: {a: b}", "rollbacks: must be a list of mappings, not {'a': 'b'}"),
        ("configuration: 5", "configuration: must be a mapping, not 5"),
        (
            "steady-state-hypothesis: [1]",
            "steady-state-hypothesis: must be a mapping of probes, not [1]",
        ),
        (
            "steady-state-hypothesis: {probes: [x]}",
            "steady-state-hypothesis.probes: has 'x'; must be a mapping of type, name, provider",
        ),
    ],
)
def test_a_list_or_mapping_that_is_none_is_named(tmp_path: Path, more: str, told: str) -> None:
    name = more.partition(":")[0]
    text = GOOD.partition("method:")[0] if name == "method" else GOOD
    with pytest.raises(InputError) as caught:
        read(tmp_path, f"{text}{more}\n")
    assert told in str(caught.value)


@pytest.mark.parametrize("extensions", ["5", "[5]", "{name: statedrill}"])
def test_extensions_that_are_no_list_of_mappings_are_named(tmp_path: Path, extensions: str) -> None:
    with pytest.raises(InputError, match=r"line 3: extensions: .*must be a .*mapping"):
        read(tmp_path, GOOD.replace("[{name: statedrill, domain: zone}]", extensions))


def test_arguments_that_are_no_mapping_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="arguments: 'lose it': must be a mapping, not 'zone'"):
        read(tmp_path, GOOD.replace("{az: a}", "zone"))


def test_every_experiment_in_the_box_is_valid_and_described() -> None:
    found = {entry.name: Experiment.read(entry.path) for entry in discovery.entries("experiment")}
    assert set(found) >= {"none", "instance-kill", "cache-flush", "zone-outage"}
    assert all(entry.description for entry in discovery.entries("experiment"))
    assert found["none"].domain is None
    assert all(each.actions for name, each in found.items() if name != "none")
