"""How long AWS takes for what: one table, two columns.

`aws` holds the documented defaults (where AWS documents none, a stated assumption); `fast` is the
same system at about one thirtieth, so that a drill fits into a minute. Knows no process.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from statedrill.errors import InputError


@dataclass(frozen=True)
class Timings:
    """Every delay of the cluster, in seconds, and the thresholds that go with them."""

    column: str
    health_check_interval_s: float
    health_check_timeout_s: float
    unhealthy_threshold: int
    healthy_threshold: int
    deregistration_delay_s: float
    instance_detection_s: float
    instance_boot_s: float
    volume_attach_s: float
    rebalance_delay_s: float
    scaling_period_s: float
    scaling_warmup_s: float
    database_detection_s: float
    database_failover_s: float
    database_standby_rebuild_s: float
    database_replica_rebuild_s: float
    database_log_backup_s: float
    database_restore_s: float
    cache_detection_s: float
    cache_failover_s: float
    cache_replica_rebuild_s: float
    cache_snapshot_interval_s: float
    cache_restore_s: float
    cache_node_replacement_s: float
    cache_discovery_s: float
    queue_visibility_s: float
    load_balancer_timeout_s: float
    load_balancer_withdrawal_s: float

    @classmethod
    def named(cls, column: str) -> Timings:
        """The column `aws` or `fast`.

        Raises:
            InputError: there is no such column.
        """
        if column not in _COLUMNS:
            raise InputError(
                f"there are no timings named '{column}'", f"choose one of: {', '.join(_COLUMNS)}"
            )
        return _COLUMNS[column]

    @property
    def replacement_s(self) -> float:
        """How long the slowest part is missing before another one is started in its place."""
        return max(
            self.instance_detection_s + self.instance_boot_s,
            self.database_failover_s + self.database_standby_rebuild_s,
            self.database_replica_rebuild_s,
            self.cache_failover_s + self.cache_replica_rebuild_s,
            self.cache_node_replacement_s + self.cache_discovery_s,
        )

    def as_dict(self) -> dict[str, str | float]:
        """The table as it stands in plan.json."""
        return asdict(self)


# Sources: ALB target group defaults (30 s, 5 s, 2, 5; deregistration 300 s; idle timeout 60 s);
# target tracking reads metrics of one minute, and warm-up is the default cooldown (300 s);
# RDS Multi-AZ failover 60-120 s; ElastiCache failover about 27 s in one live test; SQS visibility
# 30 s. A load balancer's DNS records live 60 s (How Elastic Load Balancing works); that a dead node
# stays among them as long is an assumption. EC2 boot (90 s), EBS attach (10 s), Auto Scaling's
# detection and rebalancing, when RDS and ElastiCache notice that a node hangs (30 s, 15 s) and the
# time to rebuild a standby or a read replica are not documented: assumptions, to be replaced by
# your own measurement.
# The same is true of the time after which a Memcached node that is dead or silent has a successor;
# its clients ask for the nodes once in 60 s (ElastiCache, How Auto Discovery Works).
# RDS uploads its log every 5 minutes (Restoring a DB instance to a specified time); how long a
# restore takes (30 min) is an assumption, too.
# ElastiCache makes one snapshot a day by itself; more, some twenty a day at most, are made by a
# schedule of one's own (Backup constraints): 12 a day are assumed, and 15 min to create a cache
# from one.
_AWS = Timings(
    column="aws",
    health_check_interval_s=30.0,
    health_check_timeout_s=5.0,
    unhealthy_threshold=2,
    healthy_threshold=5,
    deregistration_delay_s=300.0,
    instance_detection_s=60.0,
    instance_boot_s=90.0,
    volume_attach_s=10.0,
    rebalance_delay_s=60.0,
    scaling_period_s=60.0,
    scaling_warmup_s=300.0,
    database_detection_s=30.0,
    database_failover_s=90.0,
    database_standby_rebuild_s=300.0,
    database_replica_rebuild_s=300.0,
    database_log_backup_s=300.0,
    database_restore_s=1800.0,
    cache_detection_s=15.0,
    cache_failover_s=27.0,
    cache_replica_rebuild_s=120.0,
    cache_snapshot_interval_s=7200.0,
    cache_restore_s=900.0,
    cache_node_replacement_s=120.0,
    cache_discovery_s=60.0,
    queue_visibility_s=30.0,
    load_balancer_timeout_s=60.0,
    load_balancer_withdrawal_s=60.0,
)

# About one thirtieth. A time-out is not scaled down to where a busy laptop would cross it.
_FAST = Timings(
    column="fast",
    health_check_interval_s=1.0,
    health_check_timeout_s=0.8,
    unhealthy_threshold=2,
    healthy_threshold=2,
    deregistration_delay_s=3.0,
    instance_detection_s=2.0,
    instance_boot_s=3.0,
    volume_attach_s=0.3,
    rebalance_delay_s=2.0,
    scaling_period_s=2.0,
    scaling_warmup_s=10.0,
    database_detection_s=3.0,
    database_failover_s=3.0,
    database_standby_rebuild_s=2.0,
    database_replica_rebuild_s=2.0,
    database_log_backup_s=10.0,
    database_restore_s=5.0,
    cache_detection_s=2.0,
    cache_failover_s=0.9,
    cache_replica_rebuild_s=1.0,
    cache_snapshot_interval_s=6.0,
    cache_restore_s=3.0,
    cache_node_replacement_s=4.0,
    cache_discovery_s=2.0,
    queue_visibility_s=3.0,
    load_balancer_timeout_s=5.0,
    load_balancer_withdrawal_s=2.0,
)

_COLUMNS = {"fast": _FAST, "aws": _AWS}

DELAYS = tuple(each.name for each in fields(Timings) if each.name.endswith("_s"))
"""The names of all delays."""
