"""The managed services that a pattern may use, and the options of each.

One class a kind of service: what a pattern file may say about it, with its default. `cache: true`
in a pattern file is the short form of `cache: {}`. Where a service has several engines, each has a
class of its own, and `engine` chooses it. A target implements the services; it may bring further
kinds, whose options are subclasses of `ServiceOptions`, too. Knows no process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import override

from statedrill.inputs.validation import FileModel, validate
from statedrill.inputs.yaml_file import YamlFile, did_you_mean, shown


class ServiceOptions(FileModel):
    """What a pattern file may say about one kind of service.

    The first line of a subclass's docstring is what `statedrill list` says of the service.
    """

    @property
    def is_backed_up(self) -> bool:
        """Whether the service keeps what a mistake deletes, so that it can be restored."""
        return False


# PostgreSQL folds what is not quoted to lower case, and keeps 63 bytes of a name.
_SQL_NAME = Field(
    pattern="^[a-z][a-z0-9_]{0,62}$",
    description="lower-case letters, digits and '_', at most 63, a letter first",
)
_RESERVED = ("postgres", "template0", "template1")


class DatabaseOptions(ServiceOptions):
    """RDS Multi-AZ: a primary and a synchronous standby in another zone.

    The application connects to the database `name` as the role `user`, the owner of it. So many
    asynchronous read replicas in other zones are found in the variable DATABASE_READER_URL. With
    `backups` it can be restored to any point in time that its archived log reaches.
    """

    engine: Literal["postgresql"] = "postgresql"
    name: Annotated[str, _SQL_NAME] = "app"
    user: Annotated[str, _SQL_NAME] = "app"
    replicas: int = Field(0, ge=0, le=15, description="a whole number from 0 to 15")
    backups: bool = False

    @property
    @override
    def is_backed_up(self) -> bool:
        return self.backups

    @model_validator(mode="after")
    def _not_postgresqls_own(self) -> DatabaseOptions:
        for name in (self.name, self.user):
            if name in _RESERVED or name.startswith("pg_"):
                what = f"'{name}' is a name of PostgreSQL's own; choose another"
                raise PydanticCustomError("rule", "{what}", {"what": what})
        return self

    @model_validator(mode="after")
    def _no_replica_of_another_timeline(self) -> DatabaseOptions:
        if self.backups and self.replicas:
            what = "read replicas are not restored with their database here; choose backups or them"
            raise PydanticCustomError("rule", "{what}", {"what": what})
        return self


class CacheOptions(ServiceOptions):
    """ElastiCache: a primary and a replica in another zone, replicated asynchronously.

    `durability: wait` has the application wait for the replica before it acknowledges a write. With
    `sync` the cache writes each change to a log in the region before its answer, with `async` after
    it, and a failover starts from that log. `maxmemory_policy` is what it evicts when its memory is
    full; with `noeviction` it refuses writes instead. With `snapshots` it can be restored to the
    newest of them.
    """

    engine: Literal["valkey"] = "valkey"
    replicas: Literal[1] = 1
    durability: Literal["none", "wait", "sync", "async"] = "none"
    maxmemory_policy: Literal["volatile-lru", "noeviction"] = "volatile-lru"
    snapshots: bool = False

    @property
    @override
    def is_backed_up(self) -> bool:
        return self.snapshots


class MemcachedOptions(ServiceOptions):
    """ElastiCache for Memcached: `nodes` nodes over the zones, none of which has a copy."""

    engine: Literal["memcached"] = "memcached"
    nodes: int = Field(3, ge=1, le=12, description="a whole number from 1 to 12")


class Queue(FileModel):
    """One SQS queue that is subscribed to the topic.

    The application finds its address in the variable `variable`. `filter` is the subscription's
    filter policy, message attribute -> accepted values; without one it receives every message.
    With `max_receive_count` a message that was received so often and never deleted goes to the
    dead-letter queue `<name>-dead-letter`; without it, it comes again for as long as SQS keeps it.
    """

    variable: str = Field(
        "QUEUE_URL", pattern="^[A-Za-z_][A-Za-z0-9_]*$", description="a name such as QUEUE_URL"
    )
    filter: dict[str, Annotated[tuple[str, ...], Field(strict=False)]] = Field(
        {}, description="a mapping of attributes to lists of accepted words"
    )
    max_receive_count: int | None = Field(
        None, ge=1, le=1000, description="a whole number from 1 to 1000"
    )


_AWS_NAME = "letters, digits, '_' and '-', at most 80; `fifo: true` adds .fifo"
_LONGEST_NAME = 80
_AwsName = Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,80}$", description=_AWS_NAME)]


class QueueOptions(ServiceOptions):
    """SNS and SQS: a topic that fans out to `queues`, by name.

    With `fifo` topic and queues keep the order of each message group. AWS has the names of such end
    in .fifo; here they are without it, as in every event and figure.
    """

    fifo: bool = Field(False, description="true or false")
    topic: _AwsName = "app-writes"
    queues: dict[_AwsName, Queue] = Field(
        {"app-writes": Queue()}, min_length=1, description=f"a mapping of queue names ({_AWS_NAME})"
    )

    @model_validator(mode="after")
    def _a_variable_each(self) -> QueueOptions:
        variables = [queue.variable for queue in self.queues.values()]
        if len(set(variables)) < len(variables):
            raise PydanticCustomError("rule", "queues: each needs a `variable` of its own")
        return self

    @model_validator(mode="after")
    def _names_that_fit(self) -> QueueOptions:
        for name, queue in self.queues.items():
            longest = dead_letter_name(name) if queue.max_receive_count else name
            if len(aws_name(longest, self.fifo)) > _LONGEST_NAME:
                what = f"'{name}' is too long: AWS allows {_LONGEST_NAME} letters, of which "
                what += f"'{aws_name(longest, self.fifo).removeprefix(name)}' takes some"
                raise PydanticCustomError("rule", "queues: {what}", {"what": what})
        return self


def aws_name(name: str, fifo: bool) -> str:
    """The name of a topic or queue on AWS, which tells by it that one is FIFO."""
    return f"{name}.fifo" if fifo else name


def dead_letter_name(queue: str) -> str:
    """The name of the dead-letter queue of `queue`, without the ending of a FIFO queue."""
    return f"{queue}-dead-letter"


class StorageOptions(ServiceOptions):
    """S3: one bucket; the application finds its name in the variable BUCKET.

    With `versioning` a deleted object is only marked as deleted, and can be had back.
    """

    bucket: str = Field(
        "app-uploads",
        pattern="^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$",
        description="lower-case letters, digits and '-', from 3 to 63",
    )
    versioning: bool = False

    @property
    @override
    def is_backed_up(self) -> bool:
        return self.versioning


KnownServices = Mapping[str, Sequence[type[ServiceOptions]]]
"""The services of a target: name in a pattern file -> the options of each engine, the usual first.
Only where there are several do they have an `engine`."""

SERVICE_OPTIONS: KnownServices = MappingProxyType(
    {
        "database": (DatabaseOptions,),
        "cache": (CacheOptions, MemcachedOptions),
        "queue": (QueueOptions,),
        "storage": (StorageOptions,),
    }
)
"""The services that every target knows."""


def read_services(file: YamlFile, value: object, known: KnownServices) -> dict[str, ServiceOptions]:
    """The services that the value of `services` asks for, in the order of `known`.

    What is wrong with them is noted in `file`.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        file.problem(("services",), f"must be a mapping of {', '.join(known)}")
        return {}
    for name in value:
        if name not in known:
            meant = did_you_mean(name, list(known)) or f"known: {', '.join(known)}"
            file.problem(("services", name), f"unknown service; {meant}")
    used = {}
    for name, engines in known.items():
        chosen = {} if value.get(name) is True else value.get(name)
        if chosen is None or chosen is False:
            continue
        if not isinstance(chosen, dict):
            keys = ", ".join(dict.fromkeys(key for each in engines for key in each.model_fields))
            what = f"must be true, false or a mapping of {keys}, not {shown(chosen)}"
            file.problem(("services", name), what)
        elif (options := _of_engine(file, name, chosen, engines)) and (
            valid := validate(file, options, chosen, ("services", name))
        ):
            used[name] = valid
    return used


def _of_engine(
    file: YamlFile,
    name: str,
    chosen: Mapping[object, object],
    engines: Sequence[type[ServiceOptions]],
) -> type[ServiceOptions] | None:
    """The options of the engine that `chosen` asks for; None when there is none: it is noted."""
    if len(engines) == 1 or "engine" not in chosen:
        return engines[0]
    by_name = {each.model_fields["engine"].default: each for each in engines}
    engine = chosen["engine"]
    if isinstance(engine, str) and engine in by_name:
        return by_name[engine]
    what = f"is {shown(engine)}; choose one of {', '.join(by_name)}"
    meant = did_you_mean(engine, list(by_name))
    file.problem(("services", name, "engine"), "; ".join(filter(None, (what, meant))))
    return None
