"""A program that has a database on volumes, fills them, prints all process ids, and waits."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil

from statedrill.cluster.services.postgres.multi_az import MultiAzDatabase
from statedrill.processes.registry import ProcessRegistry
from statedrill.vocabulary import Equipment
from tests.cluster.support import SHOP, services_of
from tests.support.events import Events

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    registry = ProcessRegistry("test-owner", folder / "data", folder / "logs", Events())
    with services_of(registry) as context:
        equipped = replace(context.cluster, equipment=frozenset({Equipment.VOLUMES}))
        database = MultiAzDatabase(replace(context, cluster=equipped), SHOP)
        context.endpoints.start()
        database.start()
        database.fill_volumes()
        print(*(each.pid for each in psutil.Process().children(recursive=True)), flush=True)
        time.sleep(600)
