"""Who signed in at the unit over ssh, and what they ran by sudo, in the audit trail; and whose certificate is revoked.

The journal and sshd's files are root's. `packaging/systemd/logins`, which runs every five minutes, writes the lines of
the journal that matter where the post reads them, and adds the serial numbers that the post leaves to sshd's list.
"""

import json
import logging
import re
from collections.abc import Iterator
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


def events_of(lines: list[str]) -> Iterator[tuple[str, AuditEvent]]:
    """Yield the events that lines of the journal tell, with the cursor of each line.

    People are known by the key id of their certificate. sudo only knows the account and the terminal; sshd's lines tell
    whose terminal it is. A line that another program wrote is left out. journald does not know the program of one that
    ended at once: then only what root wrote counts, and a command by sudo, which no one else may hide, is `unverified`.
    """
    by_process: dict[str, str] = {}
    people: dict[str, tuple[str, str]] = {}
    terminals: dict[str, str] = {}
    for line in lines:
        try:
            entry = json.loads(line)
            cursor, text = str(entry["__CURSOR"]), str(entry["MESSAGE"])
            program, user = entry.get("_EXE"), entry.get("_UID")
            at = datetime.fromtimestamp(int(entry["__REALTIME_TIMESTAMP"]) / 1e6, UTC)
        except (ValueError, KeyError, TypeError, OverflowError, OSError):
            continue
        known = program in _PROGRAMS or (program is None and user == "0")
        process = str(entry.get("_PID"))
        found: re.Match[str] | None
        details: dict[str, JsonValue] = {"at": f"{at:%Y-%m-%dT%H:%M:%SZ}"}
        if found := _SUDO.match(text):
            if program not in {None, "/usr/bin/sudo"}:
                continue
            who = terminals.get(found["terminal"]) or found["user"]
            details |= {"user": found["user"], "as": found["as"], "command": found["command"][:300]}
            details |= {} if program else {"unverified": True}
            refused = found["refusal"] is not None
            yield (
                cursor,
                AuditEvent(
                    "sudo",
                    found["terminal"] or "no terminal",
                    "refused" if refused else "success",
                    identity=who[:120],
                    reason="not_allowed" if refused else None,
                    details=details,
                ),
            )
        elif not known:
            continue
        elif found := _ACCEPTED.match(text):
            who, address = found["name"] or found["user"], found["address"]
            people[found["port"]] = who, address
            by_process[process] = found["port"]
            details |= {"user": found["user"], "serial": found["serial"]}
            yield cursor, AuditEvent("logged_in", address, identity=who[:120], details=details)
        elif found := _SESSION.match(text):
            terminals[found["terminal"]] = people.get(found["port"], ("", ""))[0]
        elif (port := _port_closed(text, by_process.get(process))) in people:
            who, address = people.pop(port)
            yield cursor, AuditEvent("logged_out", address, identity=who[:120], details=details)
        elif (found := _REFUSED.match(text)) and found["name"]:
            details |= {"user": found["user"][:120], "serial": found["serial"]}
            yield (
                cursor,
                AuditEvent(
                    "login_refused",
                    found["address"],
                    "refused",
                    identity=found["name"][:120],
                    reason="certificate_refused",
                    details=details,
                ),
            )


def _port_closed(text: str, of_process: str | None) -> str:
    """Return the port of the connection that ended by a line, or nothing."""
    if found := _CLOSED.match(text):
        return found["port"]
    return of_process or "" if _ENDED.match(text) else ""
