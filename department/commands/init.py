"""`platepost department init`: a department's folder, keys and database."""

import json
import os
import secrets
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import click
from cryptography.x509.oid import NameOID

from platepost.common.files import flush_folder, make_folder, write_durably
from platepost.department.archive.retention import set_term
from platepost.department.commands.setup import READS, SetupChoices, ask
from platepost.department.config.upgrade import refuse_former_database, upgrade
from platepost.department.database.cluster import PrivateCluster
from platepost.department.database.users import require_users
from platepost.department.errors import DepartmentError
from platepost.department.folder import PRIVATE, SETTINGS, DepartmentFolder, DepartmentSettings, checked_settings
from platepost.department.options import FOLDER, JSON
from platepost.department.policy.law import LAWS
from platepost.department.session import running_database
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.trust.authority import CERTIFICATE_FILE, read_certificates
from platepost.provisioning.trust.key_files import KeyFiles
from platepost.wire.records.keys import Purpose

_SEPARATE = {"service_users": True, "receipts": "ingest/receipts"}
FILES = {"register_file": "register.jws", "register_key": "register.pem"}
"""Where copies of these are in the folder."""


@click.command(
    epilog="""\b
Examples:
  platepost department init vault fleet/custody/records
  platepost department init vault records --register register.jws --register-key register.pem --broker broker.example:8883
  platepost department init vault fleet/custody/records --name "Riverside Police Department" --contact "records@riverside.example" --timezone America/Los_Angeles --law california --keep-days 366 --host plates.riverside.example
  platepost department init vault fleet/custody/records --receipts /mnt/other/receipts
  platepost department init /var/lib/platepost-department records --service-users --broker broker.example:8883 --register register.jws --register-key register.pem
  platepost department init vault fleet/custody/records --database "postgresql://{role}@db.example/platepost?sslmode=verify-full"
"""  # noqa: E501 - commands that can be copied
)
@FOLDER
@click.argument("identity", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--register",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The posts' keys, from `platepost provision register export`.  [default: the fleet's file; a copy of it with"
    " --service-users]",
)
@click.option(
    "--register-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Public key that verifies the register.  [default: the fleet's]",
)
@click.option("--broker", "brokers", multiple=True, metavar="HOST:PORT", help="Broker.  [default: the fleet's]")
@click.option(
    "--receipts",
    type=click.Path(path_type=Path),
    help="The receipt log; keep it on a different disk from the records.",
)
@click.option("--database", default=PRIVATE, show_default=True, metavar="URL", help="The department's own server.")
@click.option(
    "--service-users",
    is_flag=True,
    help="Have each program run as a system user of its own, as packaging/department does; for root.",
)
@click.option("--name", help="The department's full name, for pages and notices.")
@click.option("--contact", help="Contact for the public: an address, a telephone number, or both.")
@click.option("--timezone", help="Time zone of the pages and of the law's days.  [default: asked for, else UTC]")
@click.option("--law", type=click.Choice([*LAWS]), help="Law that binds the department.  [default: california]")
@click.option(
    "--keep-days",
    type=click.IntRange(1, 36_525),
    help="Days that reads without a hit are kept.  [default: the law's least]",
)
@click.option("--host", "hosts", multiple=True, help="Host name for browsers, behind TLS.")
@click.option(
    "--provider",
    nargs=3,
    metavar="NAME ISSUER CLIENT_ID",
    help="Identity provider (OpenID Connect) by which people sign in besides passkeys and codes.",
)
@click.option(
    "--provider-secret",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with the client's secret for --provider.",
)
@click.option("--no-input", is_flag=True, help="Ask nothing, in a terminal, too: what no option gives has its default.")
@JSON
def init(
    *,
    folder: DepartmentFolder,
    identity: Path,
    register: Path | None,
    register_key: Path | None,
    brokers: tuple[str, ...],
    receipts: Path | None,
    database: str,
    service_users: bool,
    name: str | None,
    contact: str | None,
    timezone: str | None,
    law: str | None,
    keep_days: int | None,
    hosts: tuple[str, ...],
    provider: tuple[str, str, str] | None,
    provider_secret: Path | None,
    no_input: bool,
    as_json: bool,
) -> None:
    """Create a department in FOLDER: settings, keys and database, for the custodian of IDENTITY.

    IDENTITY is the folder that `platepost provision custodian add` made, in its fleet or a copy. Agency and name come
    from its certificate; the broker and the posts' keys come from the fleet, if it is in one. In a terminal it asks
    for what no option gives. If interrupted, run the same command again.
    """
    if (folder.path / SETTINGS).exists() and not folder.unfinished.exists():
        refuse_former_database(folder)
        raise DepartmentError(f"{folder.path} holds a department already; `upgrade` brings it to this version")
    found = _settings_from(identity, brokers)
    given = _files_to_copy({"register_file": register, "register_key": register_key}, found if service_users else {})
    choices = SetupChoices(name, contact, timezone, law, keep_days, hosts, provider, provider_secret)
    if sys.stdin.isatty() and not no_input and not as_json:
        choices = ask(choices, agency=str(found["agency"]))
    choices.check()
    values = {
        **found,
        **{key: FILES[key] for key in given},
        "database": database,
        **choices.settings(),
        **(_SEPARATE if service_users else {}),
        **({"receipts": str(receipts.absolute())} if receipts else {}),
    }
    settings = checked_settings(values, where="init")
    if (folder.path / settings.identity).exists() and not folder.unfinished.exists():
        raise DepartmentError(f"{folder.path / settings.identity} belongs to another department: choose a new folder")
    _make_folder(folder, settings)
    _copy_identity(identity, folder.path / settings.identity)
    for key, path in given.items():
        if path.exists():
            write_durably(folder.path / FILES[key], path.read_bytes())
    choices.write_files(folder)
    folder.write_settings(settings)
    if folder.is_private:
        PrivateCluster(folder.cluster).initialize(service_users=service_users)
    with running_database(folder):
        upgrade(folder)
        if choices.keep_days is not None:
            set_term(folder.caller, READS, choices.keep_days)
    folder.unfinished.unlink()
    flush_folder(folder.path)
    if as_json:
        click.echo(json.dumps({"folder": str(folder.path), **settings.model_dump(mode="json", exclude={"database"})}))
        return
    _print_next_steps(folder, identity, copied="register_file" in given and register is None)


