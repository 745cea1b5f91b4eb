"""One PostgreSQL server: its data folder, its settings, its promotion.

Knows how to make it a primary or a standby, and which standby commits wait for; decides nothing.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from typing_extensions import override

from statedrill.cluster.context import ClusterContext
from statedrill.cluster.services.node import Node
from statedrill.cluster.services.postgres import data_directory
from statedrill.cluster.services.postgres.client import (
    PostgresConnection,
    PostgresError,
    Row,
    answers,
)
from statedrill.cluster.services.postgres.configuration import node_settings, synchronous_settings
from statedrill.cluster.services.postgres.programs import postgres_bin
from statedrill.cluster.services.postgres.volume import LimitedVolume
from statedrill.errors import ClusterError
from statedrill.inputs.services import DatabaseOptions
from statedrill.vocabulary import Equipment

_PROMOTION_S = 30
_SHUT_DOWN_S = 10.0


class PostgresNode(Node):
    """A server `<role>-<number>` with the database of `names` in the folder `<root>/<name>`.

    `settings` are further lines of its configuration. The folder is a volume of its own where the
    equipment of the cluster says so.

    Raises:
        MissingPart: this machine has no such volumes.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - as Node
        self,
        context: ClusterContext,
        number: int,
        zone: str,
        root: Path,
        names: DatabaseOptions,
        role: str = "database",
        settings: str = "",
    ) -> None:
        self._folder, self._names = root / f"{role}-{number}", names
        self._settings, self._recovery = settings, ""
        self._leader: tuple[str, int] | None = None
        self.apply_delay_s = 0.0
        self.volume: LimitedVolume | None = None
        if Equipment.VOLUMES in context.equipment:
            self.volume = LimitedVolume(context, f"{role}-{number}-volume", self._folder)
        self._kept: PostgresConnection | None = None
        # Messages are read by people and by tests: one language, whatever the machine's.
        super().__init__(context, role, number, zone, 5432, env={"LC_ALL": "C"})

    @override
    def command(self) -> Sequence[str]:
        """`postgres` in the foreground, as a user it accepts."""
        prefix = data_directory.runner().prefix
        return self._inside((*prefix, str(postgres_bin() / "postgres"), "-D", str(self._folder)))

    @property
    def data(self) -> Path:
        """Its data folder, for who is not in its volume."""
        return self.volume.outside if self.volume else self._folder

    @override
    def answers(self) -> bool:
        """Whether a query is answered."""
        return answers(self.address, "postgres", self._names.name)

    @override
    def responds(self, timeout_s: float) -> bool:
        """Whether it answers a query or refuses to; a full one may say for ever that it starts."""
        try:
            self.query("SELECT 1", timeout_s)
        except (OSError, PostgresError) as error:
            return isinstance(error, PostgresError) and not error.starting
        return True

    def query(self, sql: str, timeout_s: float = 1.0) -> list[Row]:
        """The rows of `sql` in a session that is kept; for the one thread that watches this node.

        `timeout_s` is that of a session that has to be opened.

        Raises:
            OSError, PostgresError: it does not answer, or refuses; the next call connects anew.
        """
        kept, self._kept = self._kept or self.session(timeout_s), None
        try:
            rows = kept.query(sql)
        except BaseException:
            kept.close()
            raise
        self._kept = kept
        return rows

    def create(self, leader: tuple[str, int] | None = None) -> None:
        """A new, empty database; the standby of the one at `leader`, made in the same way.

        Raises:
            ClusterError: there is no template and none could be made.
        """
        if self.volume:
            self.volume.start()
        data_directory.copy_template(self.data, self._names)
        self._settle(leader)

    def back_up(self, leader: PostgresNode, found_at: tuple[str, int]) -> None:
        """A copy of what the running `leader` holds, to follow it at the address `found_at`.

        Raises:
            ClusterError: the base backup failed, for instance because the leader died.
        """
        self._make_folder()
        options = ("--checkpoint=fast", "--wal-method=stream", "--no-sync", "--username=postgres")
        where = (f"--pgdata={self._folder}", f"--host={leader.host}", f"--port={leader.port}")
        data_directory.run_tool("pg_basebackup", *where, *options, inside=self._inside)
        self._settle(found_at)

    def restore(self, base: Path, recovery: str) -> None:
        """A copy of the base backup, to be started as a primary that first replays the log.

        `recovery` says how far. Raises OSError when it could not be copied.
        """
        self._make_folder()
        data_directory.copy_folder(base, self.data)
        (self.data / "recovery.signal").touch()
        self._recovery = recovery
        self._settle(None)

    @override
    def release_standby(self) -> None:
        """Commits wait for no standby any more, and those that wait go on."""
        self.set_synchronous_standby(None)

    def set_synchronous_standby(self, standby: PostgresNode | None) -> None:
        """From now on commits wait for `standby`; None: for no standby.

        A file and a signal: works when no connection is free and when commits hang.
        """
        self._set("synchronous.conf", synchronous_settings(standby.name if standby else None))

    def follow(self, leader: tuple[str, int]) -> None:
        """From now on receive what happens from the node found at `leader`."""
        self._leader = leader
        self._set_own()

    def delay_apply(self, seconds: float) -> None:
        """From now on show each commit so many seconds after it happened."""
        self.apply_delay_s = seconds
        self._set_own()

    @override
    def promote(self) -> None:
        """Make this standby a primary that waits for no standby; nothing to do when it is one.

        Raises:
            ClusterError: it does not answer, or is no primary after half a minute.
        """
        self.release_standby()
        try:
            with self.session(timeout_s=_PROMOTION_S + 5.0) as session:
                if session.query("SELECT pg_is_in_recovery()") == [("f",)]:
                    return
                promoted = session.query(f"SELECT pg_promote(true, {_PROMOTION_S})")
        except (OSError, PostgresError) as error:
            raise self.failed(f"could not be promoted: {error}") from error
        if promoted != [("t",)]:
            raise self.failed(f"was no primary {_PROMOTION_S} s after its promotion")

    def session(self, timeout_s: float = 2.0) -> PostgresConnection:
        """A session of the superuser, past the endpoint.

        Raises:
            OSError, PostgresError: it does not answer, or refuses.
        """
        return PostgresConnection(
            self.address, user="postgres", database=self._names.name, timeout_s=timeout_s
        )

    @override
    def kill(self) -> None:
        """SIGKILL the server with all its backends, each of which has a process group of its own.

        If only the postmaster were killed, a backend could finish its work and acknowledge it.
        """
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGSTOP)  # no new backend from now on
                self._signal_backends(signal.SIGKILL)
        super().kill()

    def shut_down(self) -> int:
        """End sessions and server in good order, the standby having everything; its exit code.

        The request cannot be withdrawn: a server that has not ended in time is killed.

        Raises:
            ClusterError: it survived SIGKILL.
        """
        os.kill(self.pid, signal.SIGINT)  # PostgreSQL's fast shutdown
        try:
            self._process.wait_gone(_SHUT_DOWN_S)
        except ClusterError:
            self.kill()
            self.wait_gone()
        code = self._process.exit_code
        assert code is not None
        return code

    def log_size(self) -> int:
        """How many bytes its log has now."""
        return self._process.log.stat().st_size

    def out_of_space(self, since: int) -> str:
        """The last line on a full volume after `since` bytes of its log, or nothing."""
        lines = self._process.log.read_bytes()[since:].decode(errors="replace").splitlines()
        line = next((each for each in reversed(lines) if "No space left" in each), "")
        return line.partition("] ")[2] or line

    @override
    def freeze(self) -> None:
        """SIGSTOP the server first, which forks no backend from then on, and then its backends."""
        super().freeze()
        self._signal_backends(signal.SIGSTOP)

    @override
    def thaw(self) -> None:
        """SIGCONT the backends, and then the server."""
        self._signal_backends(signal.SIGCONT)
        super().thaw()

    @override
    def discard(self) -> None:
        """Remove its data folder and what a killed server left in the kernel."""
        if self._kept:
            self._kept.close()
        if data_directory.runner().leaves_memory:
            with contextlib.suppress(OSError, IndexError):
                # Line 7 of the lock file: key and id of the System V segment.
                segment = (self.data / "postmaster.pid").read_text().splitlines()[6].split()[1]
                subprocess.run(["ipcrm", "-m", segment], capture_output=True, check=False)
        if self.volume:
            self.volume.delete()
        else:
            shutil.rmtree(self.data, ignore_errors=True)

    def _make_folder(self) -> None:
        if self.volume:
            self.volume.start()
        else:
            self.data.mkdir(mode=0o700)
        data_directory.hand_over(self.data)

    def _inside(self, command: Sequence[str]) -> Sequence[str]:
        return self.volume.inside(command) if self.volume else command

    def _signal_backends(self, number: signal.Signals) -> None:
        for pid in list(self.processes())[1:]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _set(self, file: str, text: str) -> None:
        """Replace a file of settings, and have a running server read it."""
        new = self.data / f"{file}.new"
        new.write_text(text)
        new.replace(self.data / file)
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGHUP)

    def _set_own(self) -> None:
        follows = (*self._leader, self.name) if self._leader else None
        own = node_settings(self.host, self.port, follows, self.apply_delay_s)
        self._set("node.conf", own + self._settings + self._recovery)

    def _settle(self, leader: tuple[str, int] | None) -> None:
        """Write its settings: where its leader is, and that its commits wait for no standby."""
        self._leader = leader
        self._set_own()
        self.release_standby()
        if leader:
            (self.data / "standby.signal").touch()
        data_directory.hand_over(self.data)
