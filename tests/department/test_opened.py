"""What an entry of the ledger opens to the pages' role, whatever SQL it sends: the database says for whom, and what."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from platepost.department.database.cluster import SUPERUSER
from platepost.department.database.queries import rows
from platepost.department.database.roles import COMMAND, FEDERATION, WEB
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.people.models import CovertMember, DepartmentPerson
from platepost.department.people.rights import DepartmentRole
from tests.department.emptying import empty
from tests.department.people.persons import client_of, new_person
from tests.department.search.conftest import AT, keep_reads, keep_record
from tests.thorough import THOROUGH

Connect = Callable[[str], psycopg.Connection]

GROUP = "vice"
PLATES = ("7AB0001", "7AB0002", "7AB0003", "8XY0001")
READS = [
    {
        "plate": plate,
        "post": f"post-{number % 2 + 1}",
        "captured_at": AT - timedelta(hours=number),
        "covert_group": GROUP if number % 4 == 3 else None,
    }
    for number, plate in enumerate(PLATES * 3)
]
"""Records 1 to 12; 4, 8 and 12 are covert, the only ones of their plate."""
KEYS = {"o.kim": "key-of-o-kim", "s.ito": "key-of-s-ito", "t.roe": "key-of-t-roe", "d.lund": "key-of-d-lund"}
"""An operator; a supervisor in the covert group; a trainer, who may see nothing; an auditor."""
NOTHING = '{"records": [], "pictures": [], "covert": {}}'


@pytest.fixture
def people(connect: Connect) -> Iterator[psycopg.Connection]:
    """Have reads, and people who are logged on; return a superuser's connection."""
    tables = ("custody_read", "custody_hit", "custody_record", "search_plate", "alerts_alert", "ledger_covered")
    with connect(SUPERUSER) as superuser:
        superuser.autocommit = True
        empty(superuser, *tables, "people_session")
        keep_reads(superuser, READS, numbers=iter(range(1, 100)))
        for number, read in enumerate(READS, 1):
            keep_record(superuser, number, read["captured_at"])
            group = [read["covert_group"], number]
            superuser.execute("UPDATE custody_record SET covert_group = %s WHERE id = %s", group)
        roles = (DepartmentRole.OPERATOR, DepartmentRole.SUPERVISOR, DepartmentRole.TRAINER, DepartmentRole.AUDITOR)
        for login, role in zip(KEYS, roles, strict=True):
            person = new_person(login, role)
            rows("SELECT people_begin_session(%s, %s)", [KEYS[login], login])
            if login == "s.ito":
                CovertMember.objects.create(person=person, group=GROUP)
        yield superuser
        empty(superuser, *tables, "people_session")


@pytest.fixture
def listed(people: psycopg.Connection) -> Iterator[None]:
    """Have three entries of the list, of which the third is covert and of the first one's plate."""
    people.execute("SET session_replication_role = replica")
    people.execute(
        "INSERT INTO lists_entry (id, plate, category, priority, distribution, purpose, case_number, reason, author,"
        " expires_at, second_person, over_at) SELECT id, plate, 'wanted', 1, distribution, 'p', '1', 'r', 's.ito',"
        " now() + interval '1 day', false, now() + interval '1 day'"
        " FROM (VALUES (1, '7AB0001', NULL), (2, '7AB0002', NULL), (3, '7AB0001', %s))"
        " AS entry (id, plate, distribution)",
        [GROUP],
    )
    people.execute("RESET session_replication_role")
    yield
    empty(people, "lists_entry")


def fields(**more: object) -> str:
    """Return the fields of an intent, of a person who did not ask."""
    values: dict[str, Any] = dict.fromkeys(LedgerEvent.INTENT.kind.required)
    query = more.setdefault("query", {})
    purpose = "hot list alarm" if isinstance(query, dict) and "console" in query else "patrol"
    return json.dumps(values | {"person": "s.ito", "agency": "fbi", "purpose": purpose, "groups": [GROUP]} | more)


