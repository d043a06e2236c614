"""`init` makes a folder from a custodian's identity, and `upgrade` finds its schema there."""

import shutil
import subprocess
import sys
from pathlib import Path

import click
import psycopg
import pytest
from click.testing import CliRunner

from platepost.department.commands import setup
from platepost.department.commands.init import init
from platepost.department.commands.setup import SetupChoices
from platepost.department.database.cluster import PrivateCluster
from platepost.department.database.roles import OWNER, ROLES, WEB
from platepost.department.errors import DepartmentError
from platepost.department.folder import DepartmentFolder, checked_settings
from platepost.provisioning.fleet.fleet import Fleet
from tests.department.commands.installation import Commands, department

__all__ = ["department"]


def test_agency_name_and_broker_are_found(department: Commands) -> None:
    settings = DepartmentFolder(department.folder).settings
    assert (settings.agency, settings.custodian, settings.brokers) == ("riverside", "records", ("localhost:8883",))
    fleet = Fleet.load(department.identity.parents[1])
    assert (settings.register_file, settings.register_key) == (fleet.register, fleet.configuration_verifying_key)


def test_register_is_the_fleet_s_own_unless_one_is_given(department: Commands, tmp_path: Path) -> None:
    assert DepartmentFolder(department.folder).register_file == department.folder.parent / "fleet/records/register.jws"
    for name in ("given.jws", "given.pem"):
        (tmp_path / name).write_text(name)
    other = department.folder.parent / "copied"
    arguments = ["--register", tmp_path / "given.jws", "--register-key", tmp_path / "given.pem"]
    # It ends at the database, where nothing listens: all else is there.
    arguments += ["--database", "postgresql://{role}@127.0.0.1:1/platepost"]
    refused(other, department.identity, *arguments)
    folder = DepartmentFolder(other)
    assert folder.register_file == other / "register.jws"
    assert (folder.register_file.read_text(), folder.register_key.read_text()) == ("given.jws", "given.pem")


def test_what_is_in_the_folder_already_is_not_written_over(department: Commands, tmp_path: Path) -> None:
    (tmp_path / "identity").mkdir()
    (tmp_path / "identity" / "mine").write_text("mine")
    assert "choose a new folder" in refused(tmp_path, department.identity)
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["identity", "identity/mine"]


def test_only_its_owner_reads_what_was_made(department: Commands) -> None:
    for path in (department.folder / "identity").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    for name in ("secret-key", "department.toml", "database", "database.log", "database.lock"):
        assert (department.folder / name).stat().st_mode & 0o077 == 0, name
    assert department.folder.stat().st_mode & 0o066 == 0


def test_database_does_not_run_after_the_command(department: Commands) -> None:
    assert not PrivateCluster(department.folder / "database").running


def test_each_role_connects_and_owns_nothing_but_the_owner(department: Commands) -> None:
    folder = DepartmentFolder(department.folder)
    with PrivateCluster(folder.cluster).in_use():
        for role in ROLES:
            with psycopg.connect(folder.conninfo(role)) as connection:
                owned = "SELECT count(*) FROM pg_tables WHERE tableowner = %s"
                assert (connection.execute(owned, [role]).fetchone() == (0,)) == (role != OWNER)
        with psycopg.connect(folder.conninfo(WEB)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE mine ()")


def refused(*arguments: str | Path) -> str:
    """Return why `init` refuses, in this process."""
    with pytest.raises(DepartmentError) as matches:
        CliRunner().invoke(init, list(map(str, arguments)), catch_exceptions=False)
    return str(matches.value)


def test_made_folder_is_not_made_again(department: Commands) -> None:
    before = (department.folder / "secret-key").read_bytes()
    assert "holds a department already" in refused(department.folder, department.identity)
    assert (department.folder / "secret-key").read_bytes() == before


def test_folder_of_before_the_first_release_is_named(department: Commands) -> None:
    folder = DepartmentFolder(department.folder)
    with PrivateCluster(folder.cluster).in_use(), psycopg.connect(folder.conninfo(OWNER), autocommit=True) as owner:
        owner.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('people', '0002_rights', now())")
        try:
            assert "made by a version before 0.1.0" in refused(department.folder, department.identity)
            for command in ("upgrade", "status"):
                done = department(command)
                assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
                assert "made by a version before 0.1.0" in done.stderr
        finally:
            owner.execute("DELETE FROM django_migrations WHERE name = '0002_rights'")


def test_making_that_was_cut_off_goes_on(department: Commands) -> None:
    (department.folder / "unfinished").touch()
    shutil.rmtree(department.folder / "identity")
    assert department("init", department.identity).returncode == 0
    assert (department.folder / "identity" / "signing_key.pem").exists()
    assert not (department.folder / "unfinished").exists()


def test_identity_outside_a_fleet_needs_a_broker(department: Commands, tmp_path: Path) -> None:
    copy = shutil.copytree(department.identity, tmp_path / "records")
    assert "--broker" in refused(tmp_path / "other", copy)
    assert not (tmp_path / "other").exists()


def test_identity_that_is_no_custodian_s_is_refused(department: Commands, tmp_path: Path) -> None:
    fleet = Fleet.load(department.identity.parents[1])
    for identity in (department.identity.parent, fleet.publisher, tmp_path):
        assert "is not a custodian's folder: give" in refused(tmp_path / "other", identity)
    assert not (tmp_path / "other").exists()


def test_wrong_settings_are_named(department: Commands, tmp_path: Path) -> None:
    arguments = ["--timezone", "Mars/Olympus", "--database", "mysql://x", "--broker", "nowhere"]
    why = refused(tmp_path / "other", department.identity, *arguments)
    for key in ("timezone", "database", "brokers"):
        assert key in why
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"web": "127.0.0.1:99999"},
        {"public_web": "127.0.0.1"},
        {"federation_web": "127.0.0.1:8602,127.0.0.1:8603"},
        {"brokers": ["localhost:8883,localhost:99999"]},
        {"training_days": 10**10},
        {"hosts": ["https://plates.riverside.example"]},
        {"hosts": ["plates.riverside.example:8443"]},
        {"hosts": ["*"]},
        {"ledger_heads": [""]},
        {"ledger_heads": ["broker", " "]},
        {"backups": ""},
        {"receipts": "."},
        {"identity_provider": {"name": "City", "issuer": "http://login.example", "client_id": "p", "secret_file": "s"}},
        {"identity_provider": {"name": "City", "issuer": "https://", "client_id": "p", "secret_file": "s"}},
    ],
    ids=str,
)
def test_setting_that_no_command_could_go_by_is_named(wrong: dict[str, object]) -> None:
    fields = {"agency": "riverside", "custodian": "records", "brokers": ["localhost:8883"]}
    with pytest.raises(DepartmentError, match=f"here: {next(iter(wrong))}"):
        checked_settings(fields | wrong, where="here")


