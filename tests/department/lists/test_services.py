"""What may be entered, approved and ended by whom: refused by the services, by the ORM and by SQL alike."""

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from platepost.department.custody.tables import CustodyTables
from platepost.department.database.queries import rows
from platepost.department.database.roles import OWNER, SIGNER
from platepost.department.ledger.entries import open_entry
from platepost.department.lists import services
from platepost.department.lists.errors import ListRefusedError
from platepost.department.lists.models import ListEntry, ListLead, ListRequest
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.rights import DepartmentRole
from platepost.department.people.services import join_covert
from platepost.department.policy.policy import AccessPurpose, ListRules
from tests.department.alerts.conftest import Dispatch, dispatch
from tests.department.custody.posts import GROUP, LIST
from tests.department.lists.conftest import entry_of, stored_entries
from tests.department.people.persons import new_person
from tests.department.roles import as_role

__all__ = ["dispatch"]
People = dict[str, DepartmentPerson]
pytestmark = pytest.mark.usefixtures("as_web")


def events(superuser: psycopg.Connection) -> list[tuple[str, dict[str, object]]]:
    rows = superuser.execute(
        "SELECT event, json_object_agg(field, value::json)::text FROM ledger_entry JOIN ledger_body USING (entry)"
        " WHERE event LIKE 'list%' GROUP BY number, event ORDER BY number"
    ).fetchall()
    return [(event, json.loads(fields)) for event, fields in rows]


def seen_by(person: DepartmentPerson) -> list[str]:
    with services.seeing(person, page=200):
        return [entry.plate for entry in ListEntry.objects.order_by("pk")]


WRONG: tuple[tuple[dict[str, object], str], ...] = (
    ({"plate": "7A"}, "3 to 10"),
    ({"plate": "7abc123"}, "3 to 10"),
    ({"plate": "7A?*????"}, "three known"),
    ({"plate": "7ABC?23", "safe": True}, "three known"),
    ({"plate": "7ABC123", "characters": 7}, "length that fits"),
    ({"case_number": ""}, "case number"),
    ({"case_number": "26-00417\u200e"}, "not a case number of this department"),
    ({"case_number": "\u00e9" * 64}, "not a case number of this department"),
    ({"case_number": "??"}, "not a case number of this department"),
    ({"case_number": "."}, "not a case number of this department"),
    ({"purpose": "curiosity"}, "not a purpose of the policy"),
    ({"purpose": "hot list alarm"}, "for steps at the console alone"),
    ({"purpose": "audit"}, "for these roles alone: auditor"),
    ({"expires_at": timezone.now() + timedelta(days=367)}, "ends"),
    ({"expires_at": timezone.now() - timedelta(minutes=1)}, "ends"),
    ({"safe": True, "distribution": "narcotics"}, "not covert"),
    ({"distribution": "homicide"}, "row-level security"),
    ({"approved_by": "b.chen", "approved_at": timezone.now()}, "already done"),
    ({"listed_version": 3}, "already done"),
)


def test_what_no_list_carries_is_refused(people: People) -> None:
    for wrong, why in WRONG:
        with pytest.raises(ListRefusedError, match=why):
            services.enter_entry(entry_of(**wrong), people["a.rivera"])
    assert not ListRequest.objects.exists()


def test_entry_is_one_event_and_one_request(people: People, superuser: psycopg.Connection) -> None:
    entry = entry_of()
    services.enter_entry(entry, people["a.rivera"])
    services.end_entry(entry, "the owner has it back", people["c.doe"])
    assert list(ListRequest.objects.values_list("kind", "person")) == [("delta", "a.rivera"), ("delta", "c.doe")]
    (entered, fields), (shown, _), (ended, _) = events(superuser)[-3:]
    assert (entered, shown, ended) == ("list_entered", "list_shown", "list_ended")
    assert (fields["person"], fields["entry"], fields["kind"]) == ("a.rivera", entry.pk, "stolen_vehicle")
    assert "7ABC123" not in json.dumps([*events(superuser)[-3:-2], *events(superuser)[-1:]])
    (ended_entry,) = stored_entries()
    assert ended_entry.over_at == ended_entry.ended_at
    with pytest.raises(ListRefusedError, match="ended already"):
        services.end_entry(entry, "again", people["c.doe"])


ALONE: tuple[Callable[[ListEntry], object], ...] = (
    lambda entry: ListEntry.objects.filter(pk=entry.pk).update(approved_by="b.chen", approved_at=timezone.now()),
    lambda entry: connection.cursor().execute(
        "UPDATE lists_entry SET approved_by = author, approved_at = now() WHERE id = %s", [entry.pk]
    ),
)


