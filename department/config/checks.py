"""What `platepost department check` looks at: each thing that makes an installation insecure or incomplete, by name."""

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import Certificate
from cryptography.x509.oid import NameOID
from django.db import connection as session
from psycopg.conninfo import conninfo_to_dict

from platepost.common.errors import PlatepostError
from platepost.department.alerts.second_person import second_person_gaps
from platepost.department.alerts.states import AlertState
from platepost.department.config.upgrade import rebuilt
from platepost.department.custody.bucket import open_bucket
from platepost.department.custody.errors import PictureStoreError
from platepost.department.database.catalog import changes, read_catalog, server_version
from platepost.department.database.cluster import SUPERUSER, PrivateCluster, installed_versions
from platepost.department.database.queries import rows
from platepost.department.database.roles import (
    AUDITOR,
    COMMAND,
    FEDERATION,
    KEEPER,
    MISUSE,
    OWNER,
    PUBLIC,
    QUIET,
    ROLES,
    WEB,
    is_audited,
)
from platepost.department.database.sql_files import fingerprint, recorded_fingerprint, sql_files
from platepost.department.database.users import INGEST, has_users, may_read, misplaced
from platepost.department.errors import DepartmentError
from platepost.department.folder import DepartmentFolder, is_local, nearest
from platepost.department.ledger.journal import LocalJournal
from platepost.department.people.authorization import authorizations
from platepost.department.people.models import CovertMember
from platepost.department.people.rights import Permission
from platepost.department.people.services import TWO, can_approve
from platepost.department.policy.errors import PolicyError, PurposeError
from platepost.department.policy.policy import ALARM, DEFAULT, AccessPurpose, read_policy
from platepost.department.search.errors import PlacesError
from platepost.department.search.places import Places
from platepost.department.search.street_map import read_tiles
from platepost.department.session import connected, missing_migrations, running_database, set_up_django
from platepost.department.sharing.clauses import evidence
from platepost.department.sharing.laws import bound_law, law_differs
from platepost.department.status.golive import UTC_ZONES
from platepost.provisioning.fleet.register import open_register
from platepost.provisioning.trust.authority import CERTIFICATE_FILE, KEY_FILE, read_certificates
from platepost.provisioning.trust.keys import read_private_key
from platepost.wire.records.signing import read_key

ENDING = timedelta(days=30)
_CALLED = {"custodian": "the custodian's certificate", "partners": "the certificate for partners"}
_RENEWED = {"custodian": "renew it", "partners": "make the next, and give it to each"}
_LEAST_FREE_SHARE = 0.05
_LEAST_SECRET = 50
"""Characters, as Django's own check asks for."""
_FOREIGN = timedelta(days=7)
_COVERT = """
SELECT distribution FROM lists_in_force WHERE distribution IS NOT NULL
UNION SELECT covert_group FROM alerts_alert WHERE covert_group IS NOT NULL AND state = ANY (%s)
"""
"""Groups that entries are listed for now, or that open alerts are of."""

_VERBS = {
    KEEPER: {"SELECT", "INSERT", "USAGE"},
    WEB: {"SELECT", "INSERT"},
    AUDITOR: {"SELECT"},
    PUBLIC: {"SELECT"},
    MISUSE: {"SELECT", "INSERT"},
    FEDERATION: {"SELECT", "INSERT"},
}
"""What a role may have on any table or sequence."""
_WIDER = {
    **{key: {"UPDATE"} for key in [(KEEPER, "custody_holding"), (KEEPER, "custody_tally")]},
    **{key: {"UPDATE", "DELETE"} for key in [(WEB, "django_session"), (WEB, "mfa_authenticator")]},
    **{key: {"UPDATE"} for key in [(WEB, "socialaccount_socialaccount"), (WEB, "people_provider_access")]},
    (KEEPER, "custody_unnamed_object"): {"DELETE"},
    (KEEPER, "ledger_sent"): {"UPDATE", "DELETE"},
}
"""What a role may have on one table besides: the keeper's bookkeeping, and what the log-in keeps."""


@dataclass(frozen=True, slots=True)
class InstallationFault:
    """Something that is not as it must be."""

    name: str
    message: str
    grave: bool = True
    """Whether the installation must not be used so."""


