"""`platepost department init`: a department's folder, keys and database."""

import json
import os
import secrets
import shutil
from pathlib import Path

import click
from cryptography.x509.oid import NameOID

from department.commands.options import FOLDER, JSON
from department.config.upgrade import running_database, upgrade
from department.database.cluster import PrivateCluster
from department.errors import DepartmentError
from department.folder import PRIVATE, SETTINGS, DepartmentFolder, checked_settings
from device.files import flush_folder, write_durably
from provisioning.fleet.fleet import Fleet
from provisioning.trust.authority import CERTIFICATE_FILE, read_certificates


@click.command(
    epilog="""\b
Examples:
  platepost department init vault fleet/custody/records --register register.jws
  platepost department init vault records --register register.jws --register-key register.pem --broker broker.example:8883
  platepost department init vault fleet/custody/records --receipts /mnt/other/receipts
  platepost department init vault fleet/custody/records --database "postgresql://{role}@db.example/platepost?sslmode=verify-full"
"""  # noqa: E501 - commands that can be copied
)
@FOLDER
@click.argument("identity", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--register",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The posts' keys, as `platepost provision register export` wrote them; by default the fleet's own file.",
)
@click.option(
    "--register-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The public key by which the register is known; by default the fleet's.",
)
@click.option("--broker", "brokers", multiple=True, metavar="HOST:PORT", help="By default as the fleet says.")
@click.option(
    "--receipts",
    type=click.Path(path_type=Path),
    help="The log of receipts; keep it on another disk than the records.",
)
@click.option("--database", default=PRIVATE, show_default=True, metavar="URL", help="The department's own server.")
@click.option("--timezone", default="UTC", show_default=True, help="In which the pages show times.")
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
    timezone: str,
    as_json: bool,
) -> None:
    """Make FOLDER: settings, keys, database and its roles, for the custodian of IDENTITY.

    IDENTITY is the folder that `platepost provision custodian add` made, in its fleet or copied from there. Agency and
    name are in its certificate; the broker is the fleet's, where IDENTITY lies in one. A making that was cut off is
    made anew by the same command.
    """
    if (folder.path / SETTINGS).exists() and not folder.unfinished.exists():
        raise DepartmentError(f"{folder.path} holds a department already; `upgrade` brings it to this version")
    fleet = _fleet_of(identity)
    if fleet is not None and register_key is None and register is not None:
        register_key = fleet.configuration_verifying_key
    said = {
        **_found(identity, brokers, fleet),
        "database": database,
        "timezone": timezone,
        **({"receipts": str(receipts.absolute())} if receipts else {}),
        # Where it lies: so the keeper knows a new post at once.
        **({"register_file": str(fleet.register)} if fleet and not register else {}),
        **(
            {"register_key": str(fleet.configuration_verifying_key)} if fleet and not (register or register_key) else {}
        ),
    }
    settings = checked_settings(said, where="init")
    _make_folder(folder)
    _copy_identity(identity, folder.path / settings.identity)
    for source, target in ((register, settings.register_file), (register_key, settings.register_key)):
        if source is not None:
            write_durably(folder.path / target, source.read_bytes())
    folder.write_settings(settings)
    if folder.is_private:
        PrivateCluster(folder.cluster).initialize()
    with running_database(folder):
        upgrade(folder)
    folder.unfinished.unlink()
    flush_folder(folder.path)
    if as_json:
        click.echo(json.dumps({"folder": str(folder.path), **settings.model_dump(mode="json", exclude={"database"})}))
        return
    click.echo(f"Made {folder.path} for the custodian {settings.custodian} of {settings.agency}. Next:")
    if register is None and fleet is None:
        click.echo(
            "  platepost provision register export   and copy the posts' keys here: until then no record is proved"
        )
    click.echo(f"  platepost department check {folder.path}")
    click.echo(f"  platepost department keep {folder.path}")


def _fleet_of(identity: Path) -> Fleet | None:
    """Return the fleet in which a custodian's folder lies, if it does."""
    folder = identity.absolute().parents[1]
    return Fleet.load(folder) if (folder / "fleet.json").exists() else None


def _register_of(fleet: Fleet) -> dict[str, object]:
    """Return where a fleet has its register, so that the keeper knows a new post at once."""
    return {"register_file": str(fleet.register), "register_key": str(fleet.configuration_verifying_key)}


def _found(identity: Path, brokers: tuple[str, ...], fleet: Fleet | None) -> dict[str, object]:
    """Return what the certificate says, and the fleet.

    Raises:
        DepartmentError: there is none, and no broker was given.
        ProvisioningError: there is no certificate.

    """
    certificate = read_certificates(identity / CERTIFICATE_FILE)[0]
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    (agency,) = certificate.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    if not brokers:
        if fleet is None:
            raise DepartmentError(f"{identity} lies in no fleet that would name the broker: say --broker host:port")
        brokers = (fleet.broker_address,)
    return {"agency": agency.value, "custodian": name.value, "brokers": brokers}


def _make_folder(folder: DepartmentFolder) -> None:
    # Made by root, it is passed by the user as whom root runs the database server.
    mode = 0o711 if os.geteuid() == 0 else 0o700
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.path.chmod(mode)
    write_durably(folder.unfinished, b"")
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