def test_nobody_approves_their_own(people: People) -> None:
    entry = entry_of(safe=True, case_number="")
    services.enter_entry(entry, people["b.chen"])
    assert entry.second_person
    assert not ListRequest.objects.exists(), "nothing is published before somebody else has approved it"
    for way in ALONE:
        with (
            pytest.raises((ListRefusedError, DatabaseError), match=r"two_persons|someone else"),
            services.seeing(people["b.chen"], numbers=[entry.pk]),
        ):
            way(entry)
    with pytest.raises(ListRefusedError, match=r"two_persons|someone else"):
        services.approve_entry(entry, people["b.chen"])
    for refused in ("a.rivera", "d.audit"):
        with pytest.raises(ListRefusedError, match="supervisor"):
            services.approve_entry(entry, people[refused])
    services.approve_entry(entry, people["c.doe"])
    assert list(ListRequest.objects.values_list("person", flat=True)) == ["c.doe"]
    with pytest.raises(ListRefusedError, match="no approval"):
        services.approve_entry(entry, people["c.doe"])


def in_force() -> set[int]:
    with as_role(OWNER):
        return {number for (number,) in rows("SELECT id FROM lists_in_force")}


def test_amber_alert_is_active_before_somebody_confirms_it(people: People, superuser: psycopg.Connection) -> None:
    superuser.execute("UPDATE lists_policy SET two_persons = '{all}', at_once = '{amber_alert}'")
    first, second, third = (entry_of(plate, category="amber_alert") for plate in ("7AB0001", "7AB0002", "7AB0003"))
    services.enter_entry(first, people["a.rivera"])
    assert (first.second_person, first.unconfirmed, first.overdue) == (True, True, False)
    assert ListRequest.objects.count() == 1, "posts get it"
    assert in_force() == {first.pk}
    covert = entry_of(category="amber_alert", distribution="narcotics")
    services.enter_entry(covert, people["a.rivera"])
    assert (covert.at_once, covert.waits) == (False, True)
    with pytest.raises(ListRefusedError, match="supervisor"):
        services.approve_entry(first, people["a.rivera"])
    superuser.execute("SET session_replication_role = replica")
    superuser.execute("UPDATE lists_entry SET made_at = made_at - interval '16 minutes'")
    superuser.execute("SET session_replication_role = origin")
    assert stored_entries()[0].overdue
    services.enter_entry(second, people["a.rivera"])
    assert (second.at_once, second.waits) == (False, True), "nobody lists plates alone by calling each an Amber alert"
    services.approve_entry(first, people["c.doe"])
    assert not stored_entries()[0].unconfirmed
    services.enter_entry(third, people["a.rivera"])
    assert third.unconfirmed
    assert in_force() == {first.pk, third.pk}


