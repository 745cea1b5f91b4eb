"""What a master and the load processes of other machines say to each other, over Locust's messages.

HELLO asks and WELCOME answers; CHUNK delivers and RECEIVED confirms; COMPLETE says that everything
was sent and COMPLETED that everything came; STOP ends a test. Knows names and shapes only.
"""

from __future__ import annotations

import secrets
from typing import Generic, Protocol, TypedDict, TypeVar

from statedrill.load.settings import SharedSettings

HELLO, WELCOME = "statedrill-hello", "statedrill-welcome"
CHUNK, RECEIVED = "statedrill-chunk", "statedrill-received"
COMPLETE, COMPLETED = "statedrill-complete", "statedrill-completed"
STOP = "statedrill-stop"

# Child processes of the master share this token, and write into the run's folder themselves.
MASTER_TOKEN = secrets.token_hex(8)

Data_co = TypeVar("Data_co", covariant=True)


class Message(Protocol, Generic[Data_co]):
    """Locust's message: what it carries, and the id of the load process it came from."""

    @property
    def data(self) -> Data_co:
        """What the message carries."""

    @property
    def node_id(self) -> str:
        """The load process that sent it."""


class Hello(TypedDict):
    """A load process asks; one that `joins` is waited for from now on. `asked` is on its clock."""

    token: str
    joins: bool
    machine: str
    asked: int


class Timed(TypedDict):
    """Part of every answer: when the question was asked, and the master's clock at the answer."""

    asked: int
    clock: int


class Welcome(Timed):
    """What a load process has to know of the run."""

    same_machine_child: bool
    version: str
    settings: SharedSettings
    recorded: bool
    user_classes: list[str]


class ChunkData(TypedDict):
    """Bytes of one file of the record, from `at` on."""

    kind: str
    at: int
    data: bytes
    asked: int


class Received(Timed):
    """The file of this kind has come up to this byte."""

    kind: str
    upto: int


class Complete(TypedDict):
    """The files have so many bytes, by kind."""

    sizes: dict[str, int]
