"""One user's session: who they are, what they have seen, and one attempt of one call at a time.

Every attempt becomes exactly one row of the record, whatever happens, the end of the user's own
greenlet included. Knows the application's contract; knows no Locust, no pace and no scenario.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from statedrill.history.operation import ABSENT, ALIEN, FOREIGN, INITIAL, NO_VERSION, NOTHING
from statedrill.load.contract import CHECK_SESSION, DOWNLOAD, SIGN_IN, SIGN_OUT, Call
from statedrill.load.http.client import HttpClient
from statedrill.load.recording.recording import Journal
from statedrill.load.session.attempt import NOTHING_SEEN, READ_TRIES, Seen, Try
from statedrill.load.session.interpret import (
    ACCEPTED,
    FAILED,
    OK,
    STOPPED,
    UNKNOWN,
    Ids,
    listing,
    parse,
    refusal,
    version,
    version_in,
)
from statedrill.load.session.server_session import Identity
from statedrill.load.session.upload_content import picture

_ANSWERED = (OK, ACCEPTED)
_NOT_AS_AGREED = "200, but the body is not as agreed"


class Session:
    """The state of one session; `read`, `write` and `download` make one attempt and record it.

    `due` is the intended start of the next attempt in monotonic ns (0: none); the first attempt
    takes it. `signed_in` is what the client believes; `answered` whether the last attempt ended
    with an answer as the contract has it (OK or ACCEPTED).
    """

    def __init__(self, number: int, client: HttpClient, journal: Journal) -> None:
        self.number = number
        self.user = f"{journal.run}-u{number}"
        self.client = client
        self.journal = journal
        self.ids = Ids(journal.run, number)
        self.identity = Identity()
        self.signed_in = False
        self.answered = False
        self.due = 0
        self.next_write = 1
        self.next_logical = 1
        self.objects: set[str] = set()
        self._touched: set[int] = set()  # their numbers in the record
        journal.tally.sessions += 1

    def logical(self) -> int:
        """The number of a new logical action."""
        number = self.next_logical
        self.next_logical = number + 1
        return number

    def read(self, call: Call) -> dict[str, Any] | None:
        """One attempt to read; the answer's object when it is as the contract says, else None."""
        tried = READ_TRIES[call]
        self._attempt(tried, b"", b"")
        answer = self.client.answer
        if answer.status != 200:
            self._refused(tried)
            return None
        body = parse(answer.body)
        items = logicals = None
        try:
            if body is None:
                raise TypeError
            read_wid, note = self._shown(call, body)
            if call.listed:
                items, logicals = listing(call, body, self.ids)
        except (KeyError, TypeError, AttributeError, ValueError):
            self._record(tried, UNKNOWN, note=_NOT_AS_AGREED)
            return None
        seen = (read_wid, version(body.get("ver")), items, logicals)
        self._record(tried, OK, seen, note)
        return body

    def write(self, tried: Try, body: bytes | None, earlier: Sequence[int] = ()) -> str | None:
        """One attempt to write; the text of the id that the answer confirms, else None.

        `earlier` are the ids of the attempts before: an answer may confirm one of them instead.
        """
        head = [b"X-Write-Id: ", self.ids.text(tried.wid).encode(), b"\r\nIdempotency-Key: ",
                self.ids.key(tried.logical).encode(), b"\r\n"]  # fmt: skip
        if body is not None:
            head.append(
                b"Content-Type: %b\r\nContent-Length: %d\r\n" % (tried.call.content, len(body))
            )
        self._attempt(tried, b"".join(head), body or b"")
        answer = self.client.answer
        if answer.status not in (200, 201, 202):
            self._refused(tried)
            return None
        told = parse(answer.body) or {}
        shown = self.ids.number(told["wid"]) if told.get("wid") else NOTHING
        if shown != tried.wid and shown not in earlier:
            note = f"{answer.status}, but the write is not confirmed"
            self._record(tried, UNKNOWN, _seen(shown), note)
            return None
        if tried.call is SIGN_IN:
            if told.get("user", self.user) != self.user:
                self._record(tried, UNKNOWN, _seen(FOREIGN), "signed in as another user")
                return None
            answer.fields.setdefault(b"x-session-id", str(told.get("session", "")).encode())
        outcome = ACCEPTED if answer.status == 202 else OK
        self._record(tried, outcome, _seen(shown, version(told.get("ver"))))
        return self.ids.text(shown)

    def download(self, name: str) -> bytes | None:
        """One attempt to read an upload back; its content is checked against the id it shows."""
        tried = Try(DOWNLOAD, name, name)
        self._attempt(tried, b"", b"")
        answer = self.client.answer
        if answer.status == 200:
            return self._uploaded(tried)
        told = parse(answer.body) if answer.status == 404 else None
        if told is None or told.get("absent") is not True:
            self._refused(tried)
            return None
        read_wid, note = INITIAL, None
        if told.get("wid") is not None:
            read_wid, note = ABSENT, f"the content of {str(told['wid'])[:100]} is gone"
        self._record(tried, OK, _seen(read_wid, version(told.get("ver"))), note)
        return None

    def wid(self) -> int:
        """The number of a new write id."""
        number = self.next_write
        self.next_write = number + 1
        return number

    def sign_in(self) -> bool:
        """One attempt to sign in; True when the server confirmed it."""
        body = b'{"user":"%s"}' % self.user.encode()
        done = self.write(self._entrance(SIGN_IN), body) is not None
        if done:
            self.signed_in = True
            self.save()
        return done

    def sign_out(self) -> bool:
        """One attempt to sign out; True when the server confirmed it."""
        done = self.write(self._entrance(SIGN_OUT), b"") is not None
        if done:
            self.signed_in = False
            self.save()
        return done

    def save(self, **more: Any) -> None:
        """Write down what the audit needs to come back as this user."""
        self.journal.session(
            self.number,
            user=self.user,
            cookies=self.client.cookies.as_dict(),
            objects=sorted(self.objects),
            next_write=self.next_write,
            next_logical=self.next_logical,
            server_sessions=self.identity.ids(),
            current=self.identity.current,
            signed_in=self.signed_in,
            **more,
        )

    def resume(self, facts: Mapping[str, Any]) -> None:
        """Become the session that a line of `save` describes."""
        self.client.cookies.load(facts["cookies"])
        self.objects = set(facts["objects"])
        self.next_write = int(facts["next_write"])
        self.next_logical = int(facts["next_logical"])
        self.identity.learn(facts["server_sessions"])
        self.identity.current = int(facts["current"])
        self.signed_in = bool(facts["signed_in"])

    def end(self) -> None:
        """The user leaves: the connection is dropped, the last line written."""
        self.client.drop()
        self.save(ended=True)

    def _entrance(self, call: Call) -> Try:
        return Try(call, wid=self.wid(), logical=self.logical(), attempt=1)

    def _attempt(self, tried: Try, fields: bytes, body: bytes) -> None:
        call = tried.call
        target = call.line + tried.tail.encode("latin-1") if tried.tail else call.line
        try:
            self.client.exchange(target, fields, body, call.path)
        except BaseException:
            # The greenlet is killed in flight: what was sent may have been done.
            self._record(tried, UNKNOWN if self.client.sent else FAILED, note=STOPPED)
            raise

    def _refused(self, tried: Try) -> None:
        client = self.client
        status = client.answer.status
        outcome, note = refusal(status, client.answer.body, client.error, client.sent)
        self._record(tried, outcome, note=note)
        if status == 401:
            self.signed_in = False

    def _shown(self, call: Call, body: dict[str, Any]) -> tuple[int, str | None]:
        """(id that a read shows, note); KeyError when it shows none."""
        text = body["wid"]
        if call is CHECK_SESSION:
            if body["user"] != self.user:
                return FOREIGN, f"signed in as {str(body['user'])[:60]}"
        elif type(value := body.get("value")) is dict and value.get("wid", text) != text:
            return ALIEN, f"the value of {str(value['wid'])[:60]} under the id {str(text)[:60]}"
        return self.ids.number(text), None

    def _uploaded(self, tried: Try) -> bytes | None:
        fields, content = self.client.answer.fields, self.client.answer.body
        text = fields.get(b"x-write-id", b"").decode("latin-1")
        if not text:
            self._record(tried, UNKNOWN, note=_NOT_AS_AGREED)
            return None
        number, note = self.ids.number(text), None
        if content != picture(text):
            number, note = ALIEN, f"the content is not what {text[:60]} uploaded"
        self._record(tried, OK, _seen(number, version_in(fields.get(b"x-ver"))), note)
        return content

    def _record(
        self, tried: Try, outcome: int, seen: Seen = NOTHING_SEEN, note: str | None = None
    ) -> None:
        client, journal, answer = self.client, self.journal, self.client.answer
        call, name, _, wid, element, logical, attempt = tried
        read_wid, ver, items, logicals = seen
        op, thing = journal.codes(call, name)
        due, self.due = self.due, 0
        journal.keep((
            client.call, client.ret, self.number, 0, thing, op, call.kind, outcome, wid, read_wid,
            element, ver, logical, attempt, journal.instance(answer.fields.get(b"x-instance-id")),
            answer.status, self._server_session(call, outcome), due, items, logicals, note,
        ))  # fmt: skip
        self.answered = outcome in _ANSWERED
        service_ns = client.ret - client.call
        latency_ns = client.ret - due if due else service_ns
        tally = journal.tally
        tally.latencies.append(latency_ns)
        tally.services.append(service_ns)
        if not self.answered:
            tally.errors += 1
        if journal.listener is not None and note is not STOPPED:
            journal.listener(
                call, latency_ns, service_ns, len(answer.body),
                "" if self.answered else note or "failed",
            )  # fmt: skip
        if thing not in self._touched:
            self._touched.add(thing)
            self.objects.add(call.object + name)
            self.save()

    def _server_session(self, call: Call, outcome: int) -> int:
        """The number of the server session that the answer shows (column `server_session`)."""
        identity, answer = self.identity, self.client.answer
        if call.enters and outcome != FAILED:
            identity.current = 0  # it may have been replaced or ended: nothing is expected now
        number = identity.seen(answer.fields.get(b"x-session-id"), answer.status)
        if call is SIGN_IN and outcome == OK:
            identity.current = number
        if identity.lost:
            self.journal.tally.lost(self.number)
        return number


def _seen(read_wid: int, ver: int = NO_VERSION) -> Seen:
    return read_wid, ver, None, None
