"""The breach drill: whom the department computes to be affected is whom the test knows to be."""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from allauth.mfa.models import Authenticator
from click.testing import CliRunner, Result
from django.db import IntegrityError, transaction
from django.utils import timezone
from joserfc.jwk import ECKey

from platepost.department.archive.evidence_package import AFFECTED, AFFECTED_TABLE, open_sealed, pack, seal, unpack
from platepost.department.cli import department
from platepost.department.database.roles import COMMAND, KEEPER
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.entries import open_entry, open_log
from platepost.department.ledger.models import Agency
from platepost.department.ledger.writing import append
from platepost.department.lists.models import ListEntry
from platepost.department.lists.services import seeing
from platepost.department.people.models import DepartmentPerson, KnownDevice
from platepost.department.people.rights import DepartmentRole
from platepost.department.people.services import disable, join_covert
from platepost.department.policy.policy import AccessPurpose
from platepost.department.sharing import incidents
from platepost.department.sharing.errors import SharingError
from platepost.department.sharing.incidents import (
    contain,
    containment,
    exposure,
    note_notices,
    open_incident,
    sealed_list,
)
from platepost.department.sharing.models import BreachIncident
from platepost.department.sharing.notice import breach_notice
from tests.age_keys import new_key
from tests.department.emptying import empty
from tests.department.people.persons import fresh_client_of, new_person
from tests.department.roles import as_role
from tests.department.search.conftest import Stock, keep_reads, stock
from tests.department.sharing.conftest import AGENCIES, sql
from tests.department.sharing.pdf_text import PdfText
from tests.department.status.kept import synthetic

__all__ = ["stock"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("planted")]
AT = datetime(2026, 10, 5, 12, tzinfo=UTC)
DAY = AT.date()
GROUP = "narcotics"
LAPTOP = UUID("9b2f6a1c-3d47-4e58-8c09-5a7e1f2b4d60")
HEADINGS = (
    "What Happened",
    "What Information Was Involved",
    "What We Are Doing",
    "What You Can Do",
    "For More Information",
)
"""The statute's."""


@pytest.fixture
def planted(superuser: psycopg.Connection, stock: Stock, people: dict[str, DepartmentPerson]) -> dict[str, int]:
    """Keep 40 reads, one an hour, the last of a covert group; return each plate's record."""
    empty(superuser, "custody_read", "custody_hit", "sharing_incident")
    hours = [{"plate": f"TEST{hour:03}", "captured_at": AT + timedelta(hours=hour)} for hour in range(40)]
    stock(
        [{**each, "retained_from": each["captured_at"]} for each in hours[:-1]] + [hours[-1] | {"covert_group": GROUP}]
    )
    for login in ("x.person", "y.person"):
        new_person(login, DepartmentRole.OPERATOR)
    matches: dict[str, int] = dict(
        superuser.execute("SELECT plate_read, record_id FROM custody_read ORDER BY 2").fetchall()
    )
    assert len(matches) == 40
    return matches


@pytest.fixture
def oakdale(superuser: psycopg.Connection, people: dict[str, DepartmentPerson]) -> Iterator[None]:
    """Have another department in the register of agencies."""
    empty(superuser, *AGENCIES)
    Agency.objects.create(name="oakdale-pd", kind="in_state", allowed=True, note="", ori="CA0010100")
    yield
    empty(superuser, *AGENCIES)


def shown_search(who: str, records: Iterable[int], *, plates: Iterable[str] = (), group: str | None = None) -> None:
    """Have someone search, and be shown these."""
    asked: dict[str, Any] = {"person": who, "agency": "riverside", "purpose": AccessPurpose("patrol"), "query": {}}
    with open_entry(**asked, groups=[group] if group else []) as entry:
        entry.fetched(records=records, pictures=[(record, "patch") for record in records], plates=plates, group=group)


def incident(kind: str, subject: str, since: datetime, until: datetime, **more: Any) -> BreachIncident:
    fields = {"says": "An account was abused.", "known_on": DAY, "encrypted": False} | more
    return open_incident(person="r.manager", kind=kind, subject=subject, since=since, until=until, **fields)


