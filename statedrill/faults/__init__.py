"""Everything that can be broken: one class and one row a fault, and what experiments may call.

Experiments import `probes` and the modules of AWS's services (`ec2`, `rds`, `sqs`, ...) from here,
with the names of chaosaws and boto3, in a child process: so nothing in this package imports a
target or anything heavy, but for `injector`, `arguments` and `ledger`, which only targets import.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from statedrill.faults.base import Capabilities, Fault
from statedrill.faults.cache_nodes import PauseCacheNode, TerminateCacheNode
from statedrill.faults.delay_replicas import DelayReplicas
from statedrill.faults.delete_db_instance import DeleteDbInstance
from statedrill.faults.delete_objects import DeleteObjects
from statedrill.faults.delete_replication_group import DeleteReplicationGroup
from statedrill.faults.detach_volume import DetachVolume
from statedrill.faults.disrupt_connectivity import DisruptConnectivity
from statedrill.faults.disrupt_replication import DisruptReplication
from statedrill.faults.exhaust_db_connections import ExhaustDbConnections
from statedrill.faults.expire_keys import ExpireKeys
from statedrill.faults.failover import FailoverDbCluster, TestFailover
from statedrill.faults.fill_cache import FillCache
from statedrill.faults.fill_db_storage import FillDbStorage
from statedrill.faults.flush_cache import FlushCache
from statedrill.faults.freeze_instances import FreezeInstances
from statedrill.faults.freeze_node import FreezeCacheNode, FreezeDbNode
from statedrill.faults.instance_refresh import InstanceRefresh
from statedrill.faults.network_latency import NetworkLatency
from statedrill.faults.queue_errors import LoseQueueAnswers, ThrottleQueue
from statedrill.faults.reboot_db_instance import RebootDbInstance
from statedrill.faults.receive_message import ReceiveMessage
from statedrill.faults.restart_load_balancer import RestartLoadBalancer
from statedrill.faults.send_message import SendPoisonMessage
from statedrill.faults.set_desired_capacity import SetDesiredCapacity
from statedrill.faults.set_queue_attributes import SetQueueAttributes
from statedrill.faults.shift_clocks import ShiftClocks
from statedrill.faults.stop_zone import StopShardZone, StopZone
from statedrill.faults.storage_errors import LoseStorageEndpoint, ThrottleStorage
from statedrill.faults.terminate_instances import TerminateInstances, TerminateWorkers
from statedrill.faults.throttle_cpu import ThrottleCpu
from statedrill.faults.wipe_table import WipeTable
from statedrill.vocabulary import Equipment

FAULTS: tuple[type[Fault], ...] = (
    TerminateInstances,
    TerminateWorkers,
    FreezeInstances,
    ThrottleCpu,
    SetDesiredCapacity,
    InstanceRefresh,
    DetachVolume,
    StopZone,
    StopShardZone,
    NetworkLatency,
    DisruptConnectivity,
    FlushCache,
    SetQueueAttributes,
    SendPoisonMessage,
    ReceiveMessage,
    ThrottleQueue,
    LoseQueueAnswers,
    ThrottleStorage,
    LoseStorageEndpoint,
    ShiftClocks,
    DisruptReplication,
    TestFailover,
    FailoverDbCluster,
    RestartLoadBalancer,
    RebootDbInstance,
    FreezeCacheNode,
    TerminateCacheNode,
    PauseCacheNode,
    FreezeDbNode,
    FillCache,
    ExpireKeys,
    ExhaustDbConnections,
    FillDbStorage,
    DelayReplicas,
    DeleteDbInstance,
    DeleteReplicationGroup,
    WipeTable,
    DeleteObjects,
)
"""Every fault there is. The order is that of `statedrill list`."""


def refusals(
    calls: Iterable[tuple[str, Mapping[str, Any]]], capabilities: Capabilities
) -> list[str]:
    """Why what an experiment calls can never happen there, in words.

    `calls` have each function (`<module>.<function>`) and its arguments. A function that is no
    fault is not refused: it is not known what it does.
    """
    found = []
    for function, arguments in calls:
        kind = fault_of(function)
        if kind is None:
            continue
        why = kind.why_unavailable(capabilities) or kind.why_refused(arguments, capabilities)
        if why:
            found.append(f"{function.rpartition('.')[2]}: {why}")
    return found


def equipment(functions: Iterable[str]) -> frozenset[Equipment]:
    """What a target must have, from its start on, for what an experiment calls."""
    kinds = filter(None, map(fault_of, functions))
    return frozenset().union(*(kind.equipment for kind in kinds))


def fault_of(function: str) -> type[Fault] | None:
    """The fault that `function` asks for, under its public name or that of its own file."""
    module, _, name = function.rpartition(".")
    for kind in FAULTS:
        own = kind.__module__ == module and kind.client.endswith(f".{name}")
        if own or kind.client == function:
            return kind
    return None
