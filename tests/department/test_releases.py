"""Every released schema is upgraded to the present one by its migrations, and what was stored in it is still read.

The first dump is that of 0.1.0. No database that was made before it is upgraded.
"""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from platepost.department.config.upgrade import apply_migrations
from platepost.department.custody.rebuild import rebuild
from platepost.department.database.cluster import SUPERUSER, PrivateCluster
from platepost.department.database.roles import OWNER
from tests.department.releases.dump import RELEASES

DUMPS = sorted(RELEASES.glob("*.sql.gz"))
SCHEMA = """
SELECT 'column', table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
WHERE table_schema = 'public'
UNION ALL SELECT 'right', table_name, grantee, privilege_type, '', '' FROM information_schema.role_table_grants
WHERE table_schema = 'public'
UNION ALL SELECT 'index', tablename, regexp_replace(indexdef, '_idx[0-9]*|INDEX \\S+', '', 'g'), '', '', ''
FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'constraint', conrelid::regclass::text,
    regexp_replace(pg_get_constraintdef(oid), '::(character varying|text)(\\[\\])?|[() ]', '', 'g'), '', '', ''
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
"""
"""A dump changes where a constraint casts values."""


def schema(database: psycopg.Connection) -> set[tuple[Any, ...]]:
    """Return all of a schema but the weekly partitions, which are as their parents."""
    rows = database.execute(f"SELECT * FROM ({SCHEMA}) s WHERE table_name !~ '_[0-9]{{8}}$'")
    return set(rows.fetchall())


@pytest.fixture(params=DUMPS, ids=lambda path: path.name.removesuffix(".sql.gz"))
def released(request: pytest.FixtureRequest, cluster: PrivateCluster, transactional_db: None) -> Iterator[str]:
    """Have Django work on a database that has a released schema."""
    dump: Path = request.param
    where, present, name = str(cluster.folder), connection.settings_dict["NAME"], "released"
    with psycopg.connect(host=where, user=SUPERUSER, dbname="postgres", autocommit=True) as superuser:
        superuser.execute(f"CREATE DATABASE {name} OWNER {OWNER}")
        with psycopg.connect(host=where, user=SUPERUSER, dbname=name) as loading:
            loading.execute(gzip.decompress(dump.read_bytes()))
        connection.close()
        connection.settings_dict["NAME"] = name
        try:
            yield present
        finally:
            connection.close()
            connection.settings_dict["NAME"] = present
            superuser.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_first_release_is_there() -> None:
    assert [path.name for path in DUMPS][:1] == ["0.1.0.sql.gz"]


def test_released_schema_is_upgraded_with_its_records(released: str, cluster: PrivateCluster) -> None:
    apply_migrations()
    where = str(cluster.folder)
    with (
        psycopg.connect(host=where, user=OWNER, dbname="released", autocommit=True) as upgraded,
        psycopg.connect(host=where, user=OWNER, dbname=released) as fresh,
    ):
        assert schema(upgraded) == schema(fresh)
        done = rebuild(upgraded, repair=False)
        assert done.identical
        assert done.records == 6