def exposed(breach_incident: BreachIncident, person: DepartmentPerson) -> tuple[set[str], set[int]]:
    breach_exposure = exposure(breach_incident, person=person)
    lines = [json.loads(line) for line in breach_exposure.lines.splitlines()]
    by_fold = [each["plate"].replace("O", "0") for each in lines]
    assert by_fold == sorted(by_fold)
    assert (breach_exposure.plates, breach_exposure.reads) == (
        len(lines),
        sum(each.get("count", len(each.get("reads", ()))) for each in lines),
    )
    return {each["plate"] for each in lines}, {int(record) for each in lines for record in each.get("reads", ())}


def test_abused_account_and_stolen_laptop(people: dict[str, DepartmentPerson], planted: dict[str, int]) -> None:
    manager = people["r"]
    record = [planted[f"TEST{number:03}"] for number in range(40)]
    with as_role(COMMAND):
        shown_search("x.person", record[:3])  # before the day
        since = timezone.now()
        logged = {"person": "x.person", "methods": [], "device": str(LAPTOP), "known": True}
        append(LedgerEvent.LOG_ON, logged)
        shown_search("x.person", record[5:8], plates=["TEST030"])
        shown_search("o.person", record[10:20])  # honest
        append(LedgerEvent.LOG_OFF, {"person": "x.person", "device": str(LAPTOP)})
        shown_search("x.person", [record[9], 999_999])  # from elsewhere; one is gone by now
        shown_search("x.person", [record[39]], group=GROUP)
        noted = {"person": "x.person", "time": timezone.now().isoformat(), "digest": "0"}
        append(LedgerEvent.LOG_ON, logged | {"device": str(uuid4())})
        until = timezone.now()
        shown_search("x.person", record[20:22])  # after the day
        account = incident("account", "x.person", since, until)
        laptop = incident("device", str(LAPTOP), since, until)
        expected = {"TEST005", "TEST006", "TEST007", "TEST030"}
        assert exposed(laptop, manager) == (expected, set(record[5:8]))
        assert exposed(account, manager) == (expected | {"TEST009"}, {*record[5:8], record[9]})
        assert exposure(account, person=manager).gone == {999_999}
    join_covert(manager, GROUP)
    with as_role(COMMAND):
        assert exposed(account, manager)[0] == expected | {"TEST009", "TEST039"}, "in the group, also of the group"
    with as_role(KEEPER):
        fields = {"shown": {"hit": "h", "post": "post-1", "plate": "TEST033"}, "covert": {GROUP: {"plate": "TEST034"}}}
        append(LedgerEvent.JOURNALED, noted | fields)
        for outside in (since - timedelta(minutes=1), until):
            more = {"time": outside.isoformat(), "shown": {"hit": "h", "post": "post-1", "plate": "TEST035"}}
            append(LedgerEvent.JOURNALED, noted | fields | more | {"covert": {}})
    with as_role(COMMAND):
        journaled = exposed(account, manager)[0] - expected
    assert journaled == {"TEST009", "TEST039", "TEST033", "TEST034"}, "shown while the ledger could not be written"


LISTED = """
INSERT INTO lists_entry (plate, category, priority, distribution, purpose, case_number, reason, author, expires_at,
    second_person, over_at)
SELECT plate, 'wanted', 1, "group", 'p', '1', 'r', 's.ito', now() + interval '1 day', false, now() + interval '1 day'
FROM (VALUES ('8LST456', NULL), ('9COV789', %s)) AS entry (plate, "group")
"""


