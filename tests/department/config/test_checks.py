"""`check` names each thing that makes an installation insecure or incomplete."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import override_settings

from platepost.department.config import checks
from platepost.department.config.checks import InstallationFault, right_faults, role_faults, sql_faults
from platepost.department.config.settings import settings_of as django_settings
from platepost.department.database.catalog import present, write_catalog
from platepost.department.database.cluster import SUPERUSER, PrivateCluster
from platepost.department.database.roles import AUDITOR, KEEPER, OWNER, WEB
from platepost.department.folder import DATABASE_NAME, DepartmentFolder
from platepost.department.people.device import set_device
from platepost.department.session import connected, running_database
from platepost.department.web.middleware import SecurityHeadersMiddleware
from tests.department.commands.installation import CURRENT, Commands, department
from tests.department.planting import planting
from tests.department.roles import as_role

__all__ = ["department"]

Look = Callable[[DepartmentFolder], Iterator[InstallationFault]]


def names(query: Look, department: Commands) -> list[str]:
    return [fault.name for fault in query(DepartmentFolder(department.folder))]


@contextmanager
def changed(path: Path, content: bytes | None) -> Iterator[None]:
    """Give a file another content for a while; None takes it away."""
    before = path.read_bytes()
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    yield
    path.write_bytes(before)
    path.chmod(0o600)


def settings_of(department: Commands, line: str) -> bytes:
    return (department.folder / "department.toml").read_bytes() + line.encode() + b"\n"


def test_new_installation_is_in_order_but_for_the_disk(department: Commands) -> None:
    done = department("check", "--json")
    matches = [(fault["name"], fault["grave"]) for fault in json.loads(done.stdout)]
    unmet = ("p2", "p4", "p5", "p15", "p16", "p19")
    unlogged = () if PrivateCluster(department.folder / "database").can_audit else ("superuser_unlogged",)
    assert matches == [
        *(
            (name, False)
            for name in (
                "duties_not_separated",
                "receipts_on_same_disk",
                *("timezone_utc", "name_missing", "witness_missing", "backups_missing", "pages_http"),
                *unlogged,
                "one_person",
                *(f"clause_{clause}" for clause in unmet),
            )
        )
    ]
    assert done.returncode == 0


def test_grave_fault_makes_the_exit_code(department: Commands) -> None:
    with changed(department.folder / "secret-key", b"short"):
        done = department("check")
    assert done.returncode == 1
    assert "secret_key: " in done.stdout


def test_law_of_the_file_binds_a_new_department_and_no_other(department: Commands) -> None:
    """Before there are people `upgrade` binds it; afterwards it changes nothing, and `check` is red."""
    policy = department.folder / "policy.toml"
    strict = policy.read_bytes().replace(b'law = "california"', b'law = "strict"')

    def differs() -> bool:
        return "law_differs" in {fault["name"] for fault in json.loads(department("check", "--json").stdout)}

    with changed(policy, strict):
        assert differs()
        assert department("upgrade").stderr == ""
        assert not differs()
    assert department("upgrade").returncode == 0
    assert not differs()
    department("person add", "o.person", "--name", "O")
    with changed(policy, strict):
        assert "which stays" in department("upgrade").stderr
        done = department("check", "--json")
        assert ("law_differs", True) in {(fault["name"], fault["grave"]) for fault in json.loads(done.stdout)}
        assert done.returncode == 1


@pytest.mark.parametrize("left", [b"", b"\xff" * 64])
def test_damaged_secret_is_named_and_nothing_goes_on_with_it(department: Commands, left: bytes) -> None:
    with changed(department.folder / "secret-key", left):
        matches, refused = department("check"), department("webhook list")
    assert matches.returncode == 1
    assert "secret_key: " in matches.stdout
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1), refused.stderr
    assert "secret-key is damaged" in refused.stderr


def test_wrong_settings_end_the_look(department: Commands) -> None:
    with changed(department.folder / "department.toml", settings_of(department, 'databse = "private"')):
        (fault,) = checks.installation_faults(DepartmentFolder(department.folder))
    assert fault.name == "settings"
    assert "databse" in fault.message


@pytest.mark.parametrize("name", ["secret-key", "identity/signing_key.pem", "identity", "database.log"])
def test_file_that_others_read_is_named(department: Commands, name: str) -> None:
    path = department.folder / name
    mode = path.stat().st_mode
    path.chmod(mode | 0o040)
    (fault,) = checks._files(DepartmentFolder(department.folder))
    path.chmod(mode)
    assert fault.name == "file_mode"
    assert str(path) in fault.message


def test_credentials_of_the_bucket_that_others_read_are_named(department: Commands, tmp_path: Path) -> None:
    credentials, settings = tmp_path / "credentials.toml", department.folder / "department.toml"
    table = f'[picture_bucket]\nbucket = "pictures"\nendpoint = "https://s3.example"\ncredentials = "{credentials}"\n'
    with changed(settings, settings.read_bytes() + table.encode()):
        assert names(checks._files, department) == [], "what is not there is named otherwise"
        for mode, expected in ((0o600, []), (0o640, ["file_mode"])):
            credentials.touch()
            credentials.chmod(mode)
            assert names(checks._files, department) == expected


def test_register_may_be_read_and_not_written(department: Commands) -> None:
    path = department.folder / "register.jws"
    path.touch()
    fleet_s = str(DepartmentFolder(department.folder).register_file).encode()
    text = (department.folder / "department.toml").read_bytes()
    with changed(department.folder / "department.toml", text.replace(fleet_s, b"register.jws")):
        path.chmod(0o644)
        assert names(checks._files, department) == []
        path.chmod(0o664)
        assert names(checks._files, department) == ["file_mode"]
    path.unlink()


def test_open_folder_is_named(department: Commands) -> None:
    mode = department.folder.stat().st_mode
    department.folder.chmod(0o755)
    assert names(checks._files, department) == ["folder_mode"]
    department.folder.chmod(mode)


def test_file_of_another_user_is_named(department: Commands) -> None:
    if os.geteuid() != 0:
        pytest.skip("root is missing: run the tests as root")
    path = department.folder / "secret-key"
    os.chown(path, 65534, 65534)
    assert names(checks._files, department) == ["file_owner"]
    os.chown(path, 0, 0)


def test_identity_must_be_whole_and_the_custodian_s(department: Commands) -> None:
    assert names(checks._identity, department) == []
    key = department.folder / "identity" / "private_key.pem"
    with changed(key, None):
        assert names(checks._identity, department) == ["identity"]
    with changed(key, (department.folder / "identity" / "signing_key.pem").read_bytes()):
        assert names(checks._identity, department) == ["identity"]
    text = (department.folder / "department.toml").read_bytes()
    with changed(department.folder / "department.toml", text.replace(b'"records"', b'"vault"')):
        assert names(checks._identity, department) == ["identity"]


def test_end_of_the_certificate_is_said_ahead(department: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "ENDING", checks.ENDING * 100)
    (fault,) = checks._identity(DepartmentFolder(department.folder))
    assert (fault.name, fault.grave) == ("certificate_ending", False)


def test_register_must_be_there_and_signed_by_the_fleet(department: Commands) -> None:
    folder = DepartmentFolder(department.folder)
    assert names(checks._register, department) == []
    with changed(folder.register_file, None):
        assert names(checks._register, department) == ["register_missing"]
    with changed(folder.register_file, folder.register_file.read_bytes()[:-8] + b"AAAAAAAA"):
        assert names(checks._register, department) == ["register_refused"]


def test_cookies_of_a_host_with_tls_are_its_own(department: Commands) -> None:
    folder = DepartmentFolder(department.folder)
    before = django_settings(folder, WEB)
    assert (before["SESSION_COOKIE_NAME"], before["SESSION_COOKIE_SECURE"]) == ("sessionid", False)
    with changed(
        department.folder / "department.toml", settings_of(department, 'hosts = ["plates.riverside.example"]')
    ):
        then = django_settings(DepartmentFolder(department.folder), WEB)
    names_then = (then["SESSION_COOKIE_NAME"], then["CSRF_COOKIE_NAME"], then["SESSION_COOKIE_SECURE"])
    assert names_then == ("__Host-sessionid", "__Host-csrftoken", True)
    with override_settings(SESSION_COOKIE_SECURE=True):
        answer = SecurityHeadersMiddleware(lambda _: HttpResponse())(HttpRequest())
        set_device(answer, uuid4())  # type: ignore[arg-type]
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert [*answer.cookies] == ["__Host-platepost-device"]
    assert "Strict-Transport-Security" not in SecurityHeadersMiddleware(lambda _: HttpResponse())(HttpRequest()).headers


def test_pages_for_others_are_named(department: Commands) -> None:
    for host, matches in (("0.0.0.0", ["pages_open"]), ("[::1]", []), ("vault.example", ["pages_open"])):  # noqa: S104
        with changed(department.folder / "department.toml", settings_of(department, f'web = "{host}:8600"')):
            assert names(checks._pages, department) == matches


def test_what_lies_inside_the_database_s_folder_is_named(department: Commands) -> None:
    for line in ('receipts = "database"', 'receipts = "database/receipts"', 'backups = "database/data/backups"'):
        fields = (department.folder / "department.toml").read_text("utf-8").splitlines()
        stored = [other for other in fields if other.partition(" ")[0] != line.partition(" ")[0]]
        with changed(department.folder / "department.toml", "\n".join([*stored, line, ""]).encode()):
            assert "inside_database" in names(checks._disks, department), line
    assert "inside_database" not in names(checks._disks, department)


def test_witness_whose_stamps_nobody_can_prove_is_named(department: Commands) -> None:
    witness, root = 'witness = "https://stamps.example"\n', department.folder / "witness.pem"
    assert names(checks._witness, department) == []
    with changed(department.folder / "department.toml", settings_of(department, witness)):
        assert names(checks._witness, department) == ["witness_root"]
    with changed(
        department.folder / "department.toml", settings_of(department, witness + f'witness_root = "{root.name}"')
    ):
        assert names(checks._witness, department) == ["witness_root"]
        root.write_text("no certificate")
        assert names(checks._witness, department) == ["witness_root"]
        root.write_bytes((department.folder / "identity" / "certificate.pem").read_bytes())
        assert names(checks._witness, department) == []
        root.unlink()


def test_full_disk_is_named(department: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type(shutil.disk_usage("/"))
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _path: usage(100_000, 99_000, 1_000))
    assert "disk_low" in names(checks._disks, department)


def test_changed_access_rules_are_named(department: Commands) -> None:
    data = department.folder / "database" / "data"
    cluster = PrivateCluster(department.folder / "database")
    assert cluster.is_closed()
    for name, line in (("pg_hba.conf", "local all all trust\n"), ("pg_ident.conf", "department nobody postgres\n")):
        before = (data / name).read_text()
        (data / name).write_text(before + line)
        assert not cluster.is_closed()
        (data / name).write_text(before)


def test_missing_postgresql_and_unsafe_url_are_named(department: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "installed_versions", dict)
    assert names(checks._database, department) == ["postgresql_missing"]
    text = (department.folder / "department.toml").read_bytes()
    url = b'"postgresql://{role}@203.0.113.1:1/platepost?connect_timeout=1"'
    with changed(department.folder / "department.toml", text.replace(b'"private"', url)):
        assert names(checks._database, department)[0] == "database_unprotected"


ENTRY = """
INSERT INTO lists_entry (
    plate, category, priority, distribution, case_number, purpose, reason, author, expires_at, second_person,
    approved_by, approved_at
) VALUES ('7ABC123', 'felony_vehicle', 1, 'narcotics', '26-1', 'wanted person', 'x', 'a',
    now() + interval '1 day', true, 'b', now())
