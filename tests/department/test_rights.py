"""Every right of every database role, tried: what is not in these tables is refused."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import connection as django_connection

import platepost.department as department_package
from platepost.department.custody.reading import ReadFilter, hits, reads, whole_records
from platepost.department.database.roles import (
    AUDITOR,
    COMMAND,
    FEDERATION,
    KEEPER,
    METRICS,
    MISUSE,
    OWNER,
    PUBLIC,
    PURGER,
    ROLES,
    SIGNER,
    WEB,
    WEBHOOK,
)
from platepost.department.ledger.entries import OpenEntry, open_entry
from platepost.department.ledger.errors import ClosedEntryError
from platepost.department.policy.policy import AccessPurpose
from tests.department.database.role_table import PAGE, page
from tests.department.emptying import empty
from tests.department.ledger.asked import handmade
from tests.department.planting import planting
from tests.department.roles import as_role

Connect = Callable[[str], psycopg.Connection]

ALL = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"})
READ = frozenset({"SELECT"})
ADD = frozenset({"SELECT", "INSERT"})
KEEP = frozenset({"SELECT", "INSERT", "UPDATE"})
_RECORDS = {OWNER: ALL, KEEPER: ADD, WEB: READ}
_BOOKS = {OWNER: ALL, KEEPER: KEEP, WEB: READ, AUDITOR: READ, METRICS: READ}
_PUBLISHED = {OWNER: ALL, WEB: READ, AUDITOR: READ, PURGER: READ}
RIGHTS = {
    **dict.fromkeys(
        (
            *("custody_picture", "custody_hit"),
            *("custody_withdrawal", "custody_audit", "custody_access"),
        ),
        _RECORDS,
    ),
    # Who answers partners opens reads of no covert group, under the entry of a query.
    "custody_read": _RECORDS | {FEDERATION: READ},
    # Those of posts, and counts, which who serves figures reads: of no covert group.
    **dict.fromkeys(("custody_status", "custody_health"), _RECORDS | {METRICS: READ}),
    # Who sends decisions to webhooks reads the record of the hit that its entry covers.
    **dict.fromkeys(("custody_record", "custody_rejudged", "custody_constants"), _RECORDS | {WEBHOOK: READ}),
    **{key: {OWNER: READ, KEEPER: READ, WEB: READ, WEBHOOK: READ} for key in ("custody_stored", "custody_judged")},
    # Of objects that no picture names: to know of one, or not to, shows nothing.
    "custody_unnamed_object": {OWNER: ALL, KEEPER: ADD | {"DELETE"}, PURGER: READ | {"DELETE"}},
    "ledger_node": {OWNER: ALL, KEEPER: ADD, PUBLIC: READ},
    "ledger_sent": {OWNER: ALL, KEEPER: KEEP | {"DELETE"}, PUBLIC: READ, WEB: READ, METRICS: READ},
    "custody_holding": _BOOKS,
    "custody_tally": _BOOKS,
    "custody_parted": {OWNER: ALL},
    "custody_daily": {OWNER: ALL},
    "custody_purged": {OWNER: ALL, KEEPER: READ, PURGER: READ},
    "custody_purged_tally": {OWNER: ALL},
    # The pages add what waits, and change a few columns: see tests/department/custody/test_admissions.py.
    "custody_admission": {OWNER: ALL, WEB: ADD, KEEPER: READ},
    "custody_certificate": {OWNER: ALL, KEEPER: READ, PURGER: ADD},
    "archive_law": _PUBLISHED,
    # Of the owner's own rows, triggers refuse what is not lifted, approved or carried out.
    "archive_term": _PUBLISHED | {KEEPER: READ, FEDERATION: READ},
    "archive_due": {OWNER: READ, WEB: READ, AUDITOR: READ, PURGER: READ},
    "archive_hold": _PUBLISHED | {WEB: ADD},
    "archive_plan": _PUBLISHED | {WEB: ADD},
    # Who orders and who makes a package change a few columns: see tests/department/archive/test_evidence_pages.py.
    "archive_evidence": {OWNER: ALL, WEB: ADD, KEEPER: READ},
    # Of a part web and auditor see no count that has covert records in it.
    "archive_part": {OWNER: ALL, WEB: frozenset({"INSERT"}), PURGER: READ},
    "archive_outcome": {OWNER: ALL, PURGER: READ},
    # The pages add rows where they name who may, and change a few columns: see tests/department/lists/test_services.py.
    "lists_policy": {OWNER: ALL, WEB: READ, SIGNER: READ},
    "lists_in_force": {OWNER: ALL - {"TRUNCATE"}, WEB: READ, SIGNER: READ},
    # What `archive_sweep` alone counts and deletes.
    **{
        f"{name}_kind": {OWNER: ALL - {"TRUNCATE"}}
        for name in ("lists_entry", "lists_lead", "alerts_decision", "people_training")
    },
    "lists_entry": {OWNER: ALL, WEB: READ, SIGNER: READ},
    "lists_recovery": {OWNER: ALL, SIGNER: READ},
    "lists_request": {OWNER: ALL, WEB: READ, SIGNER: ADD, WEBHOOK: READ},
    # The pages see all but the file.
    "lists_import": {OWNER: ALL, SIGNER: ADD},
    # By which a trigger names an alert's source. A column of it is changed too.
    "lists_imported": {OWNER: ALL, SIGNER: ADD | {"DELETE"}},
    "lists_lead": {OWNER: ALL, WEB: READ},
    # Who says what, triggers hold: see tests/department/audits/test_audits.py. Each row is judged or closed once.
    **{f"audits_{name}": {OWNER: ALL, WEB: ADD, AUDITOR: READ} for name in ("plan", "audit", "sample", "answer")},
    "audits_finding": {OWNER: ALL, WEB: ADD, AUDITOR: READ, MISUSE: ADD},
    "audits_household": {OWNER: ALL, WEB: ADD, MISUSE: ADD},
    "audits_household_sealed": {OWNER: ALL, WEB: ADD, MISUSE: READ},
    "archive_kind": _PUBLISHED,
    "archive_backup": _PUBLISHED | {METRICS: READ},
    "search_plate": {OWNER: ALL},
    # The pages add a row beside a read that the open entry may see: see tests/department/search/test_search.py.
    "search_correction": {OWNER: ALL, WEB: READ},
    "search_saved": {OWNER: ALL, WEB: ADD},
    # What one opens, a function alone tells, once.
    "search_ticket": {OWNER: ALL, WEB: frozenset({"INSERT"})},
    # What a session searches for, functions alone return, to that session.
    "search_query": {OWNER: ALL},
    # An alert is changed by its steps alone: see tests/department/alerts.
    "alerts_transition": {OWNER: ALL, WEB: READ, AUDITOR: READ},
    "alerts_alert": {OWNER: ALL, WEB: READ, AUDITOR: READ, WEBHOOK: READ, METRICS: READ},
    "alerts_step": {OWNER: ALL, WEB: ADD, AUDITOR: READ},
    "alerts_acknowledgment": {OWNER: ALL, WEB: ADD, AUDITOR: READ},
    # The keeper notes besides when it has told one.
    "alerts_decision": {OWNER: ALL, KEEPER: READ},
    "alerts_forgotten": {OWNER: ALL},
    # The command line decides who is sent them; who sends them changes a few columns.
    "alerts_sample": {OWNER: ALL, WEB: READ, AUDITOR: READ},
    "alerts_label": {OWNER: ALL, WEB: ADD, AUDITOR: READ},
    "alerts_settled": {OWNER: READ, WEB: READ, AUDITOR: READ},
    "alerts_list_webhook": {OWNER: ALL - {"TRUNCATE"}, WEBHOOK: READ},
    "alerts_webhook": {OWNER: ALL},
    "alerts_delivery": {OWNER: ALL},
    "alerts_webhook_open": {OWNER: ALL - {"TRUNCATE"}},
    "alerts_undelivered": {OWNER: READ, WEBHOOK: READ},
    "ledger_event": {OWNER: ALL - {"TRUNCATE"}, AUDITOR: READ, PURGER: READ},
    "ledger_class": {OWNER: ALL, AUDITOR: READ, PURGER: READ},
    **{key: {OWNER: ALL, WEB: READ, AUDITOR: READ} for key in ("ledger_department", "ledger_law")},
    "policy_rules": {OWNER: ALL, WEB: READ},
    **{key: {OWNER: ALL} for key in ("policy_purpose", "policy_forbidden")},
    **{
        key: {OWNER: ALL, WEB: ADD, AUDITOR: READ}
        for key in ("ledger_agreement", "ledger_verification", "ledger_sharing", "sharing_request")
    },
    "ledger_agency": {OWNER: ALL, WEB: ADD, AUDITOR: READ},
    # Neither has a plate: queries and answers stand in the ledger. A few columns are changed.
    **{
        key: {OWNER: ALL, KEEPER: READ, WEB: ADD, AUDITOR: READ, FEDERATION: rights}
        for key, rights in (("federation_partner", READ), ("federation_exchange", ADD))
    },
    "sharing_policy": {OWNER: ALL, KEEPER: READ, WEB: ADD, AUDITOR: READ, PUBLIC: READ},
    # Of the owner's own rows, a trigger refuses any change.
    "sharing_correction": {OWNER: ALL, KEEPER: ADD, PUBLIC: READ},
    "sharing_report": {OWNER: ALL, KEEPER: ADD, PUBLIC: READ},
    **{key: {OWNER: ALL, WEB: ADD, AUDITOR: READ} for key in ("sharing_incident", "sharing_law")},
    "sharing_release": {OWNER: ALL, WEB: ADD, AUDITOR: READ},
    # Of the owner's own tables, triggers refuse the rest.
    "ledger_entry": {OWNER: ADD, KEEPER: READ, WEB: READ, AUDITOR: READ, PURGER: READ, MISUSE: READ},
    # Bodies go by `archive_sweep` alone, as a plan says.
    "ledger_body": {OWNER: ADD | {"DELETE"}, KEEPER: READ, WEB: READ, AUDITOR: READ, MISUSE: READ},
    # Of people the pages change a few columns, and add rows where they name an administrator or a trainer; what they
    # may not is in tests/department/people/test_services.py. The auditor sees all columns but passwords.
    "people_person": {OWNER: ALL, WEB: READ},
    **{
        key: {OWNER: ALL, WEB: READ, AUDITOR: READ}
        for key in (
            "people_role",
            "people_request",
            "people_console",
            "people_certificate",
            "people_covert",
        )
    },
    "people_training": {OWNER: ALL, WEB: READ, AUDITOR: READ, MISUSE: READ},
    "people_exercise": {OWNER: ALL, WEB: ADD, AUDITOR: READ},
    "people_session": {OWNER: ALL},
    "people_provider_access": {OWNER: ALL, WEB: ADD | {"UPDATE"}},
    "ledger_covered": {OWNER: ALL},
    "people_provider_group": {OWNER: ALL, AUDITOR: READ},
    "people_lock": {OWNER: ALL, WEB: ADD, AUDITOR: READ},
    **{key: {OWNER: ALL, WEB: ADD} for key in ("people_device", "people_failure", "people_used_code")},
    **{key: {OWNER: ALL, WEB: KEEP | {"DELETE"}} for key in ("django_session", "mfa_authenticator")},
    "socialaccount_socialaccount": {OWNER: ALL, WEB: KEEP},
    **{
        key: {OWNER: ALL, WEB: READ}
        for key in ("socialaccount_socialapp", "socialaccount_socialtoken", "account_emailaddress")
    },
    **{
        key: {OWNER: ALL}
        for key in ("account_emailconfirmation", "auth_group", "auth_group_permissions", "auth_permission")
    },
    "database_sql": {OWNER: ALL, WEB: READ},
    "django_migrations": {OWNER: ALL} | dict.fromkeys({*ROLES} - {OWNER, PUBLIC}, READ),
}
"""By table and role, what the role may do. Django's other tables are the owner's."""
RIGHTS = {table: rights | ({COMMAND: rights[WEB]} if WEB in rights else {}) for table, rights in RIGHTS.items()}
_ENTERING = {*ROLES} - {PUBLIC, METRICS}
_OPENING = _ENTERING - {MISUSE, WEBHOOK, FEDERATION}
FUNCTIONS = {
    # Which event each may enter, the catalog says.
    "ledger_append": _ENTERING,
    "ledger_append_each": {OWNER, WEB},
    # Of whom an entry is, and what it opens, the database says.
    **{key: {OWNER, WEB} for key in ("ledger_begin", "ledger_show_others")},
    **{
        key: {OWNER}
        for key in (
            "ledger_check_each",
            "ledger_enter_checked",
            "ledger_enter_each",
            "ledger_all_shown",
            "ledger_cover",
            "ledger_cover_asked",
            "ledger_searches",
        )
    },
    "ledger_close_left": {OWNER, KEEPER},
    **{key: {OWNER} for key in ("ledger_intent", "ledger_is_open", "ledger_log_bound", "ledger_whole_log")},
    # Covers entries of the ledger, and returns none of them.
    **{key: {OWNER, WEB} for key in ("ledger_cover_entries", "ledger_covered_entries", "audits_cover_drawn")},
    # Counts of the ledger, while an entry is open under which it is read.
    **{key: {OWNER, WEB} for key in ("audits_searches", "audits_people", "audits_hours", "audits_with_cases")},
    "sharing_purposes": {OWNER, WEB},
    "ledger_covered_plates": _OPENING | {FEDERATION},
    "ledger_covered_records": _OPENING | {WEBHOOK, FEDERATION},
    # Each returns nothing of what it covers: at most how many there are, and whether there are more.
    **{f"custody_cover_{key}": {OWNER, WEB} for key in ("records", "kept")},
    **{f"custody_cover_{key}": {OWNER, WEB, FEDERATION} for key in ("rows", "plates", "named")},
    "custody_cover_after": {OWNER, COMMAND},
    "custody_matching_plates": {OWNER},
    "custody_selected": {OWNER},
    **{f"search_cover_{key}": {OWNER, WEB} for key in ("latest", "scenes", "companions", "corrected")},
    **{f"search_{key}": {OWNER, WEB, FEDERATION} for key in ("cover_spelled", "cover_candidates", "known")},
    "custody_posts": {OWNER, WEB},
    # By its key alone.
    **{f"people_{key}_session": {OWNER, WEB} for key in ("begin", "renew", "end")},
    "people_session_of": {OWNER, WEB},
    "ledger_flush": _ENTERING,
    **{key: {OWNER} for key in ("ledger_guard_agreement", "ledger_guard_sharing", "ledger_guard_behalf")},
    "custody_guard_admission": {OWNER},
    "ledger_guard_until": {OWNER},
    "ledger_agency_refusal": {OWNER, WEB, WEBHOOK, FEDERATION},
    "sharing_require": {OWNER, WEB},
    **{key: {OWNER} for key in ("sharing_by_manager", "sharing_guard_request", "sharing_guard_release")},
    **{key: {OWNER} for key in ("sharing_guard_incident", "sharing_keep_report", "federation_guard")},
    # A signed answer, for who has the query that it answers.
    "federation_receipt": {OWNER, FEDERATION},
    # Counts of a month, with nothing covert in them.
    "sharing_counts": {OWNER, KEEPER},
    "sharing_forget_counted": {OWNER, KEEPER},
    "sharing_program": {OWNER, PUBLIC},
    # Counts by which the policy's clauses are judged: no plate, no person, no record.
    "sharing_facts": {OWNER, WEB},
    "ledger_check": {OWNER},
    "ledger_log_open": {OWNER, WEB, MISUSE},
    "ledger_note_access": {OWNER},
    "ledger_opened": {OWNER},
    "ledger_open_reviews": {OWNER, WEB, AUDITOR},
    "ledger_open_approvals": {OWNER, WEB},
    "ledger_approved": {OWNER, WEB, FEDERATION},
    "ledger_guard_approval": {OWNER},
    "ledger_visible": {OWNER, WEB, AUDITOR, MISUSE},
    "ledger_open": _OPENING | {WEBHOOK, FEDERATION},
    "ledger_groups": _OPENING | {MISUSE},
    **{key: {OWNER, WEB} for key in ("ledger_agency_lack", "ledger_last_law", "ledger_today")},
    **{
        key: {OWNER}
        for key in (
            "ledger_guard_agency",
            "ledger_guard_law",
            "sharing_guard_law",
            "sharing_guard_hearing",
            "sharing_change_law",
            "sharing_bind_law",
        )
    },
    "ledger_refuse": {OWNER},
    "ledger_refuse_early": {OWNER},
    "custody_chained": {OWNER, WEB},
    **{key: {OWNER, KEEPER} for key in ("custody_line", "custody_make_partitions")},
    "custody_retract": {OWNER, KEEPER},
    "custody_recorded": {OWNER},
    "custody_require_records": {OWNER},
    "custody_unrecorded": {OWNER, KEEPER},
    "alerts_recorded": {OWNER},
    "alerts_unrecorded": {OWNER, KEEPER},
    "ledger_leaves": {OWNER, KEEPER, PUBLIC},
    # When each post's last test hit came, for the status page: no plate, nothing of a vehicle, no covert row.
    "custody_synthetic_kept": {OWNER, WEB, METRICS},
    # Which posts are out of service, by name.
    "custody_decommissioned": {OWNER, WEB, METRICS},
    **{
        f"people_{name}": {OWNER}
        for name in ("check_person", "check_role", "check_noted", "check_request", "give_approved", "note")
    },
    # Gives no role but those that the command line has mapped groups to.
    "people_take_groups": {OWNER, WEB},
    # Called by triggers with the rights of the one who changes a row.
    "people_require": {OWNER, WEB},
    "people_require_side": {OWNER, WEB},
    "people_end_disabled": {OWNER, WEB},
    "people_end_sessions": {OWNER, WEB},
    "lists_require": {OWNER, WEB, SIGNER},
    **{f"lists_{key}": {OWNER, WEB} for key in ("groups", "opened", "show", "of_hit", "patterns", "unconfirmed")},
    "lists_guard": {OWNER},
    **{key: {OWNER} for key in ("lists_guard_words", "lists_guard_imported", "archive_guard_words")},
    # Entries of people, while the ledger is open: what the rules against misuse go through.
    "lists_listed": {OWNER, COMMAND, MISUSE},
    # Whether a text is forbidden, sampled, or a return: a constraint asks the last of whoever changes a row.
    "policy_word": {OWNER, WEB, SIGNER},
    "policy_near": {OWNER, WEB, AUDITOR},
    "policy_is_return": {OWNER, WEB, SIGNER, PURGER, KEEPER},
    **{key: {OWNER} for key in ("policy_folded", "policy_refusal", "policy_guard")},
    **{key: {OWNER} for key in ("people_roles", "ledger_check_purpose")},
    "ledger_warned": {OWNER, WEB, AUDITOR, SIGNER, FEDERATION},
    "lists_guard_entry": {OWNER},
    "lists_hold_dispatcher": {OWNER},
    "lists_take_back": {OWNER},
    "lists_name_sources": {OWNER},
    "archive_establish": {OWNER},
    "archive_guard_hold": {OWNER},
    "archive_guard_plan": {OWNER},
    "archive_guard_part": {OWNER},
    "archive_kept": {OWNER},
    "archive_suffix": {OWNER},
    "archive_stale": {OWNER, WEB, PURGER},
    "archive_purge_part": {OWNER, PURGER},
    "archive_finish": {OWNER, PURGER},
    **{
        key: {OWNER, WEB}
        for key in ("alerts_plain", "alerts_newest_list", "alerts_withdraw_listed", "alerts_draw", "alerts_lock")
    },
    # Opens an entry for a hit whose plate an agency with an agreement receives by webhook, and returns its name.
    "alerts_release": {OWNER, WEBHOOK},
    # Whether a rejected hit may be reopened: of what a page's role sees anyway.
    "alerts_still_listed": {OWNER, WEB},
    **{
        key: {OWNER}
        for key in (
            *("alerts_refuse", "alerts_current", "alerts_acknowledge", "alerts_do_step", "alerts_take_back"),
            *(
                "alerts_arrive",
                "alerts_hear_withdrawal",
                "alerts_hear_judgment",
                "alerts_forget",
                "alerts_final",
                *("alerts_member", "alerts_reviewer", "alerts_tell", "alerts_guard_label", "alerts_forget_samples"),
            ),
        )
    },
    # Called by triggers with the rights of the one who changes a row.
    "audits_require": {OWNER, WEB},
    "audits_check": {OWNER},
    # How old reads were that were shown, and how many: under an entry that opens the ledger alone.
    "audits_ages": {OWNER, WEB},
    "audits_post_accesses": {OWNER, WEB},
    "audits_forget_household": {OWNER, WEB, MISUSE},
    "audits_forget_disabled": {OWNER},
    **{key: {OWNER} for key in ("archive_guard_backup", "archive_guard_erasure", "archive_entry_held", "archive_old")},
    **{key: {OWNER} for key in ("archive_old_groups", "archive_show_part")},
    "archive_case_held": {OWNER},
    **{key: {OWNER, WEB} for key in ("archive_due_rows", "archive_holds_aside", "archive_hold_again")},
    # Classes and whether anything of them is over its term: what the view of what is due says.
    "archive_due_whole": {OWNER, WEB, AUDITOR, PURGER},
    "archive_sweep": {OWNER, PURGER},
    "search_candidates": {OWNER},
    "search_case_given": {OWNER, WEB},
    "search_discard": {OWNER, WEB},
    "archive_guard_evidence": {OWNER},
    "search_use_ticket": {OWNER, WEB},
    **{f"search_{key}": {OWNER, WEB} for key in ("keep_query", "query_of", "list_reads", "kept_reads")},
    "search_forget_corrections": {OWNER},
    "search_forget": {OWNER, PURGER},
    "search_grams": {OWNER},
    "search_note": {OWNER},
    "search_week": {OWNER},
}
"""By function, who may call it."""
FUNCTIONS = {name: callers | ({COMMAND} if WEB in callers else set()) for name, callers in FUNCTIONS.items()}
REFUSED = (
    psycopg.errors.InsufficientPrivilege,
    # A view that cannot be changed says these.
    psycopg.errors.ObjectNotInPrerequisiteState,
    psycopg.errors.WrongObjectType,
)


def relations(connection: psycopg.Connection, *, partitions: bool) -> dict[str, str]:
    """Return the tables and views by name, with a column of each."""
    fetched = connection.execute(
        "SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum = 1"
        " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f') AND relispartition = %s",
        [partitions],
    )
    return dict(fetched.fetchall())


def may(connection: psycopg.Connection, verb: str, table: str, column: str) -> bool:
    """Try a statement that changes nothing."""
    statement = {
        "SELECT": f"SELECT * FROM {table} LIMIT 0",
        "INSERT": f"INSERT INTO {table} DEFAULT VALUES",
        "UPDATE": f"UPDATE {table} SET {column} = NULL WHERE false",
        "DELETE": f"DELETE FROM {table} WHERE false",
        "TRUNCATE": f"TRUNCATE {table} CASCADE",
    }[verb]
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement)
    except REFUSED:
        return False
    except psycopg.IntegrityError:
        return True  # a row without its columns, refused for that
    return True


@pytest.fixture(params=["login", "set role"])
def acting(connect: Connect, request: pytest.FixtureRequest) -> Callable[[str], psycopg.Connection]:
    """Return a connection with the rights of a role: its own, or a superuser's that has taken it on."""

    def connected(role: str) -> psycopg.Connection:
        if request.param == "login":
            return connect(role)
        connection = connect("postgres")
        connection.execute(f"SET ROLE {role}")
        return connection

    return connected


