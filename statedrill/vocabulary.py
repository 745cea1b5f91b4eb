"""The words that several rooms share: kinds of calls, outcomes, models of objects, phases.

The ground floor: it imports nothing of statedrill and is light to import.
"""

from __future__ import annotations

from enum import IntEnum


class Kind(IntEnum):
    """What the call asks for."""

    READ = 0
    PUT = 1
    ADD = 2
    REMOVE = 3
    CLEAR = 4
    APPEND = 5
    SIGN_IN = 6
    SIGN_OUT = 7


class Outcome(IntEnum):
    """What the client may believe afterwards (verification, rule R4)."""

    OK = 0
    FAILED = 1  # surely not done
    UNKNOWN = 2  # may have been done, or may yet be done
    ACCEPTED = 3  # queued: durable from `ret` on, visible at some later time


class Model(IntEnum):
    """How an object behaves, and so which definitions apply to it."""

    REGISTER = 0  # preferences, draft, uploads
    SET = 1  # cart: unique elements, removal, clear
    LOG = 2  # reading history: append only
    ORDERS = 3  # append only, every logical action once
    SESSION = 4  # still signed in, as oneself


class Phase(IntEnum):
    """Part of a drill, stamped on every operation by the time of its call."""

    NONE = 0  # recorded outside of any drill
    WARMUP = 1
    BASELINE = 2
    FAULT = 3
    RECOVERY = 4
    SETTLE = 5
    AUDIT = 6
    SECOND_AUDIT = 7
