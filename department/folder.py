"""A department's folder: what `platepost department init` makes, and every other command reads.

::

    FOLDER/
      unfinished         an empty file, while `init` makes the folder
      department.toml    the settings below; paths in it are relative to the folder
      webhook-key        what the secrets of webhooks follow from
      webhook-client/    key and certificate by which receivers of plates know the department
      secret-key         Django's SECRET_KEY: it signs sessions and forms of the pages
      identity/          the custodian's client certificate, key and root, and the key that signs its receipts:
                         a copy of FLEET/custody/NAME
      register.jws       the posts' keys, as `platepost provision` exported them, unless they are read in the fleet
      register.pem       the public key by which that register is known
      register.json      the register in force, so that no older one is taken; in `ingest` with separate users
      evidence/          encrypted packages that were ordered on the pages; in `ingest` with separate users
      ingest/            what the archive service alone writes, with separate users
      household-key      by which plates of people's own households are known, for the nightly process alone: see
                         `platepost.department.audits.household`
      household-key.pub  what the pages seal these plates to, for that key
      policy.toml        purposes, what is forbidden, and the law that binds the department
      receipts           the log of receipts; better on another disk
      verified.json      how far `verify` has come, what it found, and the ends of the ledger that it saw
      verified-rolling.json  the same of the whole verification that goes on each night
      checkpoint.json    the last checkpoint that was signed; in `ingest` with separate users
      ledger-head.jws    the same, signed, which the keeper publishes where `ledger_heads` has `broker`; beside it
      witnessed/         checkpoints of other departments, for which this one is a witness
      training/          exercises, as `platepost simulate exercises` makes them
      federation/        key and certificate by which partner departments know this one
      journal/           what was shown while the ledger could not be written, and the key that signs it
      holds.jsonl        the holds in force, beside the log of receipts; they name plates
      catalog.json       what this version makes of a new database, by which `check` tells what was changed in it
      nightly.json       what `nightly` did last
      places.geojson     the department's map, if there is one: see `platepost.department.search.places`
      streets.pmtiles    tiles of its streets, if there are any: see `platepost.department.search.street_map`
      purges/            the certificates of purges, by which a restored backup is purged again, and the public keys
                         that signed them
      database/          the private PostgreSQL cluster and its socket, unless `database` is a URL
      database.log       what its server says
      database.lock      held by every program that uses the private cluster

Files are mode 0600. The folder is mode 0700; made by root, it is 0711, because the database server runs as another user
and must reach `database/`.
"""

import json
import os
import pwd
import re
from collections.abc import Mapping
from functools import cached_property
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from psycopg import ProgrammingError
from psycopg.conninfo import make_conninfo
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from platepost.common.files import read_toml, write_durably
from platepost.department.errors import DepartmentError
from platepost.wire.records.topics import NAME

PRIVATE = "private"
"""The value of `database` that means the cluster in the folder."""
ROLE = "{role}"
"""In a database URL: where the name of the role goes."""
SETTINGS = "department.toml"
DATABASE_NAME = "platepost"
"""The name of the database in a private cluster."""
_LAST_PORT = 65535
_CONTROL_GROUP = Path("/proc/self/cgroup")
_SERVICE = re.compile(r"/(platepost-[a-z-]+)\.service(?:/|$)", re.MULTILINE)


def _known_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not a time zone of the IANA database, such as America/Los_Angeles") from error
    return name


def _names_role(database: str) -> str:
    if database != PRIVATE and (ROLE not in database or not database.startswith(("postgresql://", "postgres://"))):
        raise ValueError(
            f'it must be "{PRIVATE}", or a URL with {ROLE} where the role goes: postgresql://{ROLE}@db.example/platepost'
        )
    return database


def _has_port(address: str) -> str:
    host, _, port = address.rpartition(":")
    if not host or "," in host or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > _LAST_PORT:
        raise ValueError(f"{address!r}: expected host:port, the port {_LAST_PORT} at most")
    return address


def _have_ports(nodes: str) -> str:
    return ",".join(map(_has_port, nodes.split(",")))


def _named(path: Path) -> Path:
    if path == Path():
        raise ValueError("expected the name of a file or folder of its own")
    return path


def _host(name: str) -> str:
    """Return a name as browsers say it: pages compare it letter by letter."""
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]", name):
        raise ValueError(f"{name!r}: expected the name alone, as in plates.riverside.example")
    return name.lower()


