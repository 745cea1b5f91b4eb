"""placeholder"""

from __future__ import annotations


def export_jepsen(history: object, folder: object) -> list[object]:
    """."""
    return []