"""
ALERT = """
SET LOCAL session_replication_role = replica;
INSERT INTO alerts_alert (
    record_id, retained_from, post, covert_group, hit, captured_at, arrived_at, category, priority, match,
    hotlist_stale, held, second_needed, changed_at
) VALUES (1, now(), 'post-1', 'homicide', 'x', now(), now(), 'felony_vehicle', 1, 'exact', false, false, false, now())
"""
"""SQL, for the superuser: an alert without its hit."""


def test_covert_group_whose_hits_nobody_sees_is_named(department: Commands) -> None:
    def unheard() -> list[str]:
        document = department.json("check")
        return [fault["message"].split("'")[1] for fault in document if fault["name"] == "covert_group_unheard"]

    folder = DepartmentFolder(department.folder)
    with running_database(folder), connected(folder, OWNER) as owner:
        owner.execute(ENTRY)
        where = {"host": str(folder.cluster), "user": SUPERUSER, "dbname": DATABASE_NAME}
        with psycopg.connect(**where) as superuser, planting(superuser):
            superuser.execute(ALERT)
        assert unheard() == ["homicide", "narcotics"]
        for login in ("a.rivera", "b.chen"):
            done = department("person add", login, "--name", login, "--role", "operator")
            assert done.returncode == 0, done.stderr
        assert department("person covert", "a.rivera", "narcotics").returncode == 0
        assert unheard() == ["homicide", "narcotics"], "without training nobody answers hits"
        owner.execute(CURRENT)
        assert unheard() == ["homicide"]
        assert department("person covert", "b.chen", "homicide").returncode == 0
        assert unheard() == []
        assert department("person covert", "a.rivera", "narcotics", "--end").returncode == 0
        assert unheard() == ["narcotics"]
        owner.execute("UPDATE lists_entry SET ended_at = now(), ended_by = 'a', ended_because = 'found'")
        assert unheard() == []


LEAK = """
CREATE SCHEMA aside;
CREATE FUNCTION aside.leak() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM custody_read';
"""
WEEK = "custody_read_no_hit_20300107"


def execute(query: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(query)


def database_faults() -> list[tuple[str, str]]:
    connection.ensure_connection()
    matches = [*role_faults(connection.connection, is_private=True), *right_faults(connection.connection)]
    return [(fault.name, fault.message) for fault in matches]


def test_rights_of_this_version_are_no_fault(db: None) -> None:
    execute("SET ROLE postgres; ALTER ROLE platepost_owner NOCREATEDB; SET ROLE platepost_owner")
    assert database_faults() == []


@pytest.mark.parametrize(
    ("change", "name", "what"),
    [
        (f"GRANT UPDATE ON custody_record TO {KEEPER}", "right_too_wide", f"{KEEPER} may UPDATE custody_record"),
        (f"GRANT DELETE ON custody_hit TO {WEB}", "right_too_wide", f"{WEB} may DELETE custody_hit"),
        (f"GRANT INSERT ON ledger_entry TO {AUDITOR}", "right_too_wide", f"{AUDITOR} may INSERT ledger_entry"),
        ("GRANT SELECT ON custody_read TO PUBLIC", "right_too_wide", "everybody may SELECT custody_read"),
        ("ALTER TABLE custody_hit DISABLE ROW LEVEL SECURITY", "row_security_off", "custody_hit"),
        (f"SET ROLE postgres; ALTER ROLE {WEB} BYPASSRLS", "role_too_wide", WEB),
        (f"SET ROLE postgres; GRANT {KEEPER} TO {WEB}", "role_too_wide", WEB),
        ("SET ROLE postgres; CREATE ROLE helper SUPERUSER LOGIN", "role_unknown", "helper"),
        ("SET ROLE postgres; ALTER TABLE custody_tally OWNER TO postgres", "table_owner", "custody_tally"),
    ],
)
def test_what_is_too_wide_is_named(db: None, change: str, name: str, what: str) -> None:
    execute(change)
    assert any(each == name and what in message for each, message in database_faults())


@pytest.fixture
def compared(db: None, tmp_path: Path) -> DepartmentFolder:
    """Give a folder with the catalog of the tests' database, which no one has changed yet."""
    folder = DepartmentFolder(tmp_path)
    write_catalog(folder.catalog, present())
    return folder


