"""The drill in which each bug is proved to be found, and what exactly must be found in it.

The application with a bug logs every injection, one line each, with the id of the write, the user
or the object concerned. From these lines and the plain record each proof computes what a checker
must see; it never asks the checker.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from reference_app.bugs import BUGS
from reference_app.bugs.base import Bug
from statedrill.check.consequences import exclude_consequences
from statedrill.check.context import make_context
from statedrill.check.run_checks import run_checks
from statedrill.history.operation import FOREIGN
from statedrill.history.store import History
from statedrill.vocabulary import Kind, Outcome, Phase

DEADLINE_S = 120.0
ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = Path(__file__).parent / "bug_scenarios"
EXPERIMENTS = Path(__file__).parent / "bug_experiments"
PATTERNS = Path(__file__).parent / "bug_patterns"
QUICK = (
    *("--users", "30", "--pace", "0.3s", "--warmup", "0s", "--baseline", "2s"),
    *("--recovery", "1s", "--run-time", "5s", "--headless", "--json"),
)
INJECTION = re.compile(r" bug ([a-z-]+): ([a-z-]+) (.*)$")
CONFIRMED = (Outcome.OK, Outcome.ACCEPTED)
GRAVE = (
    *("leaks", "phantoms", "rejected-visible", "lost-writes", "lost-sessions"),
    *("duplicates", "orders-once", "resurrected", "resurrected-sessions"),
)
AT_ONCE = 2


@dataclass(frozen=True)
class Row:
    """One operation of the record, in words: `ids` are all write ids that the answer shows."""

    session: int
    object: str
    kind: Kind
    outcome: Outcome
    call: int
    ret: int
    wid: str
    ids: tuple[str, ...]
    ver: int
    phase: Phase

    @property
    def where(self) -> str:
        """Session and object."""
        return f"{self.session} {self.object}"


class Drilled:
    """One drill's folder: what was injected, what is on record, and what was found."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.verdict: dict[str, Any] = json.loads((folder / "verdict.json").read_text())
        self.history = History.open(folder / "history")

    @cached_property
    def injections(self) -> list[tuple[str, list[str]]]:
        """(event, its subjects), of all instances."""
        found = []
        for path in sorted((self.folder / "logs").glob("instance-*.log")):
            for line in path.read_text(errors="replace").splitlines():
                if match := INJECTION.search(line):
                    found.append((match[2], match[3].split()))
        return found

    def injected(self, event: str) -> list[list[str]]:
        """The subjects of every injection of one kind."""
        return [subjects for each, subjects in self.injections if each == event]

    def subjects(self, event: str, place: int = 0) -> Counter[str]:
        """How often each subject was concerned by the injections of one kind."""
        return Counter(subjects[place] for subjects in self.injected(event))

    @cached_property
    def rows(self) -> list[Row]:
        """Every operation of the record."""
        return [row for part in self.history.parts() for row in self._rows(part)]

    @cached_property
    def confirmed(self) -> dict[str, Row]:
        """Every write that was confirmed or accepted, by its id."""
        return {row.wid: row for row in self.rows if row.wid and row.outcome in CONFIRMED}

    def finding(self, check: str) -> dict[str, Any]:
        """The verdict's entry of a check."""
        (found,) = (each for each in self.verdict["findings"] if each["check"] == check)
        return dict(found)

    def violations(self, check: str) -> list[Row]:
        """The operations that a check's count of violations stands for."""
        plan = json.loads((self.folder / "plan.json").read_text())
        settings = make_context(self.history, plan, *self.history.span())
        found = []
        for part in self.history.parts():
            results = run_checks(part, self.history.names, settings, bounded=False)
            exclude_consequences(results)
            rows = list(self._rows(part))
            marked = results.given.observations.table.source_row[results.by_name[check].violation]
            found += [rows[int(place)] for place in marked]
        return found

    def user(self, name: str) -> int:
        """The session of a user name."""
        return int(name.removeprefix(f"{self.history.run}-u"))

    def _rows(self, part: Any) -> Iterator[Row]:
        names, run = self.history.names, self.history.run
        columns = {name: part[name].tolist() for name in part.columns}
        for place in range(len(part)):
            one = {name: column[place] for name, column in columns.items()}

            def text(number: int, session: int = one["session"]) -> str:
                return "foreign" if number == FOREIGN else f"{run}.{session}.{number}"

            listed = part.values[part.offsets[place] : part.offsets[place + 1]].tolist()
            yield Row(
                session=one["session"],
                object=names.objects[one["object"]],
                kind=Kind(one["kind"]),
                outcome=Outcome(one["outcome"]),
                call=one["call"],
                ret=one["ret"],
                wid=text(one["wid"]) if one["wid"] else "",
                ids=tuple(text(each) for each in [one["read_wid"], *listed]),
                ver=one["ver"],
                phase=Phase(one["phase"]),
            )


