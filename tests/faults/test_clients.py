"""Faults are thin: they find the control address, ask, and fail loudly when it did not happen."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from statedrill.control.client import ControlFailure
from statedrill.faults import ec2, elasticache, probes, rds


class Control:
    """A control address that notes what it was asked and answers what it was told to."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[tuple[str, dict[str, Any], str]] = []
        self.status, self.answer = 200, {"proved": True, "proof": "seen"}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                token = self.headers["Authorization"]
                outer.asked.append((self.path, json.loads(body), token))
                answer = json.dumps(outer.answer).encode()
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.file = folder / "control.json"
        url = f"http://127.0.0.1:{self.server.server_port}"
        self.file.write_text(json.dumps({"url": url, "token": "secret", "load_balancer": url}))


@pytest.fixture
def control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Control]:
    made = Control(tmp_path)
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("STATEDRILL_CONTROL", str(made.file))
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def test_a_fault_asks_with_the_token_and_only_what_was_given(control: Control) -> None:
    ec2.terminate_instances(az="b")
    rds.failover_db_cluster()
    assert control.asked == [
        ("/ec2/terminate-instances", {"Zone": "b"}, "Bearer secret"),
        ("/rds/failover-db-cluster", {}, "Bearer secret"),
    ]


def test_a_fault_without_proof_is_a_failure_and_says_why(control: Control) -> None:
    control.answer = {"proved": False, "proof": "nothing to break: no cache"}
    with pytest.raises(ControlFailure, match="not proved: nothing to break"):
        elasticache.flush()


def test_a_refusal_carries_the_cluster_s_own_words(control: Control) -> None:
    control.status, control.answer = 404, {"error": "no zone 'd'", "hint": "a, b or c"}
    with pytest.raises(ControlFailure, match=r"no zone 'd' \(a, b or c\)"):
        ec2.stop_zone("d")


def test_the_probe_counts_healthy_targets_only(control: Control) -> None:
    control.answer = {"targets": [{"state": "healthy"}, {"state": "unhealthy"}]}
    assert probes.targets_health_count() == 1


def test_waiting_for_a_cluster_that_stays_broken_fails(control: Control) -> None:
    control.answer = {"healthy": False}
    with pytest.raises(ControlFailure, match="not whole again after 0 s"):
        probes.wait_until_healthy(timeout=0.0)
    control.answer = {"healthy": True}
    assert probes.wait_until_healthy(timeout=0.0)


def test_waiting_for_the_end_of_faults_names_how_many_are_left(control: Control) -> None:
    control.answer = {"open_faults": ["f1", "f2"], "healthy": True}
    with pytest.raises(ControlFailure, match="2 faults are not over after 0 s"):
        probes.wait_until_over(timeout=0.0)
    control.answer = {"open_faults": [], "healthy": False}
    assert probes.wait_until_over(timeout=0.0)


def test_probes_keep_the_names_of_an_earlier_version(control: Control) -> None:
    control.answer = {"healthy": True, "restored": ["f1"]}
    assert probes.is_whole()
    assert probes.wait_until_whole(timeout=0.0)
    assert probes.heal() == ["f1"]
    assert [path for path, _, _ in control.asked] == ["/status", "/status", "/restore"]