def test_sql_of_this_version_is_no_fault(compared: DepartmentFolder) -> None:
    with as_role(WEB):
        assert list(sql_faults(compared)) == []


def test_new_weeks_are_no_fault(compared: DepartmentFolder) -> None:
    execute("SELECT custody_make_partitions('2030-01-07', '2030-01-28')")
    with as_role(WEB):
        assert list(sql_faults(compared)) == []


@pytest.mark.parametrize(
    ("change", "name", "what"),
    [
        ("DROP POLICY entry ON custody_read", "sql_changed", "policy entry of custody_read"),
        ("DROP TRIGGER alerts_do_step ON alerts_step", "sql_changed", "trigger alerts_do_step of alerts_step"),
        ("ALTER FUNCTION ledger_open() RESET search_path", "sql_changed", "function ledger_open()"),
        ("CREATE FUNCTION one() RETURNS integer LANGUAGE sql AS 'SELECT 1'", "sql_changed", "function one()"),
        (f"GRANT SELECT (password) ON people_person TO {AUDITOR}", "sql_changed", "rights of people_person"),
        ("UPDATE database_sql SET fingerprint = 'another'", "sql_files_changed", "install this version again"),
        ("ALTER TABLE ledger_entry DISABLE TRIGGER ledger_entry_is_final", "sql_changed", "ledger_entry_is_final"),
        ("CREATE POLICY all_of_it ON custody_read USING (true)", "sql_changed", "policy all_of_it of custody_read"),
        ("CREATE VIEW every AS SELECT * FROM custody_read", "sql_changed", "rights of every, view every"),
        (f"{LEAK} GRANT EXECUTE ON FUNCTION aside.leak() TO {WEB}", "sql_changed", "aside.leak(), schema aside"),
        (f"SET ROLE postgres; ALTER FUNCTION ledger_open() OWNER TO {KEEPER}", "sql_changed", "function ledger_open()"),
        (f"SET ROLE postgres; ALTER VIEW alerts_settled OWNER TO {WEB}", "sql_changed", "view alerts_settled"),
        (f"SET ROLE postgres; ALTER TABLE ledger_entry OWNER TO {KEEPER}", "sql_changed", "rights of ledger_entry"),
        ("SET ROLE postgres; ALTER TABLE archive_part DISABLE TRIGGER ALL", "sql_changed", "triggers of archive_part"),
        ("ALTER TABLE archive_plan DROP CONSTRAINT archive_consent", "sql_changed", "archive_consent"),
        ("ALTER TABLE ledger_entry ALTER digest DROP NOT NULL", "sql_changed", "columns of ledger_entry"),
        ("ALTER TABLE ledger_entry ALTER at SET DEFAULT '2020-01-01'", "sql_changed", "columns of ledger_entry"),
        ("CREATE RULE none AS ON DELETE TO ledger_body DO INSTEAD NOTHING", "sql_changed", "rule none of ledger_body"),
        ("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC", "sql_changed", "default rights of"),
        (f"SET ROLE postgres; ALTER ROLE {WEB} SET row_security = off", "sql_changed", f"settings of {WEB}"),
        (f"SET ROLE postgres; CREATE ROLE friend; GRANT {OWNER} TO friend", "sql_changed", f"members of {OWNER}"),
        (f"GRANT SELECT ON {WEEK} TO {WEB}", "sql_changed", f"rights of {WEEK}"),
        (f"DROP TRIGGER custody_recorded ON {WEEK}", "sql_changed", f"own triggers of {WEEK}"),
        (f"ALTER TABLE {WEEK} DISABLE TRIGGER custody_still_recorded", "sql_changed", f"own triggers of {WEEK}"),
        (
            "SET ROLE postgres; CREATE SUBSCRIPTION other CONNECTION 'host=x' PUBLICATION own WITH (connect = false)",
            "sql_changed",
            "subscription other",
        ),
    ],
)
def test_what_was_changed_by_hand_is_named(compared: DepartmentFolder, change: str, name: str, what: str) -> None:
    if WEEK in change:
        execute("SELECT custody_make_partitions('2030-01-07', '2030-01-07')")
    execute(change)
    execute("SET ROLE postgres")
    with as_role(WEB):
        (fault,) = sql_faults(compared)
    assert fault.name == name
    assert fault.grave
    assert what in fault.message


def test_map_that_cannot_be_read_is_named(department: Commands) -> None:
    assert names(checks._places, department) == [], "there is none"
    path = department.folder / "places.geojson"
    path.write_text("{")
    try:
        assert names(checks._places, department) == ["places"]
    finally:
        path.unlink()


def test_policy_of_an_earlier_version_lacks_what_the_pages_need(department: Commands) -> None:
    path = department.folder / "policy.toml"
    fields = path.read_text("utf-8")
    former = fields.replace('name = "hot list alarm"', 'name = "alarm"').replace('name = "audit"', 'name = "old audit"')
    with changed(path, former.encode()):
        done = department("check")
        assert done.returncode == 1
        assert "policy_purpose: " in done.stdout
        assert "the console shows hits for the purpose 'hot list alarm', without a case number" in done.stdout
        assert names(checks._policy, department) == ["policy_purpose"] * 2
    with changed(path, fields.replace('law = "california"', 'law = "x"').encode()):
        assert names(checks._policy, department) == ["policy"]
