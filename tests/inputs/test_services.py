"""A pattern says which services it uses, in short or with their options."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from statedrill.errors import InputError
from statedrill.inputs import discovery
from statedrill.inputs.pattern import Pattern
from statedrill.inputs.services import (
    SERVICE_OPTIONS,
    CacheOptions,
    DatabaseOptions,
    KnownServices,
    MemcachedOptions,
    Queue,
    QueueOptions,
    ServiceOptions,
    StorageOptions,
)


def read(folder: Path, services: str, known: KnownServices | None = None) -> Pattern:
    path = folder / "sticky.yaml"
    path.write_text(f"application: {{command: [x]}}\nservices:\n  {services}\n")
    return Pattern.read(path, known or SERVICE_OPTIONS)


def test_true_is_short_for_every_default(tmp_path: Path) -> None:
    short = read(tmp_path, "{database: true, cache: true, queue: true, storage: true}")
    written_out = read(
        tmp_path,
        "{database: {engine: postgresql, name: app, user: app}, "
        "cache: {engine: valkey, replicas: 1, durability: none}, "
        "queue: {topic: app-writes, queues: {app-writes: {variable: QUEUE_URL}}}, "
        "storage: {bucket: app-uploads}}",
    )
    assert short == written_out
    assert list(short.services) == ["database", "cache", "queue", "storage"]


def test_false_and_nothing_leave_a_service_out(tmp_path: Path) -> None:
    pattern = read(tmp_path, "{database: false, cache: , queue: {}}")
    assert pattern.services == {"queue": QueueOptions()}
    services = pattern.as_dict()["services"]
    assert (services["database"], services["cache"], services["storage"]) == (False,) * 3
    assert services["queue"]["topic"] == "app-writes"


def test_the_names_of_the_reference_application_come_from_its_patterns() -> None:
    services = Pattern.read(discovery.find("pattern", "decoupled")).services
    assert services == {
        "database": DatabaseOptions(name="shop", user="shop"),
        "cache": CacheOptions(),
        "queue": QueueOptions(
            topic="shop-writes",
            queues={
                "state": Queue(
                    variable="QUEUE_URL", filter={"kind": ("state",)}, max_receive_count=10
                ),
                "orders": Queue(
                    variable="ORDERS_QUEUE_URL", filter={"kind": ("orders",)}, max_receive_count=10
                ),
            },
        ),
        "storage": StorageOptions(bucket="shop-uploads"),
    }


@pytest.mark.parametrize(
    ("services", "told"),
    [
        (
            "database: {backups: true, replicas: 2}",
            "services.database: read replicas are not restored with their database here; choose",
        ),
        ("cachee: true", "line 3: services.cachee: unknown service; did you mean 'cache'?"),
        ("memory: true", "unknown service; known: database, cache, queue, storage"),
        (
            "cache: {engine: valkeyy}",
            "services.cache.engine: is 'valkeyy'; choose one of valkey, memcached; "
            "did you mean 'valkey'?",
        ),
        ("cache: {replicas: 2}", "services.cache.replicas: is 2; choose one of 1"),
        (
            "cache: {engine: [x]}",
            "services.cache.engine: is ['x']; choose one of valkey, memcached",
        ),
        ("cache: {engine: memcached, replicas: 1}", "replicas: unknown key; known: engine, nodes"),
        ("cache: {engine: memcached, nodes: 0}", "nodes: must be a whole number from 1 to 12, not"),
        ("cache: {engine: memcached, node: 3}", "node: unknown key; did you mean 'nodes'?"),
        ("cache: {nodes: 3}", "services.cache.nodes: unknown key; known: engine, replicas"),
        (
            "cache: 3",
            "of engine, replicas, durability, maxmemory_policy, snapshots, nodes, not 3",
        ),
        (
            "cache: {durable: yes}",
            "cache.durable: unknown key; did you mean 'durability'?",
        ),
        ("database: {name: postgres}", "services.database: 'postgres' is a name of PostgreSQL's"),
        ("database: {user: My-App}", "services.database.user: must be lower-case letters"),
        ("queue: {queues: {}}", "services.queue.queues: must be a mapping of queue names"),
        ("queue: {queues: {a b: {}}}", "services.queue.queues.a b: has 'a b'; must be a mapping"),
        ("queue: {queues: {a: 1}}", "services.queue.queues.a: has 1; must be a mapping of var"),
        ("queue: {queues: {a: {}, b: {}}}", "queues: each needs a `variable` of its own"),
        ("queue: {queues: {a: {filter: {k: v}}}}", "queues.a.filter.k: has 'v'; must be a mapping"),
        ("queue: {queues: {a: {max_receive_count: 0}}}", "must be a whole number from 1 to 1000"),
        ("queue: {fifo: 1}", "services.queue.fifo: must be true or false, not 1"),
        ("queue: {fifo: true, topic: a.fifo}", "topic: must be letters, digits, '_' and '-'"),
        ("queue: {fifo: true, topic: a.fifo}", "`fifo: true` adds .fifo"),
        (
            f"queue: {{fifo: true, queues: {{{'q' * 64}: {{max_receive_count: 3}}}}}}",
            "is too long: AWS allows 80 letters, of which '-dead-letter.fifo' takes some",
        ),
        ("storage: {bucket: A}", "services.storage.bucket: must be lower-case letters"),
    ],
)
def test_what_is_wrong_with_an_option_is_named(tmp_path: Path, services: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, services)
    assert told in str(caught.value)


def test_the_engine_chooses_the_options(tmp_path: Path) -> None:
    pattern = read(tmp_path, "cache: {engine: memcached}")
    assert pattern.services == {"cache": MemcachedOptions(nodes=3)}
    assert pattern.as_dict()["services"]["cache"] == {"engine": "memcached", "nodes": 3}


class MailOptions(ServiceOptions):
    """A service of some target's own."""

    engine: Literal["postfix"] = "postfix"


def test_a_target_may_bring_a_service_of_its_own(tmp_path: Path) -> None:
    known = {**SERVICE_OPTIONS, "mail": (MailOptions,)}
    pattern = read(tmp_path, "mail: true", known)
    assert pattern.services == {"mail": MailOptions()}
    assert pattern.as_dict()["services"]["mail"] == {"engine": "postfix"}
    with pytest.raises(InputError, match="unknown service; did you mean 'mail'"):
        read(tmp_path, "male: true", known)