@pytest.mark.parametrize("role", ROLES)
def test_role_may_do_what_is_listed_and_no_more(acting: Connect, role: str) -> None:
    with acting(role) as connection:
        tables = relations(connection, partitions=False)
        allowed = {
            table: frozenset(verb for verb in ALL if may(connection, verb, table, column))
            for table, column in tables.items()
        }
    expected = {table: RIGHTS.get(table, {OWNER: ALL}).get(role, frozenset()) for table in tables}
    assert set(tables) >= set(RIGHTS)
    assert {table for table in set(tables) - set(RIGHTS) if not table.startswith("django_")} == set()
    assert allowed == expected


def test_partitions_are_reached_by_their_table_alone(connect: Connect) -> None:
    """Row security holds where a table is named, and not for what lies beneath another."""
    with connect(KEEPER) as keeper:
        keeper.execute("SELECT custody_make_partitions(current_date, current_date)")
    others = sorted({*ROLES} - {OWNER})
    with connect(WEB) as connection:
        partitions = relations(connection, partitions=True)
        assert len(partitions) > 40
        # PostgreSQL's own answer: to try each verb of each role at each of them takes seconds.
        allowed = connection.execute(
            "SELECT rolname, part, verb FROM unnest(%s::text[]) AS rolname, unnest(%s::text[]) AS part,"
            " unnest(%s::text[]) AS verb WHERE CASE WHEN verb IN ('DELETE', 'TRUNCATE')"
            " THEN has_table_privilege(rolname, part, verb) ELSE has_any_column_privilege(rolname, part, verb) END",
            [others, [*partitions], [*ALL]],
        ).fetchall()
        assert allowed == []
        table, column = min(partitions.items())
        assert [verb for verb in ALL if may(connection, verb, table, column)] == []


