"""Was the promise kept? A recorded history and its plan in, the verdict out.

Pure: no files of its own, no sockets, no sleeping; `History` reads its parts. Each check is one
file and one row of the table in `checks`.

Sound, and incomplete where it must be: concurrent operations, losses that were overwritten before
they were read, unknown writes that land late, and plain registers, which cannot show the order of
writes, prove nothing. Transactions across sessions are out of scope.
"""

from __future__ import annotations

from statedrill.check.outcome import exit_code
from statedrill.check.verdict.assemble import Judgement, assemble
from statedrill.check.verdict.record import Verdict
from statedrill.history.store import History
from statedrill.plan.record import PlanRecord

__all__ = ["Judgement", "assemble", "exit_code", "judge"]


def judge(history: History, plan: PlanRecord) -> Verdict:
    """The verdict of a drill, as verdict.json has it. `assemble` also gives the crashes of checks.

    Raises:
        InputError: a threshold of the plan does not follow the grammar.
    """
    return assemble(history, plan).verdict
