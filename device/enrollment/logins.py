"""Who signed in at the unit over ssh, and what they ran by sudo, in the audit trail; and whose certificate is revoked.

The journal and sshd's files are root's. `packaging/systemd/logins`, which runs every five minutes, writes the lines of
the journal that matter where the post reads them, and adds the serial numbers that the post leaves to sshd's list.
"""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue

from platepost.common.files import StateFile, write_durably
from platepost.device.audit.log import AuditEvent
from platepost.device.audit.rate_limit import RateLimitedAudit
from platepost.device.enrollment.settings import ServiceSettings
from platepost.device.part import Interval, Part, Tables

log = logging.getLogger(__name__)

JOURNAL = Path("/run/platepost-logins/journal")
"""Lines of the journal, JSON (journalctl(1), `--output=json`), the oldest first."""
MOST_LINES = 1000
"""That root writes; when all are new, some before them may have been missed."""
REVOKED = "revoked-ssh"
"""File, in the post's folder, with the serial numbers of revoked certificates, a line each."""
CHECK_SECONDS = 10.0
# The messages of OpenSSH 9 and 10 with `LogLevel VERBOSE`, and of sudo 1.9.
_CERTIFICATE = r"(?:.* ID (?P<name>\S+) \(serial (?P<serial>\d+)\))?"
_PEER = r"for (?:invalid user )?(?P<user>\S+) from (?P<address>\S+) port (?P<port>\d+)"
_ACCEPTED = re.compile(rf"Accepted \S+ {_PEER}{_CERTIFICATE}")
_REFUSED = re.compile(rf"Failed publickey {_PEER}{_CERTIFICATE}")
_SESSION = re.compile(r"Starting session: .* on (?P<terminal>\S+) for \S+ from \S+ port (?P<port>\d+)")
_CLOSED = re.compile(
    r"(?:Disconnected from|Connection (?:closed|reset) by|Timeout, client not responding from) .*port (?P<port>\d+)"
)
_ENDED = re.compile(r"pam_unix\(sshd:session\): session closed")
_PROGRAMS = frozenset({"/usr/sbin/sshd", "/usr/lib/openssh/sshd-session", "/usr/bin/sudo"})
_SUDO = re.compile(
    r"\s*(?P<user>\S+) : (?P<refusal>[^;=]+ ; )?(?:TTY=(?P<terminal>\S+) ; )?PWD=.* ; USER=(?P<as>\S+) ; "
    r".*?COMMAND=(?P<command>.*)"
)


class ReadMark(BaseModel):
    """Up to where the journal was recorded."""

    model_config = ConfigDict(frozen=True)

    cursor: str


