"""A system user for each program: what each may be in the database, and which keys it reaches.

The users of packaging/department/sysusers.conf exist in a mount namespace of the test's own; nothing here changes the
machine's. Programs run as them as the units have it.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from platepost.department.database.cluster import SUPERUSER, PrivateCluster, installed_versions
from platepost.department.database.roles import ROLES
from platepost.department.database.users import SERVER, USERS
from platepost.department.folder import DATABASE_NAME, DepartmentFolder
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.register import write_register
from platepost.simulator.brokers.daemon import free_port
from tests.age_keys import new_key
from tests.memory_disk import new_folder
from tests.waiting import until

REPOSITORY = Path(__file__).parents[3]
SYSUSERS = REPOSITORY / "packaging" / "department" / "sysusers.conf"
FIRST = 61184
"""The first of systemd's dynamic users, which no system has permanently."""
IN_NAMESPACE = 'mount --bind "$1" /etc/passwd && mount --bind "$2" /etc/group && shift 2 && exec "$@"'
PLATEPOST = [sys.executable, "-c", "from platepost.device.cli import main; main()", "department"]
EVERY = (SUPERUSER, *ROLES)


class Machine:
    """A department's folder with separate users, whose database runs as its unit runs it."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.folder = DepartmentFolder(top / "vault")
        lines = [line.split() for line in SYSUSERS.read_text().splitlines() if line and not line.startswith("#")]
        names = [words[1] for words in lines if words[0] in {"u", "g"}]
        members = {name: [words[1] for words in lines if words[0] == "m" and words[2] == name] for name in names}
        users = [f"{name}:x:{FIRST + at}:{FIRST + at}::/:/bin/false\n" for at, name in enumerate(names)]
        groups = [f"{name}:x:{FIRST + at}:{','.join(members[name])}\n" for at, name in enumerate(names)]
        (top / "passwd").write_text(Path("/etc/passwd").read_text() + "".join(users))
        (top / "group").write_text(Path("/etc/group").read_text() + "".join(groups))

    def words(self, user: str, *command: str | Path) -> list[str]:
        become = [] if user == "root" else ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"]
        return ["unshare", "--mount", "sh", "-c", IN_NAMESPACE, "sh", str(self.top / "passwd"),
                str(self.top / "group"), *become, *map(str, command)]  # fmt: skip

    def run(self, user: str, *command: str | Path) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        words = self.words(user, *command)
        return subprocess.run(words, capture_output=True, text=True, check=False, cwd="/", env=environment)

    def department(self, user: str, *command: str | Path) -> subprocess.CompletedProcess[str]:
        return self.run(user, *PLATEPOST, *command)

    def sql(self, user: str, role: str, *queries: str) -> subprocess.CompletedProcess[str]:
        """Have psql execute queries, each whether the one before failed or not."""
        words = [word for query in queries for word in ("-c", query)]
        return self.run(user, *self._psql, "-U", role, "-At", *words)

    @property
    def _psql(self) -> list[str | Path]:
        return [PrivateCluster(self.folder.cluster).program("psql"), "-h", self.folder.cluster, "-d", DATABASE_NAME]

    def roles(self, user: str) -> set[str]:
        """Return the roles as which the server lets a user log in."""
        each = 'for role in $roles; do "$@" -U $role -Atc "SELECT 1" >&2 && echo $role; done'
        done = self.run(user, "env", f"roles={' '.join(EVERY)}", "sh", "-c", each, "sh", *self._psql)
        return {*done.stdout.split()}

    def readable(self, user: str, *paths: Path) -> set[Path]:
        """Return which files a user can read."""
        done = self.run(user, "sh", "-c", 'for path; do test -r "$path" && echo "$path"; done', "sh", *paths)
        return {Path(line) for line in done.stdout.splitlines()}

    def start(self, user: str, *command: str | Path) -> subprocess.Popen[bytes]:
        environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        with (self.top / "log").open("ab") as log:
            return subprocess.Popen(
                self.words(user, *PLATEPOST, *command), stdout=log, stderr=log, cwd="/", env=environment,
                start_new_session=True,
            )  # fmt: skip


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode:
        pytest.skip("root with mount namespaces is missing: run the tests as root")
    if not installed_versions():
        pytest.skip("PostgreSQL is missing: make tools")
    created = Machine(new_folder())
    if created.run("platepost-pages", sys.executable, "-c", "import platepost.device.cli").returncode:
        pytest.skip("a checkout that other users can read is missing: move it, or chmod o+x the folders above it")
    fleet = Fleet.create(created.top / "fleet", agency="riverside", custodian="records")
    write_register(fleet)
    identity = created.top / "fleet" / "custody" / "records"
    done = created.department(
        "root", "init", created.folder.path, identity, "--service-users", "--broker", "localhost:1"
    )
    assert done.returncode == 0, done.stderr
    server = created.start(SERVER, "database", created.folder.path)
    until(lambda: created.sql(SERVER, SUPERUSER, "SELECT 1").returncode == 0)
    yield created
    PrivateCluster(created.folder.cluster).kill()
    server.wait()
    shutil.rmtree(created.top)


def keys(machine: Machine) -> dict[str, Path]:
    folder = machine.folder
    return {
        "archive service": folder.custody_key,
        "TLS": folder.identity / "private_key.pem",
        "sessions": folder.secret_key,
        "webhooks": folder.webhook_key,
        "households": folder.household_key,
        "journal": folder.journal / "key.pem",
    }


OWN = {
    "platepost-ingest": {"archive service", "TLS"},
    "platepost-pages": {"sessions", "journal"},
    "platepost-webhook": {"webhooks"},
    "platepost-misuse": {"households"},
}


@pytest.mark.parametrize("user", [SERVER, *USERS])
def test_user_may_be_one_role_and_reads_its_own_keys(machine: Machine, user: str) -> None:
    assert machine.roles(user) == {SUPERUSER if user == SERVER else USERS[user]}
    present = {name for name, path in keys(machine).items() if path.exists()}
    assert present == {*keys(machine)}
    readable = machine.readable(user, *keys(machine).values())
    assert {name for name, path in keys(machine).items() if path in readable} == OWN.get(user, set())


def test_root_is_not_the_superuser_by_its_name(machine: Machine) -> None:
    assert machine.roles("root") == {*ROLES}


def test_root_that_cannot_see_the_server_leaves_it_running(machine: Machine) -> None:
    # As in the sandbox of the nightly service.
    blind = ("setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace")
    done = machine.run("root", *blind, *PLATEPOST, "hold", "copy", machine.folder.path)
    assert done.returncode == 0, done.stderr
    assert (machine.folder.cluster / "data/postmaster.pid").exists()
    assert machine.sql(SERVER, SUPERUSER, "SELECT 1").returncode == 0


def test_pages_run_no_program_and_the_superuser_reads_no_key(machine: Machine) -> None:
    read = "CREATE TEMPORARY TABLE taken (line text); COPY taken FROM PROGRAM 'cat {}'; SELECT * FROM taken"
    run = f"COPY ledger_law FROM PROGRAM 'cat {machine.folder.custody_key}'"
    refused = machine.sql("platepost-pages", "platepost_web", run)
    assert "pg_execute_server_program" in refused.stderr
    for path in keys(machine).values():
        done = machine.sql(SERVER, SUPERUSER, read.format(path))
        assert "PRIVATE" not in done.stdout
        assert "failed" in done.stderr, path


def test_programs_run_as_their_users(machine: Machine) -> None:
    folder = str(machine.folder.path)
    misuse = machine.department("platepost-misuse", "audit", "misuse", folder, "--json")
    assert misuse.returncode == 0, misuse.stderr
    notified = machine.department("platepost-webhook", "webhook", "send", folder, "--once")
    assert notified.returncode == 0, notified.stderr
    certified = machine.department("root", "federate", "certificate", folder, "--host", "localhost")
    assert certified.returncode == 0, certified.stderr
    log, started = machine.top / "log", ("store is open", "pages are at", "Partners are", "page is at", "metrics are")
    running = [
        machine.start("platepost-ingest", "keep", folder),
        machine.start("platepost-pages", "serve", folder, "--web", f"127.0.0.1:{free_port()}"),
        machine.start("platepost-federation", "federate", "serve", folder, "--web", f"127.0.0.1:{free_port()}"),
        machine.start("platepost-public", "public", "serve", folder, "--web", f"127.0.0.1:{free_port()}"),
        machine.start("platepost-metrics", "metrics", folder, "--web", f"127.0.0.1:{free_port()}"),
    ]
    try:
        until(lambda: all(words in log.read_text() for words in started), seconds=60, report=log.read_text)
        until(machine.folder.checkpoint.exists, seconds=60, report=log.read_text)
        assert [process.poll() for process in running] == [None] * len(running), log.read_text()
    finally:
        for process in running:
            process.terminate()
            process.wait()
    document = json.loads(machine.department("root", "check", folder, "--json").stdout)
    setup = {"timezone_utc", "name_missing", "witness_missing", "backups_missing", "pages_http"}
    other = {"receipts_on_same_disk", "superuser_unlogged", "one_person", *setup}
    assert [each for each in document if each["name"] not in other and not each["name"].startswith("clause_")] == []


def test_file_that_another_user_could_read_is_named_and_given_back(machine: Machine) -> None:
    folder, key = machine.folder, machine.folder.custody_key
    outside = machine.top / "outside"
    outside.write_text("root's")
    (folder.ingest / "link").symlink_to(outside)
    os.link(outside, folder.ingest / "second")
    key.chmod(0o644)
    os.chown(folder.secret_key, 0, 0)
    before = outside.stat()
    fields = machine.department("root", "check", folder.path, "--json").stdout
    assert f"{key} must be of platepost-ingest" in fields
    assert f"{folder.secret_key} must be of platepost-pages" in fields
    done = machine.department("root", "upgrade", folder.path)
    assert done.returncode == 0, done.stderr
    assert "file_owner" not in machine.department("root", "check", folder.path, "--json").stdout
    after = outside.stat()
    assert (after.st_uid, after.st_mode) == (before.st_uid, before.st_mode), "a program's link gives it no other file"


def test_archive_service_reads_the_posts_keys_in_a_copy_and_check_reports_a_register_it_cannot_read(
    machine: Machine,
) -> None:
    folder, fleet = machine.folder, Fleet.load(machine.top / "fleet")
    copies = {folder.path / "register.jws", folder.path / "register.pem"}
    assert machine.readable("platepost-ingest", *copies, fleet.register) == copies
    assert "register_" not in machine.department("root", "check", folder.path, "--json").stdout
    settings = folder.path / "department.toml"
    before = settings.read_text()
    settings.write_text(before.replace('"register.jws"', f'"{fleet.register}"'))
    faults = machine.department("root", "check", folder.path, "--json").stdout
    settings.write_text(before)
    assert "register_unreadable" in faults


def test_root_backs_up_by_the_server_s_user(machine: Machine) -> None:
    recipient = new_key(machine.top / "age")
    into = machine.top / "one.backup.age"
    done = machine.department("root", "backup", machine.folder.path, into, "--to", recipient)
    assert done.returncode == 0, done.stderr
    tried = machine.department("root", "restore-test", into, machine.top / "try", "--key", machine.top / "age")
    assert tried.returncode == 0, tried.stderr
