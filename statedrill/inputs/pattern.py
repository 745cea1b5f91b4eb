"""A pattern: how the application is deployed, where its state lives, and what that promises.

The models are the whole file: every key, its default, and what its value must be. Knows the words
of the file; starts nothing and judges nothing. pydantic takes 60 ms to import: only what makes a
plan or starts a cluster imports this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SerializeAsAny, model_validator
from pydantic_core import PydanticCustomError

from statedrill.inputs.services import (
    SERVICE_OPTIONS,
    KnownServices,
    ServiceOptions,
    read_services,
)
from statedrill.inputs.timings import DELAYS
from statedrill.inputs.validation import FileModel, Text, one_of, or_default, validate
from statedrill.inputs.yaml_file import YamlFile, did_you_mean, shown
from statedrill.vocabulary import FAILURE_DOMAINS, FAMILIES, GUARANTEES

IDEMPOTENT = ("orders",)

Command = Annotated[
    tuple[Text, ...],
    Field(min_length=1, strict=False, description="a list of words, such as [python, -m, my_app]"),
]
VariableName = Annotated[str, Field(pattern="^[^=\0]+$", description="a name without '='")]
Variables = Annotated[
    dict[VariableName, Text],
    or_default(dict),
    Field(default_factory=dict, description="a mapping of names to text"),
]
Count = Annotated[int, Field(ge=1, le=12, description="a whole number from 1 to 12")]


def _objective(value: object) -> object:
    """Raises PydanticCustomError: it is neither seconds nor the name of a delay."""
    if isinstance(value, str) and value in DELAYS:
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < inf:
        return float(value)
    must = "must be a number of seconds above 0, or the name of a delay in the table of timings"
    meant = did_you_mean(value, DELAYS)
    what = "; ".join(filter(None, (f"{must}, not {shown(value)}", meant)))
    raise PydanticCustomError("rule", "{what}", {"what": what})


class Restores(FileModel):
    """What comes back after a mistake has deleted it: all that was acknowledged `rpo_s` before.

    A recovery point objective in seconds, or the name of a delay, such as database_log_backup_s,
    which follows the column of the timings.
    """

    rpo_s: Annotated[float | str, BeforeValidator(_objective)]


class Promise(FileModel):
    """What the pattern claims to survive without losing a session or an acknowledged write, and
    what it restores when a mistake has deleted its data. A session that nobody used for longer
    than `session_ttl_s` may expire, with the state that lives in it: that is no loss.
    """

    survives: Annotated[tuple[Annotated[str, one_of(FAILURE_DOMAINS)], ...], or_default(tuple)] = (
        Field((), strict=False, description=f"a list of {', '.join(FAILURE_DOMAINS)}")
    )
    guarantees: Annotated[
        tuple[Annotated[str, one_of(tuple(GUARANTEES))], ...], or_default(tuple)
    ] = Field((), strict=False, description=f"a list of {', '.join(GUARANTEES)}")
    idempotent: Annotated[tuple[Annotated[str, one_of(IDEMPOTENT)], ...], or_default(tuple)] = (
        Field((), strict=False, description=f"a list of {', '.join(IDEMPOTENT)}")
    )
    restores: Restores | None = None
    session_ttl_s: float | None = Field(
        None, gt=0, lt=inf, strict=False, description="a number of seconds above 0"
    )


class Scaling(FileModel):
    """Target tracking: `most` instances at most, as many as keep one metric of each at its target.

    The metric is either the requests per second or the share of one processor.
    """

    most: Count = 12
    requests_per_s: float | None = Field(None, gt=0, description="a number above 0")
    cpu_pct: float | None = Field(None, gt=0, le=100, description="a number from 0 to 100")

    @model_validator(mode="after")
    def _one_target(self) -> Scaling:
        if (self.requests_per_s is None) == (self.cpu_pct is None):
            raise PydanticCustomError("rule", "needs either requests_per_s or cpu_pct")
        return self


class VolumeOptions(FileModel):
    """A volume (EBS) for each instance, in one zone; the folder $VOLUME of the instance."""

    size_mb: int = Field(64, ge=1, le=1024, description="a whole number from 1 to 1024")


class Application(FileModel):
    """The program under test: any command that speaks HTTP on $HOST:$PORT.

    `instances` is how many there are, or with `scaling` how many there are at least. `cached_s` is
    for how long after a write a cache may still show what was before it: so long the audit waits.
    """

    command: Command
    instances: Count = 3
    scaling: Scaling | None = None
    volume: VolumeOptions | None = None
    cached_s: float = Field(0.0, ge=0, le=600, description="a number of seconds from 0 to 600")
    health: str = Field(
        "/health", pattern="^/[!-~]*$", description="a path that begins with '/', without spaces"
    )
    env: Variables


class Workers(FileModel):
    """Processes beside the application that take work from the queue."""

    command: Command
    count: Count = 2
    env: Variables


class LoadBalancing(FileModel):
    """`stickiness`: a cookie binds a user to an instance; `shards`: to a volume, whichever instance
    has it; otherwise round robin.
    """

    stickiness: bool = Field(False, description="true or false")
    shards: bool = Field(False, description="true or false")


class Zones(FileModel):
    """A hop between every zone and every service, so that the way can be slowed and cut.

    `latency_ms` is what the hop holds each byte for, each way; 0 for a hop that only forwards.
    """

    latency_ms: float = Field(0.0, ge=0, le=10_000, description="milliseconds from 0 to 10000")


class PatternFile(FileModel):
    """The keys of a pattern file. `services` holds those that the pattern uses, by name."""

    name: str = Field(min_length=1, description="text")
    family: Annotated[str, one_of(FAMILIES)]
    description: str = Field("", description="text")
    application: Application
    workers: Workers | None = None
    load_balancer: Annotated[LoadBalancing, or_default(dict)] = LoadBalancing()
    services: dict[str, SerializeAsAny[ServiceOptions]] = Field(default_factory=dict)
    zones: Zones | None = None
    promise: Annotated[Promise, or_default(dict)] = Promise()

    @property
    def is_backed_up(self) -> bool:
        """Whether any of its services keeps what a mistake deletes."""
        return any(each.is_backed_up for each in self.services.values())


class Pattern(PatternFile):
    """One validated pattern file. `path` is the file it came from."""

    path: Path

    @classmethod
    def read(cls, path: Path, known: KnownServices = SERVICE_OPTIONS) -> Pattern:
        """Read and validate `path`. `known` has the options of every service there is, by name.

        Raises:
            InputError: the file cannot be read, is no YAML, or has problems; all are named.
        """
        file = YamlFile(path, "pattern")
        content: Any = file.content
        if isinstance(content, dict):
            services = read_services(file, content.get("services"), known)
            _note_contradictions(file, content)
            stem = path.stem
            defaults = {"name": stem, "family": stem.partition("-")[0]}
            content = {**defaults, **content, "services": services}
        valid = validate(file, PatternFile, content)
        if valid and valid.promise.restores and not valid.is_backed_up:
            file.problem(("promise", "restores"), "none of its services keeps backups")
        file.raise_problems("reference_app/patterns/ has examples; README.md names every key")
        assert valid is not None
        return cls(**dict(valid), path=path)

    def with_env(self, extra: Mapping[str, str]) -> Pattern:
        """The same pattern, with `extra` variables for application and workers."""

        def extended(part: Application | Workers) -> dict[str, Any]:
            return {"env": {**part.env, **extra}}

        application = self.application.model_copy(update=extended(self.application))
        workers = self.workers and self.workers.model_copy(update=extended(self.workers))
        return self.model_copy(update={"application": application, "workers": workers})

    def as_dict(self) -> dict[str, Any]:
        """The pattern as it stands in plan.json; a service that is not used is false."""
        content = self.model_dump(mode="json")
        return {**content, "services": dict.fromkeys(SERVICE_OPTIONS, False) | content["services"]}


def _note_contradictions(file: YamlFile, content: Mapping[str, Any]) -> None:
    """Note what is wrong with two values of the file together."""
    name, services = content.get("name"), content.get("services")
    if isinstance(name, str) and name != file.path.stem:
        file.problem(("name",), f"must equal the file's name, '{file.path.stem}'")
    queue = services.get("queue") if isinstance(services, dict) else None
    if content.get("workers") is not None and queue in (None, False):
        file.problem(("workers",), "workers need a queue: set services.queue to true")
    routing, application = content.get("load_balancer"), content.get("application")
    if isinstance(routing, dict) and routing.get("shards") is True:
        _note_contradictions_of_shards(
            file, routing, application if isinstance(application, dict) else {}
        )


def _note_contradictions_of_shards(
    file: YamlFile, routing: Mapping[str, Any], application: Mapping[str, Any]
) -> None:
    place = ("load_balancer", "shards")
    if routing.get("stickiness") is True:
        what = "binds users to volumes, stickiness to instances: set one of them"
        file.problem(place, what)
    if application.get("volume") is None:
        file.problem(place, "a shard is a volume: set application.volume")
    if application.get("scaling") is not None:
        what = (
            "a shard that is scaled in takes its users' state away: leave out application.scaling"
        )
        file.problem(place, what)
