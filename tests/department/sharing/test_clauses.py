"""The policy's clauses: met while the department's records say so, and red as soon as one of them says otherwise."""

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from platepost.department.people.models import DepartmentPerson
from platepost.department.people.rights import DepartmentRole
from platepost.department.policy.law import LAWS
from platepost.department.policy.policy import ALARM, DEFAULT, policy_in_force
from platepost.department.sharing.clauses import CLAUSES, department_facts, evidence, publish_policy
from platepost.department.sharing.errors import SharingError
from tests.department.law import OTHER_LAW, bind, establish
from tests.department.people.persons import client_of, fresh_client_of, new_person
from tests.department.planting import planting
from tests.department.sharing.conftest import agreed_with, enter, sql

ROOT = Path(__file__).parents[3]
ENTRY = (
    "INSERT INTO lists_entry (plate, category, priority, case_number, purpose, reason, author, made_at,"
    " expires_at, second_person, over_at) VALUES ('7AB?12*', 'felony', 1, '26-1', 'wanted person', 'r', 'o.person',"
    " now() - interval '2 days', now() + interval '9 days', false, now() + interval '9 days')"
)
ALERT = (
    "INSERT INTO alerts_alert (record_id, retained_from, post, hit, captured_at, arrived_at, category, priority, match,"
    " hotlist_stale, held, second_needed, state, changed_at, holder, eye_by, eye_at, substitute, substitute_at, system,"
    " system_at) VALUES (1099511627776, now(), 'post-1', 'h', now(), now(), 'stolen', 1, 'near', false, false, true,"
    " 'actionable', now(), 'o.person', 'o.person', now(), 'by phone', now() - interval '2 days', 'active', now())"
)
FINDING = (
    "INSERT INTO audits_finding (rule, subject, month, says, entries, answer_by, close_by) VALUES ('volume',"
    " 'o.person', date_trunc('month', now()), 's', ARRAY[gen_random_uuid()],"
    " now() - interval '1 day', now() + interval '9 days')"
)


INCIDENT = (
    "INSERT INTO sharing_incident (kind, subject, says, since, until, known_on, notify_by, encrypted, person)"
    " VALUES ('account', 'o.person', 's', '2026-01-01', '2026-01-02', '2026-01-03', '2026-01-04', false, 'r.manager')"
)
HOLD = (
    "INSERT INTO archive_hold (kind, case_number, person, reason, placed_at, review_on, records)"
    " VALUES ('evidence', '26-1', 'o.person', 'r', now() - interval '9 days', current_date - 1, '{1}')"
)
REQUEST = (
    "INSERT INTO sharing_request (kind, requester, says, received_on, due_on, person)"
    " VALUES ('public records', 'the Courier', 'counts', '2026-01-01', '2026-01-11', 'r.manager')"
)


def forced(query: str) -> None:
    """Do something that no trigger sees."""
    sql("SET LOCAL session_replication_role = replica")
    with connection.cursor() as cursor, planting(cursor):
        cursor.execute(query)
    sql("SET LOCAL session_replication_role = origin")


def unexplained() -> None:
    enter(purpose="patrol", exigent=True, reason="child taken")
    sql("UPDATE ledger_entry SET at = at - interval '25 hours'")
    for noted in ("certificate", "training"):
        forced(f"UPDATE people_{noted} SET noted_at = noted_at - interval '9 days'")


def lapsed() -> None:
    new_person("o.second", DepartmentRole.OPERATOR, current=False)


def untrained() -> None:
    sql("UPDATE people_certificate SET expires_at = now() - interval '1 day' WHERE person_id = ("
        "SELECT id FROM people_person WHERE login = 'o.person')")  # fmt: skip
    sql("UPDATE people_role SET ended_at = now() WHERE role = 'operator'")


def text_of_a_return() -> None:
    sql("ALTER TABLE alerts_step DROP CONSTRAINT alerts_note")
    forced("INSERT INTO alerts_step (record_id, revision, step, at, state, note)"
        " VALUES (1099511627776, 1, 'take', now(), 'taken', 'LIC/TEST123 OCA/1')")  # fmt: skip


