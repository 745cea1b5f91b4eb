from __future__ import annotations

import subprocess
import sys

import pytest

from reference_app import settings as settings_module
from reference_app.settings import Settings, SettingsError


def test_without_anything_set_it_is_a_shop_in_memory() -> None:
    settings = Settings.of_web({})
    assert (settings.session_store, settings.port, settings.bugs) == ("memory", None, ())


def test_every_problem_is_named_in_one_line() -> None:
    environ = {
        "SESSION_STORE": "paper",
        "PORT": "x",
        "SESSION_TTL_S": "-1",
        "CACHE_URL": "http://c",
    }
    with pytest.raises(SettingsError) as caught:
        Settings.of_web(environ)
    text = str(caught.value)
    assert "\n" not in text
    for part in ("SESSION_STORE: 'paper'", "PORT: 'x'", "SESSION_TTL_S: '-1'", "CACHE_URL"):
        assert part in text


@pytest.mark.parametrize(
    ("store", "missing"), [("valkey", "CACHE_URL"), ("decoupled", "TOPIC_ARN")]
)
def test_a_store_says_what_it_needs(store: str, missing: str) -> None:
    with pytest.raises(SettingsError, match=f"{missing} is not set"):
        Settings.of_web({"SESSION_STORE": store})


def test_the_worker_needs_a_queue_and_a_database() -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL is not set; QUEUE_URL is not set"):
        Settings.of_worker({})


@pytest.mark.parametrize("text", ["unknown-bug", "stale-replica:0", "stale-replica:x"])
def test_a_wrong_bug_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="BUGS"):
        Settings.of_web({"BUGS": text})


def test_bugs_come_with_their_own_number_or_the_default_one() -> None:
    first, second = Settings.of_web({"BUGS": "stale-replica:9, reorder-writes"}).bugs
    assert (first.bug.name, first.param) == ("stale-replica", 9)
    assert second.param == second.bug.param


def test_every_variable_that_is_read_is_explained() -> None:
    source = settings_module.__doc__ or ""
    with open(settings_module.__file__) as file:
        code = file.read().split('"""', 2)[2]
    import re

    names = set(re.findall(r'"([A-Z][A-Z_]{3,})"', code))
    assert names
    assert {name for name in names if name not in source} == set()


@pytest.mark.cluster
@pytest.mark.parametrize("module", ["reference_app.web", "reference_app.worker"])
def test_a_wrong_setting_is_one_line_and_exit_code_two(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module],
        env={"BUGS": "no-such-bug", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "no bug named 'no-such-bug'" in done.stderr
