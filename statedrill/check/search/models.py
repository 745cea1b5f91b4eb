"""What the objects of other tools' histories do: every operation as a move on a state.

A move is refused where the state does not explain what it showed. A failed operation is no move:
a failed compare-and-set is not read as "found different", because tools also write `fail` for
calls that never arrived. Knows the models only; the order of moves is for the search.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from statedrill.history.formats import ForeignOperation
from statedrill.history.operation import FOREVER
from statedrill.vocabulary import Outcome

State = Any  # hashable: None, a value, a text, a tuple or a frozenset


class _Refused:
    """The type of REFUSED, which is no state."""


class _Any:
    """The type of ANY, which is no state."""


REFUSED: Final = _Refused()
ANY: Final = _Any()


@dataclass(frozen=True, slots=True)
class Move:
    """One operation as the search sees it.

    `apply` gives the next state, or REFUSED. A `pure` move leaves every state as it is. `ret` is
    FOREVER for what may take effect at any later time or never; such moves of one `twin` do the
    same. Where a state is one value, `needs` is the only one that the move can follow and `gives`
    the one that it leaves; else both are ANY.
    """

    operation: ForeignOperation
    call: int
    ret: int
    pure: bool
    twin: Hashable
    apply: Callable[[State], State | _Refused]
    needs: State = ANY
    gives: State = ANY

    def freed(self) -> Move:
        """The same move without its constraints: at any time, or never."""
        return replace(self, call=-FOREVER, ret=FOREVER)


def moves(model: str, operations: Iterable[ForeignOperation]) -> tuple[State, list[Move]]:
    """The initial state and the moves of one object; what constrains nothing is left out.

    Models: register, cas-register (initial nil), kv (initial empty text), set, append-log.
    """
    initial, actions = _MODELS[model]
    found = []
    for each in operations:
        if each.outcome is Outcome.FAILED:
            continue
        pure, apply = actions[each.action](each)
        if pure and each.outcome is Outcome.UNKNOWN:
            continue
        ret = FOREVER if each.outcome is Outcome.UNKNOWN else each.ret
        needs, gives = _values(each) if actions is _REGISTER else (ANY, ANY)
        twin = (each.action, each.value)
        found.append(Move(each, each.call, ret, pure, twin, apply, needs, gives))
    return initial, found


def _values(operation: ForeignOperation) -> tuple[State, State]:
    """What a move of a register needs and gives."""
    if operation.action == "cas":
        return operation.value[0], operation.value[1]
    if operation.action == "write":
        return ANY, operation.value
    return operation.result, ANY


_Made = tuple[bool, Callable[[State], "State | _Refused"]]


def _shown(operation: ForeignOperation) -> _Made:
    shown = operation.result
    return True, lambda state: state if state == shown else REFUSED


def _elements(operation: ForeignOperation) -> _Made:
    shown = frozenset(operation.result)
    twice = len(shown) != len(operation.result)
    return True, lambda state: state if state == shown and not twice else REFUSED


def _write(operation: ForeignOperation) -> _Made:
    value = operation.value
    return False, lambda state: value


def _compare_and_set(operation: ForeignOperation) -> _Made:
    old, new = operation.value
    return False, lambda state: new if state == old else REFUSED


def _append_text(operation: ForeignOperation) -> _Made:
    text = operation.value
    return False, lambda state: state + text


def _append_entry(operation: ForeignOperation) -> _Made:
    entry = (operation.value,)
    return False, lambda state: state + entry


def _add(operation: ForeignOperation) -> _Made:
    element = frozenset((operation.value,))
    return False, lambda state: state | element


def _remove(operation: ForeignOperation) -> _Made:
    element = frozenset((operation.value,))
    return False, lambda state: state - element


def _clear(_: ForeignOperation) -> _Made:
    return False, lambda state: frozenset()


_NIL: State = None
_Actions = dict[str, Callable[[ForeignOperation], _Made]]
_REGISTER: _Actions = {"read": _shown, "write": _write, "cas": _compare_and_set}
_MODELS: dict[str, tuple[State, _Actions]] = {
    "register": (_NIL, _REGISTER),
    "cas-register": (_NIL, _REGISTER),
    "kv": ("", {"get": _shown, "put": _write, "append": _append_text}),
    "set": (frozenset(), {"read": _elements, "add": _add, "remove": _remove, "clear": _clear}),
    "append-log": ((), {"read": _shown, "append": _append_entry}),
}