def begun(web: psycopg.Connection, login: str, *, event: str = "intent", **more: object) -> UUID:
    """Begin an entry as the pages do, and have the session name it."""
    ((entry,),) = web.execute("SELECT ledger_begin(%s, %s, %s)", [KEYS[login], event, fields(**more)])
    web.execute("SELECT set_config('platepost.entry', %s, false)", [str(entry)])
    web.commit()
    return UUID(str(entry))


def visible(web: psycopg.Connection) -> set[int]:
    """Return the records of all that the session sees."""
    matches = web.execute(
        "SELECT record_id FROM custody_read UNION SELECT record_id FROM custody_hit UNION SELECT id FROM custody_record"
        " UNION SELECT record_id FROM custody_picture"
    ).fetchall()
    return {number for (number,) in matches}


def body(superuser: psycopg.Connection, entry: object, name: str) -> Any:
    """Return a field of an entry, or of what closes it."""
    matches = superuser.execute(
        "SELECT value FROM ledger_body JOIN ledger_entry AS line USING (entry)"
        " WHERE (line.entry = %(entry)s OR refers_to = %(entry)s) AND field = %(name)s ORDER BY refers_to",
        {"entry": entry, "name": name},
    ).fetchone()
    return None if matches is None else json.loads(matches[0])


