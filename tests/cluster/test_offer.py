"""What the local target offers is asked before anything starts, and a plan keeps to it."""

from __future__ import annotations

import contextlib
import resource
from pathlib import Path

import pytest

from statedrill.cluster.offer import local_limits, local_offer
from statedrill.errors import CannotPlay, InputError
from statedrill.inputs import discovery
from statedrill.inputs.options import Options
from statedrill.inputs.services import SERVICE_OPTIONS
from statedrill.plan.load_plan import make_load
from statedrill.plan.plan import make_plan

TINY = str(Path(__file__).parent / "tiny.yaml")
NOW = "2026-01-01T00:00:00+00:00"


def test_the_local_target_has_every_service_that_each_target_has() -> None:
    assert local_offer().services.items() >= SERVICE_OPTIONS.items()


def test_an_experiment_on_what_a_pattern_does_not_have_is_refused_with_the_reason() -> None:
    with pytest.raises(InputError) as caught:
        make_plan(Options(pattern=TINY, experiment="cache-flush"), "r1", NOW, local_offer())
    assert "the target 'local' cannot play cache-flush on tiny" in caught.value.message
    assert caught.value.problems == ("flush: nothing to break: pattern tiny has no cache",)


@pytest.mark.parametrize("pattern", [each.name for each in discovery.entries("pattern")])
@pytest.mark.parametrize("experiment", [each.name for each in discovery.entries("experiment")])
def test_every_pattern_of_the_box_can_play_every_experiment_or_has_nothing_to_break(
    pattern: str, experiment: str
) -> None:
    options = Options(pattern=pattern, experiment=experiment)
    with contextlib.suppress(CannotPlay):
        plan = make_plan(options, "r1", NOW, local_offer())
        assert plan.title == f"{pattern}-{experiment}"


@pytest.mark.parametrize("pattern", ["sticky", "distributed"])
@pytest.mark.parametrize(
    "experiment", ["redelivery-storm", "poison-message", "queue-throttling", "answers-lost"]
)
def test_a_pattern_without_queues_is_refused_what_happens_to_queues(
    pattern: str, experiment: str
) -> None:
    with pytest.raises(InputError) as caught:
        make_plan(Options(pattern=pattern, experiment=experiment), "r1", NOW, local_offer())
    (why,) = caught.value.problems
    assert why.endswith(f"nothing to break: pattern {pattern} has no queue")


def test_a_poison_message_is_refused_where_no_queue_has_a_dead_letter_queue(
    tmp_path: Path,
) -> None:
    pattern = tmp_path / "tiny.yaml"
    text = Path(TINY).read_text().replace("queue: false", "queue: true")
    pattern.write_text(text.replace("tiny_app.py", str(Path(TINY).with_name("tiny_app.py"))))
    options = Options(pattern=str(pattern), experiment="poison-message")
    with pytest.raises(InputError) as caught:
        make_plan(options, "r1", NOW, local_offer())
    (why,) = caught.value.problems
    assert why.endswith("no queue of pattern tiny has a `max_receive_count`")


@pytest.mark.parametrize(
    ("pattern", "experiment"),
    [
        *(("decoupled", e) for e in ("redelivery-storm", "poison-message")),
        *(("decoupled", e) for e in ("queue-throttling", "answers-lost")),
        *((p, "storage-errors") for p in ("sticky", "distributed", "decoupled")),
        *((p, "clock-skew") for p in ("sticky", "distributed", "decoupled")),
    ],
)
def test_what_happens_to_aws_s_services_and_to_clocks_is_offered(
    pattern: str, experiment: str
) -> None:
    plan = make_plan(Options(pattern=pattern, experiment=experiment), "r1", NOW, local_offer())
    assert plan.title == f"{pattern}-{experiment}"


def test_the_local_target_reckons_with_files_connections_and_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1_024, 8_192))
    files, connections, memory = local_limits(make_load(Options()))
    assert files.most_users == 8_192 - 200
    assert connections.most_users == 2 * (8_192 // 2 - 500)
    assert memory.most_users > 0
    options = Options(pattern=TINY, experiment="none", users=7_500)
    with pytest.raises(InputError, match="7,500 users do not fit") as caught:
        make_plan(options, "r1", NOW, local_offer())
    assert "use --users " in caught.value.hint
