from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import reference_app
from reference_app.environment import SettingsError
from reference_app.stores import STORES
from reference_app.web.settings import WebSettings
from reference_app.worker.settings import WorkerSettings

VARIABLE = re.compile(
    r"environment\.(?:text|url|count|seconds|port|one_of|parsed)\(\s*\"([A-Z][A-Z_]+)\""
)


def problems(variables: Mapping[str, str]) -> list[str]:
    return problem_text(variables).split("; ")


def problem_text(variables: Mapping[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        WebSettings.read(variables)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_without_anything_set_it_is_a_shop_in_memory() -> None:
    settings = WebSettings.read({})
    assert (settings.session_store, settings.process.port, settings.bugs) == ("memory", None, ())


def test_every_problem_is_named_once_in_one_line() -> None:
    found = problems(
        {
            "SESSION_STORE": "valkey",
            "PORT": "x",
            "SESSION_TTL_S": "-1",
            "CACHE_URL": "http://c",
            "CACHE_WAIT_REPLICAS": "many",
            "BUGS": "none",
        }
    )
    assert sorted(each.partition(":")[0] for each in found) == [
        *("BUGS", "CACHE_URL", "CACHE_WAIT_REPLICAS", "PORT", "SESSION_TTL_S"),
    ]


def test_an_unknown_store_is_refused_beside_the_other_problems() -> None:
    found = problems({"SESSION_STORE": "paper", "PORT": "0"})
    assert f"SESSION_STORE: 'paper' is none of {', '.join(STORES)}" in found
    assert len(found) == 2


@pytest.mark.parametrize("store", STORES)
def test_a_store_says_everything_that_it_needs(store: str) -> None:
    needs = STORES[store].needs
    if not needs:
        assert WebSettings.read({"SESSION_STORE": store}).session_store == store
        return
    assert problems({"SESSION_STORE": store}) == [
        f"{name} is not set, and SESSION_STORE={store} needs it" for name in needs
    ]


@pytest.mark.parametrize(
    ("store", "topic", "told"),
    [
        ("decoupled", "arn:t.fifo", "'arn:t.fifo' is a FIFO topic; SESSION_STORE=decoupled-fifo"),
        ("decoupled-fifo", "arn:t", "'arn:t' is no FIFO topic; SESSION_STORE=decoupled "),
    ],
)
def test_a_topic_of_the_other_kind_is_refused(store: str, topic: str, told: str) -> None:
    given = {"SESSION_STORE": store, "TOPIC_ARN": topic, "DATABASE_URL": "postgresql://d/n"}
    assert problem_text(given).startswith(f"TOPIC_ARN: {told}")


@pytest.mark.parametrize("text", ["http://c", "redis://", "redis://c:x", "redis://[", "rediss:c"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    assert problems({"CACHE_URL": text}) == [
        f"CACHE_URL: {text!r} is not a redis:// URL with a host"
    ]


@pytest.mark.parametrize(
    ("store", "url", "told"),
    [
        ("memcached", "redis://c:6379", "is not a memcached:// URL with a host"),
        ("valkey", "memcached://c", "is not a redis:// URL with a host"),
    ],
)
def test_a_store_is_given_a_cache_of_its_own_kind(store: str, url: str, told: str) -> None:
    assert problems({"SESSION_STORE": store, "CACHE_URL": url}) == [f"CACHE_URL: {url!r} {told}"]


def test_the_ways_to_use_memcached_are_checked_without_its_store_too() -> None:
    odd = {"CACHE_HASHING": "md5", "CACHE_EJECT_S": "0", "CACHE_DISCOVERY_S": "soon"}
    found = problems({"CACHE_URL": "memcached://c", **odd})
    assert sorted(each.partition(":")[0] for each in found) == sorted(odd)


def test_an_empty_variable_is_not_set() -> None:
    assert WebSettings.read({"SESSION_STORE": " ", "KEEP_ALIVE_S": ""}) == WebSettings.read({})


def test_the_worker_needs_a_queue_and_a_database() -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL is not set; QUEUE_URL is not set"):
        WorkerSettings.read({})


def test_the_worker_is_told_the_visibility_timeout_that_its_queues_are_made_with() -> None:
    told = {"DATABASE_URL": "postgresql://d/n", "QUEUE_URL": "http://q"}
    assert WorkerSettings.read(told).visibility_timeout_s == 30
    assert WorkerSettings.read({**told, "VISIBILITY_TIMEOUT_S": "2"}).visibility_timeout_s == 2


@pytest.mark.parametrize("text", ["unknown-bug", "stale-replica:0", "stale-replica:x"])
def test_a_wrong_bug_is_refused(text: str) -> None:
    assert problems({"BUGS": text})[0].startswith("BUGS: ")


def test_a_bug_that_cannot_show_here_is_refused() -> None:
    assert problems({"BUGS": "upload-record-without-object", "BUCKET": "b"}) == [
        "DATABASE_URL is not set, and BUGS=upload-record-without-object needs it"
    ]


def test_bugs_come_with_their_own_number_or_the_default_one() -> None:
    first, second = WebSettings.read({"BUGS": "stale-replica:9, reorder-writes"}).bugs
    assert (first.bug.name, first.number) == ("stale-replica", 9)
    assert second.number == second.bug.default_number


def test_every_variable_that_is_read_is_explained_where_it_is_read() -> None:
    shared = importlib.import_module("reference_app.settings").__doc__ or ""
    found = 0
    for module in pkgutil.walk_packages(reference_app.__path__, "reference_app."):
        loader = importlib.util.find_spec(module.name)
        if loader is None or not loader.origin:
            continue
        code = Path(loader.origin).read_text()
        for name in VARIABLE.findall(code):
            found += 1
            explained = code.split('"""', 2)[1]
            assert name in explained or name in shared, f"{module.name} reads {name}"
    assert found > 15


@pytest.mark.cluster
@pytest.mark.parametrize("module", ["reference_app.web", "reference_app.worker"])
def test_a_wrong_setting_is_one_line_and_exit_code_two(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module],
        env={"PORT": "none", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "PORT: 'none' is not a port" in done.stderr