class TestAttacks:
    """What was tried against the database as the role of the pages."""

    @pytest.mark.parametrize("query", [{"console": [1]}, {"plate": "7AB0001"}, {}])
    def test_an_entry_of_one_s_own_making_opens_nothing(
        self, connect: Connect, people: psycopg.Connection, query: dict[str, object]
    ) -> None:
        with connect(WEB) as web:
            try:
                ((entry,),) = web.execute("SELECT ledger_append('intent', NULL, %s)", [fields(query=query)])
            except psycopg.errors.InsufficientPrivilege:
                entry = uuid4()
                web.rollback()
            web.execute("SELECT set_config('platepost.entry', %s, false)", [str(entry)])
            web.commit()
            assert visible(web) == set()

    @pytest.mark.parametrize("key", ["", "guessed", KEYS["t.roe"], "key-of-o-kim "])
    def test_nobody_looks_without_a_session_of_somebody_who_may(
        self, connect: Connect, people: psycopg.Connection, key: str
    ) -> None:
        with connect(WEB) as web, pytest.raises(psycopg.errors.InsufficientPrivilege):
            web.execute("SELECT ledger_begin(%s, 'intent', %s)", [key, fields()])

    def test_who_looks_and_in_which_groups_the_database_says(
        self, connect: Connect, people: psycopg.Connection
    ) -> None:
        with connect(WEB) as web:
            plain, covert = begun(web, "o.kim"), begun(web, "s.ito", groups=["narcotics", GROUP])
        message = [(body(people, entry, "person"), body(people, entry, "groups")) for entry in (plain, covert)]
        assert message == [("o.kim", []), ("s.ito", [GROUP])]
        assert body(people, plain, "agency") == DepartmentPerson.objects.get(login="o.kim").agency

    @pytest.mark.parametrize(
        "end",
        [
            "UPDATE people_person SET disabled_at = now() WHERE login = 'o.kim'",
            "UPDATE people_role SET ended_at = now()",
            "UPDATE people_session SET began_at = began_at - interval '12 hours'",
            "SELECT people_end_session('key-of-o-kim')",
        ],
    )
    def test_a_session_that_has_ended_opens_nothing(
        self, connect: Connect, people: psycopg.Connection, end: str
    ) -> None:
        people.execute("SET session_replication_role = replica")
        people.execute(end)
        people.execute("RESET session_replication_role")
        with connect(WEB) as web, pytest.raises(psycopg.errors.InsufficientPrivilege):
            begun(web, "o.kim")

    def test_no_session_begins_without_a_log_on(self, connect: Connect, people: psycopg.Connection) -> None:
        begin = "SELECT people_begin_session('made up', 's.ito')"
        log_on = json.dumps({"person": "s.ito", "methods": [], "device": "d", "known": True})
        with connect(WEB) as web:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                web.execute(begin)
            web.rollback()
            web.execute("SELECT ledger_append('log_on', NULL, %s)", [log_on])
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                web.execute(begin)  # rolled back, no one would know of it
            web.rollback()
            web.execute("SELECT ledger_append('log_on', NULL, %s)", [log_on])
            web.commit()
            web.execute(begin)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                web.execute("SELECT people_begin_session('another', 's.ito')")

    def test_the_tables_name_no_key(self, connect: Connect, people: psycopg.Connection) -> None:
        key = client_of(DepartmentPerson.objects.get(login="o.kim")).session.session_key
        with connect(WEB) as web:
            stored = [name for (name,) in web.execute("SELECT session_key FROM django_session")]
            assert stored
            assert key not in stored
            for each in stored:
                assert web.execute("SELECT * FROM people_session_of(%s)", [each]).fetchall() == []
            assert len(web.execute("SELECT * FROM people_session_of(%s)", [key]).fetchall()) == 1

    @pytest.mark.parametrize("query", [{"console": [1, 2, 5]}, {"console": "listens"}, {"sample": 1}])
    def test_a_console_s_entry_opens_hits_alone(
        self, connect: Connect, people: psycopg.Connection, query: dict[str, object]
    ) -> None:
        with connect(WEB) as web:
            entry = begun(web, "o.kim", query=query)
            assert visible(web) == set()
            for call in ("custody_cover_records(%s, '{1}')", "custody_cover_named(%s, '{7AB0001}')"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    web.execute(f"SELECT {call}", [entry])
                web.rollback()

    def test_nothing_that_was_opened_is_left_out(self, connect: Connect, people: psycopg.Connection) -> None:
        with connect(WEB) as web:
            entry = begun(web, "o.kim")
            web.execute("SELECT custody_cover_named(%s, '{7AB0001,NONE}')", [entry])
            web.execute("SELECT custody_cover_records(%s, '{2,4}')", [entry])
            web.commit()
            assert visible(web) == {1, 5, 9, 2}
            web.execute("SELECT ledger_append('shown', %s, %s)", [entry, NOTHING])
            web.commit()
            assert visible(web) == set()
        assert (body(people, entry, "plates"), body(people, entry, "records")) == (["7AB0001"], [2])

    def test_entries_of_the_log_are_covered_first_and_none_is_left_out(
        self, connect: Connect, people: psycopg.Connection
    ) -> None:
        numbers = "SELECT array_agg(number ORDER BY number) FROM ledger_entry"
        with connect(WEB) as web:
            searched = begun(web, "o.kim")
            reading = begun(web, "d.lund", event="log_intent", purpose="audit")
            assert web.execute(numbers).fetchone() == (None,)
            web.execute("SELECT ledger_cover_entries(%s, %s)", [reading, json.dumps({"events": ["intent"]})])
            assert web.execute(numbers).fetchone() == (None,), "rolled back, it would leave no trace"
            web.rollback()
            asked = {"fields": {"person": ['"o.kim"']}, "events": ["intent"], "most": 1}
            web.execute("SELECT ledger_cover_entries(%s, %s)", [reading, json.dumps(asked)])
            web.commit()
            ((own,),) = people.execute("SELECT number FROM ledger_entry WHERE entry = %s", [searched])
            assert web.execute(numbers).fetchone() == ([own],)
            assert web.execute("SELECT count(DISTINCT entry) FROM ledger_body").fetchone() == (1,)
            web.execute("SELECT ledger_append('shown', %s, %s)", [reading, NOTHING])
            web.commit()
            assert web.execute(numbers).fetchone() == (None,)
        assert body(people, reading, "entries") == [own]

    def test_whose_finding_it_is_reads_its_entries_and_counts_nothing(
        self, connect: Connect, people: psycopg.Connection
    ) -> None:
        with connect(WEB) as web:
            searched, _ = begun(web, "o.kim"), begun(web, "s.ito")
            ((finding,),) = people.execute(
                "INSERT INTO audits_finding (rule, subject, month, says, entries, answer_by, close_by)"
                " VALUES ('volume', 'o.kim', '2026-11-01', 'x', %s, now(), now()) RETURNING id",
                [[searched]],
            )
            reading = begun(web, "o.kim", event="log_intent", purpose="audit", query={"finding": finding})
            web.execute("SELECT ledger_cover_entries(%s, '{}')", [reading])
            web.commit()
            assert web.execute("SELECT entry FROM ledger_entry").fetchall() == [(searched,)]
            counted = "SELECT count(*) FROM audits_people('-infinity', 'infinity')"
            assert web.execute(counted).fetchone() == (0,)
            web.rollback()
            reading = begun(web, "s.ito", event="log_intent", purpose="audit", groups=[])
            web.execute("SELECT ledger_cover_entries(%s, '{}')", [reading])
            web.commit()
            assert web.execute("SELECT count(*) FROM ledger_entry").fetchone() == (0,), "a supervisor is no auditor"
            web.rollback()
            begun(web, "d.lund", event="log_intent", purpose="audit")
            assert web.execute(counted).fetchone() != (0,)
        people.execute("DELETE FROM audits_finding")

    def test_server_for_partners_opens_records_for_their_queries_alone(
        self, connect: Connect, people: psycopg.Connection
    ) -> None:
        """As its own role, by whatever function: for no person of the department, no covert group, no list."""
        append = "SELECT ledger_append(%s, NULL, %s)"
        log_on = '{"person": "s.ito", "methods": [], "device": "", "known": true}'
        with connect(FEDERATION) as server:
            for statement, given, why in (
                (append, ["intent", fields(query={"exchange": "x"}, on_behalf_of="oakdale-pd")], "query of a partner"),
                (append, ["intent", fields(groups=[])], "query of a partner"),
                (append, ["log_intent", fields(groups=[], purpose="audit")], "may not enter"),
                (append, ["log_on", log_on], "may not enter"),
                ("SELECT people_begin_session('invented', 's.ito')", [], "permission denied"),
                ("SELECT ledger_begin(%s, 'intent', %s)", [KEYS["s.ito"], fields()], "permission denied"),
                ("SELECT FROM lists_entry", [], "permission denied"),
                ("SELECT FROM people_person", [], "permission denied"),
                ("SELECT FROM custody_record", [], "permission denied"),
                (f"SET ROLE {COMMAND}", [], "permission denied"),
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege, match=why):
                    server.execute(statement, given)
                server.rollback()
            assert server.execute("SELECT count(*) FROM custody_read").fetchone() == (0,), "without an entry, none"

    def test_what_is_taken_back_opens_nothing(self, connect: Connect, people: psycopg.Connection) -> None:
        with connect(WEB) as web:
            entry = begun(web, "o.kim")
            web.execute("SELECT custody_cover_named(%s, '{7AB0001}')", [entry])
            assert visible(web) == set()
            web.rollback()
            assert visible(web) == set()

    def test_an_older_snapshot_closes_nothing(self, connect: Connect, people: psycopg.Connection) -> None:
        with connect(WEB) as web:
            entry = begun(web, "o.kim")
            web.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="READ COMMITTED"):
                web.execute("SELECT ledger_append('shown', %s, %s)", [entry, NOTHING])

    def test_what_nobody_closes_is_closed(self, connect: Connect, people: psycopg.Connection) -> None:
        with connect(WEB) as web:
            entry = begun(web, "s.ito")
            web.execute("SELECT custody_cover_named(%s, '{8XY0001}')", [entry])
        people.execute("UPDATE ledger_covered SET at = at - interval '2 hours'")
        assert people.execute("SELECT ledger_close_left(), ledger_close_left()").fetchone() == (1, 0)
        assert body(people, entry, "reason") == "NotClosed"
        assert body(people, entry, "covert") == {GROUP: {"records": [], "pictures": [], "plates": ["8XY0001"]}}

    @pytest.mark.usefixtures("listed")
    def test_entries_of_lists_are_seen_by_whom_and_as_the_ledger_says(
        self, connect: Connect, people: psycopg.Connection
    ) -> None:
        shown = {"person": "s.ito", "plates": [], "numbers": [*range(100)], "covert": {}}
        call, seen_entries = (
            "SELECT lists_show(%s, 's.ito', %s, NULL, %s, NULL)",
            "SELECT id FROM lists_entry ORDER BY id",
        )
        page, covert = [[], 100], [[3], None]
        with connect(FEDERATION) as server, pytest.raises(psycopg.errors.InsufficientPrivilege):
            server.execute(call, [None, *page])
        with connect(WEB) as web:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                web.execute("SELECT ledger_append('list_shown', NULL, %s)", [json.dumps(shown)])
            for key in (None, "guessed", KEYS["t.roe"], KEYS["d.lund"]):
                web.rollback()
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    web.execute(call, [key, *page])
            web.rollback()
            assert web.execute(call, [KEYS["o.kim"], *covert]).fetchone() == (None,)
            ((rolled_back,),) = web.execute(call, [KEYS["s.ito"], *page])
            web.execute("SELECT set_config('platepost.list_shown', %s, true)", [str(rolled_back)])
            assert web.execute(seen_entries).fetchall() == [], "it could be rolled back"
            web.rollback()
            plain = begun(web, "s.ito")
            ((others,),) = web.execute(call, [KEYS["o.kim"], *page])
            ((opened,),) = web.execute(call, [KEYS["s.ito"], *covert])
            web.commit()
            for name, value, seen in (
                ("person", "s.ito", []),
                ("session", KEYS["s.ito"], []),
                ("list_shown", str(rolled_back), []),
                ("list_shown", str(plain), []),
                ("list_shown", str(others), [1, 2]),
                ("list_shown", str(opened), [1, 3]),
            ):
                web.execute("SELECT set_config(%s, %s, false)", [f"platepost.{name}", value])
                assert web.execute(seen_entries).fetchall() == [(number,) for number in seen]
                web.commit()
        assert [body(people, others, name) for name in ("person", "numbers", "covert")] == ["o.kim", [1, 2], {}]
        assert [body(people, opened, name) for name in ("person", "numbers", "plates")] == ["s.ito", [1], ["7AB0001"]]
        assert body(people, opened, "covert") == {GROUP: {"plates": ["7AB0001"], "numbers": [3]}}
        number = 3
        back = {"purpose": "criminal investigation", "case": f"#{number}", "query": {"list_entry": number}}
        with connect(WEB) as web:
            for login, more in (("s.ito", {}), ("s.ito", {"case": "#99"}), ("o.kim", {})):
                with pytest.raises(psycopg.errors.CheckViolation, match="not a case number"):
                    begun(web, login, **(back | more))
                web.rollback()
            people.execute("UPDATE lists_entry SET approved_by = 'b.chen', approved_at = now()")
            with pytest.raises(psycopg.errors.CheckViolation, match="not a case number"):
                begun(web, "o.kim", **back)
            web.rollback()
            assert begun(web, "s.ito", **back)