Name = Annotated[str, Field(pattern=f"^{NAME.pattern}$")]
Address = Annotated[str, AfterValidator(_has_port)]
NamedPath = Annotated[Path, AfterValidator(_named)]
"""A path that is not empty, and not the folder itself."""


def _protected(endpoint: str) -> str:
    split = urlsplit(endpoint)
    if split.username is not None or split.password is not None:
        raise ValueError("no credentials in an address: put them into a file")
    if split.scheme == "https" and split.hostname:
        return endpoint
    if split.scheme == "http" and split.hostname and is_local(split.hostname):
        return endpoint
    raise ValueError("it must begin with https://; http:// is for what runs on this machine")


def is_local(host: str) -> bool:
    """Tell whether a host's name or address is this machine's own."""
    try:
        return host == "localhost" or host.startswith("/") or ip_address(host).is_loopback
    except ValueError:
        return False


class IdentityProvider(BaseModel):
    """By whom people may log in besides: a provider of OpenID Connect."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: str
    """The name that the sign-in page shows."""
    issuer: Annotated[str, AfterValidator(_protected)]
    """Its address, with `https://`, where `/.well-known/openid-configuration` is."""
    client_id: str
    """The department's identifier at the provider."""
    secret_file: Path
    """File with the client's secret."""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    """Scopes to request. Some providers send groups for `groups` only, refresh tokens for `offline_access` only."""


class MailSettings(BaseModel):
    """By which server invitations are sent."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    server: Address
    """`host:port`, with STARTTLS unless it is on this machine."""
    sender: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]
    """Address that invitations come from."""
    user: str = ""
    """Username at the server, if it needs one."""
    password_file: Path | None = None
    """File with its password."""


class BucketSettings(BaseModel):
    """Where pictures are kept instead of in the database: a bucket of a store that speaks S3."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]+$")]
    """The bucket's name."""
    endpoint: Annotated[str, AfterValidator(_protected)]
    """The store's address, without the bucket: `https://s3.example`."""
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]*$")] = ""
    """How the name of each object begins."""
    region: str = "us-east-1"
    """The store's region; many stores ignore it."""
    credentials: Path | None = None
    """TOML file with `access_key_id` and `secret_access_key`, mode 0600. Without it they come from the environment
    (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`) or the machine's role."""
    root: Path | None = None
    """PEM of the authority that vouches for the store, if it is your own."""


class DepartmentSettings(BaseModel):
    """What `department.toml` says."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    agency: Name
    """The name in the broker's topics. `init` sets it."""
    custodian: Name
    """The archive service's name: the common name of its certificate. `init` sets it."""
    brokers: tuple[Annotated[str, AfterValidator(_have_ports)], ...] = Field(min_length=1)
    """`host:port` of each broker that posts deliver to. A cluster is one entry, its nodes separated by commas."""
    identity: Path = Path("identity")
    """Folder of the archive service's certificate and keys."""
    register_file: NamedPath = Path("register.jws")
    """The signed register of the posts' keys."""
    register_key: NamedPath = Path("register.pem")
    """The public key that verifies it."""
    receipts: NamedPath = Path("receipts")
    """The log of receipts: keep it on another disk than the records."""
    policy: NamedPath = Path("policy.toml")
    """The policy file: purposes, what is forbidden, and the law."""
    database: Annotated[str, AfterValidator(_names_role)] = PRIVATE
    """`private`, or the URL of your own server with `{role}` where the role goes."""
    picture_bucket: BucketSettings | None = None
    """Where new pictures are stored; in the database if there is none."""
    ledger_heads: tuple[Annotated[str, Field(pattern=r"\S")], ...] = ("broker",)
    """Where checkpoints go: `broker`, `syslog`, `syslog:SOCKET`, and files, preferably on other machines' disks."""
    witness: Annotated[str, Field(pattern="^https?://")] | None = None
    """URL of the time-stamping service (RFC 3161) that stamps checkpoints."""
    witness_root: NamedPath | None = None
    """PEM of the certificates that vouch for that service."""
    backups: NamedPath | None = None
    """Folder on another disk where `nightly` writes backups."""
    backup_keys: tuple[str, ...] = ()
    """The age public keys of those who can open backups."""
    backup_copies: tuple[Annotated[str, Field(pattern=r"\S")], ...] = ()
    """Where `nightly` copies backups, as rclone writes places: `offsite:riverside-backups`."""
    rclone_config: NamedPath = Path("/etc/platepost/rclone.conf")
    """rclone's configuration, with the credentials of these places."""
    web: Address = "127.0.0.1:8600"
    """Where the pages are served, `host:port`."""
    hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = ()
    """Host names by which browsers reach the pages behind a web server with TLS."""
    training_days: int = Field(365, ge=1, le=3650)
    """Days for which passed training counts."""
    banner: str = ""
    """The notice above the sign-in form, in place of the built-in one."""
    identity_provider: IdentityProvider | None = None
    mail: MailSettings | None = None
    public_web: Address = "127.0.0.1:8601"
    """Where the public page is served, `host:port`."""
    federation_web: Address = "127.0.0.1:8602"
    """Where partner departments are answered, `host:port`."""
    name: str = ""
    """The department's full name, on pages and letters. Letters and breach notices require it."""
    metrics_web: Address = "127.0.0.1:8603"
    """Where Prometheus scrapes figures, `host:port`."""
    contact: str = ""
    """Whom the public asks: address, telephone, or e-mail. Letters and breach notices require it."""
    public_cameras: tuple[Annotated[str, Field(max_length=200)], ...] = ()
    """Camera places that the public page lists, in words, one each."""
    timezone: Annotated[str, AfterValidator(_known_timezone)] = "UTC"
    """Time zone of the pages; everything is stored in UTC."""
    language: Literal["en", "es"] = "en"
    """`en`, or `es` for a console in Spanish; other pages and all records stay English."""
    persons: Mapping[str, str] = {}
    """Which person a system user is, where their usernames differ."""
    service_users: bool = False
    """Whether each program runs as its own system user. `init` sets it."""
    trust_sudo: bool = False
    """Whether a command run through sudo counts as that user's, rather than root's."""


