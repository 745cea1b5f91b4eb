"""What a check says: which rows it could judge, and which of them break its definition.

Each thing that is counted has one row that stands for it: a read, a write, the first row of an
object or of a session. Knows no definition.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from statedrill.check.numeric.stable_sort import Array


@dataclass
class Marks:
    """Bool arrays per row: `opportunity` (it was possible to see a violation) and `violation`.

    `evidence` may hold more arrays that a check wants to hand on, by name.
    """

    opportunity: Array
    violation: Array
    evidence: dict[str, Array] = field(default_factory=dict)
