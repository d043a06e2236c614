"""Django's settings for the folder that PLATEPOST_DEPARTMENT names and the database role that PLATEPOST_ROLE names.

Raises DepartmentError when the folder is not as it must be.
"""

import os
from datetime import timedelta

from psycopg.conninfo import conninfo_to_dict

from department.config.base import *  # noqa: F403
from department.database.roles import OWNER, ROLES
from department.errors import DepartmentError
from department.folder import FOLDER_VARIABLE, ROLE_VARIABLE, DepartmentFolder

FOLDER = DepartmentFolder.from_environment()
ROLE = os.environ.get(ROLE_VARIABLE, "")
if ROLE not in ROLES:
    raise DepartmentError(f"set {ROLE_VARIABLE} beside {FOLDER_VARIABLE}, to one of {', '.join(ROLES)}")

try:
    SECRET_KEY = FOLDER.secret_key.read_text("ascii").strip()
except OSError as error:
    raise DepartmentError(f"{FOLDER.secret_key}: {error.strerror}; `platepost department init` makes it") from error

_MIGRATION_LOCK_SECONDS = 5
"""A migration waits so long for a lock and gives up: who comes behind it in the queue waits too."""

_connection = conninfo_to_dict(FOLDER.conninfo(ROLE))
if ROLE == OWNER:
    _connection["options"] = f"{_connection.get('options', '')} -c lock_timeout={_MIGRATION_LOCK_SECONDS}s".strip()
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _connection.pop("dbname", ""),
        "USER": _connection.pop("user", ""),
        "PASSWORD": _connection.pop("password", ""),
        "HOST": _connection.pop("host", ""),
        "PORT": _connection.pop("port", ""),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": _connection,
    }
}
TIME_ZONE = FOLDER.settings.timezone
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", FOLDER.settings.web.rpartition(":")[0], *FOLDER.settings.hosts]
# Behind a proxy there is TLS.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = bool(FOLDER.settings.hosts)
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in FOLDER.settings.hosts]
PEOPLE_TRAINING = timedelta(days=FOLDER.settings.training_days)
PEOPLE_BANNER = FOLDER.settings.banner
STATUS_DISKS = FOLDER.disks
STATUS_RECEIPTS = FOLDER.receipts
POLICY_FILE = FOLDER.policy