@dataclass
class Attacker:
    """The pages' role, which does at random whatever it may; what leaves the database is noted by its entry."""

    web: psycopg.Connection
    superuser: psycopg.Connection
    random: random.Random
    entries: list[UUID] = field(default_factory=list)
    named: str = ""
    left: set[tuple[str, str, int | str]] = field(default_factory=set)
    """By entry: `records` with a record, `plates` with a plate, `compared` with a plate."""
    both: set[tuple[str, int, str]] = field(default_factory=set)
    shown_lists: list[UUID | None] = field(default_factory=list)
    named_list: str = ""
    listed: set[tuple[str, int, str]] = field(default_factory=set)
    """By entry of the ledger, a number of the list and its plate."""

    def act(self) -> None:
        does = self.random.choice(
            [self.begin, self.name, *[self.cover] * 3, *[self.read] * 3, self.close, self.show_list, self.read_list]
        )
        try:
            does()
        except (psycopg.Error, IndexError):  # refused, or there is no entry yet
            self.web.rollback()
            return
        self.random.choice([self.web.commit, self.web.commit, self.web.rollback, lambda: None])()

    def begin(self) -> None:
        pick = self.random.choice
        query = pick([{}, {"plate": "7AB*"}, {"console": [1, 4]}, {"console": "listens"}, {"sample": 1}])
        message = fields(query=query, groups=pick([[], [GROUP]]), person=pick([*KEYS]))
        key = pick([*KEYS.values(), "guessed"])
        call, values = pick(
            [("ledger_begin(%s, 'intent', %s)", [key, message]), ("ledger_append('intent', NULL, %s)", [message])]
        )
        ((entry,),) = self.web.execute(f"SELECT {call}", values)
        self.entries.append(entry)
        self.name()

    def name(self) -> None:
        pick = self.random.choice
        self.named = str(pick([*self.entries, *self.entries[-1:] * 3, uuid4()]))
        self.named_list = str(pick([*self.entries, *self.shown_lists * 3, uuid4()]) or uuid4())
        settings = {"entry": self.named, "person": pick([*KEYS]), "session": pick([*KEYS.values()]), "groups": GROUP}
        settings["list_shown"] = self.named_list
        self.web.commit()
        for setting, value in settings.items():
            self.web.execute("SELECT set_config(%s, %s, false)", [f"platepost.{setting}", value])
        self.web.commit()
        if self.random.random() < 0.2:
            self.web.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")

    def cover(self) -> None:
        pick, some = self.random.choice, [*self.random.sample(PLATES, 2)]
        entry = pick([*self.entries[-2:], self.named])
        asked = pick([{}, {"plates": some}, {"posts": ["post-1"]}, {"matching": "^7"}, {"records": [1, 4, 8]}])
        call, values = pick(
            [
                ("custody_cover_records(%s, %s)", [self.random.sample(range(1, 13), 3)]),
                ("custody_cover_rows(%s, 'read', %s, %s)", [json.dumps(asked), pick([0, 1, 3, 99])]),
                ("custody_cover_plates(%s, %s, %s, %s)", [json.dumps(asked), pick(["", "7AB0001"]), pick([0, 1, 9])]),
                ("custody_cover_named(%s, %s, %s)", [some, pick([None, GROUP, "other"])]),
                ("search_cover_spelled(%s, %s, '{}', '', 9)", [",".join(some)]),
                ("search_cover_candidates(%s, %s, '{}', '{}', '')", [some]),
                ("custody_cover_kept(%s, '{}', '', 1)", []),
            ]
        )
        self.web.execute(f"SELECT {call}", [entry, *values])

    def show_list(self) -> None:
        pick = self.random.choice
        asked = [pick([*KEYS.values(), "guessed"]), pick([*KEYS]), pick([[], [1], [2], [3], [1, 2, 3]])]
        asked += [pick([None, *PLATES]), pick([None, 1, 9]), pick([None, 3])]
        ((entry,),) = self.web.execute("SELECT lists_show(%s, %s, %s, %s, %s, %s)", asked)
        self.shown_lists.append(entry)
        self.name()

    def read_list(self) -> None:
        for number, plate in self.web.execute("SELECT id, plate FROM lists_entry").fetchall():
            self.listed.add((self.named_list, number, plate))

    def read_all(self) -> None:
        matches = self.web.execute("SELECT record_id, plate_fold FROM custody_read").fetchall()
        self.both |= {(self.named, record, plate) for record, plate in matches}

    def read(self) -> None:
        statement = self.random.choice(
            [
                "SELECT record_id, plate_fold FROM custody_read",
                "SELECT max(record_id), plate_fold FROM custody_read GROUP BY plate_fold",
                "SELECT id, NULL FROM custody_record",
                "SELECT NULL, plate_fold FROM search_known(true)",
                "SELECT NULL, plate_fold FROM search_known(false)",
            ]
        )
        for record, plate in self.web.execute(statement).fetchall():
            if record is None:
                self.left.add((self.named, "compared" if "true" in statement else "plates", plate))
            elif plate is None:
                self.left.add((self.named, "records", record))
            else:
                self.both.add((self.named, record, plate))

    def close(self) -> None:
        message = self.random.choice(
            [
                NOTHING,
                '{"records": [99], "pictures": [], "covert": {"vice": null}}',
                '{"records": "none", "pictures": [], "plates": {}, "covert": []}',
                '{"records": null, "pictures": null, "covert": {"vice": {"records": 4}}}',
            ]
        )
        self.web.execute("SELECT ledger_append('shown', %s, %s)", [self.random.choice(self.entries), message])

    def check(self) -> None:
        """Compare what left with what the ledger has, once each entry is closed."""
        self.web.rollback()
        self.superuser.execute("UPDATE ledger_covered SET at = at - interval '2 hours'")
        self.superuser.execute("SELECT ledger_close_left()")
        for entry, number, plate in self.listed:
            who = body(self.superuser, entry, "person")
            parts = [{name: body(self.superuser, entry, name) for name in ("numbers", "plates")}]
            parts += (body(self.superuser, entry, "covert") or {}).values()
            assert any(number in part["numbers"] and plate in part["plates"] for part in parts)
            assert who == "s.ito" or (who == "o.kim" and number != 3)
        for entry in {entry for entry, *_ in (*self.left, *self.both)}:
            message = {name: body(self.superuser, entry, name) for name in ("records", "plates", "compared", "covert")}
            covert = message.pop("covert")
            covert = covert if isinstance(covert, dict) else {}
            shown = {
                (name, value)
                for part in (message, *(each or {} for each in covert.values()))
                for name, values in part.items()
                if isinstance(values, list) and name != "pictures"
                for value in values
            }
            for named, name, value in self.left:
                assert named != entry or (name, value) in shown
            for named, record, plate in self.both:
                assert named != entry or ("records", record) in shown or ("plates", plate) in shown
            # Who may see nothing has nothing, and no one outside a group has what is its own.
            who, groups = body(self.superuser, entry, "person"), body(self.superuser, entry, "groups")
            assert who in {"o.kim", "s.ito"}
            assert groups in ([], [GROUP])
            assert groups == [] or who == "s.ito"
            own = {record for named, record, _ in self.both if named == entry}
            own |= {int(value) for named, name, value in self.left if named == entry and name == "records"}
            assert groups == [GROUP] or not own & {4, 8, 12}


