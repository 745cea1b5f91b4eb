"""The settings that web and worker share, read from the environment once; knows no connection.

For the operator of this application:

Both processes: `python -m reference_app.web`, `python -m reference_app.worker`; SIGTERM stops
them gracefully; a wrong setting is one line on stderr and exit code 2; both may be started before
their services are there and keep trying (GET /health answers 503 until then). Each has settings
of its own, which stand in web/settings.py, worker/settings.py and the modules of stores/.

    HOST, PORT             address to listen on
    INSTANCE_ID, ZONE      shown by /health
    DATABASE_URL           postgresql://user:password@host:5432/name  (one fixed endpoint; the
                           application creates its tables; ?sslmode=disable saves a round trip
                           per connection where TLS is not wanted)
    DATABASE_POOL          connections per process, 8
    AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY
                           the SDK has its own defaults for what is not set
    CONNECT_TIMEOUT_S      1
    COMMAND_TIMEOUT_S      2
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reference_app.environment import Environment


@dataclass(frozen=True, slots=True)
class ProcessSettings:
    """All `_s` in seconds; the empty text for what is not set; `aws`: arguments of the SDK."""

    host: str
    port: int | None
    instance_id: str
    zone: str
    database_url: str
    database_pool: int
    aws: Mapping[str, str]
    connect_timeout_s: float
    command_timeout_s: float

    @classmethod
    def read(cls, environment: Environment) -> ProcessSettings:
        """What is wrong is added to the environment's problems."""
        aws = {
            "endpoint_url": environment.text("AWS_ENDPOINT_URL"),
            "region_name": environment.text("AWS_REGION"),
            "aws_access_key_id": environment.text("AWS_ACCESS_KEY_ID"),
            "aws_secret_access_key": environment.text("AWS_SECRET_ACCESS_KEY"),
        }
        return cls(
            host=environment.text("HOST", "127.0.0.1"),
            port=environment.port("PORT"),
            instance_id=environment.text("INSTANCE_ID", "local"),
            zone=environment.text("ZONE", "local"),
            database_url=environment.url("DATABASE_URL", "postgresql", "postgres"),
            database_pool=environment.count("DATABASE_POOL", 8),
            aws={argument: value for argument, value in aws.items() if value},
            connect_timeout_s=environment.seconds("CONNECT_TIMEOUT_S", 1),
            command_timeout_s=environment.seconds("COMMAND_TIMEOUT_S", 2),
        )
