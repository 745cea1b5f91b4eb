"""What a target counts of its parts once a second: the content of the event `sample`.

A key is absent where the part does not have it, or did not answer. Knows no part and no figure that
follows from two samples.
"""

from __future__ import annotations

from typing_extensions import TypedDict


class ServiceSample(TypedDict, total=False):
    """One service. Counters begin anew when `node` is another."""

    node: str
    """the primary, which is asked"""
    hits: int
    """lookups in the cache that found their key"""
    misses: int
    """lookups that found none"""
    replica: str
    """the node that follows"""
    written: int
    """position of the primary in its own stream of changes, in bytes"""
    applied: int
    """position up to which the replica has applied it"""
    read_replicas: dict[str, int]
    """the same for each read replica, by its name"""
    depths: dict[str, int]
    """messages by queue: visible, in flight and delayed"""
    dead_letters: dict[str, int]
    """messages by queue that were received too often and wait in its dead-letter queue"""


class ProcessSample(TypedDict):
    """A process of the application with its descendants."""

    pid: int
    cpu_s: float
    """processor seconds since its start"""
    memory_mib: float
    """resident now"""