def test_functions_are_called_by_who_is_listed(connect: Connect) -> None:
    with connect("postgres") as connection:
        rows = connection.execute(
            "SELECT proname, rolname, has_function_privilege(rolname, pg_proc.oid, 'EXECUTE') FROM pg_proc, pg_roles"
            " WHERE pronamespace = 'public'::regnamespace AND rolname = ANY (%s)",
            [list(ROLES)],
        ).fetchall()
        definers = connection.execute(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef"
            " AND NOT coalesce(proconfig::text LIKE '%search_path=%pg_temp%', false)"
        ).fetchall()
    allowed: dict[str, set[str]] = {}
    for function, role, may_call in rows:
        allowed.setdefault(function, set()).update({role} if may_call else ())
    assert allowed == FUNCTIONS
    assert definers == [], "what acts as the owner must not look names up where its caller says"


def test_page_of_rights_is_that_of_the_database(connect: Connect) -> None:
    with connect("postgres") as connection:
        assert PAGE.read_text("utf-8") == page(connection), "give `make contract`"


@pytest.mark.parametrize("role", sorted({*ROLES} - {OWNER}))
def test_no_role_makes_or_changes_what_is_the_owner_s(connect: Connect, role: str) -> None:
    statements = [
        "CREATE TABLE public.own (id int)",
        "ALTER TABLE custody_read DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE ledger_entry DISABLE TRIGGER ALL",
        "DROP TABLE ledger_body",
        "DROP POLICY entry ON custody_read",
        "CREATE OR REPLACE FUNCTION public.ledger_open() RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        "SET ROLE platepost_owner",
        "SET session_replication_role = replica",
        "COPY custody_read TO PROGRAM 'cat'",
    ]
    for statement in statements:
        with connect(role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


# --- rows

_VIEWS = ("custody_stored", "custody_judged")
PLATES = ("custody_record", *_VIEWS, "custody_picture", "custody_rejudged", "custody_read", "custody_hit")
CLOSED = (*PLATES, "custody_withdrawal", "custody_audit", "custody_access")
"""What is seen under an open entry alone."""
STATUS = ("custody_holding", "custody_tally", "custody_status", "custody_health")
"""What the status page shows without one."""
GROUP = "narcotics"
_MADE: dict[str, Any] = {
    "bigint": 1,
    "integer": 1,
    "smallint": 0,
    "text": "x",
    "boolean": False,
    "double precision": 0.5,
    "bytea": bytes(32),
    "jsonb": "[]",
    "date": "2026-01-01",
    "ARRAY": [],
    "timestamp with time zone": datetime(2026, 1, 1, tzinfo=UTC),
}


@pytest.fixture
def rows(connect: Connect) -> Iterator[None]:
    """Put one open row and one covert row into each table; record 1 is the open one, 2 the covert one."""
    with connect("postgres") as connection:
        tables = [table for table in relations(connection, partitions=False) if table in {*CLOSED, *STATUS} - {*_VIEWS}]
        empty(connection, *tables)
        inserts = []
        for table in tables:
            columns = dict(
                connection.execute(
                    "SELECT column_name, data_type FROM information_schema.columns"
                    " WHERE table_name = %s AND (is_nullable = 'NO' OR column_name = 'body')",
                    [table],
                ).fetchall()
            )
            for number, group in ((1, None), (2, GROUP)):
                values = {name: _MADE[kind] for name, kind in columns.items()} | {"covert_group": group}
                own = {"id": number, "record_id": number, "chain": f"chain-{number}", "plate_fold": f"PLATE{number}"}
                own |= {"class": "doubtful", "verdict": "genuine", "sha256": sha256(_MADE["bytea"]).digest()}
                values |= {name: value for name, value in own.items() if name in columns}
                marks = ", ".join(["%s"] * len(values))
                insert = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})"
                inserts.append((insert, list(values.values())))
        with planting(connection):
            for insert, given in inserts:
                connection.execute(insert, given)
        connection.commit()
        yield
        empty(connection, *tables)


