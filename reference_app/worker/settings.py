"""The settings of the worker, read from the environment once; knows no connection.

Beside those of reference_app/settings.py:

    PORT                   only if set, the worker serves GET /health there, and nothing else
    DATABASE_URL           needed
    QUEUE_URL              SQS queue of state writes; needed
    ORDERS_QUEUE_URL       SQS queue of orders; without it orders come through QUEUE_URL
    VISIBILITY_TIMEOUT_S   what both queues are made with; 30, as SQS's own default
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reference_app.environment import Environment
from reference_app.settings import ProcessSettings


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """The environment of the worker, checked."""

    process: ProcessSettings
    queue_urls: tuple[str, ...]
    visibility_timeout_s: float

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> WorkerSettings:
        """Raises SettingsError naming every problem."""
        environment = Environment(variables)
        environment.require("DATABASE_URL", "QUEUE_URL")
        process = ProcessSettings.read(environment)
        queue_urls = [
            environment.url("QUEUE_URL", "http", "https"),
            environment.url("ORDERS_QUEUE_URL", "http", "https"),
        ]
        visibility_timeout_s = environment.seconds("VISIBILITY_TIMEOUT_S", 30.0)
        environment.check()
        return cls(process, tuple(url for url in queue_urls if url), visibility_timeout_s)
