"""A pattern file is read whole, and every problem of it is named at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from statedrill.errors import InputError
from statedrill.inputs.pattern import (
    Application,
    LoadBalancing,
    Pattern,
    PatternFile,
    Promise,
    Scaling,
    Workers,
)
from statedrill.inputs.services import SERVICE_OPTIONS, DatabaseOptions, Queue

GOOD = """\
name: shop
family: sticky
description: one line
application:
  command: [python, -m, shop]
  instances: 2
  env: {A: 1}
load_balancer: {stickiness: true}
services: {database: true}
promise: {survives: [cache], guarantees: [read_your_writes], idempotent: [orders]}
"""


def read(folder: Path, text: str, name: str = "shop.yaml") -> Pattern:
    path = folder / name
    path.write_text(text)
    return Pattern.read(path)


def test_a_good_file_is_read_with_its_defaults(tmp_path: Path) -> None:
    pattern = read(tmp_path, GOOD)
    assert pattern.application.command == ("python", "-m", "shop")
    assert (pattern.application.instances, pattern.application.health) == (2, "/health")
    assert pattern.application.env == {"A": "1"}
    assert pattern.workers is None
    assert pattern.services == {"database": DatabaseOptions()}
    assert pattern.promise.survives == ("cache",)
    assert pattern.as_dict()["load_balancer"] == {"stickiness": True, "shards": False}


def test_every_problem_is_named_at_once_with_its_line(tmp_path: Path) -> None:
    text = """\
name: other
familly: sticky
application:
  command: python
  instances: 0
