"""What the control address can do to a cluster: break, mend and look, in AWS's words.

Every action that breaks something records its fault: begin, proof, end. Knows the topology; knows
nothing of HTTP.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from statedrill.cluster.compute.instance import Instance
from statedrill.cluster.network.addresses import ZONES, accepts
from statedrill.cluster.services.failover_pair import FailoverPair
from statedrill.cluster.services.valkey.replication_group import ReplicationGroup
from statedrill.cluster.topology import Topology
from statedrill.control.server import Action, Arguments
from statedrill.errors import ClusterError, ControlError
from statedrill.faults.record import Fault, FaultRecord
from statedrill.processes.process import Process

_HEAL_TIMEOUT_S = 90.0
_REPLACED_S = 30.0


class Actions:
    """The actions of one cluster; those that change something run one at a time."""

    def __init__(self, topology: Topology, faults: FaultRecord, pattern: str) -> None:
        self._topology, self._faults, self._pattern = topology, faults, pattern
        self._one_at_a_time = threading.RLock()

    def table(self) -> dict[str, Action]:
        """Every action by its name on the control address, but for `status`."""
        return {
            "ec2/describe-instances": lambda _: {"instances": self.describe_instances()},
            "ec2/terminate-instances": self.terminate_instances,
            "ec2/stop-zone": lambda given: self.stop_zone(_zone(given)),
            "ec2/start-zone": lambda given: self.start_zone(_zone(given)),
            "elasticache/flush": lambda _: self.flush(),
            "elasticache/key-count": lambda _: {"keys": self._cache_keys()},
            "elasticache/test-failover": lambda _: self.failover("cache", "test_failover"),
            "rds/failover-db-cluster": lambda _: self.failover("database", "failover_db_cluster"),
            "elbv2/describe-target-health": lambda _: {
                "targets": self._topology.balancer.describe_target_health()
            },
            "sqs/get-queue-depth": lambda _: {"depth": self.queue_depth()},
            "restore": lambda _: self._restored(),
            "heal": lambda _: self._restored(),  # its name in an earlier version
        }

    def describe_instances(self) -> list[dict[str, object]]:
        """Every instance and worker: id, role, zone, address, state, pid."""
        return [
            {
                "id": one.id,
                "role": group.template.role,
                "zone": one.zone,
                "address": f"{one.address}:{one.port}",
                "state": one.state,
                "pid": one.process.pid,
            }
            for group in self._topology.groups()
            for one in group.instances()
        ]

    def queue_depth(self) -> int:
        """Messages that wait or are in flight in all queues; 0 without a queue."""
        return self._topology.backlog()

    def terminate_instances(self, given: Arguments) -> dict[str, object]:
        """SIGKILL instances: those named, or `Count` (1) by seeded chance, in `Zone` or anywhere.

        Raises:
            ControlError: no such instance, or none is in service.
        """
        with self._one_at_a_time:
            chosen = self._chosen(given)
            fault = self._faults.begin(
                "terminate_instances",
                "instance",
                [one.id for one in chosen],
                lambda: all(group.is_healthy() for group in self._topology.groups()),
            )
            for one in chosen:
                one.process.kill()
            for group in self._topology.groups():
                for one in group.instances():
                    if one in chosen:
                        group.kill(one)
            return self._faults.prove(fault, *_gone_instances(chosen))

    def stop_zone(self, zone: str) -> dict[str, object]:
        """Everything in the zone dies at once; nothing starts there until it is back.

        Raises:
            ControlError: no such zone, or it is down already.
        """
        with self._one_at_a_time:
            if zone in self._topology.zones_down:
                raise ControlError(f"zone {zone} is down already", "bring it back: ec2/start-zone")
            struck = self._topology.context.registry.alive(zone)
            fault = self._faults.begin(
                "stop_zone",
                "zone",
                [process.name for process in struck],
                lambda: zone not in self._topology.zones_down and not self._topology.missing(),
                zone,
            )
            self._topology.zone_down(zone)
            left = [
                p.name for p in (*struck, *self._topology.context.registry.alive(zone)) if p.alive
            ]
            proof = f"still running: {', '.join(left)}" if left else _ended(struck)
            return self._faults.prove(fault, bool(struck) and not left, f"zone {zone}: {proof}")

    def start_zone(self, zone: str) -> dict[str, object]:
        """The zone is back, empty-handed; what was in it is rebuilt at AWS's pace.

        Raises:
            ControlError: no such zone.
        """
        with self._one_at_a_time:
            was_down = zone in self._topology.zones_down
            for fault in self._faults.open():
                if fault.name == "stop_zone" and fault.zone == zone:
                    fault.how = "rollback"
            if was_down:
                self._topology.zone_up(zone)
            return {"zone": zone, "was_down": was_down}

    def flush(self) -> dict[str, object]:
        """Every key of the cache is gone; nothing is broken where there is no cache."""
        cache = self._cache()
        with self._one_at_a_time:
            fault = self._faults.begin(
                "flush",
                "cache",
                ["cache"] if cache else [],
                lambda: not cache or cache.is_healthy(),
            )
            if cache is None:
                return self._nothing_to_break(fault, "cache")
            try:
                before, after, proof = cache.flush()
            except ClusterError as error:
                return self._faults.prove(fault, False, f"not flushed: {error.message}")
            return self._faults.prove(fault, before > after or after == 0, proof)

    def failover(self, service: str, fault_name: str) -> dict[str, object]:
        """Kill the primary of `database` or `cache`; the other node is promoted after a delay.

        Raises:
            ControlError: there is no primary that could be killed.
        """
        found = self._topology.service(service)
        pair = found if isinstance(found, FailoverPair) else None
        with self._one_at_a_time:
            nodes = pair.nodes() if pair else []
            primaries = [name for name, _, role, alive in nodes if role == "primary" and alive]
            if pair and not primaries:
                raise ControlError(
                    f"the {service} has no primary that is alive", "wait until it has one again"
                )
            fault = self._faults.begin(
                fault_name, service, primaries, lambda: not pair or pair.is_healthy()
            )
            if pair is None:
                return self._nothing_to_break(fault, service)
            try:
                node, pid = pair.failover()
            except ClusterError as error:
                return self._faults.prove(fault, False, error.message)
            struck = [p for p in self._topology.context.registry.alive() if p.pid == pid]
            proof = f"primary {node} (pid {pid}) is {'still there' if struck else 'gone'}"
            return self._faults.prove(fault, not struck, proof)

    def restore(self, deadline: float) -> list[str]:
        """Undo every fault that is open and wait until the cluster is whole; names those faults.

        Raises:
            ClusterError: not whole by `deadline` (monotonic seconds); says what is missing.
        """
        with self._one_at_a_time:
            healed = self._faults.open()
            for fault in healed:
                fault.how = "healed" if fault.how == "by itself" else fault.how
            self._topology.restore()
            self._topology.wait_until_healthy(deadline)
            self._faults.wait_over(time.monotonic() + 5.0)
            return [fault.id for fault in healed]

    def _restored(self) -> dict[str, object]:
        restored = self.restore(time.monotonic() + self.restore_timeout_s())
        return {"restored": restored, "healed": restored}

    def restore_timeout_s(self) -> float:
        """How long the slowest way back takes with the present timings, with room to spare."""
        t = self._topology.context.timings
        instances_s = t.instance_detection_s + t.instance_boot_s + _REPLACED_S
        rebalance_s = t.rebalance_delay_s + t.instance_boot_s + t.deregistration_delay_s
        services_s = self._topology.restore_time_s()
        return _HEAL_TIMEOUT_S + instances_s + rebalance_s + services_s

    def _chosen(self, given: Arguments) -> list[Instance]:
        known = {i.id: i for group in self._topology.groups() for i in group.in_service()}
        if ids := given.get("InstanceIds"):
            if unknown := [i for i in ids if i not in known]:
                raise ControlError(
                    f"not in service: {', '.join(map(str, unknown))}",
                    f"in service are: {', '.join(sorted(known)) or 'none'}",
                )
            return [known[i] for i in ids]
        zone = _zone(given) if given.get("Zone") else None
        chosen = self._topology.instances.choose(_count(given), zone)
        if not chosen:
            where = f" in zone {zone}" if zone else ""
            raise ControlError(f"no instance is in service{where}", "wait until one is")
        return chosen

    def _nothing_to_break(self, fault: Fault, what: str) -> dict[str, object]:
        why = f"nothing to break: pattern {self._pattern} has no {what}"
        return self._faults.prove(fault, False, why)

    def _cache(self) -> ReplicationGroup | None:
        found = self._topology.service("cache")
        return found if isinstance(found, ReplicationGroup) else None

    def _cache_keys(self) -> int:
        cache = self._cache()
        return cache.key_count() if cache else 0


def _zone(given: Mapping[str, Any]) -> str:
    # AWS says us-east-1b; the last letter is the zone.
    zone = str(given.get("Zone", ""))[-1:]
    if zone not in ZONES:
        raise ControlError(
            f"there is no zone '{given.get('Zone', '')}'", f"zones: {', '.join(ZONES)}"
        )
    return zone


def _count(given: Mapping[str, Any]) -> int:
    count = given.get("Count", 1)
    if not isinstance(count, int) or count < 1:
        raise ControlError(f"Count is {count!r}", "give a whole number from 1 up")
    return count


def _gone_instances(chosen: Sequence[Instance]) -> tuple[bool, str]:
    """Whether each process is gone and its port refuses, and the sentence that says so."""
    proved, words = True, []
    for one in chosen:
        gone = not one.process.alive
        refuses = not accepts(one.address, one.port)
        proved = proved and gone and refuses
        words.append(
            f"{one.id} (pid {one.process.pid}) is {'gone' if gone else 'still there'} and "
            f"{one.address}:{one.port} {'refuses' if refuses else 'accepts'} connections"
        )
    return proved, "; ".join(words)


def _ended(struck: Sequence[Process]) -> str:
    pids = ", ".join(f"{process.name} (pid {process.pid})" for process in struck)
    return f"gone: {pids}" if struck else "nothing to break: nothing was running there"