Expected = Callable[[Drilled], Counter[str]]


def by_wid(rows: list[Row]) -> Counter[str]:
    return Counter(row.wid for row in rows)


def by_object(rows: list[Row]) -> Counter[str]:
    return Counter(row.where for row in rows)


def by_session(rows: list[Row]) -> Counter[str]:
    return Counter(str(row.session) for row in rows)


@dataclass(frozen=True)
class Proof:
    """How one bug is proved to be found: the drill, the check that must find it, and the count.

    `least` and `most` compute from the injections what must and what may be found, named as `named`
    names the rows that were found; where `least` is None, exactly `most` must be found. `beside`:
    the checks that may see the same bug as well; no other check of `GRAVE` may find anything.
    """

    bug: type[Bug]
    check: str
    most: Expected
    named: Callable[[list[Row]], Counter[str]]
    pattern: str = "sticky"
    experiment: str = "none"
    scenario: str = "shopper"
    number: int | None = None
    least: Expected | None = None
    beside: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.bug.name}-{self.pattern}"

    def play(self, reports: Path) -> Drilled:
        """Play the drill."""
        scenario = SCENARIOS / f"{self.scenario}.py"
        experiment = EXPERIMENTS / f"{self.experiment}.yaml"
        pattern = PATTERNS / f"{self.pattern}.yaml"
        number = f":{self.number}" if self.number else ""
        return play(
            reports,
            *("--pattern", str(pattern) if pattern.exists() else self.pattern),
            *("--experiment", str(experiment) if experiment.exists() else self.experiment),
            *("--scenario", str(scenario) if scenario.exists() else self.scenario),
            *("--env", f"BUGS={self.bug.name}{number}"),
        )

    def proved(self, drilled: Drilled) -> dict[str, Any]:
        """What the drill proves, as a row of the track record.

        Raises:
            AssertionError: the bug was not found as what it is, or not as often as it struck, or
                something else is accused.
        """
        finding = drilled.finding(self.check)
        assert drilled.verdict["outcome"] == finding["outcome"] == "broken", finding
        assert finding["class"] in self.bug.found_as, finding
        assert finding["primary"] == finding["violations"], finding
        assert finding["witness"], finding
        assert 1 <= len(finding["operations"]) <= 4, finding
        most = self.most(drilled)
        least = self.least(drilled) if self.least else most
        found = self.named(drilled.violations(self.check))
        assert finding["violations"] == found.total(), (finding, found)
        assert not least - found, f"not found: {least - found}"
        assert not found - most, f"found, but never done: {found - most}"
        accused = {check for check in GRAVE if drilled.finding(check)["violations"]}
        assert accused <= {self.check, *self.beside}, accused
        return {
            "bug": self.bug.name,
            "pattern": self.pattern,
            "experiment": self.experiment,
            "class": finding["class"],
            "found": found.total(),
            "least": least.total(),
            "most": most.total(),
            "witness": finding["witness"],
        }


@dataclass(frozen=True)
class Clean:
    """A drill of the application without bugs."""

    pattern: str
    experiment: str

    def __str__(self) -> str:
        return f"{self.pattern}-{self.experiment}"

    def play(self, reports: Path) -> Drilled:
        """Play the drill."""
        return play(reports, "--pattern", self.pattern, "--experiment", self.experiment)


def play_all(drills: Sequence[Proof | Clean], folder: Path) -> dict[Proof | Clean, Future[Drilled]]:
    """Begin all drills, `AT_ONCE` at a time and in this order; most of a drill is waiting."""
    pool = ThreadPoolExecutor(AT_ONCE)
    played = {each: pool.submit(each.play, folder / str(each)) for each in drills}
    pool.shutdown(wait=False)
    return played


