"""What Django is set to for one folder and one role of its database."""

from datetime import timedelta
from secrets import token_urlsafe
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from platepost.department.config import base
from platepost.department.config.provider import provider_settings
from platepost.department.custody.bucket import open_bucket
from platepost.department.database.roles import OWNER, WEB
from platepost.department.errors import DepartmentError
from platepost.department.folder import DepartmentFolder, is_local

_MIGRATION_LOCK_SECONDS = 5
"""A migration waits so long for a lock and gives up: who comes behind it in the queue waits too."""


def settings_of(folder: DepartmentFolder, role: str) -> dict[str, Any]:
    """Return Django's settings for one folder and one role: those that folders do not share.

    Raises:
        DepartmentError: the folder is not as it must be.

    """
    try:
        secret = folder.secret_key.read_text("ascii").strip()
    except PermissionError:
        if role in {WEB, OWNER}:
            raise
        secret = token_urlsafe(48)  # of a program whose system user may not sign sessions and forms, and does not
    except OSError as error:
        raise DepartmentError(f"{folder.secret_key}: {error.strerror}; `platepost department init` makes it") from error
    except UnicodeDecodeError:
        secret = ""
    if not secret:  # nothing may be signed with what everyone knows
        raise DepartmentError(f"{folder.secret_key} is damaged: put it back from a backup")
    secure = bool(folder.settings.hosts)
    connection = conninfo_to_dict(folder.conninfo(role))
    if role == OWNER:
        connection["options"] = f"{connection.get('options', '')} -c lock_timeout={_MIGRATION_LOCK_SECONDS}s".strip()
    return {
        "WORKS_ON": (folder.path, role),
        "SECRET_KEY": secret,
        "DATABASES": {
            "default": {
                **base.DATABASES["default"],
                "NAME": connection.pop("dbname", ""),
                "CONN_HEALTH_CHECKS": True,
                "OPTIONS": connection,  # all that libpq takes
            }
        },
        "TIME_ZONE": folder.settings.timezone,
        "LANGUAGE_CODE": folder.settings.language,
        "ALLOWED_HOSTS": [
            *(".localhost", "127.0.0.1", "[::1]"),
            folder.settings.web.rpartition(":")[0],
            *folder.settings.hosts,
        ],
        # Behind a proxy there is TLS.
        "SESSION_COOKIE_SECURE": secure,
        "CSRF_COOKIE_SECURE": secure,
        # Of this host alone, which no other host of the domain can set (RFC 6265bis).
        "SESSION_COOKIE_NAME": "__Host-sessionid" if secure else "sessionid",
        "CSRF_COOKIE_NAME": "__Host-csrftoken" if secure else "csrftoken",
        "CSRF_TRUSTED_ORIGINS": [f"https://{host}" for host in folder.settings.hosts],
        "PEOPLE_TRAINING": timedelta(days=folder.settings.training_days),
        "PEOPLE_BANNER": folder.settings.banner,
        "SOCIALACCOUNT_PROVIDERS": provider_settings(folder.settings.identity_provider, folder.path)
        if role == WEB
        else {},
        **(_mail(folder) if role == WEB else {}),
        "PICTURE_BUCKET": open_bucket(folder),
        "STATUS_DISKS": folder.disks,
        "STATUS_RECEIPTS": folder.receipts,
        "BROKERS": folder.settings.brokers,
        "STATUS_NIGHTLY": folder.nightly,
        "ARCHIVE_HOLDS": folder.holds_aside,
        "ARCHIVE_EVIDENCE": folder.evidence,
        "POLICY_FILE": folder.policy,
        "STORED_REGISTER": folder.stored_register,
        "TRAINING_FOLDER": folder.training,
        "HOUSEHOLD_PUBLIC": folder.household_public,
        "LEDGER_JOURNAL": folder.journal,
        "AGENCY": folder.settings.agency,
        "CONTACT": folder.settings.contact,
        "DEPARTMENT_NAME": folder.settings.name,
        "GO_LIVE": {
            "hosts": folder.settings.hosts,
            "backups": str(folder.settings.backups or ""),
            "witness": folder.settings.witness or "",
        },
        "FEDERATION": folder.federation,
        "PLACES_FILE": folder.places,
        "TILES_FILE": folder.tiles,
    }


def _mail(folder: DepartmentFolder) -> dict[str, Any]:
    mail = folder.settings.mail
    if mail is None:
        return {}
    host, _, port = mail.server.rpartition(":")
    password = ""
    if mail.password_file is not None:
        try:
            password = (folder.path / mail.password_file).read_text("utf-8").strip()
        except OSError as error:
            raise DepartmentError(f"{folder.path / mail.password_file}: {error.strerror}") from error
    return {
        "EMAIL_HOST": host,
        "EMAIL_PORT": int(port),
        "EMAIL_USE_TLS": not is_local(host),
        "EMAIL_HOST_USER": mail.user,
        "EMAIL_HOST_PASSWORD": password,
        "DEFAULT_FROM_EMAIL": mail.sender,
    }