def test_no_more_partial_plates_are_approved_than_posts_carry(
    people: People, superuser: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MOST_PATTERNS", 1)
    superuser.execute("UPDATE lists_policy SET two_persons = '{partial}'")
    first, second = entry_of("7AB?1*"), entry_of("7CD?1*")
    for entry in (first, second):
        services.enter_entry(entry, people["a.rivera"])
    services.approve_entry(first, people["c.doe"])
    with pytest.raises(ListRefusedError, match="posts carry 1 partial plates"):
        services.approve_entry(second, people["c.doe"])
    services.end_entry(first, "found", people["c.doe"])
    services.approve_entry(second, people["c.doe"])


@pytest.mark.parametrize(
    ("what", "entered"),
    [
        ("all", {}),
        ("stolen_vehicle", {}),
        ("partial", {"plate": "7AB?12*"}),
        ("covert", {"distribution": "narcotics"}),
        ("safe", {"safe": True}),
    ],
)
def test_the_database_asks_for_a_second_person_whatever_the_pages_say(
    people: People,
    superuser: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    entered: dict[str, Any],
) -> None:
    monkeypatch.setattr(services, "_needs_second", lambda *_, **__: False)
    superuser.execute("UPDATE lists_policy SET two_persons = %s", [[what]])
    entry = entry_of(**entered)
    services.enter_entry(entry, people["a.rivera"])
    assert entry.second_person
    with as_role(OWNER), pytest.raises(DatabaseError, match="lists_approved"):
        ListEntry.objects.filter(pk=entry.pk).update(listed_version=1)


BY_HAND = (
    "UPDATE lists_entry SET plate = '7ZZZ999'",
    "UPDATE lists_entry SET second_person = false",
    "UPDATE lists_entry SET expires_at = expires_at + interval '1 day'",
    "UPDATE lists_entry SET listed_version = 9",
    "UPDATE lists_entry SET approved_by = 'e.lapsed', approved_at = NULL",
    "DELETE FROM lists_entry",
    "UPDATE lists_request SET state = 'published', version = 1, published_at = now()",
    "UPDATE lists_request SET state = 'held'",
    "UPDATE lists_policy SET two_persons = '{}'",
    "INSERT INTO lists_import (source, accepted, refused) VALUES ('state', 1, 0)",
    "INSERT INTO lists_request (kind, person, override) VALUES ('complete', 'a.rivera', 'because')",
    "INSERT INTO lists_request (kind, person) VALUES ('complete', 'd.audit')",
    "INSERT INTO lists_recovery (plate, person, reason) VALUES ('7ABC123', 'nobody', 'x')",
    "SELECT file FROM lists_import",
)


def test_pages_and_signer_change_nothing_by_hand(people: People) -> None:
    services.enter_entry(entry_of(), people["a.rivera"])
    for statement in BY_HAND:
        with (
            pytest.raises((DatabaseError, ListRefusedError)),
            services.seeing(people["a.rivera"], page=1),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    with as_role(SIGNER), pytest.raises(ListRefusedError, match="permission denied"):
        services.enter_entry(entry_of(), people["a.rivera"])


def test_entry_that_ended_is_approved_by_nobody_and_ends_as_it_was_said(
    people: People, superuser: psycopg.Connection
) -> None:
    superuser.execute("UPDATE lists_policy SET two_persons = '{all}'")
    entry = entry_of()
    services.enter_entry(entry, people["a.rivera"])
    services.end_entry(entry, "entered by mistake", people["a.rivera"])
    for change in ("approved_by = 'c.doe', approved_at = now()", "ended_because = 'recovered'"):
        with (
            pytest.raises((DatabaseError, ListRefusedError), match=r"never changed|already done"),
            services.seeing(people["a.rivera"], numbers=[entry.pk]),
        ):
            connection.cursor().execute(f"UPDATE lists_entry SET {change} WHERE id = %s", [entry.pk])


def test_import_is_let_go_by_a_supervisor_alone(people: People, superuser: psycopg.Connection) -> None:
    del people
    superuser.execute(
        'INSERT INTO lists_import (source, "system_user", mark, mapping, accepted, refused, report, held_because)'
        " VALUES ('state', 'timer', 'x', '', 1, 0, '[]', 'the first file of this source')"
    )
    let_go = "UPDATE lists_import SET let_go_by = %s, let_go_at = now()"
    with pytest.raises(DatabaseError, match="supervisor"):
        connection.cursor().execute(let_go, ["a.rivera"])
    connection.cursor().execute(let_go, ["c.doe"])
    with pytest.raises(DatabaseError, match="let go"):
        connection.cursor().execute(let_go, ["b.chen"])


def test_covert_entry_is_seen_by_its_group_alone(people: People, superuser: psycopg.Connection) -> None:
    entry = entry_of(distribution="narcotics")
    services.enter_entry(entry, people["a.rivera"])
    with services.seeing(people["a.rivera"], numbers=[entry.pk]):
        ListLead.objects.create(entry=entry, record_id=1, plate_fold="7ABC123")
    services.enter_entry(entry_of("7DEF456"), people["f.other"])
    assert seen_by(people["a.rivera"]) == seen_by(people["b.chen"]) == ["7ABC123", "7DEF456"]
    assert seen_by(people["f.other"]) == seen_by(people["c.doe"]) == ["7DEF456"]
    assert ListEntry.objects.count() == 0, "without a name nothing is seen"
    with services.seeing(people["a.rivera"]):
        assert ListEntry.objects.count() == 0, "without an entry of the ledger nothing is seen"
    with services.seeing(people["f.other"], numbers=[entry.pk]):
        assert not ListLead.objects.exists()
    with pytest.raises(ListRefusedError):
        services.approve_entry(entry, people["c.doe"])
    services.approve_entry(entry, people["b.chen"])
    with as_role(SIGNER):
        assert ListEntry.objects.count() == 2
    assert [fields["kind"] for event, fields in events(superuser) if event == "list_entered"][-2:] == [
        "covert",
        "stolen_vehicle",
    ]
    with as_role(OWNER):
        join_covert(people["b.chen"], "narcotics", end=True)
    assert seen_by(people["b.chen"]) == ["7DEF456"]


def test_recovered_car_leaves_with_every_entry_of_its_plate(people: People) -> None:
    for entry in (entry_of(), entry_of(category="felony_vehicle"), entry_of("7DEF456")):
        services.enter_entry(entry, people["a.rivera"])
    assert len(services.recover("7ABC123", "found on Oak Street", people["f.other"])) == 2
    assert [entry.plate for entry in stored_entries(ended_at=None)] == ["7DEF456"]
    assert services.recover("7ABC123", "again", people["f.other"]) == []


def test_open_alerts_are_taken_back_with_the_last_entry_of_their_plate(people: People, dispatch: Dispatch) -> None:
    with as_role(OWNER):
        alerts = [dispatch.alert(), dispatch.alert(plate_matched="7DEF456")]
    first, second = entry_of(), entry_of(category="felony_vehicle")
    for entry in (first, second, entry_of("7DEF456")):
        services.enter_entry(entry, people["a.rivera"])

    def states() -> list[str]:
        query = "SELECT state FROM alerts_alert WHERE record_id = ANY (%s) ORDER BY record_id"
        return [state for (state,) in dispatch.asked(query, [alert.record_id for alert in alerts])]

    services.end_entry(first, "entered twice", people["a.rivera"])
    assert states() == ["new", "new"], "another entry stands for it"
    services.recover("7ABC123", "found on Oak Street", people["f.other"])
    assert states() == ["withdrawn", "new"]
    services.recover("7DEF456", "found, too", people["f.other"])
    assert states() == ["withdrawn", "withdrawn"]


def test_hit_that_comes_while_its_plate_is_recovered_is_taken_back(
    people: People, dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keeper has made the alert and not committed it: who takes the plate off the list does not see it yet."""
    event, go_on, recovered = Event(), Event(), Event()
    write = CustodyTables._write_tally

    def wait(tables: CustodyTables, *given: Any) -> None:
        event.set()
        assert go_on.wait(60)
        write(tables, *given)

    def let_go() -> None:
        while not (recovered.is_set() or dispatch.asked("SELECT FROM pg_locks WHERE NOT granted")):
            time.sleep(0.01)
        go_on.set()

    monkeypatch.setattr(CustodyTables, "_write_tally", wait)
    with ThreadPoolExecutor(2) as threads:
        keeping = threads.submit(dispatch.keep, dispatch.post.hit(captured=dispatch.post.now))
        assert event.wait(60)
        letting = threads.submit(let_go)
        services.recover("7ABC123", "found on Oak Street", people["f.other"])
        recovered.set()
    assert (keeping.result(), letting.result()) == (None, None)
    assert dispatch.asked("SELECT state, withdrawn_because FROM alerts_alert") == [("withdrawn", "entry_removed")]


def test_entry_that_nobody_has_approved_stands_for_no_alert(
    people: People, dispatch: Dispatch, superuser: psycopg.Connection
) -> None:
    with as_role(OWNER):
        alert = dispatch.alert()
    first, waiting = entry_of(), entry_of(category="felony_vehicle")
    services.enter_entry(first, people["a.rivera"])
    superuser.execute("UPDATE lists_policy SET two_persons = '{felony_vehicle}'")
    services.enter_entry(waiting, people["a.rivera"])
    assert waiting.second_person
    services.end_entry(first, "sold", people["a.rivera"])
    query = "SELECT state FROM alerts_alert WHERE record_id = %s"
    assert dispatch.asked(query, alert.record_id) == [("withdrawn",)]


BY_DISPATCHER: tuple[tuple[dict[str, object], bool], ...] = (
    ({"category": "amber_alert"}, True),
    ({"plate": "7AB?12*", "category": "felony_vehicle"}, True),
    ({"category": "stolen_vehicle"}, False),
    ({"category": "amber_alert", "safe": True}, False),
    ({"category": "amber_alert", "distribution": "narcotics"}, False),
)


def test_a_dispatcher_enters_what_the_policy_names_and_ends_their_own(
    people: People, superuser: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with as_role(OWNER):
        at_console = new_person("g.console", DepartmentRole.DISPATCHER)
        join_covert(at_console, "narcotics")
    superuser.execute("UPDATE lists_policy SET dispatchers = '{amber_alert,felony_vehicle}'")
    for fields, allowed in BY_DISPATCHER:
        entry = entry_of(**fields)
        if allowed:
            services.enter_entry(entry, at_console)
            assert not entry.second_person
            continue
        with pytest.raises(ListRefusedError, match="does not let a dispatcher"):
            services.enter_entry(entry, at_console)
        entry.author, entry.second_person, entry.over_at = "g.console", False, entry.expires_at
        with pytest.raises(ListRefusedError, match="does not let a dispatcher"), services.seeing(at_console):
            entry.save(force_insert=True)
    services.end_entry(stored_entries(category="amber_alert")[0], "found", at_console)
    other = entry_of("7DEF456")
    services.enter_entry(other, people["a.rivera"])
    for refused in (
        lambda: services.end_entry(other, "x", at_console),
        lambda: services.recover("7DEF456", "x", at_console),
        lambda: services.let_request_go(1, "x", at_console),
    ):
        with pytest.raises(ListRefusedError):
            refused()
    superuser.execute("UPDATE lists_policy SET two_persons = '{dispatcher}'")
    waits = entry_of("7GHJ789", category="felony_vehicle")
    services.enter_entry(waits, at_console)
    assert waits.second_person, "by the database's policy, whatever the file says"
    superuser.execute("UPDATE lists_policy SET dispatchers = '{}'")
    with pytest.raises(ListRefusedError, match="does not let a dispatcher"):
        services.enter_entry(entry_of(category="amber_alert"), at_console)
    monkeypatch.setattr(services, "policy_in_force", lambda: SimpleNamespace(lists=ListRules(two_persons=())))
    superuser.execute("UPDATE lists_policy SET dispatchers = '{amber_alert}'")
    with pytest.raises(ListRefusedError, match="does not let a dispatcher"):
        services.enter_entry(entry_of(category="amber_alert"), at_console)


def test_hit_of_an_entry_that_left_the_list_is_taken_back_as_it_comes(
    people: People, dispatch: Dispatch, superuser: psycopg.Connection
) -> None:
    def came(plate: str, version: int) -> str:
        with as_role(OWNER):
            return dispatch.alert(plate_matched=plate, hotlist=LIST.model_copy(update={"version": version})).state.value

    entry = entry_of()
    services.enter_entry(entry, people["a.rivera"])
    superuser.execute("UPDATE lists_entry SET listed_version = 5, listed_at = now()")
    assert came("7ABC123", 6) == "new"
    services.end_entry(entry, "a mistake", people["a.rivera"])
    services.recover("7DEF456", "found on Oak Street", people["f.other"])
    assert came("7ABC123", 6) == came("7DEF456", 6) == "withdrawn", "the posts have the old list still"
    assert came("7XYZ999", 6) == "new"
    superuser.execute("UPDATE lists_entry SET unlisted_version = 7")
    superuser.execute("UPDATE lists_recovery SET version = 7")
    assert came("7ABC123", 6) == came("7DEF456", 6) == "withdrawn"
    assert came("7DEF456", 7) == "new", "listed again"
    services.enter_entry(entry_of(), people["a.rivera"])
    assert came("7ABC123", 6) == "new", "another entry stands for it"


def test_why_a_covert_entry_ended_is_its_group_s_matter(people: People, superuser: psycopg.Connection) -> None:
    entry = entry_of(distribution="narcotics")
    services.enter_entry(entry, people["a.rivera"])
    services.end_entry(entry, "the informant was seen", people["a.rivera"])
    assert "informant" not in json.dumps(events(superuser))


def test_entry_is_seen_with_a_hit_that_names_it_and_is_of_its_own_plate_alone(
    people: People, dispatch: Dispatch
) -> None:
    with as_role(OWNER):
        join_covert(people["a.rivera"], GROUP)
    entry, covert = entry_of(), entry_of("7DEF456", distribution=GROUP)
    for each in (entry, covert):
        services.enter_entry(each, people["a.rivera"])
    with as_role(OWNER):
        plain, other = dispatch.alert(), dispatch.alert(plate_matched="7DEF456")
    secret = dispatch.alert(GROUP, plate_matched="7DEF456")

    def listed(alert: Any, reference: str | None, *, groups: Sequence[str] = (), opens: bool = True) -> str | None:
        """Return the plate of the entry, seen under an entry of the ledger that opens the hit, or does not."""
        asked = {"person": "a.rivera", "agency": "riverside", "purpose": AccessPurpose("hot list alarm")}
        console = [alert.record_id] if opens else []
        with open_entry(**asked, query={"console": console}, groups=groups) as opened:
            found = services.listed_by(opened, alert.record_id, reference)
        return found and found.plate

    assert listed(plain, entry.reference) == "7ABC123"
    assert listed(secret, covert.reference, groups=[GROUP]) == "7DEF456"
    assert listed(plain, entry.reference, opens=False) is None
    assert listed(secret, covert.reference) is None
    for alert, reference in (
        *((other, entry.reference), (secret, entry.reference), (plain, covert.reference), (other, covert.reference)),
        *((plain, None), (plain, "26-00417"), (plain, "#99999999999999999999")),
    ):
        assert listed(alert, reference, groups=[GROUP]) is None
