"""A plan says on what machine and with which versions its figures were made."""

from __future__ import annotations

from statedrill.plan.host import host, versions


def test_the_versions_name_python_statedrill_and_the_tools() -> None:
    assert {"python", "statedrill", "locust", "chaostoolkit", "numpy"} <= set(versions())


def test_the_host_has_cores_and_memory() -> None:
    found = host()
    assert found["cores"]
    assert found["memory_gib"] > 0
    assert found["system"]