@pytest.mark.timeout(900 if THOROUGH else 120)  # a thousand tries, each with some statements of its own
@pytest.mark.parametrize("part", range(5 if THOROUGH else 1))
@pytest.mark.usefixtures("listed")
def test_what_leaves_is_what_was_shown(connect: Connect, people: psycopg.Connection, part: int) -> None:
    """At random: any SQL of reading, any session variable, any entry, rolled back or not, closed truly or not."""
    seed = f"{random.randrange(2**32)} {part}"
    left = listed = 0
    for number in range(1000 if THOROUGH else 25):
        with connect(WEB) as web:
            attacker = Attacker(web, people, random.Random(f"{seed} {number}"))
            attacker.entries += [begun(web, login) for login in ("o.kim", "s.ito")]
            attacker.named = str(attacker.entries[-1])
            web.execute("SELECT custody_cover_named(%s, %s)", [attacker.named, [*PLATES]])
            web.commit()
            attacker.read_all()
            ((attacker.named_list,),) = web.execute("SELECT lists_show(%s, '', '{}', NULL, 9, NULL)", [KEYS["s.ito"]])
            web.execute("SELECT set_config('platepost.list_shown', %s, false)", [str(attacker.named_list)])
            web.commit()
            attacker.read_list()
            for _ in range(20):
                attacker.act()
            try:
                attacker.check()
            except AssertionError as error:
                error.add_note(f"seed {seed}, try {number}")
                raise
            left += len(attacker.left) + len(attacker.both)
            listed += len(attacker.listed)
    assert left > number
    assert listed > 2 * number