class Logins(Part):
    """Records who signed in, and has sshd reject revoked certificates.

    Args:
        folder: the post's.
        settings: which certificates are revoked.
        audit: where events go; refusals are limited, for a stranger may cause them.
        journal: what root writes.

    """

    def __init__(
        self, folder: Path, settings: ServiceSettings, *, audit: RateLimitedAudit, journal: Path = JOURNAL
    ) -> None:
        self._revoked = folder / REVOKED
        self._settings = settings
        self._audit = audit
        self._journal = journal
        self._mark = StateFile(folder / "logins.json", ReadMark, about="up to where log-ins were recorded")
        self._cursor = ""
        self._written = 0
        self._check_due = Interval(CHECK_SECONDS)

    def start(self) -> None:
        """Go on where the last run ended."""
        mark = self._mark.recall()
        self._cursor = "" if mark is None else mark.cursor
        self._revoke()

    def adjust(self, tables: Tables) -> None:
        """Leave another list of revoked certificates to root, if it changed."""
        before, self._settings = self._settings, tables.table(ServiceSettings)
        if self._settings.revoked_ssh != before.revoked_ssh:
            self._revoke()

    def poll(self, now: float) -> None:
        """Record what is new."""
        if not self._check_due.due(now):
            return
        try:
            written = self._journal.stat().st_mtime_ns
            if written == self._written:
                return
            lines = self._journal.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return  # no card, or root has not looked yet
        self._written = written
        self._record(lines)

    def _revoke(self) -> None:
        text = "".join(f"{serial}\n" for serial in self._settings.revoked_ssh)
        try:
            if text or self._revoked.exists():
                write_durably(self._revoked, text.encode())
        except OSError as error:
            log.warning("the list of revoked ssh certificates cannot be written: %s", error)

    def _record(self, lines: list[str]) -> None:
        events = list(events_of(lines))
        cursors = [cursor for cursor, _ in events]
        known = self._cursor in cursors
        new = events[cursors.index(self._cursor) + 1 :] if known else events
        if self._cursor and not known and len(lines) >= MOST_LINES:
            self._audit.take(AuditEvent("logins_missed", "ssh"))
        for _, event in new:
            self._audit.take(event)
        if new:
            self._cursor = new[-1][0]
            self._mark.keep(ReadMark(cursor=self._cursor))


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One line of the journal, as far as it matters here."""

    cursor: str
    at: str
    message: str
    process: str
    program: str | None
    """None where journald does not know it: the process ended at once."""
    user: str | None

    @classmethod
    def parse(cls, line: str) -> "JournalLine | None":
        """Read a line of `journalctl --output=json`; return None for one that is not complete."""
        try:
            entry = json.loads(line)
            at = datetime.fromtimestamp(int(entry["__REALTIME_TIMESTAMP"]) / 1e6, UTC)
            program, user = entry.get("_EXE"), entry.get("_UID")
            return cls(
                cursor=str(entry["__CURSOR"]),
                at=f"{at:%Y-%m-%dT%H:%M:%SZ}",
                message=str(entry["MESSAGE"]),
                process=str(entry.get("_PID")),
                program=None if program is None else str(program),
                user=None if user is None else str(user),
            )
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError):
            return None

    @property
    def trusted(self) -> bool:
        """Whether sshd or sudo wrote it, or root where the program is not known."""
        return self.program in _PROGRAMS or (self.program is None and self.user == "0")


class LoginTracker:
    """Makes audit events of the journal's lines, one after another.

    sshd's lines show whose connection has which port, process and terminal; sudo's have only account and terminal.
    """

    def __init__(self) -> None:
        self._people: dict[str, tuple[str, str]] = {}
        """Who is connected, and their address, by port."""
        self._ports: dict[str, str] = {}
        """By process of sshd."""
        self._terminals: dict[str, str] = {}
        """Who is at which terminal."""

    def event(self, line: JournalLine) -> AuditEvent | None:
        """Return the event that a line reports, if it reports one."""
        if command := _SUDO.match(line.message):
            return self._sudo(line, command) if line.program in {None, "/usr/bin/sudo"} else None
        if not line.trusted:
            return None
        if accepted := _ACCEPTED.match(line.message):
            return self._accepted(line, accepted)
        if session := _SESSION.match(line.message):
            self._terminals[session["terminal"]] = self._people.get(session["port"], ("", ""))[0]
            return None
        port = self._closed_port(line)
        if port in self._people:
            person, address = self._people.pop(port)
            return AuditEvent("logged_out", address, identity=person[:120], details={"at": line.at})
        refused = _REFUSED.match(line.message)
        return _refused(line, refused) if refused and refused["name"] else None

    def _sudo(self, line: JournalLine, command: re.Match[str]) -> AuditEvent:
        person = self._terminals.get(command["terminal"]) or command["user"]
        refused = command["refusal"] is not None
        details: dict[str, JsonValue] = {
            "at": line.at,
            "user": command["user"],
            "as": command["as"],
            "command": command["command"][:300],
        }
        if line.program is None:
            details["unverified"] = True
        return AuditEvent(
            "sudo",
            command["terminal"] or "no terminal",
            "refused" if refused else "success",
            identity=person[:120],
            reason="not_allowed" if refused else None,
            details=details,
        )

    def _accepted(self, line: JournalLine, accepted: re.Match[str]) -> AuditEvent:
        person, address, port = accepted["name"] or accepted["user"], accepted["address"], accepted["port"]
        self._people[port] = person, address
        self._ports[line.process] = port
        details: dict[str, JsonValue] = {"at": line.at, "user": accepted["user"], "serial": accepted["serial"]}
        return AuditEvent("logged_in", address, identity=person[:120], details=details)

    def _closed_port(self, line: JournalLine) -> str | None:
        """Return the port of the connection that ended by a line."""
        if closed := _CLOSED.match(line.message):
            return closed["port"]
        return self._ports.get(line.process) if _ENDED.match(line.message) else None


def _refused(line: JournalLine, refused: re.Match[str]) -> AuditEvent:
    details: dict[str, JsonValue] = {"at": line.at, "user": refused["user"][:120], "serial": refused["serial"]}
    return AuditEvent(
        "login_refused",
        refused["address"],
        "refused",
        identity=refused["name"][:120],
        reason="certificate_refused",
        details=details,
    )


def events_of(lines: list[str]) -> Iterator[tuple[str, AuditEvent]]:
    """Yield the events that lines of the journal report, with the cursor of each line.

    People are known by the key ID of their certificate. A line that another program wrote is left out. journald does
    not know the program of a process that ended at once: then only what root wrote counts, and a command by sudo, which
    no one else may hide, is `unverified`.
    """
    tracker = LoginTracker()
    for line in lines:
        parsed = JournalLine.parse(line)
        event = None if parsed is None else tracker.event(parsed)
        if parsed is not None and event is not None:
            yield parsed.cursor, event