def installation_faults(folder: DepartmentFolder) -> Iterator[InstallationFault]:
    """Yield what is wrong with an installation; nothing of it is changed. Django is set up on the way."""
    try:
        folder.settings  # noqa: B018 - read now
    except DepartmentError as error:
        yield InstallationFault("settings", str(error))
        return
    if folder.unfinished.exists():
        yield InstallationFault("unfinished", f"{folder.path} is unfinished: run `init` again")
    for faults in (
        _users,
        _files,
        _secret,
        _identity,
        _register,
        _policy,
        _places,
        _journal,
        _witness,
        _disks,
        _setup,
        _pages,
        _pictures,
    ):
        yield from faults(folder)
    yield from _database(folder)


def _files(folder: DepartmentFolder) -> Iterator[InstallationFault]:
    if folder.settings.service_users:
        for message in misplaced(folder):
            yield InstallationFault("file_owner", f"{message}: run `upgrade`")
        return
    owner = folder.path.stat().st_uid
    if folder.path.stat().st_mode & 0o066:
        yield InstallationFault("folder_mode", f"{folder.path} is open to others: chmod go-rw {folder.path}")
    for path in _files_below(folder):
        status = path.lstat()
        # The posts' public keys are no secret.
        closed = 0o022 if path in {folder.register_file, folder.register_key} else 0o077
        closed = 0o037 if path in {folder.receipts, folder.stored_register} else closed
        if status.st_mode & closed and not path.is_symlink():
            yield InstallationFault("file_mode", f"{path} is open to others: chmod go= {path}")
        if status.st_uid != owner:
            yield InstallationFault("file_owner", f"{path} belongs to another user than {folder.path}")


def _files_below(folder: DepartmentFolder) -> Iterator[Path]:
    """Yield the files and folders that hold secrets; those of the database are its server's."""
    for path in sorted(folder.path.iterdir()):
        if path == folder.cluster:
            continue
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from sorted(path.rglob("*"))
    bucket = folder.settings.picture_bucket
    if bucket is not None and bucket.credentials is not None:
        path = folder.path / bucket.credentials
        if path.exists() and not path.is_relative_to(folder.path):
            yield path


def _users(folder: DepartmentFolder) -> Iterator[InstallationFault]:
    if not folder.settings.service_users:
        yield InstallationFault(
            "duties_not_separated",
            "every program runs as one system user, who reads every key and may be every role of the database, in the "
            "private one its superuser: fine for a trial; for a department in service, see docs/department.md, As "
            "services",
            grave=False,
        )


def _secret(folder: DepartmentFolder) -> Iterator[InstallationFault]:
    try:
        secret = folder.secret_key.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        secret = ""
    if len(secret) < _LEAST_SECRET:
        yield InstallationFault(
            "secret_key", f"{folder.secret_key} has no secret of {_LEAST_SECRET} characters: restore it from a backup"
        )