def _print_next_steps(folder: DepartmentFolder, identity: Path, *, copied: bool) -> None:
    settings = folder.settings
    click.echo(f"Made {folder.path} for the custodian {settings.custodian} of {settings.agency}. Next:")
    if not folder.register_file.exists():
        click.echo(f"  {_export(identity, folder)}    without the posts' keys no record is proved")
    elif copied:
        click.echo(f"  {_export(identity, folder)}    again after each change of a post")
    click.echo(f"  platepost department check {folder.path}")
    click.echo(f"  platepost department keep {folder.path}")
    click.echo(f'  platepost department person add {folder.path} LOGIN --name "NAME" --role administrator')
    click.echo(f"  platepost department serve {folder.path}")
    click.echo("The page /go-live/ shows what is missing before the department goes live.")


def _files_to_copy(given: Mapping[str, Path | None], fleet_files: Mapping[str, object]) -> dict[str, Path]:
    """Return the register and its key as far as they are copied into the folder: those given, or else the fleet's.

    Programs that run as users of their own need copies: none may read the fleet's folder, where the signing keys are.
    """
    paths = {key: path or fleet_files.get(key) for key, path in given.items()}
    return {key: Path(str(path)) for key, path in paths.items() if path is not None}


def _settings_from(identity: Path, brokers: tuple[str, ...]) -> dict[str, object]:
    """Return what the certificate says, and the fleet.

    Raises:
        DepartmentError: there is none, and no broker was given; or the identity is no custodian's.
        ProvisioningError: there is no certificate.

    """
    try:  # only a custodian has terms: a post's or a person's identity would be taken for one
        KeyFiles(Purpose.CUSTODY, identity, identity.name).terms()
    except ProvisioningError as error:
        raise DepartmentError(
            f"{identity} is not a custodian's folder: give what `platepost provision custodian add` made, "
            "such as fleet/custody/records, or a copy of it"
        ) from error
    certificate = read_certificates(identity / CERTIFICATE_FILE)[0]
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    (agency,) = certificate.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    settings: dict[str, object] = {"agency": agency.value, "custodian": name.value, "brokers": brokers}
    directory = identity.absolute().parents[1]
    if (directory / "fleet.json").exists():
        fleet = Fleet.load(directory)
        # Where the fleet itself writes it: the keeper hears of a new post within a minute.
        settings["register_file"] = str(fleet.register)
        settings["register_key"] = str(fleet.configuration_verifying_key)
        settings["brokers"] = brokers or (fleet.broker_address,)
    elif not brokers:
        raise DepartmentError(f"{identity} is in no fleet that names the broker: give --broker host:port")
    return settings


def _export(identity: Path, folder: DepartmentFolder) -> str:
    """Return the command that writes the register where the keeper looks for it."""
    directory = identity.absolute().parents[1]
    fleet = str(directory) if (directory / "fleet.json").exists() else "FLEET"
    copied = folder.register_file.is_relative_to(folder.path)
    return f"platepost provision register export {fleet}" + (f" --to {folder.register_file}" if copied else "")


def _make_folder(folder: DepartmentFolder, settings: DepartmentSettings) -> None:
    if settings.service_users:
        require_users()
    # Made by root, it is passed by the user as whom root runs the database server.
    mode = 0o711 if os.geteuid() == 0 else 0o700
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.path.chmod(mode)
    write_durably(folder.unfinished, b"")
    if settings.service_users:
        make_folder(folder.ingest)
        receipts_folder = (folder.path / settings.receipts).parent
        make_folder((folder.path if receipts_folder == folder.ingest else receipts_folder) / "holds")
    if not folder.secret_key.exists():
        write_durably(folder.secret_key, secrets.token_urlsafe(48).encode())


def _copy_identity(source: Path, target: Path) -> None:
    """Copy certificate, keys and terms, for their owner only."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(mode=0o700)
    for path in sorted(source.rglob("*")):
        copy = target / path.relative_to(source)
        if path.is_dir():
            copy.mkdir(mode=0o700)
        else:
            write_durably(copy, path.read_bytes())