def case_not_asked_for() -> None:
    sql("UPDATE policy_purpose SET needs_case = false")
    enter(purpose="stolen vehicle", case=None)


def unverified_agency() -> None:
    agreed_with("oakdale-pd")
    sql("DELETE FROM ledger_verification")


def late_audit() -> None:
    forced("UPDATE audits_plan SET begins = begins - interval '90 days'")


def no_open_purpose() -> None:
    """Put a policy into force, and publish it, by which each purpose needs a case."""
    published(DEFAULT.read_text("utf-8").replace("case = false", "case = true"))


def stranger_searched() -> None:
    """Have someone search who is of an agency without an agreement, and has no role any more."""
    new_person("left.ice")
    enter(purpose="patrol", person="left.ice")
    forced("UPDATE people_person SET agency = 'ice' WHERE login = 'left.ice'")


def stranger() -> None:
    forced("UPDATE people_person SET agency = 'ice' WHERE login = 's.person'")


def seldom_audited() -> None:
    """Be under a law that asks for an audit each month, with a plan for one in a year."""
    text = DEFAULT.read_text("utf-8").replace('law = "california"', 'law = "other"')
    bind(sql_of, "other")
    published(f"{text}{OTHER_LAW}audit_days = 30\n")
    forced("UPDATE audits_plan SET every_days = 365")


def unconfirmed_agency() -> None:
    agreed_with("oakdale-pd")
    forced("UPDATE ledger_agency SET confirmed_by = NULL, confirmed_at = NULL")


def unchecked() -> None:
    """Have an alert that no one compared with its picture."""
    ((rules,),) = sql(
        "SELECT string_agg(format('ALTER TABLE alerts_alert DROP CONSTRAINT %%I', conname), ';') FROM pg_constraint"
        " WHERE conrelid = 'alerts_alert'::regclass AND contype = 'c'"
    )
    sql(rules)
    forced(ALERT.replace("'o.person', 'o.person', now(), 'by phone'", "'o.person', NULL, NULL, 'by phone'").replace(
        "now() - interval '2 days', 'active'", "now(), 'active'"
    ))  # fmt: skip


def without_factor() -> None:
    sql("UPDATE people_person SET last_login = now() WHERE login = 'o.person'")
    sql("DELETE FROM mfa_authenticator")


def old_list() -> None:
    reported(6, 7)


REPORTED = """
INSERT INTO custody_status (record_id, class, retained_from, post, at, state, since, reasons, software, list_version,
    list_age)
SELECT version, 'log', now(), 'post-' || version, now(), 'ok', now(), '{{}}', '1', version, 3600
FROM unnest(ARRAY{}) AS version
"""


def reported(*versions: int) -> None:
    """Have posts report lists that were built an hour ago."""
    sql("SELECT custody_make_partitions(current_date, current_date)")
    forced(REPORTED.format([*versions]))


def unreached() -> None:
    """Have a list be published that no post has."""
    reported(7)
    sql(
        "INSERT INTO lists_request (kind, state, version, published_at)"
        " VALUES ('delta', 'published', 8, now() - interval '11 minutes')"
    )


def published(text: str) -> None:
    """Put a policy into force, and publish it."""
    settings.POLICY_FILE.write_text(text, "utf-8")
    publish_policy(person="r.manager", hearing=timezone.localdate())


def nothing_forbidden() -> None:
    published("forbidden = []\n" + DEFAULT.read_text("utf-8").partition("[[forbidden]]")[0])


def kept_for_too_long() -> None:
    """Be under a law with a ceiling, and keep records past it."""
    published(DEFAULT.read_text("utf-8").replace('law = "california"', 'law = "california_highway_patrol"'))
    bind(sql_of, "california_highway_patrol")
    establish(LAWS["california_highway_patrol"])
    sql("SELECT custody_make_partitions(current_date - 90, current_date - 84)")


