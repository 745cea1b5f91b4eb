"""One user's session: who they are, what they have seen, and one attempt of one call at a time.

Every attempt becomes exactly one row of the record, whatever happens, even if the user's own
greenlet is killed. Knows the application's contract; knows no Locust, no pace and no scenario.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from statedrill.history.operation import ABSENT, ALIEN, FOREIGN, INITIAL, NO_VERSION, NOTHING
from statedrill.history.session_line import SessionLine
from statedrill.load.contract import CHECK_SESSION, DOWNLOAD, SIGN_IN, SIGN_OUT, Call
from statedrill.load.http.client import HttpClient
from statedrill.load.recording.recording import Recording
from statedrill.load.session.attempt import NOTHING_OBSERVED, READ_ATTEMPTS, Attempt, Observed
from statedrill.load.session.interpret import (
    ACCEPTED,
    FAILED,
    OK,
    STOPPED,
    UNKNOWN,
    WriteIds,
    listing,
    parse,
    refusal,
    version,
    version_in,
)
from statedrill.load.session.server_session import ServerSessions
from statedrill.load.session.upload_content import upload_content

_ANSWERED = (OK, ACCEPTED)
_NOT_AS_THE_CONTRACT = "200, but the body is not as agreed"


class Session:
    """The state of one session; `read`, `write` and `download` make one attempt and record it.

    `due` is the intended start of the next attempt in monotonic ns (0: none); the first attempt
    takes it. `signed_in` is what the client believes; `answered` whether the last attempt got a
    response as the contract says (OK or ACCEPTED).
    """

    def __init__(self, number: int, client: HttpClient, recording: Recording) -> None:
        self.number = number
        self.user = f"{recording.run}-u{number}"
        self.client = client
        self.recording = recording
        self.ids = WriteIds(recording.run, number)
        self.server_sessions = ServerSessions()
        self.signed_in = False
        self.answered = False
        self.due = 0
        self.next_write = 1
        self.next_logical = 1
        self.objects: set[str] = set()
        self._known_objects: set[int] = set()  # their numbers in the record
        recording.counters.sessions += 1

    def logical(self) -> int:
        """The number of a new logical action."""
        number = self.next_logical
        self.next_logical = number + 1
        return number

    def read(self, call: Call) -> dict[str, Any] | None:
        """One attempt to read; the JSON object of a response as the contract says, else None."""
        attempt = READ_ATTEMPTS[call]
        self._exchange(attempt, b"", b"")
        response = self.client.response
        if response.status != 200:
            self._refused(attempt)
            return None
        body = parse(response.body)
        items = logicals = None
        try:
            if body is None:
                raise TypeError
            read_wid, note = self._shown(call, body)
            if call.listed:
                items, logicals = listing(call, body, self.ids)
        except (KeyError, TypeError, AttributeError, ValueError):
            self._record(attempt, UNKNOWN, note=_NOT_AS_THE_CONTRACT)
            return None
        observed = (read_wid, version(body.get("ver")), items, logicals)
        self._record(attempt, OK, observed, note)
        return body

    def write(
        self, attempt: Attempt, body: bytes | None, earlier: Sequence[int] = ()
    ) -> str | None:
        """One attempt to write; the text of the id that the response confirms, else None.

        `earlier` are the ids of the attempts before: a response may confirm one of them instead.
        """
        head = [b"X-Write-Id: ", self.ids.text(attempt.wid).encode(), b"\r\nIdempotency-Key: ",
                self.ids.key(attempt.logical).encode(), b"\r\n"]  # fmt: skip
        if body is not None:
            head.append(
                b"Content-Type: %b\r\nContent-Length: %d\r\n" % (attempt.call.content, len(body))
            )
        self._exchange(attempt, b"".join(head), body or b"")
        response = self.client.response
        if response.status not in (200, 201, 202):
            self._refused(attempt)
            return None
        receipt = parse(response.body) or {}
        shown = self.ids.number(receipt["wid"]) if receipt.get("wid") else NOTHING
        if shown != attempt.wid and shown not in earlier:
            note = f"{response.status}, but the write is not confirmed"
            self._record(attempt, UNKNOWN, _observed(shown), note)
            return None
        if attempt.call is SIGN_IN:
            if receipt.get("user", self.user) != self.user:
                self._record(attempt, UNKNOWN, _observed(FOREIGN), "signed in as another user")
                return None
            response.fields.setdefault(b"x-session-id", str(receipt.get("session", "")).encode())
        outcome = ACCEPTED if response.status == 202 else OK
        self._record(attempt, outcome, _observed(shown, version(receipt.get("ver"))))
        return self.ids.text(shown)

    def download(self, name: str) -> bytes | None:
        """One attempt to read an upload back; its content is checked against the id it shows."""
        attempt = Attempt(DOWNLOAD, name, name)
        self._exchange(attempt, b"", b"")
        response = self.client.response
        if response.status == 200:
            return self._uploaded(attempt)
        absence = parse(response.body) if response.status == 404 else None
        if absence is None or absence.get("absent") is not True:
            self._refused(attempt)
            return None
        read_wid, note = INITIAL, None
        if absence.get("wid") is not None:
            read_wid, note = ABSENT, f"the content of {str(absence['wid'])[:100]} is gone"
        self._record(attempt, OK, _observed(read_wid, version(absence.get("ver"))), note)
        return None

    def wid(self) -> int:
        """The number of a new write id."""
        number = self.next_write
        self.next_write = number + 1
        return number

    def sign_in(self) -> bool:
        """One attempt to sign in; True when the server confirmed it."""
        body = b'{"user":"%s"}' % self.user.encode()
        done = self.write(self._session_attempt(SIGN_IN), body) is not None
        if done:
            self.signed_in = True
            self.save()
        return done

    def sign_out(self) -> bool:
        """One attempt to sign out; True when the server confirmed it."""
        done = self.write(self._session_attempt(SIGN_OUT), b"") is not None
        if done:
            self.signed_in = False
            self.save()
        return done

    def save(self, ended: bool = False) -> None:
        """Write down what the audit needs to come back as this user."""
        line: SessionLine = {
            "user": self.user,
            "cookies": self.client.cookies.as_dict(),
            "objects": sorted(self.objects),
            "next_write": self.next_write,
            "next_logical": self.next_logical,
            "server_sessions": self.server_sessions.ids(),
            "current": self.server_sessions.current,
            "signed_in": self.signed_in,
        }
        if ended:
            line["ended"] = True
        self.recording.save_session(self.number, line)

    def resume(self, line: SessionLine) -> None:
        """Become the session that a line of `save` describes."""
        self.client.cookies.load(line["cookies"])
        self.objects = set(line["objects"])
        self.next_write = line["next_write"]
        self.next_logical = line["next_logical"]
        self.server_sessions.restore(line["server_sessions"])
        self.server_sessions.current = line["current"]
        self.signed_in = line["signed_in"]

    def end(self) -> None:
        """The user leaves: the connection is dropped, the last line written."""
        self.client.drop()
        self.save(ended=True)

    def _session_attempt(self, call: Call) -> Attempt:
        return Attempt(call, wid=self.wid(), logical=self.logical(), number=1)

    def _exchange(self, attempt: Attempt, fields: bytes, body: bytes) -> None:
        call = attempt.call
        target = call.line + attempt.tail.encode("latin-1") if attempt.tail else call.line
        try:
            self.client.exchange(target, fields, body, call.path)
        except BaseException:
            # The greenlet is killed in flight: what was sent may have been done.
            self._record(attempt, UNKNOWN if self.client.sent else FAILED, note=STOPPED)
            raise

    def _refused(self, attempt: Attempt) -> None:
        client = self.client
        status = client.response.status
        outcome, note = refusal(status, client.response.body, client.error, client.sent)
        self._record(attempt, outcome, note=note)
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

    def _uploaded(self, attempt: Attempt) -> bytes | None:
        fields, content = self.client.response.fields, self.client.response.body
        text = fields.get(b"x-write-id", b"").decode("latin-1")
        if not text:
            self._record(attempt, UNKNOWN, note=_NOT_AS_THE_CONTRACT)
            return None
        number, note = self.ids.number(text), None
        if content != upload_content(text):
            number, note = ALIEN, f"the content is not what {text[:60]} uploaded"
        self._record(attempt, OK, _observed(number, version_in(fields.get(b"x-ver"))), note)
        return content

    def _record(
        self,
        attempt: Attempt,
        outcome: int,
        observed: Observed = NOTHING_OBSERVED,
        note: str | None = None,
    ) -> None:
        client, recording, response = self.client, self.recording, self.client.response
        call, name, _, wid, element, logical, number = attempt
        read_wid, ver, items, logicals = observed
        op, thing = recording.codes(call, name)
        instance = recording.instance(response.fields.get(b"x-instance-id"))
        due, self.due = self.due, 0
        recording.write((
            client.call, client.ret, self.number, 0, thing, op, call.kind, outcome, wid, read_wid,
            element, ver, logical, number, instance, response.status,
            self._server_session(call, outcome), due, items, logicals, note,
        ))  # fmt: skip
        self.answered = outcome in _ANSWERED
        service_ns = client.ret - client.call
        latency_ns = client.ret - due if due else service_ns
        counters = recording.counters
        counters.latencies_ns.append(latency_ns)
        counters.services_ns.append(service_ns)
        if not self.answered:
            counters.errors += 1
        if recording.listener is not None and note is not STOPPED:
            recording.listener(
                call, latency_ns, service_ns, len(response.body),
                "" if self.answered else note or "failed",
            )  # fmt: skip
        if thing not in self._known_objects:
            self._known_objects.add(thing)
            self.objects.add(call.object + name)
            self.save()

    def _server_session(self, call: Call, outcome: int) -> int:
        """The number of the server session that the response shows (column `server_session`)."""
        server_sessions, response = self.server_sessions, self.client.response
        if call.enters and outcome != FAILED:
            server_sessions.current = 0  # replaced or ended, perhaps: nothing is expected now
        number = server_sessions.observe(response.fields.get(b"x-session-id"), response.status)
        if call is SIGN_IN and outcome == OK:
            server_sessions.current = number
        if server_sessions.lost:
            self.recording.counters.add_lost_session(self.number)
        return number


def _observed(read_wid: int, ver: int = NO_VERSION) -> Observed:
    return read_wid, ver, None, None