def opened(*groups: str) -> OpenEntry:
    return open_entry(person="a", agency="b", purpose=AccessPurpose("patrol"), query={}, groups=groups)


def seen(connection: psycopg.Connection, table: str) -> int:
    ((count,),) = connection.execute(f"SELECT count(*) FROM {table}")
    return int(count)


def under(connection: psycopg.Connection, entry: object) -> None:
    connection.execute("SELECT set_config('platepost.entry', %s, false)", [str(entry)])


@pytest.mark.usefixtures("rows")
class TestRows:
    """What the role of the pages sees, also by SQL written by hand."""

    @pytest.mark.parametrize("entry", [None, "", uuid4(), "closed", "of this transaction"])
    def test_no_entry_no_row(self, connect: Connect, entry: object) -> None:
        with connect(COMMAND) as web:
            if entry == "closed":
                closed = opened(GROUP)
                closed.shown()
                entry = closed.entry
            if entry == "of this transaction":
                fields = handmade(groups=["narcotics"])
                ((entry,),) = web.execute("SELECT ledger_append('intent', NULL, %s)", [fields])
            if entry is not None:
                under(web, entry)
            assert {table: seen(web, table) for table in CLOSED} == dict.fromkeys(CLOSED, 0)

    @pytest.mark.parametrize(("groups", "count"), [((), 1), (("homicide",), 1), ((GROUP,), 2)])
    def test_entry_shows_what_is_open_and_its_own_groups(
        self, connect: Connect, groups: tuple[str, ...], count: int
    ) -> None:
        entry = opened(*groups)
        with connect(WEB) as web:
            web.execute("SELECT custody_cover_records(%s, '{1,2}')", [entry.entry])
            web.commit()
            under(web, entry.entry)
            assert {table: seen(web, table) for table in (*CLOSED, *STATUS)} == dict.fromkeys((*CLOSED, *STATUS), count)

    def test_an_entry_shows_what_it_covers_once_that_is_committed(self, connect: Connect) -> None:
        entry = opened(GROUP)
        with connect(WEB) as web:
            under(web, entry.entry)
            web.commit()
            shown = {"custody_constants": 2} if "custody_constants" in CLOSED else {}
            assert {table: seen(web, table) for table in CLOSED} == dict.fromkeys(CLOSED, 0) | shown
            web.execute("SELECT custody_cover_records(%s, '{1}')", [entry.entry])
            assert seen(web, "custody_hit") == 0
            web.commit()
            assert {table: seen(web, table) for table in CLOSED} == dict.fromkeys(CLOSED, 1) | shown
            web.execute("SELECT custody_cover_records(%s, '{2}')", [entry.entry])
            web.rollback()
            assert seen(web, "custody_hit") == 1

    def test_status_without_an_entry_has_no_covert_row(self, connect: Connect) -> None:
        with connect(WEB) as web:
            for table in STATUS:
                counted = f"SELECT count(*), count(covert_group) FROM {table}"
                assert web.execute(counted).fetchone() == (1, 0)

    def test_auditor_s_counts_have_no_covert_row(self, connect: Connect) -> None:
        with connect(AUDITOR) as auditor:
            assert {seen(auditor, table) for table in ("custody_holding", "custody_tally")} == {1}

    def test_groups_of_the_session_do_not_count(self, connect: Connect) -> None:
        entry = opened()
        with connect(WEB) as web:
            under(web, entry.entry)
            web.execute("SELECT set_config('platepost.groups', '[\"narcotics\"]', false)")
            web.execute("SELECT custody_cover_records(%s, '{1,2}')", [entry.entry])
            web.commit()
            web.execute("CREATE TEMPORARY TABLE ledger_body AS SELECT %s::uuid AS entry", [entry.entry])
            web.execute("CREATE TEMPORARY TABLE ledger_covered AS SELECT %s::uuid AS entry, 2 AS record", [entry.entry])
            assert seen(web, "custody_hit") == 1

    def test_row_security_hides_values_from_a_function_of_the_reader(self, connect: Connect) -> None:
        """A condition that tells what it sees is asked after row security, not before."""
        names: list[str] = []
        with connect(WEB) as web:
            web.add_notice_handler(lambda notice: names.append(str(notice.message_primary)))
            web.execute(
                "CREATE FUNCTION pg_temp.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS"
                " $$ BEGIN RAISE NOTICE 'told %', $1; RETURN true; END $$"
            )
            web.execute("SELECT FROM custody_read WHERE pg_temp.tell(plate_fold)")
        assert names == []

    def test_keeper_sees_all_that_it_keeps(self, connect: Connect) -> None:
        with connect(KEEPER) as keeper:
            assert {seen(keeper, table) for table in (*CLOSED, *STATUS)} == {2}