BROKEN: tuple[tuple[str, str, Callable[[], object]], ...] = (
    ("P1", "unreviewed", unexplained),
    ("P2", "under_others", lambda: enter(purpose="patrol", policy="0" * 64)),
    ("P2", "in_force", lambda: sql("DELETE FROM sharing_policy")),
    ("P3", "lapsed", lapsed),
    ("P4", "published", lambda: sql("DELETE FROM lists_request")),
    ("P4", "behind", old_list),
    ("P4", "behind", unreached),
    ("P5", "trainers", lambda: sql("UPDATE people_role SET ended_at = now() WHERE role = 'trainer'")),
    ("P6", "findings_overdue", lambda: forced(FINDING)),
    ("P6", "forbidden", nothing_forbidden),
    ("P7", "untrained", untrained),
    ("P8", "open_purposes", no_open_purpose),
    ("P9", "unlisted", lambda: forced(ENTRY)),
    ("P10", "unverified", unchecked),
    ("P10", "substitutes", lambda: forced(ALERT)),
    ("P11", "texts", text_of_a_return),
    ("P12", "outside", stranger_searched),
    ("P12", "side_doors", lambda: enter("reads_granted", reader="map", reason="a map", until=None)),
    ("P13", "terms", lambda: sql("DELETE FROM archive_term")),
    ("P13", "law_differs", lambda: bind(sql_of, "california_highway_patrol")),
    ("P13", "overdue_records", kept_for_too_long),
    ("P13", "holds_to_review", lambda: forced(HOLD)),
    ("P14", "requests_late", lambda: forced(REQUEST)),
    ("P15", "managers", lambda: sql("UPDATE people_role SET ended_at = now() WHERE role = 'records_manager'")),
    ("P16", "nameless", lambda: enter(purpose="patrol", person="dispatch-desk")),
    ("P16", "without_factor", without_factor),
    ("P16", "checkpoints", lambda: sql("UPDATE ledger_sent SET destination = 'https://time.example/'")),
    ("P16", "checkpoints_late", lambda: sql("INSERT INTO ledger_sent (destination, error) VALUES ('syslog', 'full')")),
    ("P17", "without_case", case_not_asked_for),
    ("P18", "unverified_agencies", unverified_agency),
    ("P18", "unverified_agencies", unconfirmed_agency),
    ("P18", "strangers", stranger),
    ("P19", "audits_overdue", late_audit),
    ("P19", "slow_plans", seldom_audited),
    ("P19", "plans", lambda: forced("UPDATE audits_plan SET begins = now() + interval '9 years'")),
    (
        "P19",
        "auditors_disabled",
        lambda: forced("UPDATE people_person SET disabled_at = now() WHERE login = 'a.person'"),
    ),
    ("P20", "incidents_late", lambda: sql(INCIDENT)),
)
"""By clause and fact, how its control is gone round by those whom the database cannot hold."""


def sql_of(query: str, values: Sequence[Any] = ()) -> None:
    sql(query, *values)


def unmet() -> set[str]:
    return {each.clause.id for each in evidence() if not each.is_met}


def test_list_that_the_fleet_s_office_published_counts_by_what_posts_report(
    all_clauses_met: dict[str, DepartmentPerson],
) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE NONE")
        sql("DELETE FROM lists_request")
        assert unmet() == {"P4"}
        reported(7)
        assert unmet() == set()
        transaction.set_rollback(True)


def test_clause_turns_red_when_its_control_is_broken(
    all_clauses_met: dict[str, DepartmentPerson], settings: Settings, tmp_path: Path
) -> None:
    assert unmet() == set()
    judged = {(clause.id, fact) for clause in CLAUSES for fact in (*clause.none, *clause.some)}
    assert {(clause, fact) for clause, fact, _ in BROKEN} == judged
    good = department_facts(policy_in_force())
    settings.POLICY_FILE = tmp_path / "policy.toml"
    matches = []
    for clause, fact, breaks in BROKEN:
        settings.POLICY_FILE.write_bytes(DEFAULT.read_bytes())
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL ROLE NONE")
            cursor.execute("ALTER TABLE ledger_entry DISABLE TRIGGER ledger_entry_is_final")
            breaks()
            is_other = bool(department_facts(policy_in_force())[fact]) != bool(good[fact])
            matches.append((clause, fact, is_other, unmet()))
            transaction.set_rollback(True)
    assert matches == [(clause, fact, True, {clause}) for clause, fact, _ in BROKEN]


