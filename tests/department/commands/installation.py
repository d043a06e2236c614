"""One department's folder, made by the commands as a user gives them, each in a process of its own."""

import json
import os
import shutil
import subprocess
import time
from base64 import b32decode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import psycopg
import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from platepost.department.database.cluster import PrivateCluster, installed_versions
from platepost.department.database.roles import OWNER
from platepost.department.folder import DepartmentFolder
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.fleet.register import write_register
from platepost.simulator.ground.department import ThrowawayDepartment
from tests.department.commands.forked import Started, forking
from tests.memory_disk import made_once, new_folder

CURRENT = """
INSERT INTO people_certificate (person_id, certification, expires_at, noted_at)
SELECT id, certification, now() + interval '1 year', now() FROM people_person,
    unnest('{clets,dmv}'::text[]) AS certification;
INSERT INTO people_training (person_id, topic, held_at, passed, trainer_id, noted_at)
SELECT person.id, topic, now(), true, (SELECT min(id) FROM people_person AS other WHERE other.id <> person.id), now()
FROM people_person AS person, unnest('{authorities,policy,security,practical}'::text[]) AS topic
"""
"""SQL, for the owner: of everyone certificates and training are noted, as administrators and trainers do."""


class Commands:
    """Gives commands of `platepost department` about one folder."""

    def __init__(self, folder: Path, identity: Path) -> None:
        self.folder = folder
        self.identity = identity

    def __call__(
        self, name: str, *arguments: str | Path, given: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return forking().run(self.words(name, *arguments), os.environ | environment, given)

    def json(self, name: str, *arguments: str | Path, given: str = "") -> Any:
        done = self(name, *arguments, "--json", given=given)
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def start(
        self,
        name: str,
        *arguments: str | Path,
        stdout: int | None = None,
        stderr: int | None = None,
        **environment: str,
    ) -> Started:
        """Give a command that goes on beside the test."""
        return forking().start(self.words(name, *arguments), os.environ | environment, stdout=stdout, stderr=stderr)

    def words(self, name: str, *arguments: str | Path) -> Sequence[str]:
        return ["department", *name.split(), str(self.folder), *map(str, arguments)]


def done_aside(program: str, *arguments: str | Path) -> str:
    """Run a program in Python that works on a department, as `-c` would; return what it prints."""
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = forking().run([*map(str, arguments)], environment, program=program)
    assert done.returncode == 0, done.stderr
    return done.stdout


def commands(top: Path) -> Commands:
    """Return the commands of a department that lies there beside its fleet."""
    return Commands(top / "vault", top / "fleet" / "custody" / "records")


SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
"""Of everyone's authenticator app."""
_WITH_APP = """
import sys
from pathlib import Path
from platepost.department.database.roles import OWNER
from platepost.department.folder import DepartmentFolder
from platepost.department.session import working_as
with working_as(DepartmentFolder(Path(sys.argv[1])), OWNER):
    from allauth.mfa.totp.internal.auth import TOTP
    from platepost.department.people.models import DepartmentPerson
    for person in DepartmentPerson.objects.all():
        TOTP.activate(person, sys.argv[2])
"""


def name_persons(folder: DepartmentFolder, persons: Mapping[str, str]) -> None:
    """Have commands that root gives through sudo be of the persons that the settings name for the system's users."""
    settings = folder.path / "department.toml"
    lines = [f'"{user}" = "{person}"\n' for user, person in persons.items()]
    settings.write_text("trust_sudo = true\n" + settings.read_text() + "[persons]\n" + "".join(lines))
    folder.__dict__.pop("settings", None)


def give_apps(folder: DepartmentFolder) -> None:
    """Give everyone an authenticator app; the database runs."""
    done_aside(_WITH_APP, folder.path, SECRET)


def next_code(folder: DepartmentFolder) -> str:
    """Return a line with the app's present code, as if it had not been used; the database runs."""
    with psycopg.connect(folder.conninfo(OWNER)) as owner:
        owner.execute("DELETE FROM people_used_code")
    app = TOTP(b32decode(SECRET), 6, SHA1(), 30)  # noqa: S303 - as apps have it
    return app.generate(int(time.time())).decode() + "\n"


class Installed:
    """A fleet and a department's folder for its custodian, made by the command where they do not stay."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self) -> None:
        top = new_folder()
        fleet = Fleet.create(top / "fleet", agency="riverside", custodian="records")
        fleet.add_post("post-1", PostSettings(brokers=("localhost:8883",)))
        write_register(fleet)
        done = commands(top)("init", commands(top).identity)
        assert done.returncode == 0, done.stderr
        (top / "made-in").write_text(str(top))
        subprocess.run(["mv", top, self.folder], check=True)

    def copy(self, top: Path) -> None:
        subprocess.run(["cp", "-a", f"{self.folder}/.", top], check=True)  # the database is its server's user's
        settings = top / "vault" / "department.toml"
        settings.write_text(settings.read_text().replace((top / "made-in").read_text(), str(top)))

    def lend_database(self, vault: Path) -> None:
        """Put the database where `init` then finds it, lacking nothing: to migrate one takes seconds of a core."""
        vault.mkdir(mode=0o711)
        lent = [self.folder / "vault" / name for name in ("database", "catalog.json")]
        subprocess.run(["cp", "-a", *lent, vault], check=True)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Make a fleet and a department for its custodian, once for all workers of a run: to be copied."""
    if not installed_versions():
        pytest.skip("PostgreSQL is missing: make tools")
    with made_once(tmp_path_factory, "installed") as folder:
        created = Installed(folder)
        if not created.folder.exists():
            created.make()
    return created


class Forked:
    """What of `subprocess` a throw-away department uses to start its keeper and its pages, which are forked instead."""

    DEVNULL = subprocess.DEVNULL
    TimeoutExpired = subprocess.TimeoutExpired

    @staticmethod
    def Popen(command: Sequence[str], *, stdout: IO[bytes], stderr: IO[bytes], **_: object) -> Started:  # noqa: N802 - the library's name
        words = command[command.index("department") :]
        return forking().start(words, os.environ, stdout=stdout.fileno(), stderr=stderr.fileno())


@pytest.fixture(scope="module")
def databases_lent(request: pytest.FixtureRequest) -> Iterator[None]:
    """Lend each throw-away department that this process makes its database, and give its commands as those above."""
    initialize = ThrowawayDepartment.initialize

    def sooner(throwaway_department: ThrowawayDepartment) -> None:
        request.getfixturevalue("installed").lend_database(throwaway_department.folder)
        initialize(throwaway_department)

    def forked(command: Sequence[str], *, allowed: Sequence[int] = (0,)) -> str:
        done = forking().run(command[command.index("department") :], os.environ)
        assert done.returncode in allowed, done.stderr
        return done.stdout

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ThrowawayDepartment, "initialize", sooner)
        patch.setattr("platepost.simulator.ground.department._run", forked)
        patch.setattr("platepost.simulator.ground.department.subprocess", Forked)
        patch.setattr("platepost.simulator.ground.console.subprocess", Forked)
        yield


@pytest.fixture(scope="module")
def department(installed: Installed) -> Iterator[Commands]:
    """Give a fleet and a department's folder for its custodian to all tests of a file: a copy, which is made sooner."""
    with _copied(installed) as created:
        yield created


@pytest.fixture
def own_department(installed: Installed) -> Iterator[Commands]:
    """Give such a copy to one test, which changes what another would find: settings, keys, the ledger's clock."""
    with _copied(installed) as created:
        yield created


@contextmanager
def _copied(installed: Installed) -> Iterator[Commands]:
    top = new_folder()
    installed.copy(top)
    try:
        yield commands(top)
    finally:
        PrivateCluster(top / "vault" / "database").kill()
        shutil.rmtree(top)