def test_hosts_are_compared_as_browsers_say_them() -> None:
    fields = {"agency": "riverside", "custodian": "records", "brokers": ["a.example:8883,b.example:8883"]}
    hosts = ["Plates.Riverside.example", "192.0.2.7", "[2001:db8::7]"]
    settings = checked_settings(fields | {"hosts": hosts}, where="here")
    assert settings.hosts == ("plates.riverside.example", "192.0.2.7", "[2001:db8::7]")


def test_upgrade_applies_what_is_missing(department: Commands) -> None:
    folder = DepartmentFolder(department.folder)
    with PrivateCluster(folder.cluster).in_use():
        with psycopg.connect(folder.conninfo(OWNER)) as connection:
            connection.execute("DROP FUNCTION custody_synthetic_kept")
            connection.execute("DROP TABLE database_sql")
            connection.execute("DELETE FROM django_migrations WHERE app = 'database'")
        assert department.json("upgrade") == {"applied": ["database.0001_initial"]}
        with psycopg.connect(folder.conninfo(WEB)) as connection:
            connection.execute("SELECT custody_synthetic_kept()")


def without_database(department: Commands, top: Path, text: str = 'database = "private"\n') -> Commands:
    """Return the commands of a folder that has its settings, of the database those given, and nothing else."""
    (top / "lost").mkdir()
    settings = (department.folder / "department.toml").read_text().replace('database = "private"\n', "")
    (top / "lost" / "department.toml").write_text(settings + text)
    (top / "lost" / "secret-key").write_bytes((department.folder / "secret-key").read_bytes())
    return Commands(top / "lost", department.identity)


def test_database_that_is_away_is_one_line(department: Commands, tmp_path: Path) -> None:
    away = without_database(department, tmp_path, 'database = "postgresql://{role}@127.0.0.1:1/platepost"\n')
    for command in ("status", "person list"):
        done = away(command)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
        assert "the database does not answer" in done.stderr


def test_lost_database_is_not_said_to_be_made_by_init_alone(department: Commands, tmp_path: Path) -> None:
    fields = without_database(department, tmp_path)("status").stderr
    assert "after a loss, put a backup back: platepost department restore-test" in fields


def test_setting_that_does_not_exist_is_named(department: Commands, tmp_path: Path) -> None:
    fields = without_database(department, tmp_path, 'webb = "x"\n')("status").stderr
    assert fields.endswith("department.toml: webb: there is no such setting\n")


