"""Where a PostgreSQL's data folder comes from, and as whom its programs run.

PostgreSQL refuses to run as root: its programs run as nobody inside of a user namespace, or where
there is none, root becomes nobody. A template folder with the database and the role of a pattern is
made once per version and kept in the user's cache. Knows no running server.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from statedrill.cluster.services.postgres.configuration import ACCESS
from statedrill.cluster.services.postgres.programs import postgres_bin
from statedrill.errors import ClusterError, MissingPart
from statedrill.inputs.services import DatabaseOptions
from statedrill.processes.spawner import dies_with_owner
from statedrill.processes.state_directory import state_directory

_NOBODY = 65534
_NOBODYS = "statedrill-nobody-"
_TOOL_TIMEOUT_S = 60.0
_ABANDONED_S = 600.0

_INCLUDES = "\ninclude_if_exists = 'node.conf'\ninclude_if_exists = 'synchronous.conf'\n"
_REVISION = "without spare segments"
_INITDB = (
    "--no-sync",
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    "--wal-segsize=4",
)
Steps = tuple[tuple[str, str], ...]


def _sql(names: DatabaseOptions) -> Steps:
    """Per step: the database to work in, and what to do there.

    Of initdb's three databases only one is kept, renamed: 300 files to copy instead of 1300.
    """
    role, database = f'"{names.user}"', f'"{names.name}"'
    return (
        (
            "template1",
            f"CREATE ROLE {role} LOGIN;\n"
            f"ALTER DATABASE postgres RENAME TO {database};\n"
            f"ALTER DATABASE {database} OWNER TO {role};\n"
            "UPDATE pg_database SET datistemplate = false;\n"
            "DROP DATABASE template0;\n",
        ),
        (names.name, "DROP DATABASE template1;\n"),
    )


@dataclass(frozen=True)
class Runner:
    """`prefix` goes before each command; `nobody`: data must belong to nobody and be in reach.

    `leaves_memory`: a killed server leaves a System V segment behind that somebody must remove.
    """

    prefix: tuple[str, ...]
    nobody: bool = False
    leaves_memory: bool = True


@functools.cache
def runner() -> Runner:
    """How this user runs PostgreSQL.

    Raises:
        MissingPart: root without user namespaces, and nobody cannot reach the programs.
    """
    # Good for every user: the namespace for System V memory lets the segment of a killed server
    # vanish with it, and initdb wants a user with a name, which a container's may not have.
    space = ("unshare", "--user", "--map-user=65534", "--map-group=65534", "--ipc")
    # The parent-death signal is lost when credentials change, so it is asked for after that.
    entered = (*space, *dies_with_owner())
    if sys.platform == "linux" and _works((*entered, "true")):
        return Runner(entered, leaves_memory=False)
    if os.getuid() != 0:
        return Runner(())
    nobody = ("setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups")
    dropped = (*nobody, *dies_with_owner())
    if not _works((*dropped, str(postgres_bin() / "postgres"), "--version")):
        raise MissingPart(
            f"PostgreSQL refuses to run as root, and nobody cannot run {postgres_bin()}/postgres",
            "work as another user, allow user namespaces, or install the project outside of /root",
        )
    return Runner(dropped, nobody=True)


def data_root(folder: Path) -> Path:
    """Where data folders of a cluster can be: `folder`, or one that nobody can reach."""
    if not runner().nobody:
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    made = Path(tempfile.mkdtemp(prefix=_NOBODYS, dir="/tmp"))
    os.chown(made, _NOBODY, _NOBODY)
    return made


def release_root(root: Path) -> None:
    """Remove a folder that `data_root` made outside of the cluster's folder; idempotent."""
    if root.name.startswith(_NOBODYS):
        shutil.rmtree(root, ignore_errors=True)


def copy_template(folder: Path, names: DatabaseOptions) -> None:
    """Fill the new `folder` with the empty database of `names`, stopped cleanly.

    Two copies are the same database: one can follow the other without a base backup.

    Raises:
        ClusterError: the template could not be made.
        OSError: it could not be copied, for instance because the disk is full.
    """
    copy_folder(template(names), folder)


def copy_folder(source: Path, folder: Path) -> None:
    """Fill `folder` with what is in the data folder `source`, which no server uses.

    Raises:
        OSError: it could not be copied, for instance because the disk is full.
    """
    # cp takes a third of shutil.copytree's processor time, and none of the interpreter's lock.
    command = ["cp", "-R", "-P", "-p", f"{source}/.", str(folder)]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}
    )
    if done.returncode != 0:
        # One line for each file, and no number: only its words say that the disk is full.
        full = os.strerror(errno.ENOSPC) in done.stderr
        number = errno.ENOSPC if full else errno.EIO
        raise OSError(number, os.strerror(number), str(folder))
    hand_over(folder)