@pytest.mark.usefixtures("rows")
class TestReading:
    """The functions by which everything else reads."""

    def test_open_entry_fetches_and_notes_it(self) -> None:
        with as_role(COMMAND), opened() as entry:
            assert [row["record_id"] for row in reads(entry, ReadFilter())] == [1]
            assert [row["plate_fold"] for row in hits(entry, ReadFilter(plates=["PLATE1"], posts=["x"]))] == ["PLATE1"]
            assert hits(entry, ReadFilter(plates=["PLATE2"])) == []
            assert whole_records(entry, records=[2]) == []
            ((matches, _),) = whole_records(entry, records=[1])
            assert matches.body == bytes(32)

    def test_group_fetches_its_own(self) -> None:
        with as_role(COMMAND), opened(GROUP) as entry:
            assert [row["record_id"] for row in hits(entry, ReadFilter())] == [2, 1]
            assert [row["record_id"] for row in hits(entry, ReadFilter(), limit=1)] == [2]

    def test_time_bounds(self) -> None:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        with as_role(COMMAND), opened() as entry:
            assert len(reads(entry, ReadFilter(since=at))) == 1
            assert reads(entry, ReadFilter(until=at)) == []

    @pytest.mark.parametrize("role", [WEB, COMMAND])
    def test_entry_that_is_not_open_fetches_nothing(self, role: str) -> None:
        entry = opened()
        entry.shown()
        with as_role(role):
            for wanted in (entry, OpenEntry(uuid4())):
                with pytest.raises(ClosedEntryError):
                    reads(wanted, ReadFilter())

    def test_connection_is_left_without_an_entry(self) -> None:
        with as_role(COMMAND), opened(GROUP) as entry:
            reads(entry, ReadFilter())
            with django_connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM custody_read")
                assert cursor.fetchone() == (0,)


