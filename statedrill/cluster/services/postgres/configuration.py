"""What a PostgreSQL of the cluster is set to, as text for its configuration files.

Knows settings; starts nothing.
"""

from __future__ import annotations

# fsync=off: a drill ends processes, never the machine, and what a process has written stays in
# the kernel when it is killed. Full page writes stay on: SIGKILL can tear a page of 8 KiB.
# hot_standby_feedback is off as in RDS. wal_keep_size lets a standby fall behind and catch up.
# max_connections and max_wal_senders are those of the template: a standby must not have fewer.
# The time-outs of the replication connection bound how long a frozen standby holds up commits.
_COMMON = """\
max_connections = 100
shared_buffers = 32MB
dynamic_shared_memory_type = mmap
huge_pages = off
io_method = sync
unix_socket_directories = ''
fsync = off
synchronous_commit = on
wal_level = replica
wal_keep_size = 128MB
max_wal_size = 512MB
wal_sender_timeout = 5s
wal_receiver_timeout = 5s
wal_retrieve_retry_interval = 100ms
hot_standby = on
jit = off
log_checkpoints = off
log_line_prefix = '%m [%p] '
"""

# The data is thrown away and the addresses are loopback: no password guards anything here.
ACCESS = """\
host all         all 127.0.0.0/8 trust
host replication all 127.0.0.0/8 trust
"""


def node_settings(
    host: str, port: int, primary: tuple[str, int, str] | None, apply_delay_s: float = 0.0
) -> str:
    """The settings of one node; `primary`: host and port to follow, and this node's name there.

    What it follows is shown `apply_delay_s` after it happened.
    """
    own = f"listen_addresses = '{host}'\nport = {port}\n"
    if apply_delay_s:
        own += f"recovery_min_apply_delay = '{apply_delay_s * 1000:.0f}ms'\n"
    if primary:
        leader, leader_port, name = primary
        own += (
            f"primary_conninfo = 'host={leader} port={leader_port} user=postgres "
            f"application_name={name} sslmode=disable gssencmode=disable connect_timeout=2'\n"
        )
    return _COMMON + own


def synchronous_settings(standby: str | None) -> str:
    """Commits wait for the standby with this name; None: they wait for no standby."""
    names = f'"{standby}"' if standby else ""
    return f"synchronous_standby_names = '{names}'\n"