def checked_settings(fields: Mapping[str, object], *, where: str) -> DepartmentSettings:
    """Return settings, checked.

    Raises:
        DepartmentError: they are wrong; the message names `where` they stand and each wrong key.

    """
    try:
        return DepartmentSettings.model_validate(fields)
    except ValidationError as error:
        wrong = (
            f"{'.'.join(map(str, detail['loc']))}: "
            f"{'there is no such setting' if detail['type'] == 'extra_forbidden' else detail['msg']}"
            for detail in error.errors()
        )
        raise DepartmentError(f"{where}: {'; '.join(wrong)}") from error


class DepartmentFolder:
    """The folder of one department.

    Args:
        path: the folder; it need not exist.

    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        # What each is, the docstring of this file says.
        self.unfinished = self.path / "unfinished"
        self.secret_key = self.path / "secret-key"
        self.webhook_key = self.path / "webhook-key"
        self.webhook_client = self.path / "webhook-client"
        self.ingest = self.path / "ingest"
        self.household_key = self.path / "household-key"
        self.household_public = self.path / "household-key.pub"
        self.checked = self.path / "verified.json"
        self.rolling = self.path / "verified-rolling.json"
        self.witnessed = self.path / "witnessed"
        self.training = self.path / "training"
        self.federation = self.path / "federation"
        self.journal = self.path / "journal"
        self.catalog = self.path / "catalog.json"
        self.nightly = self.path / "nightly.json"
        self.places = self.path / "places.geojson"
        self.tiles = self.path / "streets.pmtiles"
        self.purges = self.path / "purges"
        self.cluster = self.path / "database"

    def __repr__(self) -> str:
        return f"<DepartmentFolder {self.path}>"

    @cached_property
    def settings(self) -> DepartmentSettings:
        """What `department.toml` says.

        Raises:
            DepartmentError: it is missing or wrong; the message names each wrong key.

        """
        path = self.path / SETTINGS
        try:
            return checked_settings(read_toml(path), where=str(path))
        except PermissionError as error:
            raise DepartmentError(f"{path}: {error.strerror}: run this as the user who owns the folder") from error
        except OSError as error:
            raise DepartmentError(
                f"{path}: {error.strerror}; `platepost department init` makes a department's folder"
            ) from error
        except ValueError as error:
            raise DepartmentError(f"{path} is not TOML: {error}") from error

    def write_settings(self, settings: DepartmentSettings) -> None:
        """Write `department.toml`, durable on return. Raises OSError."""
        payload = settings.model_dump(mode="json", exclude_unset=True)
        tables = {key: value for key, value in payload.items() if isinstance(value, dict)}
        # A JSON string, or array of strings, is one of TOML too.
        lines = [f"{key} = {json.dumps(value)}\n" for key, value in payload.items() if key not in tables]
        for key, fields in tables.items():
            lines += [f"\n[{key}]\n", *(f"{name} = {json.dumps(value)}\n" for name, value in fields.items())]
        write_durably(self.path / SETTINGS, "".join(lines).encode())
        self.__dict__.pop("settings", None)

    @property
    def identity(self) -> Path:
        """The folder of the custodian's client certificate, key and root."""
        return self.path / self.settings.identity

    @property
    def custody_key(self) -> Path:
        """The private key that signs receipts."""
        return self.identity / "signing_key.pem"

    @property
    def register_file(self) -> Path:
        """The signed register of the posts' keys."""
        return self.path / self.settings.register_file

    @property
    def register_key(self) -> Path:
        """The public key by which the register is known."""
        return self.path / self.settings.register_key

    @property
    def receipts(self) -> Path:
        """The log of receipts."""
        return self.path / self.settings.receipts

    @property
    def stored_register(self) -> Path:
        """The register in force, as the archive service keeps it."""
        return self._of_service / "register.json"

    @property
    def checkpoint(self) -> Path:
        """The last checkpoint that the archive service signed."""
        return self._of_service / "checkpoint.json"

    @property
    def published_head(self) -> Path:
        """The same, signed, for the broker."""
        return self._of_service / "ledger-head.jws"

    @property
    def evidence(self) -> Path:
        """The encrypted packages of evidence that the archive service made, which the pages hand out."""
        return self._of_service / "evidence"

    @property
    def _of_service(self) -> Path:
        return self.ingest if self.settings.service_users else self.path

    @property
    def holds_aside(self) -> Path:
        """The holds in force, beside the log of receipts: what a restored backup lacks of them is placed again.

        With separate users they are in a folder of the pages, which place holds.
        """
        receipts_folder = self.receipts.parent
        if self.settings.service_users:
            receipts_folder = (self.path if receipts_folder == self.ingest else receipts_folder) / "holds"
        return receipts_folder / "holds.jsonl"

    @property
    def policy(self) -> Path:
        """The policy file."""
        return self.path / self.settings.policy

    @property
    def disks(self) -> dict[str, Path]:
        """The folders whose disks must not run full, by what they hold."""
        return {"receipts": self.receipts, **({"records": self.cluster} if self.is_private else {})}

    @property
    def caller(self) -> str:
        """The username of the person who runs this command; the kernel decides, never the environment.

        What root does in one of our services, by its control group, the service does.

        Only root may name another user, by sudo's SUDO_UID and only where `trust_sudo` allows it: root can become
        anyone anyway.

        Raises:
            DepartmentError: the settings are missing or wrong.

        """
        user, sudo = os.getuid(), os.environ.get("SUDO_UID", "")
        if user == 0 and (service := _service()) is not None:
            return service
        if user == 0 and self.settings.trust_sudo and sudo.isdecimal():
            user = int(sudo)
        try:
            name = pwd.getpwuid(user).pw_name
        except (KeyError, OverflowError):
            name = str(user)
        return self.settings.persons.get(name, name)

    @property
    def is_private(self) -> bool:
        """Whether the database is the private cluster."""
        return self.settings.database == PRIVATE

    def conninfo(self, role: str) -> str:
        """Return libpq's connection string for a role; it may hold a password.

        Raises:
            DepartmentError: the settings are missing or wrong.

        """
        url = "" if self.is_private else self.settings.database.replace(ROLE, role)
        where = {"host": str(self.cluster), "dbname": DATABASE_NAME, "user": role} if self.is_private else {}
        try:
            return make_conninfo(url, application_name=application_name(role), **where)
        except ProgrammingError as error:
            raise DepartmentError(f"{self.path / SETTINGS}: database: no URL that PostgreSQL takes") from error


def application_name(role: str) -> str:
    """Return how a program names itself to the database: its role and version, so that `upgrade` can tell who runs."""
    return f"{role} {version('platepost')}"


def nearest(path: Path) -> Path:
    """Return a path, or the folder above it that exists already."""
    return next(one for one in (path, *path.parents) if one.exists())


def _service() -> str | None:
    """Return the service of Platepost in which this process runs; None outside of one."""
    try:
        matches = _SERVICE.search(_CONTROL_GROUP.read_text("utf-8"))
    except OSError:
        return None
    return matches and matches[1]
