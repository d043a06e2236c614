"""What a program does before it works on a department: its database runs, and Django works on its folder as a role.

The models of apps can be imported once Django knows the apps. So `set_up_apps` comes before a command is loaded, and
`working_as` once it knows its folder. `platepost.department.config`, which is above the apps, has the settings: they
are found by the name of their module, as Django finds what its settings name.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from typing import Any, cast

import django
import psycopg
from django.conf import settings
from django.db import connection as django_connection
from django.utils.timezone import get_default_timezone
from django.utils.translation import trans_real

from platepost.department.database.cluster import PrivateCluster
from platepost.department.errors import DepartmentError
from platepost.department.folder import DepartmentFolder

POOL = {"min_size": 1, "max_size": 20, "timeout": 5.0}
"""Sessions that many requests share: a new one has to learn of each weekly partition before its first search. One more
request waits for so many seconds."""
FORMER = ("people", "0002_rights")
"""A migration of every database that was made before 0.1.0, and of none since."""
NOT_UPGRADED = (
    "this department was made by a version before 0.1.0, and its database cannot be upgraded: make a new department in "
    "a new folder with `platepost department init`, and keep this folder, and the version that made it, for as long as "
    "its records must be kept"
)
SHARED_SETTINGS = "platepost.department.config.base"
"""The module of the settings that all folders share."""
SETTINGS = "platepost.department.config.settings"
"""The module with `settings_of`, which returns what Django is set to for a folder and a role."""


def running_database(folder: DepartmentFolder) -> AbstractContextManager[None]:
    """Have the database run while this is open: the private one; the department's own runs by itself.

    Raises:
        DepartmentError: it does not start.

    """
    return PrivateCluster(folder.cluster).in_use() if folder.is_private else nullcontext()


@contextmanager
def connected(folder: DepartmentFolder, role: str) -> Iterator[psycopg.Connection]:
    """Connect to the database as a role.

    Raises:
        DepartmentError: the database refuses, or does not answer.

    """
    try:
        with psycopg.connect(folder.conninfo(role), autocommit=True) as connection:
            yield connection
    except psycopg.OperationalError as error:
        raise DepartmentError(f"the database refuses {role}: {str(error).strip()}") from error


def set_up_apps() -> None:
    """Have Django know the apps, but no folder yet; does nothing where it has settings already."""
    if settings.configured:
        return
    shared = {name: value for name, value in vars(import_module(SHARED_SETTINGS)).items() if name.isupper()}
    settings.configure(**shared, WORKS_ON=None)
    django.setup()


def set_up_django(folder: DepartmentFolder, role: str, *, pooled: bool = False) -> None:
    """Have Django work on a department's folder, with a database role. Once a process: its connections are of one role.

    Args:
        folder: the department's.
        role: of the database.
        pooled: whether requests share sessions.

    Raises:
        DepartmentError: the folder is not as it must be, or Django works on something else already.

    """
    set_up_apps()
    works_on = getattr(settings, "WORKS_ON", "other settings")
    if works_on is None:
        own = import_module(SETTINGS).settings_of(folder, role)
        if pooled:
            own["DATABASES"]["default"]["OPTIONS"]["pool"] = POOL
        # In place: the connection that Django made while the apps were loaded has its settings from there.
        settings.DATABASES["default"].update(own.pop("DATABASES")["default"])
        for name, value in own.items():
            setattr(settings, name, value)
        cast("Any", get_default_timezone).cache_clear()
        # As Django's own tests do when the language changes: it was read when the apps were loaded.
        cast("Any", trans_real)._default = None  # noqa: SLF001
    elif works_on != (folder.path, role):
        raise DepartmentError(f"this process works on another folder than {folder.path}, or as another role")


@contextmanager
def working_as(folder: DepartmentFolder, role: str, *, pooled: bool = False) -> Iterator[None]:
    """Have the database run and Django set up for a role while this is open; arguments as of `set_up_django`.

    Raises:
        DepartmentError: the database does not start, or has another schema.

    """
    with running_database(folder):
        set_up_django(folder, role, pooled=pooled)
        require_schema()
        yield


def require_schema() -> None:
    """Make sure that the database has the schema of this version; Django is set up.

    Raises:
        DepartmentError: it has not.

    """
    missing = missing_migrations()
    if missing:
        raise DepartmentError(f"the database lacks {', '.join(missing)}: run `platepost department upgrade` first")


def missing_migrations() -> list[str]:
    """Return the migrations of this version that the database lacks, in order; Django is set up.

    Raises:
        DepartmentError: the database is of a newer version, or of one before the first release.

    """
    from django.db.migrations.executor import MigrationExecutor  # noqa: PLC0415 - slow to load

    executor = MigrationExecutor(django_connection)
    if FORMER in executor.loader.applied_migrations:
        raise DepartmentError(NOT_UPGRADED)
    unknown = executor.loader.applied_migrations.keys() - executor.loader.disk_migrations.keys()
    if unknown:
        names = ", ".join(sorted(".".join(name) for name in unknown))
        raise DepartmentError(f"the database is of a newer version of Platepost: it has {names}")
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
