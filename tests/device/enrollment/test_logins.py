"""Who signed in at a unit, as the audit trail has it, from lines of the journal; which certificates are revoked."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from platepost.device.audit.log import AuditEvent
from platepost.device.enrollment import logins
from platepost.device.enrollment.logins import CHECK_SECONDS, MOST_LINES, Logins
from platepost.device.enrollment.settings import ServiceSettings

CA = "CA ED25519 SHA256:duGerLtQ6oNOSta"
PEER = "publickey for technician from 192.168.50.2 port"
ACCEPTED = f"Accepted {PEER} {{}} ssh2: ED25519-CERT SHA256:0UZ5L ID {{}} (serial 12) {CA}"
SESSION = "Starting session: shell on pts/{} for technician from 192.168.50.2 port {} id 0"
SUDO = "technician : {}TTY=pts/{} ; PWD=/home/technician ; USER=root ; COMMAND={}"


class Unit:
    """A post's part, and the journal that root writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = folder / "journal"
        self.said: list[AuditEvent] = []
        self.lines: list[str] = []
        self.now = 0.0
        self.logins = self.begin()

    def begin(self, **settings: object) -> Logins:
        self.logins = Logins(
            self.folder,
            ServiceSettings.model_validate(settings),
            audit=SimpleNamespace(take=self.said.append),  # type: ignore[arg-type] # only said to
            journal=self.journal,
        )
        self.logins.start()
        return self.logins

    def hear(self, *messages: object, **sender: str) -> list[tuple[str, str, str | None]]:
        """Have root write messages too; return what the part recorded of them: action, who, from where."""
        for message in messages:
            number = len(self.lines)
            entry = {
                "__CURSOR": f"s={number}",
                "__REALTIME_TIMESTAMP": str(1_780_000_000_000_000 + number * 1_000_000),
                "MESSAGE": message,
                "_EXE": "/usr/bin/sudo" if "COMMAND" in str(message) else "/usr/lib/openssh/sshd-session",
                "_UID": "0",
                "_PID": "7",
            } | sender
            self.lines.append(json.dumps(entry))
        self.journal.unlink(missing_ok=True)
        self.journal.write_text("\n".join(["", "no JSON", "{}", *self.lines[-MOST_LINES:]]))
        self.now += CHECK_SECONDS
        before = len(self.said)
        self.logins._written = 0
        self.logins.poll(self.now)
        return [(each.action, str(each.identity), each.source) for each in self.said[before:]]


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return Unit(tmp_path)


def test_who_signed_in_from_where_and_what_they_ran_as_root_is_recorded_by_the_certificate_s_name(unit: Unit) -> None:
    found = unit.hear(
        ACCEPTED.format(4711, "r-alvarez"),
        ACCEPTED.format(4712, "j-stone"),
        SESSION.format(1, 4712),
        SESSION.format(0, 4711),
        SUDO.format("", 0, "/usr/bin/platepost aim --as /mnt/r-alvarez"),
        SUDO.format("command not allowed ; ", 1, "/usr/bin/cat /etc/shadow"),
        SUDO.replace("TTY=pts/{} ; ", "").format("a password is required ; ", "/usr/bin/cat /etc/passwd"),
        "Disconnected from user technician 192.168.50.2 port 4711",
        [1, 2],
    )
    assert found == [
        ("logged_in", "r-alvarez", "192.168.50.2"),
        ("logged_in", "j-stone", "192.168.50.2"),
        ("sudo", "r-alvarez", "pts/0"),
        ("sudo", "j-stone", "pts/1"),
        ("sudo", "technician", "no terminal"),
        ("logged_out", "r-alvarez", "192.168.50.2"),
    ]
    first, _, allowed, refused, by_no_terminal, _ = unit.said
    assert first.details == {"at": "2026-05-28T20:26:40Z", "user": "technician", "serial": "12"}
    assert allowed.details["command"] == "/usr/bin/platepost aim --as /mnt/r-alvarez"
    assert (allowed.outcome, refused.outcome, refused.reason) == ("success", "refused", "not_allowed")
    assert by_no_terminal.outcome == "refused"


def test_what_another_program_wrote_under_the_name_is_not_recorded(unit: Unit) -> None:
    command = SUDO.format("", 0, "/usr/bin/true")
    assert unit.hear(ACCEPTED.format(4711, "j-stone"), command, _EXE="/usr/bin/logger") == []
    unit.lines.clear()
    unit.hear(ACCEPTED.format(4711, "r-alvarez"))
    for line, expected in (  # of programs that ended before journald had looked
        (entry_of(ACCEPTED.format(4712, "j-stone"), "1000"), []),
        (entry_of(command, "1000"), ["sudo"]),
        (entry_of("pam_unix(sshd:session): session closed for user technician", "0"), ["logged_out"]),
    ):
        found = [event for _, event in logins.events_of([*unit.lines, line])][1:]
        assert [event.action for event in found] == expected
        assert all(event.details.get("unverified") is True for event in found if event.action == "sudo")


def entry_of(message: str, user: str) -> str:
    entry = {
        "__CURSOR": "last",
        "__REALTIME_TIMESTAMP": "1780000000000000",
        "MESSAGE": message,
        "_UID": user,
        "_PID": "7",
    }
    return json.dumps(entry)


def test_nothing_is_recorded_twice_and_a_gap_is(unit: Unit) -> None:
    assert unit.hear(ACCEPTED.format(4711, "r-alvarez")) == [("logged_in", "r-alvarez", "192.168.50.2")]
    assert unit.hear() == []
    unit.begin()
    assert unit.hear() == [], "the post was restarted"
    closed = "Connection closed by 192.168.50.2 port 4711"
    assert unit.hear(closed) == [("logged_out", "r-alvarez", "192.168.50.2")], "who that was is before it"
    flood = [ACCEPTED.format(port, "r-alvarez") for port in range(5000, 5000 + MOST_LINES + 1)]
    found = unit.hear(*flood)
    assert found[0][0] == "logins_missed"
    assert len(found) == 1 + MOST_LINES


def test_a_refused_certificate_is_recorded_and_a_stranger_s_key_is_not(unit: Unit) -> None:
    found = unit.hear(
        f"Failed {PEER} 1 ssh2: ED25519 SHA256:0UZ5L",
        f"Failed {PEER} 1 ssh2: ED25519-CERT SHA256:0 ID r-alvarez (serial 12) {CA}",
        "Disconnected from authenticating user technician 192.168.50.2 port 1 [preauth]",
    )
    assert found == [("login_refused", "r-alvarez", "192.168.50.2")]


def test_revoked_certificates_are_left_to_root(unit: Unit) -> None:
    path = unit.folder / logins.REVOKED
    assert not path.exists()
    unit.begin(revoked_ssh=[12, 30])
    assert path.read_text() == "12\n30\n"
    unit.logins.adjust(SimpleNamespace(table=lambda _: ServiceSettings(revoked_ssh=(31,))))  # type: ignore[arg-type]  # one table
    assert path.read_text() == "31\n"
    unit.begin()
    assert path.read_text() == ""