def hand_over(folder: Path) -> None:
    """Give a folder to the user who runs PostgreSQL, with the permissions that it demands."""
    folder.chmod(0o700)
    if runner().nobody:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, _NOBODY, _NOBODY)


def run_tool(
    tool: str,
    *arguments: str,
    said: str = "",
    inside: Callable[[Sequence[str]], Sequence[str]] = lambda command: command,
) -> str:
    """What a program of PostgreSQL wrote, run to its end; it dies with the calling thread.

    `inside` makes the command one that finds the data folder.

    Raises:
        ClusterError: it failed or took longer than a minute; carries what it wrote.
    """
    run = (*runner().prefix, str(postgres_bin() / tool), *arguments)
    command = [*dies_with_owner(), *inside(run)]
    try:
        done = subprocess.run(
            command,
            input=said,
            check=True,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_TOOL_TIMEOUT_S,
            cwd="/",
        )
    except subprocess.CalledProcessError as error:
        wrote = str(error.stdout).strip().splitlines()[-5:]
        raise ClusterError(
            f"{tool} failed: " + "\n".join(wrote), f"command: {' '.join(command)}"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"{tool} took longer than {_TOOL_TIMEOUT_S:g} s") from error
    return done.stdout


def template(names: DatabaseOptions) -> Path:
    """The template of this version and recipe, made when it is not there."""
    sql = _sql(names)
    version = subprocess.run(
        [postgres_bin() / "postgres", "--version"], check=True, capture_output=True, text=True
    ).stdout
    recipe = repr((version, os.uname().machine, _INITDB, sql, ACCESS, _INCLUDES, _REVISION))
    key = f"postgres-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}"
    home = _cache()
    if not (home / key).is_dir():
        _make_template(home, key, sql)
    return home / key


def _make_template(home: Path, key: str, sql: Steps) -> None:
    _sweep(home)
    root = data_root(home)
    made = Path(tempfile.mkdtemp(prefix=".making-", dir=root))
    hand_over(made)
    try:
        data = made / "data"
        run_tool("initdb", f"--pgdata={data}", *_INITDB)
        single = ("--single", "-D", str(data), "-c", "fsync=off")
        for database, commands in sql:
            wrote = run_tool("postgres", *single, database, said=commands)
            if "ERROR:" in wrote:  # which does not end it, nor show in its exit code
                raise ClusterError(f"could not make a template database: {wrote.strip()}")
        _drop_spare_segments(data)
        (data / "pg_hba.conf").write_text(ACCESS)
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(_INCLUDES)
        with contextlib.suppress(OSError):  # another program was faster
            if root == home:
                data.rename(home / key)
            else:
                _move_in(data, home, key)
    finally:
        shutil.rmtree(made if root == home else root, ignore_errors=True)
    if not (home / key).is_dir():
        raise ClusterError(f"could not keep a template database in {home}")


def _drop_spare_segments(data: Path) -> None:
    """Remove WAL segments made in advance: 4 MiB less for every node to copy."""
    known = re.search(r"REDO WAL file: +([0-9A-F]{24})", run_tool("pg_controldata", str(data)))
    assert known, "pg_controldata names the segment of the last checkpoint"
    for segment in (data / "pg_wal").iterdir():
        if segment.is_file() and segment.name > known[1]:
            segment.unlink()


def _move_in(data: Path, home: Path, key: str) -> None:
    """Across file systems: a whole copy first, then one rename, so that no half is ever seen."""
    copy = Path(tempfile.mkdtemp(prefix=".making-", dir=home)) / "data"
    shutil.copytree(data, copy, symlinks=True)
    copy.rename(home / key)
    copy.parent.rmdir()


def _cache() -> Path:
    """The folder for what is made once; a temporary one where the home cannot be written."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    try:
        (base / "statedrill").mkdir(parents=True, exist_ok=True)
        if os.access(base / "statedrill", os.W_OK):
            return base / "statedrill"
    except OSError:
        pass
    fallback = state_directory() / "cache"
    fallback.mkdir(exist_ok=True)
    return fallback


def _sweep(home: Path) -> None:
    """Remove what a killed maker left behind."""
    for left in home.glob(".making-*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(left, ignore_errors=True)


def _works(command: tuple[str, ...]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False, cwd="/").returncode == 0
    except OSError:
        return False