def test_owner_waits_for_no_lock_for_long(department: Commands) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from platepost.department.session import set_up_django\n"
        "from platepost.department.session import running_database\n"
        "from platepost.department.folder import DepartmentFolder\n"
        "folder = DepartmentFolder(Path(sys.argv[1]))\n"
        "with running_database(folder):\n"
        "    set_up_django(folder, sys.argv[2])\n"
        "    from django.db import connection\n"
        "    cursor = connection.cursor(); cursor.execute('SHOW lock_timeout'); print(cursor.fetchone()[0])\n"
        "    connection.close()\n"
    )
    command = [sys.executable, "-c", code, str(department.folder)]
    for role, waits in ((OWNER, "5s"), (WEB, "0")):
        done = subprocess.run([*command, role], capture_output=True, text=True, check=False)
        assert done.stdout.strip() == waits, done.stderr


def test_own_server_without_the_roles_gets_their_sql(department: Commands) -> None:
    other = Commands(department.folder.parent / "url", department.identity)
    # Nothing listens there: on a server without our roles it goes the same way.
    done = other("init", other.identity, "--database", "postgresql://{role}@127.0.0.1:1/platepost")
    assert done.returncode == 1
    assert "roles.sql" in done.stderr
    # What an administrator runs makes what init needs.
    folder = DepartmentFolder(department.folder)
    statements = (other.folder / "roles.sql").read_text()
    with PrivateCluster(folder.cluster).in_use():
        psql = ["psql", "-h", str(folder.cluster), "-U", "postgres", "-d", "postgres", "-v", "ON_ERROR_STOP=1"]
        drop = "DROP DATABASE platepost; " + "".join(f"DROP OWNED BY {role}; DROP ROLE {role}; " for role in ROLES)
        for name, sql in (("drop", drop), ("make", statements)):
            done = subprocess.run(psql, input=sql, capture_output=True, text=True, check=False)
            assert done.returncode == 0, (name, done.stderr)
    url = f"postgresql://{{role}}@%2F{str(folder.cluster).strip('/').replace('/', '%2F')}/platepost"
    with PrivateCluster(folder.cluster).in_use():
        done = other("init", other.identity, "--database", url)
        assert done.returncode == 0, done.stderr


def test_questions_are_options_too_and_the_answers_stand_in_the_folder(department: Commands, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not secret")
    folder = department.folder.parent / "asked"
    done = Commands(folder, department.identity)(
        "init", department.identity, "--broker", "localhost:1", "--name", "Riverside Police Department", "--contact",
        "records@riverside.example", "--timezone", "America/Los_Angeles", "--law", "minnesota", "--keep-days", "45",
        "--host", "plates.riverside.example", "--provider", "The county", "https://login.riverside.example",
        "platepost", "--provider-secret", secret,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    settings = DepartmentFolder(folder).settings
    assert (settings.name, settings.timezone, settings.hosts) == (
        "Riverside Police Department",
        "America/Los_Angeles",
        ("plates.riverside.example",),
    )
    assert settings.identity_provider is not None
    assert (folder / settings.identity_provider.secret_file).read_text() == "not secret"
    assert 'law = "minnesota"' in (folder / "policy.toml").read_text()
    with (
        PrivateCluster(DepartmentFolder(folder).cluster).in_use(),
        psycopg.connect(DepartmentFolder(folder).conninfo(OWNER)) as connection,
    ):
        term = "SELECT law, kept_days FROM archive_term WHERE class = 'no_hit'"
        assert connection.execute(term).fetchone() == ("minnesota", 45)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--law", "california", "--keep-days", "30"), "kept at least 366 days"),
        (("--law", "minnesota", "--keep-days", "61"), "deleted after 60 days"),
        (("--provider", "a", "https://b.example", "c"), "go together"),
        (("--timezone", "Riverside"), "is not a time zone"),
    ],
)
def test_answer_that_will_not_do_makes_no_folder(
    department: Commands, tmp_path: Path, options: tuple[str, ...], why: str
) -> None:
    assert why in refused(tmp_path / "vault", department.identity, "--broker", "localhost:1", *options)
    assert not (tmp_path / "vault").exists()


def test_terminal_is_asked_for_what_no_option_gives(tmp_path: Path) -> None:
    answers = ["Riverside PD", "555-0100", "Riverside", "America/Denver", "minnesota", "90", "45", "", "n"]

    @click.command()
    def asks() -> None:
        choices = setup.ask(SetupChoices(None, None, None, None, None, (), None, None), agency="riverside")
        click.echo(f"{choices}")

    done = CliRunner().invoke(asks, input="\n".join([*answers, ""]))
    assert "'Riverside' is not a time zone" in done.output
    assert "90 is not in the range 1<=x<=59" in done.output
    assert (
        "name='Riverside PD', contact='555-0100', timezone='America/Denver', law='minnesota', keep_days=45"
        in done.output
    )
    zone, link = tmp_path / "timezone", tmp_path / "localtime"
    assert setup.local_zone(zone, link) is None
    zone.write_text("America/Chicago\n")
    assert setup.local_zone(zone, link) == "America/Chicago"
    zone.write_text("Etc/UTC\n")
    assert setup.local_zone(zone, link) is None