def test_nothing_else_names_tables_that_need_an_entry() -> None:
    """Later code reads records by `custody.reading`, or it would look without a purpose."""
    department = Path(department_package.__file__).parent
    named = re.compile("|".join(rf"\b{table}\b" for table in CLOSED))
    matches = {
        path.relative_to(department).as_posix()
        for path in department.rglob("*")
        if path.suffix in {".py", ".sql", ".html"} and named.search(path.read_text("utf-8"))
    }
    allowed = {"check", "checkpointer", "pictures", "projections", "reading", "rebuild", "record", "store", "tables"}
    counting = {
        "archive/backup.py",  # the newest id, by which what comes back is compared
        "custody/read_figures.py",  # figures of each post, without a plate
    }
    # By function, view or table. None of these shows a record to the one who calls it.
    sql = {
        "alerts": {
            *("alerts_arrive", "alerts_hear_judgment", "alerts_hear_withdrawal", "alerts_do_step", "alerts_forget"),
            *("alerts_forget_samples", "alerts_withdraw_listed"),
            "alerts_decision_kind",  # whether a hold has the passage of a hit
            "alerts_draw",  # reads by chance
            *("alerts_recorded", "alerts_unrecorded"),  # whether the hit of an alert is there
            "alerts_still_listed",  # whether a hit's entry is on the list
        },
        "archive": {
            *("archive_guard_hold", "archive_guard_part", "archive_hold_again", "archive_holds_aside", "archive_kept"),
            *("archive_due_whole", "archive_entry_held", "archive_purge_part", "archive_stale"),
        },
        "audits": {
            "audits_ages",  # counts reads by their age
            "audits_post_accesses",  # counts who looked at posts themselves, without persons
        },
        "custody": {
            *("custody_cover_after", "custody_cover_named", "custody_cover_records", "custody_selected"),
            *("custody_chained", "custody_judged", "custody_line", "custody_make_partitions", "custody_retract"),
            *("custody_decommissioned", "custody_stored", "custody_synthetic_kept", "custody_tables"),
            "custody_matching_plates",  # for the functions that cover them
            *("custody_recorded", "custody_require_records", "custody_unrecorded"),  # whether a row's record is there
        },
        "ledger": {
            "ledger_note_access",
            "ledger_cover_asked",  # covers the reads before an open hit, and returns none of them
            "ledger_leaves",  # digests, for checkpoints
        },
        "lists": {"lists_name_sources", "lists_of_hit", "lists_take_back"},  # what a hit is listed as
        "search": {
            "search_correction",
            "search_cover_companions",
            "search_forget",
            "search_kept_reads",
            "search_forget_corrections",
            "search_note",
        },
    }
    others = {
        "custody/migrations/0001_initial.sql",
        # The archive service, which reads all, makes a package of what an entry has shown to who ordered it.
        "archive/evidence.py",
        # Reads records by `custody.reading`, and puts them back as they were.
        "archive/portability.py",
        *(f"{app}/sql/{name}.sql" for app, names in sql.items() for name in names),
    }
    assert matches - {f"custody/{name}.py" for name in allowed} - counting == others


