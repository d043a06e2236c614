"""One private PostgreSQL cluster for all tests of a pytest process, and pytest-django's database in it.

A test that asks for `db` (or is marked `django_db`) works as platepost_owner; `as_role` takes on another role.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import django
import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, connection
from django.test import TransactionTestCase
from pytest_django import DjangoDbBlocker

from platepost.department.database.cluster import SUPERUSER, PrivateCluster, installed_versions
from platepost.department.database.roles import OWNER, ensure_roles
from platepost.department.policy.enforced_rules import store_enforced_rules
from platepost.department.policy.policy import DEFAULT, read_policy
from tests.department.commands.installation import installed
from tests.department.custody.posts import NOW
from tests.department.emptying import drop_new_weeks, empty_all, filled_by_migrations
from tests.department.lasting import AS_NEW, Lasting, LastingConnections
from tests.memory_disk import new_folder
from tests.s3_store import away, bucket, s3_store

__all__ = ["away", "bucket", "installed", "s3_store"]
ROOT = Path(__file__).parents[2]
KEPT = ROOT / "build" / "test-databases"
DATABASE = "test_platepost"
"""What Django calls the tests' database."""
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.department.settings"
django.setup()


@pytest.fixture(scope="session", autouse=True)
def sooner_emptied() -> Iterator[None]:
    """Have pytest-django empty the database after a test that commits without truncating each table."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_all)
        patch.setattr(TransactionTestCase, "_should_reload_connections", lambda _: not as_new())
        yield


def as_new() -> bool:
    """Have Django's connection be as it was when it was made; return whether it is."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(AS_NEW)
        connection.init_connection_state()
    except DatabaseError:
        return False
    return True


@pytest.fixture(scope="session")
def short_folder() -> Iterator[Path]:
    """Give a folder that the server's user may pass, and short enough for the path of a socket."""
    created = new_folder()
    yield created
    shutil.rmtree(created)


@pytest.fixture(scope="session")
def cluster(short_folder: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[PrivateCluster]:
    """Run a cluster whose commits are lost with the machine, with every role and the migrated database: a copy."""
    if not installed_versions():
        pytest.skip("PostgreSQL is missing: make tools", allow_module_level=True)
    private_cluster = PrivateCluster(short_folder / "pg", durable=False)
    settings.DATABASES["default"]["HOST"] = str(private_cluster.folder)
    with kept_cluster() as stored:
        if stored.exists():
            subprocess.run(["cp", "-a", stored, private_cluster.folder], check=True)  # it is its server's user's
        else:
            private_cluster.initialize()
            with private_cluster.in_use(), django_db_blocker.unblock():
                make_database(private_cluster)
            aside = stored.with_suffix(".aside")
            subprocess.run(["cp", "-a", private_cluster.folder, aside], check=True)
            aside.rename(stored)
    with private_cluster.in_use():
        yield private_cluster


@contextmanager
def kept_cluster() -> Iterator[Path]:
    """Give the path of a stopped cluster to copy, to one process at a time; there is none before the first.

    To migrate takes ten seconds of a core. It is kept from run to run, until what it is made of is another.
    """
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = KEPT / made_of()
        for other in KEPT.iterdir():
            if other.is_dir() and other != path:
                shutil.rmtree(other)
        yield path


def made_of() -> str:
    """Return a digest of all that the tests' database is made of."""
    packages = ("common", "department", "provisioning", "wire")
    files = [path for name in packages for path in (ROOT / name).rglob("*") if path.suffix in {".py", ".sql", ".toml"}]
    files += [*(ROOT / "requirements").glob("*.txt"), *(ROOT / "tests" / "department").glob("*.py")]
    digest = sha256(repr((sys.version_info, installed_versions())).encode())
    for path in sorted(files):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:32]


def make_database(cluster: PrivateCluster) -> None:
    with psycopg.connect(host=str(cluster.folder), user=SUPERUSER, dbname="postgres", autocommit=True) as superuser:
        ensure_roles(superuser)
        superuser.execute(f"ALTER ROLE {OWNER} CREATEDB")  # Django makes its database as the owner
    connection.creation.create_test_db(verbosity=0, serialize=False)
    store_enforced_rules(read_policy(DEFAULT))
    with connection.cursor() as cursor:
        cursor.execute("SELECT custody_make_partitions(%s, %s)", [NOW.date(), NOW.date()])  # most records are of it
    connection.close()


@pytest.fixture(scope="session")
def lasting(cluster: PrivateCluster) -> Iterator[Lasting]:
    """Return how to connect to the tests' database as a role, by a connection that goes on."""
    connections = LastingConnections(host=str(cluster.folder), dbname=DATABASE)
    yield connections
    connections.end()


@pytest.fixture(scope="session")
def django_db_setup(cluster: PrivateCluster, django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Have pytest-django use the database of the cluster."""
    connection.settings_dict["NAME"] = DATABASE
    with django_db_blocker.unblock():
        filled_by_migrations()


@pytest.fixture(scope="module", autouse=True)
def weeks_dropped(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Leave no partitions to the tests of other files."""
    yield
    with django_db_blocker.unblock():
        drop_new_weeks()


@pytest.fixture
def connect(lasting: Lasting, transactional_db: None) -> Lasting:
    """Return how to connect to the test's database as a role."""
    return lasting