def _identity(folder: DepartmentFolder) -> Iterator[InstallationFault]:
    try:
        certificate = read_certificates(folder.identity / CERTIFICATE_FILE)[0]
        key = read_private_key(folder.identity / KEY_FILE)
        read_private_key(folder.custody_key)
    except PlatepostError as error:
        yield InstallationFault("identity", str(error))
        return
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if key.public_key().public_bytes(*form) != certificate.public_key().public_bytes(*form):
        yield InstallationFault("identity", f"{folder.identity}: the key is not the certificate's")
    names = [name.value for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [folder.settings.custodian]:
        yield InstallationFault("identity", f"the certificate is of {names}, not of {folder.settings.custodian!r}")
    yield from ending_certificates(folder)


def ending_certificates(folder: DepartmentFolder) -> Iterator[InstallationFault]:
    """Yield the folder's certificates that have ended, or end soon: then no broker, or no partner, takes them.

    Raises:
        ProvisioningError: one cannot be read.

    """
    for what, certificate in certificates(folder).items():
        left = certificate.not_valid_after_utc - datetime.now(UTC)
        if left < ENDING:
            ends = f"{_CALLED[what]} ends on {certificate.not_valid_after_utc:%Y-%m-%d}: {_RENEWED[what]}"
            yield InstallationFault("certificate_ending", ends, grave=left < timedelta(0))


def certificates(folder: DepartmentFolder) -> dict[str, Certificate]:
    """Return the folder's certificates: `custodian`, and `partners` where there is one.

    Raises:
        ProvisioningError: one cannot be read.

    """
    own = {"custodian": read_certificates(folder.identity / CERTIFICATE_FILE)[0]}
    if (folder.federation / CERTIFICATE_FILE).exists():
        own["partners"] = read_certificates(folder.federation / CERTIFICATE_FILE)[0]
    return own


def _register(folder: DepartmentFolder) -> Iterator[InstallationFault]:
    try:
        open_register(folder.register_file.read_bytes(), [read_key(folder.register_key.read_bytes())])
    except OSError as error:
        yield InstallationFault(
            "register_missing",
            f"{error.filename}: {error.strerror}; no record is verified until it is there: "
            "run `platepost provision register export FLEET`, and copy its file there",
        )
    except PlatepostError as error:
        yield InstallationFault("register_refused", f"{folder.register_file}: {error}")
    if folder.settings.service_users and has_users():
        for path in (folder.register_file, folder.register_key):
            if path.exists() and not may_read(INGEST, path):
                yield InstallationFault(
                    "register_unreadable",
                    f"the archive service's user, {INGEST}, cannot read {path}, so no record is verified: copy it to "
                    f"{folder.path}, and set `register_file` and `register_key` to the copies",
                )


def _policy(folder: DepartmentFolder) -> Iterator[InstallationFault]:
    try:
        policy = read_policy(folder.policy)
    except PolicyError as error:
        yield InstallationFault("policy", str(error))
        return
    for what, name in {"the console shows hits": ALARM, "audits look at searches": policy.misuse.purpose}.items():
        try:
            policy.require(AccessPurpose(name))
        except PurposeError as error:
            needed = f"{what} for the purpose {name!r}, without a case number: have it as {DEFAULT} has it"
            yield InstallationFault("policy_purpose", f"{folder.policy}: {needed}; {error}")


def _places(folder: DepartmentFolder) -> Iterator[InstallationFault]:
    try:
        Places.read(folder.places)
    except PlacesError as error:
        yield InstallationFault("places", str(error), grave=False)
    try:
        read_tiles(folder.tiles)
    except (PlacesError, OSError) as error:
        message = f"{folder.tiles}: {error}. Maps show no streets: cut the file again, or remove it"
        yield InstallationFault("tiles", message, grave=False)


def _journal(folder: DepartmentFolder) -> Iterator[InstallationFault]:
    journal = LocalJournal(folder.journal)
    if not journal.can_sign:
        yield InstallationFault("journal", f"{folder.journal} has no key: run `upgrade`")
    elif journal.waits:
        message = "hits were shown while the access log could not be written: run `ledger import-journal`"
        yield InstallationFault("journal_waits", message, grave=False)


def _witness(folder: DepartmentFolder) -> Iterator[InstallationFault]:
    settings = folder.settings
    if not settings.ledger_heads:
        message = (
            "no checkpoint of the access log leaves this machine, so no one could show later that it was cut: set"
            " `ledger_heads` to `broker`, `syslog`, or a file on another machine's disk"
        )
        yield InstallationFault("checkpoints", message, grave=False)
    if settings.witness is None:
        return
    if settings.witness_root is None:
        yield InstallationFault("witness_root", "set witness_root: without it no timestamp can be verified")
        return
    try:
        read_certificates(folder.path / settings.witness_root)
    except PlatepostError as error:
        yield InstallationFault("witness_root", f"witness_root: {error}")


def _disks(folder: DepartmentFolder) -> Iterator[InstallationFault]:
    if folder.is_private and nearest(folder.receipts).stat().st_dev == nearest(folder.cluster).stat().st_dev:
        yield InstallationFault(
            "receipts_on_same_disk",
            f"{folder.receipts} is on the disk of the records: one failure loses both records and their proof",
            grave=False,
        )
    backups = folder.settings.backups
    for what, path in {"receipts": folder.receipts, "backups": backups and folder.path / backups}.items():
        if folder.is_private and path and path.resolve().is_relative_to(folder.cluster.resolve()):
            message = f"{what} = {str(path)!r} is inside the database's own folder: choose another"
            yield InstallationFault("inside_database", message)
    for what, path in folder.disks.items():
        free = shutil.disk_usage(nearest(path))
        if free.free < free.total * _LEAST_FREE_SHARE:
            yield InstallationFault(
                "disk_low",
                f"{free.free / 1e9:.1f} GB are left for {what}: free space, or move it to a larger disk",
                grave=False,
            )


def _setup(folder: DepartmentFolder) -> Iterator[InstallationFault]:
    """Yield warnings about settings that a department in service has, and a trial need not."""
    settings = folder.settings
    if settings.timezone in UTC_ZONES:
        message = (
            f"timezone = {settings.timezone!r}, and every law here is of a US state: pages, days of the law, and"
            " terms would change at UTC's midnight. Set the department's time zone, such as America/Los_Angeles, and"
            " run `upgrade`"
        )
        yield InstallationFault("timezone_utc", message, grave=False)
    if not settings.name or not settings.contact:
        message = "set `name` and `contact`: pages and notices to the public name them"
        yield InstallationFault("name_missing", message, grave=False)
    if settings.witness is None:
        message = (
            "no time-stamping service stamps the log's checkpoints, so no one else can confirm when a record was there:"
            " set `witness` and `witness_root`"
        )
        yield InstallationFault("witness_missing", message, grave=False)
    if settings.backups is None or not settings.backup_keys:
        message = "no backup is made each night: set `backups`, on another disk, and `backup_keys`"
        yield InstallationFault("backups_missing", message, grave=False)
    if not settings.hosts:
        message = (
            "the pages are plain HTTP for this machine alone: put a web server with TLS in front of them, and set"
            " `hosts` to its name"
        )
        yield InstallationFault("pages_http", message, grave=False)


def _pages(folder: DepartmentFolder) -> Iterator[InstallationFault]:
    settings = folder.settings
    for key, address, what in (("web", settings.web, "pages"), ("metrics_web", settings.metrics_web, "metrics")):
        if not is_local(address.rpartition(":")[0].strip("[]")):
            yield InstallationFault(
                f"{what}_open",
                f"{key} = {address!r}: other machines reach the {what} without TLS; use 127.0.0.1 behind a proxy",
            )


def _pictures(folder: DepartmentFolder) -> Iterator[InstallationFault]:
    bucket = open_bucket(folder)
    try:
        if bucket is not None and bucket.is_open():
            message = "it lets anyone list or read pictures: take every public right from it"
            yield InstallationFault("pictures_open", f"{bucket.name}: {message}")
    except PictureStoreError as error:
        yield InstallationFault("pictures_unreachable", str(error))


def _database(folder: DepartmentFolder) -> Iterator[InstallationFault]:
    cluster = PrivateCluster(folder.cluster)
    where = conninfo_to_dict(folder.conninfo(KEEPER))
    if folder.is_private:
        if not installed_versions():
            yield InstallationFault("postgresql_missing", "PostgreSQL is not installed: apt-get install postgresql")
            return
        if cluster.exists and not cluster.is_closed():
            yield InstallationFault("database_open", f"pg_hba.conf or pg_ident.conf of {folder.cluster} was changed")
    elif not is_local(str(where.get("host", ""))) and where.get("sslmode") != "verify-full":
        yield InstallationFault("database_unprotected", "the URL of the database lacks sslmode=verify-full: add it")
    try:
        with running_database(folder):
            with connected(folder, WEB):
                pass
            if folder.is_private:
                with connected(folder, OWNER) as owner:
                    yield from audit_faults(owner)
            with connected(folder, KEEPER) as connection:
                yield from role_faults(connection, is_private=folder.is_private)
                yield from right_faults(connection)
            set_up_django(folder, WEB)
            with closing(session):
                yield from _contents(folder)
    except DepartmentError as error:
        yield InstallationFault("database", str(error))


def _contents(folder: DepartmentFolder) -> Iterator[InstallationFault]:
    """Yield what the database lacks; if nothing, what its records say is wrong: a register, clauses of the policy."""
    missing = missing_migrations()
    if missing:
        yield InstallationFault("migrations_missing", f"the database lacks {', '.join(missing)}: run `upgrade`")
        return
    applied = [digest for (digest,) in rows("SELECT digest FROM policy_rules")]
    if applied != [read_policy(folder.policy).digest]:
        message = f"the database applies another policy than {folder.policy}: run `upgrade`"
        yield InstallationFault("policy_not_applied", message)
    yield from sql_faults(folder)
    strangers = (
        "SELECT DISTINCT post FROM custody_tally WHERE verdict = 'foreign' AND covert_group IS NULL"
        " AND last_kept_at > %s ORDER BY post"
    )
    posts = ", ".join(post for (post,) in rows(strangers, [datetime.now(UTC) - _FOREIGN]))
    if posts:
        yield InstallationFault(
            "register_old",
            f"records by keys that the register lacks came from {posts}: export it again; if that does not help, "
            f"it is forged",
            grave=False,
        )
    with connected(folder, OWNER) as owner:
        yield from _unheard_groups(owner)
    yield from _one_person()
    yield from _second_person()
    yield from _law()
    for clause_evidence in evidence():
        if not clause_evidence.is_met:
            name = f"clause_{clause_evidence.clause.id.lower()}"
            yield InstallationFault(name, f"{clause_evidence.clause.says} {clause_evidence.says}", grave=False)


def sql_faults(folder: DepartmentFolder) -> Iterator[InstallationFault]:
    """Yield how the database differs from what this version makes of a new one, on Django's connection."""
    if recorded_fingerprint() != fingerprint(sql_files()):
        message = "the installed SQL files are not those of the database: install this version again"
        yield InstallationFault("sql_files_changed", message)
    expected = read_catalog(folder.catalog) or rebuilt()
    if expected is None:
        message = f"install PostgreSQL {server_version()} here: without it, no change in the database can be seen"
        yield InstallationFault("catalog_missing", message)
    elif changed := changes(expected):
        message = (
            f"changed, added, or removed in the database by hand: {', '.join(changed)}. Find out who did it and what "
            "it allowed; `upgrade` puts functions, views, triggers, policies, and rights back"
        )
        yield InstallationFault("sql_changed", message)


def _law() -> Iterator[InstallationFault]:
    """Yield how the law of the policy file, that of the database, and the last one in the ledger differ."""
    bound = bound_law()
    if law_differs():
        message = (
            f"the policy file names another law than {bound['law']!r}, which the database enforces: two persons change"
            " it on the page of the policy, or put the file back"
        )
        yield InstallationFault("law_differs", message)
    terms = (
        "SELECT count(*) FROM archive_term WHERE class = 'no_hit' AND (law, floor_days, ceiling_days) <> (%s, %s, %s)"
    )
    ((others,),) = rows(terms, [bound["law"], bound["floor_days"], bound["ceiling_days"]])
    ((last,),) = rows("SELECT ledger_last_law()::text")
    if others or last is None or json.loads(last) != bound:
        yield InstallationFault(
            "law_not_entered",
            f"the law {bound['law']!r} binds the database, and no entry of the access log shows who changed it",
        )


def _one_person() -> Iterator[InstallationFault]:
    """Yield a warning while the command line gives access alone."""
    if can_approve() < TWO:
        message = (
            "fewer than two administrators or supervisors can approve access, so the command line gives it alone:"
            " `person add` a second one"
        )
        yield InstallationFault("one_person", message, grave=False)


def _second_person() -> Iterator[InstallationFault]:
    """Yield a warning where a look-alike waits because no one could be the second person."""
    gaps = second_person_gaps()
    if gaps is None:
        return
    cure = (
        "Have an officer with current certificates and training sign in, on a phone too, or state a substitute in the"
        " policy (`second_person_substitute`)"
    )
    if gaps.able == 1:
        message = f"only one person may answer hits, so no one can be the second person for a look-alike. {cure}"
        yield InstallationFault("second_person_missing", message, grave=False)
    elif gaps.alone:
        message = f"in the last seven days one person was alone with hits at {gaps.hours}: look-alikes wait. {cure}"
        yield InstallationFault("second_person_alone", message, grave=False)


def _unheard_groups(owner: psycopg.Connection) -> Iterator[InstallationFault]:
    """Yield the covert groups whose hits no one sees; on no page, for only members may know what is listed."""
    groups = {group for (group,) in owner.execute(_COVERT, [[state for state in AlertState if state.is_open]])}
    members = list(CovertMember.objects.filter(group__in=groups, left_at=None).select_related("person"))
    able = authorizations(member.person for member in members)
    covered = {member.group for member, one in zip(members, able, strict=True) if one.may(Permission.ANSWER_HITS)}
    for group in sorted(groups - covered):
        message = f"no member of {group!r} may answer hits, so no one sees those of its entries: run `person covert`"
        yield InstallationFault("covert_group_unheard", message, grave=False)


def audit_faults(owner: psycopg.Connection) -> Iterator[InstallationFault]:
    """Yield whether what the private database's superuser and its owner do is not logged outside of it."""
    others = owner.execute(
        "SELECT coalesce(rolname, 'everyone') FROM pg_db_role_setting LEFT JOIN pg_roles ON pg_roles.oid = setrole,"
        " unnest(setconfig) AS setting WHERE setting LIKE 'pgaudit.%%' AND (rolname IS NULL OR rolname <> ALL (%s))",
        [[*QUIET]],
    ).fetchall()
    if not is_audited(owner) or others:
        number = owner.info.server_version // 10000
        of = ", ".join(name for (name,) in others) or "the database"
        message = (
            f"what the superuser and the owner read or change leaves no trace: pgaudit is not on for {of}. Install "
            f"postgresql-{number}-pgaudit, restart the database, run `upgrade`, and send syslog to another machine"
        )
        yield InstallationFault("superuser_unlogged", message, grave=False)


def role_faults(connection: psycopg.Connection, *, is_private: bool) -> Iterator[InstallationFault]:
    """Yield what is wrong with the roles: missing, or with more than a role of ours may have; others, if private."""
    rows = connection.execute(
        "SELECT rolname, rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls"
        " OR EXISTS (SELECT FROM pg_auth_members WHERE member = pg_roles.oid AND (admin_option"
        " OR (rolname, roleid::regrole::text) IS DISTINCT FROM (%s, %s))) FROM pg_roles WHERE rolname = ANY(%s)",
        [COMMAND, WEB, [*ROLES]],
    )
    present: dict[str, bool] = dict(rows.fetchall())
    for role in ROLES:
        if role not in present:
            yield InstallationFault("role_missing", f"the database has no role {role}: run `upgrade`")
        elif present[role]:
            yield InstallationFault(
                "role_too_wide", f"{role} is more than a plain role, or a member of another: run `upgrade`"
            )
    if is_private:
        others = connection.execute(
            "SELECT rolname FROM pg_roles WHERE rolname <> ALL (%s) AND rolname !~ '^pg_' ORDER BY 1",
            [[SUPERUSER, *ROLES]],
        )
        for (role,) in others:
            yield InstallationFault(
                "role_unknown",
                f"{role} is a role of the private database, and not one of Platepost's: find out who made it",
            )


def right_faults(connection: psycopg.Connection) -> Iterator[InstallationFault]:
    """Yield what is wrong with the rights on tables: too wide, another's, or row security is off."""
    relations = "pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')"
    granted = connection.execute(
        "SELECT relname, coalesce(rolname, 'everybody'), privilege_type"  # noqa: S608 - our own constants
        f" FROM (SELECT c.relname, c.relowner, (aclexplode(c.relacl)).* FROM {relations}) AS each"
        " LEFT JOIN pg_roles ON pg_roles.oid = grantee WHERE grantee <> relowner ORDER BY 1, 2, 3"
    )
    for table, role, verb in granted:
        known = role in ROLES if role not in _VERBS else verb in _VERBS[role] | _WIDER.get((role, table), set())
        if not known:
            yield InstallationFault("right_too_wide", f"{role} may {verb} {table}")
    owned = connection.execute(
        f"SELECT c.relname FROM {relations} AND pg_get_userbyid(c.relowner) <> %s ORDER BY 1",  # noqa: S608
        [OWNER],
    )
    for (table,) in owned:
        yield InstallationFault("table_owner", f"{table} is not the owner's")
    unsecured = connection.execute(
        f"SELECT c.relname FROM {relations} AND c.relname LIKE 'custody%%' AND c.relkind IN ('r', 'p')"  # noqa: S608
        " AND has_table_privilege(%s, c.oid, 'SELECT') AND NOT c.relrowsecurity ORDER BY 1",
        [WEB],
    )
    for (table,) in unsecured:
        yield InstallationFault("row_security_off", f"{table} is open to {WEB} without row security")
