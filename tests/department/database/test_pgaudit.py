"""What the superuser and the owner do is in the server's log, where pgaudit is installed; no plate is."""

import shutil
from collections.abc import Iterator

import psycopg
import pytest

from platepost.department.config.checks import audit_faults
from platepost.department.database.cluster import SUPERUSER, PrivateCluster, installed_versions
from platepost.department.database.roles import OWNER, WEB, ensure_database, ensure_roles
from tests.memory_disk import new_folder


@pytest.fixture(scope="module")
def audited() -> Iterator[PrivateCluster]:
    if not installed_versions():
        pytest.skip("PostgreSQL is missing: make tools")
    top = new_folder()
    cluster = PrivateCluster(top / "pg", durable=False)
    cluster.initialize()
    try:
        if not cluster.can_audit:
            pytest.skip(f"pgaudit is missing: apt-get install postgresql-{max(installed_versions())}-pgaudit")
        with cluster.in_use():
            with connect(cluster, SUPERUSER, "postgres") as superuser:
                ensure_roles(superuser)
                ensure_database(superuser, "platepost")
            with connect(cluster, OWNER) as owner:
                owner.execute("CREATE TABLE seen (plate text)")
                owner.execute(f"GRANT INSERT ON seen TO {WEB}")
            yield cluster
    finally:
        shutil.rmtree(top)


def connect(cluster: PrivateCluster, role: str, database: str = "platepost") -> psycopg.Connection:
    return psycopg.connect(host=str(cluster.folder), user=role, dbname=database, autocommit=True)


def lines(cluster: PrivateCluster, role: str) -> list[str]:
    return [line for line in cluster.log.read_text().splitlines() if f"] {role} " in line and "AUDIT:" in line]


@pytest.mark.parametrize("role", [SUPERUSER, OWNER])
def test_read_by_superuser_or_owner_is_logged_without_the_plate(audited: PrivateCluster, role: str) -> None:
    with connect(audited, role) as connection:
        before = len(lines(audited, role))
        connection.execute("SELECT plate FROM seen WHERE plate = '7ABC123'")
        connection.execute("SET ROLE platepost_owner")
        connection.execute("DELETE FROM seen WHERE plate = '7ABC123'")
    logged = lines(audited, role)[before:]
    assert any("READ,SELECT,TABLE,public.seen" in line for line in logged)
    assert any("WRITE,DELETE,TABLE,public.seen" in line for line in logged), "also after SET ROLE"
    assert "7ABC123" not in audited.log.read_text()


def test_program_s_role_is_not_logged(audited: PrivateCluster) -> None:
    with connect(audited, WEB) as connection:
        connection.execute("INSERT INTO seen VALUES ('7ABC123')")
    assert lines(audited, WEB) == []


def test_owner_cannot_switch_it_off(audited: PrivateCluster) -> None:
    with connect(audited, OWNER) as owner:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute("SET pgaudit.log = 'none'")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute("ALTER ROLE platepost_owner SET pgaudit.log = 'none'")


def test_check_names_for_whom_it_is_off(audited: PrivateCluster) -> None:
    with connect(audited, OWNER) as owner, connect(audited, SUPERUSER) as superuser:
        assert list(audit_faults(owner)) == []
        superuser.execute("ALTER ROLE postgres SET pgaudit.log = 'none'")
        (fault,) = audit_faults(owner)
        superuser.execute("ALTER ROLE postgres RESET pgaudit.log")
    assert (fault.name, fault.grave, "not on for postgres" in fault.message) == ("superuser_unlogged", False, True)
    assert any("ROLE,ALTER ROLE" in line for line in lines(audited, SUPERUSER)), "the switch itself is logged"


def test_check_names_a_server_without_it(cluster: PrivateCluster) -> None:
    if cluster.can_audit:
        pytest.skip("a PostgreSQL without pgaudit is missing: apt-get remove it")
    with psycopg.connect(host=str(cluster.folder), user=OWNER, dbname="postgres") as owner:
        (fault,) = audit_faults(owner)
    assert fault.name == "superuser_unlogged"