def play(reports: Path, *words: str) -> Drilled:
    """Play one short drill into the folder `reports`.

    Raises:
        AssertionError: it left no verdict.
    """
    reports.mkdir(parents=True)
    program = [sys.executable, "-m", "tests.drill.without_pages"]
    ended = subprocess.run(
        [*program, "run", "--reports", str(reports), *QUICK, *words],
        cwd=reports,
        env={**os.environ, "PYTHONPATH": str(ROOT), "STATEDRILL_OBSERVE_S": "1"},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    folders = [path.parent for path in reports.glob("*/verdict.json")]
    assert len(folders) == 1, ended.stderr
    return Drilled(folders[0])


def dropped(drilled: Drilled) -> Counter[str]:
    """Every dropped write: the next one of its object is confirmed as the same version."""
    return Counter(wid for wid in drilled.subjects("dropped") if wid in drilled.confirmed)


def never_stored(drilled: Drilled) -> Counter[str]:
    missing = drilled.subjects("answered") - drilled.subjects("stored")
    return Counter(wid for wid in missing if wid in drilled.confirmed)


def never_begun_to_be_stored(drilled: Drilled) -> Counter[str]:
    """An instance that was killed while it stored a write may have stored it."""
    return never_stored(drilled) - drilled.subjects("storing")


def old_reads(drilled: Drilled) -> Counter[str]:
    shown = drilled.injected("showed-old")
    return Counter(f"{drilled.user(user)} {name}" for user, name, *_ in shown)


def newer_than_the_audit_shows(drilled: Drilled) -> Counter[str]:
    """The audit was shown the old state of an object: what was confirmed after it is gone."""
    shown = {
        f"{drilled.user(user)} {name}": int(old)
        for user, name, old, _ in drilled.injected("showed-old")
    }
    return Counter(
        wid
        for wid, row in drilled.confirmed.items()
        if row.kind is not Kind.READ and row.ver > shown.get(row.where, row.ver)
    )


def applied_again(drilled: Drilled) -> Counter[str]:
    return drilled.subjects("applied-again")


def swallowed(drilled: Drilled) -> Counter[str]:
    """Every dead letter that was an order which its user was promised."""
    return Counter(wid for wid in drilled.subjects("swallowed") if wid in drilled.confirmed)


def retried(drilled: Drilled) -> Counter[str]:
    return drilled.subjects("retried")


def overtook(drilled: Drilled) -> Counter[str]:
    return drilled.subjects("overtook")


def stored_over(drilled: Drilled) -> Counter[str]:
    """Every write that a store of a whole object left out: none of the versions that led to the
    last one shown is its own. A store made one version of the content of another one."""
    content_of: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for user, name, kept, made, *_ in drilled.injected("stored-over"):
        content_of[f"{drilled.user(user)} {name}"][int(made)] = int(kept)
    lost: Counter[str] = Counter()
    for where, earlier in content_of.items():
        rows = [row for row in drilled.rows if row.where == where and row.outcome in CONFIRMED]
        versions, version = set(), max(row.ver for row in rows)
        while version > 0:
            versions.add(version)
            version = earlier.get(version, version - 1)
        lost += Counter(row.wid for row in rows if row.wid and row.ver not in versions)
    return lost


def brought_back(drilled: Drilled) -> Counter[str]:
    return Counter(set(drilled.subjects("brought-back")))


def shown_to_others(drilled: Drilled) -> Counter[str]:
    users = drilled.subjects("showed-cart-of", place=1)
    return Counter({f"{drilled.user(user)} cart": times for user, times in users.items()})


def sessions_of(event: str) -> Expected:
    def sessions(drilled: Drilled) -> Counter[str]:
        return Counter({str(drilled.user(user)) for user in drilled.subjects(event)})

    return sessions


def without_content(drilled: Drilled) -> Counter[str]:
    """Of the uploads without an object those that no later upload replaced."""
    last = {row.where: wid for wid, row in drilled.confirmed.items() if row.kind is Kind.PUT}
    return Counter(set(last.values()) & set(drilled.subjects("only-recorded")))


def reads_of_refused(drilled: Drilled) -> Counter[str]:
    refused = set(drilled.subjects("stored-and-refused"))
    return by_object([r for r in drilled.rows if is_read(r) and refused & set(r.ids)])


def surely_misled(drilled: Drilled) -> Counter[str]:
    """Reads sent after the misplaced write of another user had been answered."""
    return _misled(drilled, lambda read, write: write.ret < read.call)


def perhaps_misled(drilled: Drilled) -> Counter[str]:
    """Reads that returned after the misplaced write of another user had been sent."""
    return _misled(drilled, lambda read, write: write.call < read.ret)


def _misled(drilled: Drilled, fits: Callable[[Row, Row], bool]) -> Counter[str]:
    writes = {row.wid: row for row in drilled.rows if row.wid}
    misplaced = [
        (f"{drilled.user(victim)} history", writes[wid])
        for wid, victim in drilled.injected("misplaced")
    ]
    reads = [row for row in drilled.rows if is_read(row)]
    return by_object(
        [r for r in reads if any(where == r.where and fits(r, w) for where, w in misplaced)]
    )


def is_read(row: Row) -> bool:
    return row.kind is Kind.READ and row.outcome is Outcome.OK


def _proof(bug: str, check: str, most: Expected, **more: Any) -> Proof:
    return Proof(BUGS[bug], check, most, **{"named": by_wid, **more})


PROOFS = (
    _proof(
        "acknowledge-before-storing",
        "lost-writes",
        never_stored,
        least=never_begun_to_be_stored,
        pattern="distributed",
        experiment="instance-kill",
        scenario="diarist",
        # Each instance makes up versions of its own: one write is seen with two of them.
        beside=("duplicates",),
    ),
    _proof("drop-every-nth-write", "lost-writes", dropped),
    # Each instance has copies of its own. The second audit meets fresh instances, so nothing is
    # taken for lost; an old cart shows what was removed since.
    _proof(
        "stale-replica",
        "read-your-writes",
        old_reads,
        named=by_object,
        pattern="distributed",
        beside=("resurrected",),
    ),
    _proof("old-state-after-failback", "lost-writes", newer_than_the_audit_shows, number=4),
    _proof("retry-applied-twice", "duplicates", applied_again, scenario="reader"),
    # A write held back is confirmed as one version and becomes the next but one.
    _proof(
        "reorder-writes",
        "monotonic-writes",
        overtook,
        scenario="diarist",
        beside=("duplicates",),
    ),
    _proof("resurrect-removed-item", "resurrected", brought_back),
    _proof("another-users-cart", "leaks", shown_to_others, named=by_object),
    _proof("silent-session-loss", "lost-sessions", sessions_of("threw-away"), named=by_session),
    _proof(
        "fresh-session-on-store-error",
        "lost-sessions",
        sessions_of("forgot"),
        named=by_session,
        number=50,
        # The state that the replacement session does not show is lost to the user.
        beside=("lost-writes",),
    ),
    _proof(
        "order-twice-on-redelivery",
        "duplicates",
        applied_again,
        pattern="decoupled",
        scenario="buyer",
        beside=("orders-once",),
    ),
    _proof("upload-record-without-object", "lost-writes", without_content, scenario="reader"),
    _proof(
        "error-after-storing",
        "rejected-visible",
        reads_of_refused,
        named=by_object,
        scenario="diarist",
    ),
    _proof(
        "write-into-another-users-state",
        "leaks",
        perhaps_misled,
        least=surely_misled,
        named=by_object,
        scenario="diarist",
        beside=("lost-writes",),
    ),
    _proof(
        "save-old-state-at-shutdown",
        "lost-writes",
        stored_over,
        pattern="distributed",
        experiment="scale-in",
        scenario="diarist",
    ),
    _proof(
        "store-under-expired-lock",
        "lost-writes",
        stored_over,
        pattern="distributed",
        experiment="short-hang",
        scenario="impatient",
        number=200,
    ),
    _proof(
        "expire-sessions-by-local-clock",
        "lost-sessions",
        sessions_of("expired"),
        named=by_session,
        pattern="distributed",
        experiment="clock-skew",
    ),
    _proof(
        "retry-with-new-id",
        "duplicates",
        retried,
        least=applied_again,
        pattern="decoupled",
        experiment="answers-lost",
        scenario="diarist",
    ),
    # An old cart shows what was removed since.
    _proof(
        "fill-from-lagging-replica",
        "read-your-writes",
        old_reads,
        named=by_object,
        pattern="distributed-rds-cached-versioned",
        experiment="short-lag",
        beside=("resurrected",),
    ),
    _proof(
        "mount-volume-twice",
        "lost-writes",
        stored_over,
        pattern="sticky-ebs",
        scenario="diarist",
    ),
    _proof(
        "dead-letter-swallows-order",
        "lost-writes",
        swallowed,
        pattern="decoupled-fifo",
        scenario="buyer",
        number=20,  # each is received ten times before it is a dead letter
    ),
    # Every second user signs out rightly, and is not to be accused.
    _proof(
        "sign-out-in-unlogged-table",
        "resurrected-sessions",
        sessions_of("brought-back"),
        named=by_session,
        pattern="distributed-rds",
        experiment="bad-deploy",
        scenario="leaver",
    ),
)  # fmt: skip