_UNBOUNDED = """
SELECT c.relname || '.' || a.attname FROM pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND NOT c.relispartition
AND c.relname !~ '^custody_' AND a.atttypid::regtype::text IN ('text', 'text[]', 'json', 'jsonb', 'character varying')
AND a.atttypmod < 0 AND NOT EXISTS (
    SELECT FROM pg_constraint AS bound WHERE bound.conrelid = c.oid AND a.attnum = ANY (bound.conkey)
    AND bound.conname LIKE '%\\_bound'
)
"""


def test_every_stored_text_has_a_bound(connect: Connect) -> None:
    with connect("postgres") as connection:
        unbounded = {name for (name,) in connection.execute(_UNBOUNDED)}
        assert unbounded == {"ledger_body.field", "ledger_body.value"}, "which has a bound for what the pages enter"
        with pytest.raises(psycopg.errors.CheckViolation, match="_bound"):
            connection.execute("UPDATE ledger_department SET timezone = repeat('x', 20000)")
    long = '{"person": "a", "what": "x", "field": "y", "word": "' + "z" * 2**21 + '"}'
    with connect(WEB) as web, pytest.raises(psycopg.errors.CheckViolation, match="too long for the ledger"):
        web.execute("SELECT ledger_append('words_refused', NULL, %s)", [long])
