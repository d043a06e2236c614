"""What a database consists of, as digests by name, and what a release's own files make of a new one.

The release's is computed from a new database, and is kept in the department's folder: whoever owns the database, or
administers it, can change what is in it, and everything that it records about itself.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path

from django.apps import apps
from django.db import connection

from platepost.common.files import write_durably
from platepost.department.database.sql_files import fingerprint, sql_files

_OBJECTS = Path(__file__).with_suffix(".sql").read_text("utf-8")


def present() -> dict[str, str]:
    """Return a digest of each object of the database, by name, on Django's connection."""
    with connection.cursor() as cursor:
        # The owner may have set another for a role, and made functions that come before PostgreSQL's.
        cursor.execute("SELECT pg_catalog.current_setting('search_path')")
        ((before,),) = cursor.fetchall()
        cursor.execute("SET search_path TO pg_catalog, public")
        cursor.execute(_OBJECTS)
        objects = dict(cursor.fetchall())
        cursor.execute("SELECT set_config('search_path', %s, false)", [before])
    return objects


def changes(expected: Mapping[str, str]) -> list[str]:
    """Return the names of what was changed, added or removed in the database, on Django's connection."""
    actual = present()
    return sorted(name for name in actual.keys() | expected.keys() if actual.get(name) != expected.get(name))


@cache
def release() -> str:
    """Return what identifies this release's database: its SQL files, migrations, and libraries that have some."""
    ours = [path for path in sorted(Path(__file__).parents[1].glob("*/migrations/*")) if path.suffix in {".py", ".sql"}]
    texts = [[path.name, path.read_text("utf-8")] for path in ours]
    libraries = [version(name) for name in ("django", "django-allauth")]
    labels = sorted(app.label for app in apps.get_app_configs())
    return hashlib.sha256(json.dumps([fingerprint(sql_files()), texts, libraries, labels]).encode()).hexdigest()


def server_version() -> int:
    """Return the major version of the database's server, on Django's connection: each words definitions in its way."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::integer / 10000")
        ((number,),) = cursor.fetchall()
    return int(number)


def read_catalog(path: Path) -> dict[str, str] | None:
    """Return what this release makes of a new database, as `write_catalog` wrote it; None if that was another release.

    Raises:
        OSError: the file is there and cannot be read.

    """
    try:
        document = json.loads(path.read_bytes())
        objects: dict[str, str] = document["objects"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return objects if document.get("release") == [release(), server_version()] else None


def write_catalog(path: Path, objects: Mapping[str, str]) -> None:
    """Keep what this release makes of a new database, durable on return. Raises OSError."""
    document = {"release": [release(), server_version()], "objects": objects}
    write_durably(path, json.dumps(document, sort_keys=True, indent=1).encode())
