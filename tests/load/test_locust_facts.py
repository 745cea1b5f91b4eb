"""What Locust does that this project depends on, or works around.

Each test is a trap that was measured once (Locust 2.47). When one fails after an upgrade, the
sentence in its name is no longer true, and the code that relies on it wants a look.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.load import Load
from tests.support.processes import Child

pytestmark = pytest.mark.cluster

FAST = """
from locust import FastHttpUser, task

class Fast(FastHttpUser):
    @task
    def get(self):
        self.client.get("/")
"""
IDLE = """
from locust import User, task, constant

class Idle(User):
    wait_time = constant(0.1)

    @task
    def nothing(self):
        pass
"""


def printed_by(code: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", f"import json\n{code}"], capture_output=True, text=True, check=True
    )
    value = json.loads(done.stdout)
    assert isinstance(value, dict)
    return value


def summary(child: Child, name: str) -> tuple[int, int]:
    """(requests, failures) of a row of Locust's summary."""
    found = re.search(rf"{re.escape(name)} +(\d+) +(\d+)\(", child.text())
    assert found, child.text()
    return int(found[1]), int(found[2])


def test_importing_locust_replaces_popen_and_sleep_in_the_whole_process() -> None:
    found = printed_by(
        "import subprocess, time\n"
        "popen, sleep = subprocess.Popen, time.sleep\n"
        "import locust\n"
        "print(json.dumps({'popen': subprocess.Popen is popen, 'sleep': time.sleep is sleep}))"
    )
    assert found == {"popen": False, "sleep": False}


def test_the_audit_and_the_client_do_not_import_locust() -> None:
    found = printed_by(
        "import sys, statedrill.load.audit, statedrill.load.users.actions\n"
        "import statedrill.load.arrivals.schedule\n"
        "print(json.dumps({'locust': 'locust' in sys.modules, 'numpy': 'numpy' in sys.modules}))"
    )
    assert found == {"locust": False, "numpy": False}


def test_fast_http_user_sends_again_what_died_and_records_it_once(load: Load) -> None:
    load.serve("--kill", "0.5", "--seed", "5")
    child = load.locust([load.scenario(FAST)], "-u", "3", "-t", "2s", "--stop-timeout", "5")
    child.wait()
    recorded, _ = summary(child, "Aggregated")
    assert load.counts()["received"] > 1.1 * recorded


def test_the_exit_code_is_1_when_a_request_failed_unless_asked_otherwise(load: Load) -> None:
    load.serve("--kill", "1.0")
    scenario = load.scenario(FAST)
    options = ("-u", "1", "-t", "1s")
    assert load.locust([scenario], *options).wait() == 0  # with --exit-code-on-error 0
    assert load.locust([scenario], *options, "--exit-code-on-error", "1").wait() == 1


def test_behaviour_and_load_shape_can_be_separate_files(load: Load) -> None:
    shape = load.scenario(
        "from locust import LoadTestShape\n"
        "class Shape(LoadTestShape):\n"
        "    def tick(self):\n"
        "        return (3, 10) if self.get_run_time() < 1 else None\n",
        "shape",
    )
    child = load.locust([load.scenario(IDLE), shape])
    assert child.wait() == 0
    assert "Shape test updating to 3 users" in child.text()


def test_percentiles_of_locust_are_rounded() -> None:
    found = printed_by(
        "from locust.stats import bucket_response_time as b\n"
        "print(json.dumps({'1.5': b(1.5), '104.9': b(104.9), '1049': b(1049)}))"
    )
    assert found == {"1.5": 2, "104.9": 100, "1049": 1000}


def test_users_that_fail_in_on_start_are_never_replaced(load: Load) -> None:
    scenario = load.scenario(
        IDLE
        + "\n    def on_start(self):\n        print('STARTED')\n        raise RuntimeError('no')\n"
    )
    child = load.locust([scenario], "-u", "3", "-r", "10", "-t", "2s")
    child.wait()
    assert child.text().count("STARTED") == 3


def test_the_request_event_tells_the_wall_clock(load: Load) -> None:
    load.serve()
    scenario = load.scenario(
        FAST + "\n\nimport time\nfrom locust import events\n\n@events.request.add_listener\n"
        "def print_it(start_time, **_):\n    print('AGE', abs(time.time() - start_time) < 60)\n"
    )
    child = load.locust([scenario], "-u", "1", "-t", "1s")
    child.wait()
    assert "AGE True" in child.text()
    assert "AGE False" not in child.text()


def test_a_load_process_knows_its_number_when_init_is_fired(load: Load) -> None:
    # One write call for each line: three processes share the file, and print() writes the
    # arguments, the blanks and the newline one by one where output is unbuffered.
    scenario = load.scenario(
        IDLE + "\n\nimport os\nfrom locust import events\n\n@events.init.add_listener\n"
        "def number(runner, **_):\n"
        '    os.write(1, f\'NUMBER {getattr(runner, "worker_index", "master")}\\n\'.encode())\n'
    )
    child = load.locust([scenario], "-u", "2", "-t", "1s", "--processes", "2")
    child.wait()
    numbers = sorted(re.findall(r"NUMBER (\w+)", child.text()))
    assert numbers == ["0", "1", "master"]


def test_without_a_stop_timeout_a_user_is_killed_and_with_one_it_is_asked(load: Load) -> None:
    scenario = load.scenario(
        "from locust import User, task\n"
        "import gevent\n"
        "class Busy(User):\n"
        "    @task\n"
        "    def work(self):\n"
        "        try:\n"
        "            gevent.sleep(2.5)\n"
        "            print('DONE')\n"
        "        except gevent.GreenletExit:\n"
        "            print('KILLED')\n"
        "            raise\n"
    )
    killed = load.locust([scenario], "-u", "1", "-t", "1s")
    asked = load.locust([scenario], "-u", "1", "-t", "1s", "--stop-timeout", "10")
    killed.wait()
    asked.wait()
    assert "KILLED" in killed.text()
    assert "DONE" in asked.text()
    assert "KILLED" not in asked.text()


def test_the_project_imports_locust_in_no_other_room() -> None:
    root = Path(__file__).parents[2] / "statedrill"
    found = {
        path.relative_to(root).parts[0]
        for path in root.rglob("*.py")
        if re.search(r"^\s*(import|from) locust\b", path.read_text(), re.MULTILINE)
    }
    assert found == {"load"}