def test_hit_at_a_console_is_no_search(all_clauses_met: dict[str, DepartmentPerson]) -> None:
    before = department_facts(policy_in_force())["searches"]
    enter(purpose=ALARM, query={"console": True})
    enter(purpose="patrol", query={"plate": "TEST123"})
    assert department_facts(policy_in_force())["searches"] == (before or 0) + 1
    enter(purpose=ALARM, query={"console": True}, person="dispatch-desk")
    assert unmet() == {"P16"}, "whoever it is must be known there, too"


def test_policy_without_an_open_purpose_or_a_forbidden_use(
    all_clauses_met: dict[str, DepartmentPerson], settings: Settings, tmp_path: Path
) -> None:
    fields = DEFAULT.read_text("utf-8").replace("case = false", "case = true")
    settings.POLICY_FILE = tmp_path / "policy.toml"
    settings.POLICY_FILE.write_text("forbidden = []\n" + fields.partition("[[forbidden]]")[0])
    assert unmet() == {"P2", "P6", "P8"}, "it was not published either"


def test_every_clause_is_there_with_a_test_that_is_there() -> None:
    assert [clause.id for clause in CLAUSES] == [f"P{number}" for number in range(1, 21)]
    for clause in CLAUSES:
        path, _, name = clause.test.partition("::")
        assert re.search(rf"\bdef {name}" if name else "def test_", (ROOT / path).read_text("utf-8")), clause.test


def test_policy_is_published_once(people: dict[str, DepartmentPerson], db: None) -> None:
    today, published = timezone.now().date(), "SELECT count(*) FROM ledger_entry WHERE event = 'policy_published'"
    ((before,),) = sql(published)
    for person, day, rule in (
        ("o.person", today, "sharing_role"),
        ("r.manager", today + timedelta(days=9), "sharing_policy_heard"),
    ):
        with pytest.raises(SharingError) as refused:
            publish_policy(person=person, hearing=day)
        assert refused.value.rule == rule
    publish_policy(person="r.manager", hearing=today)
    with pytest.raises(SharingError, match="published already"):
        publish_policy(person="r.manager", hearing=today)
    assert sql(published) == [(before + 1,)]


@pytest.mark.parametrize("zone", ["Etc/GMT+12", "Etc/GMT-14"])
def test_hearing_was_held_by_the_department_s_own_day(people: dict[str, DepartmentPerson], db: None, zone: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_department SET timezone = %s", [zone])
    today = timezone.now().astimezone(ZoneInfo(zone)).date()
    with pytest.raises(SharingError) as refused:
        publish_policy(person="r.manager", hearing=today + timedelta(days=1))
    assert refused.value.rule == "sharing_policy_heard"
    publish_policy(person="r.manager", hearing=today)


@pytest.mark.django_db(transaction=True)
def test_page_shows_the_clauses_and_publishes(people: dict[str, DepartmentPerson], no_agency: None) -> None:
    page = client_of(people["o"]).get("/policy/").content.decode()
    assert page.count('scope="row"') == 20
    assert "Not met: 0 versions published, the active one among them: no" in page
    assert "0 plans; last audit never, 0 samples" in page
    assert "Publish it" not in page
    manager = fresh_client_of(people["r"])
    late = manager.post("/policy/publish/", {"hearing": "2999-01-01"})
    assert (late.status_code, "Refused: the hearing was held before" in late.content.decode()) == (409, True)
    assert manager.post("/policy/publish/", {"hearing": "2026-09-08"}).status_code == 302
    published = manager.get("/policy/").content.decode()
    assert "hearing Sep 8, 2026" in published
    assert "1 version published, the active one among them: yes; 0 searches under another" in published
