"""The settings of the web process, read from the environment once; knows no connection.

Beside those of reference_app/settings.py:

    PORT                   8080
    SESSION_STORE          memory; the modules of reference_app/stores/, one for each word, say what
                           each needs, and its own options
    DATABASE_URL           needed for orders and uploads
    CACHE_URL              redis://host:6379/0, rediss:// for TLS, or memcached://host:11211, with
                           the options of memcached/pool.py: a look-aside cache for recommendations
    BUCKET                 S3 bucket of the uploads; must exist
    KEEP_ALIVE_S           75: longer than the load balancer keeps an idle connection, so that the
                           balancer never sends a request into one that is just being closed
    BUGS                   empty; `name` or `name:number,other`, see reference_app/bugs/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reference_app.bugs import ChosenBug, parse_bugs
from reference_app.environment import Environment
from reference_app.memcached.pool import SCHEME, MemcachedSettings
from reference_app.settings import ProcessSettings
from reference_app.stores import STORES


@dataclass(frozen=True, slots=True)
class WebSettings:
    """The environment of the web process, checked. `store`: the store's own settings; `memcached`:
    how a cache of that kind is used.
    """

    process: ProcessSettings
    session_store: str
    store: object
    cache_url: str
    memcached: MemcachedSettings | None
    bucket: str
    keep_alive_s: int
    bugs: tuple[ChosenBug, ...]

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> WebSettings:
        """Raises SettingsError naming every problem."""
        environment = Environment(variables)
        process = ProcessSettings.read(environment)
        name = environment.one_of("SESSION_STORE", STORES, "memory")
        kind = STORES.get(name)
        if kind:
            environment.require(*kind.needs, by=f"SESSION_STORE={name}")
        none: tuple[ChosenBug, ...] = ()
        bugs = environment.parsed("BUGS", parse_bugs, none)
        for each in bugs or ():
            environment.require(*each.bug.needs, by=f"BUGS={each.bug.name}")
        cache_url = environment.url("CACHE_URL", "redis", "rediss", SCHEME)
        settings = cls(
            process=process,
            session_store=name,
            store=kind.read(environment) if kind else None,
            cache_url=cache_url,
            memcached=(
                MemcachedSettings.read(environment)
                if (cache_url or "").startswith(f"{SCHEME}:")
                else None
            ),
            bucket=environment.text("BUCKET"),
            keep_alive_s=environment.count("KEEP_ALIVE_S", 75),
            bugs=bugs,
        )
        environment.check()
        return settings