def test_plates_of_the_list_and_of_the_ledger_count(
    people: dict[str, DepartmentPerson], planted: dict[str, int], superuser: psycopg.Connection
) -> None:
    """An auditor whose account was abused has read other people's searches; an operator, entries of the list."""
    manager, auditor = people["r"], new_person("d.okafor", DepartmentRole.AUDITOR)
    operator = new_person("z.person", DepartmentRole.OPERATOR)
    join_covert(operator, GROUP)
    superuser.execute("SET session_replication_role = replica")
    superuser.execute(LISTED, [GROUP])
    superuser.execute("RESET session_replication_role")
    with as_role(COMMAND):
        began = timezone.now()
        asked: dict[str, Any] = {"person": "x.person", "agency": "riverside", "purpose": AccessPurpose("patrol")}
        with open_entry(**asked, query={"plate": "TEST001", "from": "today"}) as entry:
            entry.fetched(plates=["7OIL123"])
        with open_entry(**asked, query={"plate": "TE?T*"}):
            pass
        ((numbers,),) = superuser.execute(
            "SELECT array_agg(number) FROM ledger_entry WHERE at >= %s", [began]
        ).fetchall()
        since = timezone.now()
        with open_log(
            person=auditor.login, agency=auditor.agency, purpose=AccessPurpose("audit", "audit 1"), query={}
        ) as log:
            log.fetched(entries=numbers)
        with seeing(operator, page=200):
            assert ListEntry.objects.count() == 2
        until = timezone.now()
        assert exposed(incident("account", auditor.login, since, until), manager) == ({"TEST001", "7OIL123"}, set())
        assert exposed(incident("account", operator.login, since, until), manager) == ({"8LST456"}, set())
        assert exposed(incident("account", operator.login, until, timezone.now()), manager) == (set(), set())
    join_covert(manager, GROUP)
    with as_role(COMMAND):
        exposed_too = exposed(incident("account", operator.login, since, until), manager)
    assert exposed_too == ({"8LST456", "9COV789"}, set())
    empty(superuser, "lists_entry")


def test_who_had_logged_on_before_the_laptop_was_stolen_counts_from_then_on(
    people: dict[str, DepartmentPerson], planted: dict[str, int]
) -> None:
    with as_role(COMMAND):
        append(LedgerEvent.LOG_ON, {"person": "x.person", "methods": [], "device": str(LAPTOP), "known": True})
        shown_search("x.person", [planted["TEST004"]])
        since = timezone.now()
        shown_search("x.person", [planted["TEST005"]])
        matches = exposed(incident("device", str(LAPTOP), since, timezone.now()), people["r"])
    assert matches == ({"TEST005"}, {planted["TEST005"]})


def test_who_logs_off_elsewhere_has_not_logged_off_the_stolen_laptop(
    people: dict[str, DepartmentPerson], planted: dict[str, int]
) -> None:
    """The owner reports the theft from the office, and logs off there; ledgers of before named no browser."""
    since = timezone.now()
    with as_role(COMMAND):
        for device in (LAPTOP, uuid4()):
            append(LedgerEvent.LOG_ON, {"person": "x.person", "methods": [], "device": str(device), "known": True})
        append(LedgerEvent.LOG_OFF, {"person": "x.person", "device": str(device)})
        shown_search("x.person", [planted["TEST004"]])
        append(LedgerEvent.LOG_OFF, {"person": "x.person"})
        shown_search("x.person", [planted["TEST005"]])
        append(LedgerEvent.LOG_OFF, {"person": "x.person", "device": str(LAPTOP)})
        shown_search("x.person", [planted["TEST006"]])
        laptop = incident("device", str(LAPTOP), since, timezone.now())
        assert exposed(laptop, people["r"])[0] == {"TEST004", "TEST005"}


def test_copied_backup_and_stolen_key(people: dict[str, DepartmentPerson], planted: dict[str, int]) -> None:
    since, until = AT + timedelta(hours=10), AT + timedelta(hours=25)
    with as_role(COMMAND):
        backup = incident("backup", "ab" * 32, since, until)
        received = incident("subscriber", "map", since, until)
        assert exposed(backup, people["r"])[0] == {f"TEST{hour:03}" for hour in range(25)}
        assert exposed(received, people["r"])[0] == {f"TEST{hour:03}" for hour in range(10, 25)}
        seen = "SELECT count(*) FROM ledger_entry WHERE event = 'intent'"
    assert sql(seen)[0][0] >= 2, "computing it is in the ledger, too"


def test_of_a_stolen_key_what_was_kept_in_its_time_counts_alone(
    people: dict[str, DepartmentPerson], planted: dict[str, int], superuser: psycopg.Connection
) -> None:
    """The clock of a post may have been ahead."""
    numbers = iter([1001])
    ahead = {"plate": "AHEAD01", "class": "doubtful", "captured_at": AT.replace(year=2038)}
    keep_reads(superuser, [{**ahead, "retained_from": AT + timedelta(hours=30)}], numbers=numbers)
    with as_role(COMMAND):
        received = incident("subscriber", "map", AT + timedelta(hours=29), AT + timedelta(hours=31))
        assert exposed(received, people["r"])[0] == {"TEST029", "TEST030", "AHEAD01"}