services: {cache: maybe}
workers: {command: [x]}
promise: {survives: [instanse]}
"""
    with pytest.raises(InputError) as caught:
        read(tmp_path, text, "distributed.yaml")
    assert len(caught.value.problems) == 7
    message = str(caught.value)
    for part in (
        "line 1: name: must equal the file's name, 'distributed'",
        "line 2: familly: unknown key; did you mean 'family'?",
        "line 4: application.command: must be a list of words",
        "line 5: application.instances: must be a whole number from 1 to 12",
        "line 6: services.cache: must be true, false or a mapping of engine, replicas, "
        "durability, maxmemory_policy, snapshots, nodes, not 'maybe'",
        "line 7: workers: workers need a queue",
        "line 8: promise.survives: has 'instanse'; choose of instance, zone",
        "did you mean 'instance'?",
    ):
        assert part in message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: [", "shop.yaml:1:8: not YAML"),
        ("- a\n- b\n", "the file: must be a mapping"),
        ("", "the file: must be a mapping"),
        ("name: shop\nname: shop\n", "line 2: name: appears twice, first on line 1"),
    ],
)
def test_a_file_that_is_no_pattern_says_where(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert told in str(caught.value)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        Pattern.read(tmp_path / "absent.yaml")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("family: sticky", "family: stcky", "line 2: family: is 'stcky'; choose one of sticky"),
        ("family: sticky", "family: stcky", "did you mean 'sticky'?"),
        ("[python, -m, shop]", "[python, yes]", "line 5: application.command: must be text or a "),
        ("[python, -m, shop]", "[]", "line 5: application.command: must be a list of words"),
        ("  command: [python, -m, shop]\n", "", "application.command: missing; must be a list"),
        ("instances: 2", "instances: 1.5", "line 6: application.instances: must be a whole number"),
        ("instances: 2", "instances: yes", "line 6: application.instances: must be a whole number"),
        (
            "instances: 2",
            "health: status",
            "line 6: application.health: must be a path that beg",
        ),
        ("{A: 1}", "{A: off}", "line 7: application.env.A: must be text or a number, not False"),
        ("{A: 1}", '{A: "x\\0"}', "line 7: application.env.A: must not have a NUL"),
        ("{A: 1}", "{A=B: 1}", "line 7: application.env.A=B: has 'A=B'; must be a mapping"),
        ("{A: 1}", "[A]", "line 7: application.env: must be a mapping of names to text"),
        (
            "  instances: 2",
            "  volume: {size_mb: 0}",
            "volume.size_mb: must be a whole number from 1",
        ),
        ("  instances: 2", "  volume: true", "application.volume: must be a mapping of size_mb"),
        (
            "  instances: 2",
            "  volume: {zones: [a, b]}",
            "volume.zones: unknown key; known: size_mb",
        ),
        (
            "{stickiness: true}",
            "{shards: true}",
            "line 8: load_balancer.shards: a shard is a volume",
        ),
        ("{stickiness: true}", "{stickiness: true, shards: true}", "set one of them"),
        ("stickiness: true", "stickiness: 1", "load_balancer.stickiness: must be true or false"),
        ("stickiness", "sticky", "line 8: load_balancer.sticky: unknown key; did you mean 'stick"),
        (
            "{database: true}",
            "[database]",
            "line 9: services: must be a mapping of database",
        ),
        ("[cache]", "cache", "line 10: promise.survives: must be a list of instance, zone"),
        ("[cache]", "[[cache]]", "line 10: promise.survives: has ['cache']"),
        ("application:", "aplication:", "application: missing; must be a mapping of command"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_its_line(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, GOOD.replace(old, new))
    assert told in str(caught.value)


def test_an_item_of_a_list_is_named_with_its_own_line(tmp_path: Path) -> None:
    text = GOOD.replace("[cache]", "\n  - cache\n  - cash\n").replace("promise: {", "promise:\n  ")
    text = text.replace(", guarantees: [read_your_writes], idempotent: [orders]}", "")
    with pytest.raises(InputError, match=r"line 13: promise\.survives: has 'cash'"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("env: {A: 1}", "env:"),
        ("load_balancer: {stickiness: true}", "load_balancer:"),
        ("services: {database: true}", "services:"),
        ("survives: [cache], ", "survives: , "),
        ("description: one line", "workers:"),
    ],
)
def test_a_key_without_a_value_has_its_default(tmp_path: Path, old: str, new: str) -> None:
    assert read(tmp_path, GOOD.replace(old, new)) == read(tmp_path, GOOD.replace(old, ""))


def test_a_pattern_with_more_variables_is_another_pattern(tmp_path: Path) -> None:
    pattern = read(tmp_path, GOOD)
    assert pattern.with_env({"B": "2"}).application.env == {"A": "1", "B": "2"}
    assert pattern.application.env == {"A": "1"}


def test_the_pattern_that_the_readme_shows_is_valid_in_both_forms(tmp_path: Path) -> None:
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text()
    mine, services = re.findall(r"```yaml\n((?:name: mine|services:\n).+?)```", readme, re.DOTALL)
    short = read(tmp_path, mine, "mine.yaml")
    assert {*short.services} == {"database", "cache"}
    (line,) = [each for each in mine.splitlines() if each.startswith("services:")]
    written_out = read(tmp_path, mine.replace(line, services), "mine.yaml")
    every = "services: {database: true, cache: true, queue: true, storage: true}"
    assert written_out == read(tmp_path, mine.replace(line, every), "mine.yaml")


def test_the_readme_names_every_key() -> None:
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text()
    section = readme.partition("## Bringing your own application")[2].partition("\n## ")[0]
    (services,) = re.findall(r"```yaml\n(services:\n.+?)```", section, re.DOTALL)
    for name, shown in yaml.safe_load(services)["services"].items():
        assert {*shown} == {*SERVICE_OPTIONS[name][0].model_fields}
    for model in (PatternFile, Application, Workers, LoadBalancing, Scaling, Promise, Queue):
        missing = [key for key in model.model_fields if not re.search(rf"\b{key}\b", section)]
        assert not missing


def test_zones_are_direct_unless_the_pattern_asks_for_a_hop(tmp_path: Path) -> None:
    smallest = "application: {command: [x]}\nfamily: sticky\n"
    assert read(tmp_path, smallest, "mine.yaml").zones is None
    zones = read(tmp_path, f"{smallest}zones: {{latency_ms: 1}}\n", "mine.yaml").zones
    assert zones is not None
    assert zones.latency_ms == 1.0
    with pytest.raises(InputError, match=r"line 3: zones\.latency_ms: must be millisec"):
        read(tmp_path, f"{smallest}zones: {{latency_ms: -1}}\n", "mine.yaml")


def test_a_group_follows_one_metric_where_the_pattern_asks_for_that(tmp_path: Path) -> None:
    smallest = "application: {command: [x], scaling: {%s}}\nfamily: sticky\n"
    scaling = read(tmp_path, smallest % "most: 8, requests_per_s: 40", "mine.yaml").application
    assert scaling.scaling == Scaling(most=8, requests_per_s=40.0)
    assert read(tmp_path, smallest % "cpu_pct: 50", "mine.yaml").application.scaling == Scaling(
        most=12, cpu_pct=50.0
    )
    for wrong in ("most: 8", "requests_per_s: 40, cpu_pct: 50"):
        with pytest.raises(InputError, match=r"needs either requests_per_s or cpu_pct"):
            read(tmp_path, smallest % wrong, "mine.yaml")
    with pytest.raises(InputError, match="cpu_pct: must be a number from 0 to 100"):
        read(tmp_path, smallest % "cpu_pct: 101", "mine.yaml")


class BackedUp(DatabaseOptions):
    """A database with backups."""

    @property
    def is_backed_up(self) -> bool:
        return True


def with_restores(folder: Path, rpo: str, database: type[DatabaseOptions]) -> Pattern:
    path = folder / "shop.yaml"
    path.write_text(GOOD.replace("promise: {", f"promise: {{restores: {{rpo_s: {rpo}}}, "))
    return Pattern.read(path, {**SERVICE_OPTIONS, "database": (database,)})


@pytest.mark.parametrize(
    ("written", "read"), [("300", 300.0), ("0.5", 0.5), ("volume_attach_s", "volume_attach_s")]
)
def test_a_recovery_point_objective_is_seconds_or_a_delay(
    written: str, read: float | str, tmp_path: Path
) -> None:
    pattern = with_restores(tmp_path, written, BackedUp)
    assert pattern.as_dict()["promise"]["restores"] == {"rpo_s": read}


@pytest.mark.parametrize("wrong", ["0", "-1", ".inf", ".nan", "true", "volume_atach_s", "[1]", ""])
def test_a_recovery_point_objective_that_is_neither_is_refused(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"promise\.restores\.rpo_s: must be a number of seconds"):
        with_restores(tmp_path, wrong, BackedUp)


def test_a_promise_to_restore_needs_a_service_with_backups(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"promise\.restores: none of its services keeps backups"):
        with_restores(tmp_path, "300", DatabaseOptions)


def test_all_that_speaks_against_shards_is_said_at_once(tmp_path: Path) -> None:
    text = """\
family: sticky
application:
  command: [x]
  scaling: {cpu_pct: 50}
load_balancer: {stickiness: true, shards: true}
"""
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert len(caught.value.problems) == 3
    assert all("line 5: load_balancer.shards: " in each for each in caught.value.problems)


@pytest.mark.parametrize(("written", "read"), [("3", 3.0), ("0.5", 0.5)])
def test_a_session_may_be_promised_to_live_for_a_number_of_seconds(
    written: str, read: float, tmp_path: Path
) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(GOOD.replace("promise: {", f"promise: {{session_ttl_s: {written}, "))
    assert Pattern.read(path).as_dict()["promise"]["session_ttl_s"] == read


@pytest.mark.parametrize("wrong", ["0", "-1", ".inf", ".nan", "soon"])
def test_a_life_that_is_none_is_refused(wrong: str, tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(GOOD.replace("promise: {", f"promise: {{session_ttl_s: {wrong}, "))
    with pytest.raises(InputError, match=r"session_ttl_s: must be a number of seconds above 0"):
        Pattern.read(path)