def test_of_a_backup_each_plate_is_told_with_its_count_however_many_there_are(
    people: dict[str, DepartmentPerson],
    planted: dict[str, int],
    superuser: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A page of plates after the other, several under an entry; a hit counts beside its read."""
    monkeypatch.setattr(incidents, "MOST_ROWS", 3)
    monkeypatch.setattr(incidents, "_PAGES", 4)
    often = [{"plate": "TEST0O4", "captured_at": AT + timedelta(minutes=minute)} for minute in range(5)]
    keep_reads(
        superuser, [{**each, "retained_from": each["captured_at"]} for each in often], numbers=iter(range(900, 999))
    )
    synthetic(superuser.execute, "post-1", AT)
    superuser.execute("UPDATE custody_hit SET plate_read = 'TEST004', plate_fold = 'TEST004'")
    ((begin,),) = sql("SELECT coalesce(max(number), 0) FROM ledger_entry")
    with as_role(COMMAND):
        backup = incident("backup", "ab" * 32, AT, AT + timedelta(hours=39))
        breach_exposure = exposure(backup, person=people["r"])
        assert exposed(backup, people["r"])[0] == {f"TEST{hour:03}" for hour in range(39)} - {"TEST004"} | {"TEST0O4"}
    assert breach_exposure.reads == 39 + 6
    notified = next(json.loads(line) for line in breach_exposure.lines.splitlines() if b"TEST0O4" in line)
    first, last = (datetime.fromisoformat(notified[name]) for name in ("first", "last"))
    assert (notified["count"], first, last) == (7, AT, AT + timedelta(hours=4))
    shown = sql(
        "SELECT value FROM ledger_entry JOIN ledger_body USING (entry) WHERE event = 'shown' AND field = 'plates'"
        " AND number > %s",
        begin,
    )
    assert {len(json.loads(plates)) for (plates,) in shown} == {12, 3}, "39 plates, and each is in the ledger"


@pytest.mark.parametrize(
    ("kind", "subject", "text"),
    [
        ("account", " Y.Person", "y.person"),
        ("account", "z.person", None),
        ("account", "B.Stone@Oakdale-PD", "b.stone@oakdale-pd"),
        ("account", "b.stone@elsewhere-pd", None),
        ("device", f" {str(LAPTOP).upper()} ", str(LAPTOP)),
        ("device", "the laptop", None),
        ("backup", "AB" * 32, "ab" * 32),
        ("backup", "riverside-20270131T030000Z.backup.age", None),
        ("subscriber", "map", "map"),
    ],
)
@pytest.mark.usefixtures("oakdale")
def test_subject_is_what_the_ledger_calls_it_or_refused(
    people: dict[str, DepartmentPerson], planted: dict[str, int], kind: str, subject: str, text: str | None
) -> None:
    """Of another one nothing was shown: no one would be affected, and no one told."""
    fields = {"kind": kind, "subject": subject, "says": "An account was abused.", "known_on": DAY}
    times = {"since": "2026-01-01T00:00", "until": "2999-01-01T00:00"}
    client = fresh_client_of(people["r"])
    with as_role(COMMAND):
        assert client.post("/incidents/", fields | times).status_code == (409 if text is None else 302)
        assert [*BreachIncident.objects.values_list("subject", flat=True)] == ([] if text is None else [text])


def test_clock_list_and_notices_by_the_pages(
    people: dict[str, DepartmentPerson],
    planted: dict[str, int],
    superuser: psycopg.Connection,
    settings: Any,
) -> None:
    settings.CONTACT, settings.DEPARTMENT_NAME = "records@riverside.example", ""
    client, key = fresh_client_of(people["r"]), ECKey.generate_key("P-256")
    fields = {"kind": "account", "subject": "y.person", "says": "An account was abused.", "known_on": DAY}
    with as_role(COMMAND):
        since = timezone.now()
        shown_search("y.person", [planted["TEST004"]])
        with pytest.raises(SharingError) as refused:
            note_notices(incident("account", "o.person", since, timezone.now()), person="r.manager")
        assert refused.value.rule == "sharing_incident_told"
        late = {"notify_by": DAY + timedelta(days=31), "since": since, "until": timezone.now(), "encrypted": False}
        with pytest.raises(IntegrityError, match="sharing_incident_clock"), transaction.atomic():
            BreachIncident.objects.create(person="r.manager", **fields, **late)
    times = {"since": "2026-01-01T00:00", "until": "2999-01-01T00:00"}
    with as_role(COMMAND):
        assert client.post("/incidents/", fields | times | {"until": "2025-01-01T00:00"}).status_code == 409
        assert client.post("/incidents/", fields | times).status_code == 302
        breach_incident = BreachIncident.objects.get(subject="y.person")
        assert (breach_incident.notify_by - breach_incident.known_on, breach_incident.is_late) == (
            timedelta(days=30),
            True,
        )
        where = f"/incidents/{breach_incident.pk}/"
        assert "S.Person, supervisor" in client.get(where).content.decode(), "who may disable the account"
        assert client.post(f"{where}list/", {"key": "none"}).status_code == 409
        sealed = client.post(f"{where}list/", {"key": key.as_pem(private=False).decode()}).content
    assert AFFECTED.encode() not in sealed
    about, *plates = map(json.loads, unpack(open_sealed(sealed, key.as_pem(private=True)))[AFFECTED].splitlines())
    assert (about["plates"], [each["plate"] for each in plates]) == (1, ["TEST004"])
    with as_role(COMMAND):
        page = client.get(where).content.decode()
        assert "1 plates, 1 reads" in page
        assert "Disable the account on its page; its sessions end with it: not done" in page
        assert "No copy to the attorney general is required: that is for more than 500 people" in page
        assert 'role="alert"' not in page, "nothing is refused"
        nameless = client.get(f"{where}notice/affected/")
        assert (nameless.status_code, "Set `name` and `contact`" in nameless.text) == (409, True)
        settings.DEPARTMENT_NAME = "Riverside Police Department"
        notice = client.get(f"{where}notice/affected/").content.decode()
        assert all(f"<h2>{heading}</h2>" in notice for heading in HEADINGS)
        assert "TEST004" not in notice
        assert "records manager of Riverside Police Department: records@riverside.example." in notice
        assert client.get(f"{where}notice/TEST004.pdf").status_code == 404, "no plate in the name of a file"
        assert f'href="{where}notice/affected.pdf"' in page
        answer = client.get(f"{where}notice/affected.pdf")
    assert (answer["Content-Type"], answer.content[:5]) == ("application/pdf", b"%PDF-")
    assert answer["Content-Disposition"] == f'attachment; filename="incident-{breach_incident.pk}-notice-affected.pdf"'
    read = PdfText(answer.content)
    assert (read.about["Title"], read.about["Author"]) == ("Notice of Data Breach", "Riverside Police Department")
    fields = [unescape(text) for text in re.findall(r"<(?:h1|h2|p)>([^<]+)</", notice[notice.index("<h1>") :])]
    assert len(fields) >= 13, "title, five headings, and what stands below each"
    assert read.text == " ".join(fields), "the PDF says what the page says"
    assert min(read.sizes) >= 10, "points, says the statute"
    with as_role(COMMAND):
        foreign = incident("account", "y.person", since, timezone.now(), says="By \u5f20.")
        sealed_list(foreign, key, person=people["r"])
        refused = client.get(f"/incidents/{foreign.pk}/notice/affected.pdf")
    assert (refused.status_code, "U+5F20" in refused.content.decode()) == (409, True)
    disable(DepartmentPerson.objects.get(login="y.person"))
    superuser.execute("UPDATE sharing_incident SET plates = 501 WHERE id = %s", [breach_incident.pk])
    with as_role(COMMAND):
        page = client.get(where).content.decode()
        assert "its sessions end with it: done" in page
        assert "the attorney general" in page
        assert "Notices: 501" in client.get(f"{where}notice/attorney-general/").content.decode()
        assert f'href="{where}notice/attorney-general.pdf"' in page
        copied = PdfText(client.get(f"{where}notice/attorney-general.pdf").content).text
        assert "Notices: 501" in copied
        assert "We disabled the account." in copied
        assert client.post(f"{where}notified/").status_code == 302
        with pytest.raises(SharingError):
            sealed_list(breach_incident, key, person=people["r"])
    events = [
        event
        for (event,) in sql(
            "SELECT event FROM ledger_entry WHERE event ~ '^(incident|exposure|breach)' ORDER BY number"
        )
    ]
    assert events[-3:] == ["incident_opened", "exposure_computed", "breach_notified"]


def test_the_list_is_encrypted_to_a_key_of_age(
    people: dict[str, DepartmentPerson], planted: dict[str, int], tmp_path: Path
) -> None:
    public = new_key(tmp_path / "me.txt")
    with as_role(COMMAND):
        created = incident("backup", "ab" * 32, AT, AT + timedelta(hours=3))
        answer = fresh_client_of(people["r"]).post(f"/incidents/{created.pk}/list/", {"key": public})
    assert f"incident-{created.pk}.zip.age" in answer.headers["Content-Disposition"]
    files = unpack(open_sealed(answer.content, (tmp_path / "me.txt").read_bytes()))
    assert len(files[AFFECTED].splitlines()) == 4
    title, *plates = files[AFFECTED_TABLE].decode().splitlines()
    assert title == "Plate,Reads shown,First read,Last read,Cameras"
    assert [line.split(",")[0] for line in plates] == [
        json.loads(line)["plate"] for line in files[AFFECTED].splitlines()[1:]
    ]


def test_records_manager_opens_the_list(
    people: dict[str, DepartmentPerson], planted: dict[str, int], tmp_path: Path
) -> None:
    key = ECKey.generate_key("P-256")
    private, file, into = (tmp_path / name for name in ("me.pem", "incident.jwe", "affected.jsonl"))
    private.write_bytes(key.as_pem(private=True))
    with as_role(COMMAND):
        created = incident("backup", "ab" * 32, AT, AT + timedelta(hours=3))
        file.write_bytes(sealed_list(created, key, person=people["r"]))

    def opened() -> Result:
        return CliRunner().invoke(department, ["affected", "open", str(file), str(into), "--open-with", str(private)])

    assert opened().output == f"Incident {created.pk}: 3 plates.\n"
    assert [json.loads(line).get("plate") for line in into.read_bytes().splitlines()] == [
        None, "TEST000", "TEST001", "TEST002",
    ]  # fmt: skip
    assert into.stat().st_mode & 0o077 == 0
    assert "already exists" in str(opened().exception)
    into.unlink()
    file.write_bytes(seal(pack({"manifest.jws": b""}), key))
    assert "is not a list" in str(opened().exception)
    assert not into.exists()


@pytest.mark.usefixtures("oakdale")
def test_account_of_a_partner_s_officer(
    people: dict[str, DepartmentPerson],
    planted: dict[str, int],
    settings: Any,
) -> None:
    """What this department answered in that name is affected; only its own department can disable it."""
    since = timezone.now()
    with as_role(COMMAND):
        shown_search("b.stone@oakdale-pd", [planted["TEST004"]], plates=["TEST005"])
        shown_search("b.stone", [planted["TEST006"]])
        created = incident("account", "b.stone@oakdale-pd", since, timezone.now())
        assert exposed(created, people["r"])[0] == {"TEST004", "TEST005"}
    ((step, done),) = containment(created)
    assert ("Have oakdale-pd disable the account" in step, done, contain(created)) == (True, False, {})
    Agency.objects.filter(name="oakdale-pd").update(allowed=False)
    assert [done for _, done in containment(created)] == [True]
    settings.CONTACT, settings.DEPARTMENT_NAME = "records@riverside.example", "Riverside Police Department"
    assert "another department" in str(breach_notice(created, attorney_general=False).parts)


def test_contained_in_one_step(people: dict[str, DepartmentPerson], planted: dict[str, int]) -> None:
    KnownDevice.objects.create(person=people["o"], device=LAPTOP)
    times = {"since": AT, "until": AT + timedelta(hours=1)}
    for kind, subject, codes in (("account", "x.person", set()), ("device", str(LAPTOP), {"o.person"})):
        created = incident(kind, subject, **times)
        assert [done for _, done in containment(created)] == [False], kind
        assert set(contain(created)) == codes
        assert [done for _, done in containment(created)] == [True], kind
        assert contain(created) == {}, "done once"
    Authenticator.objects.create(user=people["o"], type=Authenticator.Type.TOTP, data={})
    assert contain(created) == {}, "factors that were set up since are the person's own"
    assert [done for _, done in containment(created)] == [True]
