"""`platepost provision image`: prepare a card so that the unit comes up waiting to be enrolled."""

import json
import re
from ipaddress import IPv4Interface
from pathlib import Path

import click

from platepost.provisioning.commands.options import FILE, FOLDER, JSON
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.ssh import SshAuthority, read_public_keys
from platepost.provisioning.image.hardening import ADMINISTRATOR
from platepost.provisioning.image.packages import check_packages
from platepost.provisioning.image.partition import Partition
from platepost.provisioning.image.recipe import UPLINK, UnitSetup, files

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_SERVER = re.compile(rf"(?:{_HOST.pattern}\.)+{_HOST.pattern}")
_INTERFACE = re.compile(r"[a-z][a-z0-9]{1,14}")
_USER = re.compile(r"[a-z][a-z0-9-]{0,30}")


@click.command(
    epilog="""\b
Examples:
  platepost provision image /media/me/bootfs --hostname post-17 --fleet fleet \\
      --package dist/platepost-runtime_0.1.0+py313_arm64.deb --package dist/platepost_0.1.0_all.deb \\
      --package dist/platepost-service_0.1.0_all.deb
  platepost provision image /media/me/bootfs --undo
"""
)
@click.argument("boot", type=FOLDER)
@click.option("--hostname", help="Host name of the unit, such as the post's name.")
@click.option("--user", default="technician", show_default=True, help="User whom technicians log in as.")
@click.option(
    "--ssh-key",
    "key_files",
    multiple=True,
    type=FILE,
    help="File with more public keys that may log in; for trials, as they never expire.",
)
@click.option(
    "--fleet",
    "directory",
    type=FOLDER,
    help="Fleet whose technicians may log in, with keys certified by `person ssh-key`.",
)
@click.option(
    "--package",
    "packages",
    multiple=True,
    type=FILE,
    help=(
        "A Platepost package; repeat for more. Release 13 needs runtime (+py313), platepost and service, from `make "
        "deb`; release 12 needs runtime (+py311) and platepost, from `make deb SUITE=bookworm`."
    ),
)
@click.option(
    "--service-address",
    default="192.168.50.1/24",
    show_default=True,
    help="Address and prefix length at which technicians reach the unit.",
)
@click.option(
    "--service-interface",
    default=UPLINK,
    show_default=True,
    help=(
        "Ethernet port of this address. With a second port, such as eth1 of a USB adapter, nothing on the uplink's "
        "network can reach ssh or the aiming page."
    ),
)
@click.option("--timezone", default="UTC", show_default=True)
@click.option(
    "--nts-server",
    "nts_servers",
    multiple=True,
    help="The department's NTS time server; repeat for more. The unit then trusts no other.",
)
@click.option("--undo", is_flag=True, help="Undo an earlier preparation.")
@JSON
def image(
    *,
    boot: Path,
    hostname: str | None,
    user: str,
    key_files: tuple[Path, ...],
    directory: Path | None,
    packages: tuple[Path, ...],
    service_address: str,
    service_interface: str,
    timezone: str,
    nts_servers: tuple[str, ...],
    undo: bool,
    as_json: bool,
) -> None:
    """Prepare the boot partition BOOT of a stock 64-bit Raspberry Pi OS (12 or 13) for a post.

    The unit installs the packages at its first boot, which needs a network, and waits to be enrolled. Only the fleet's
    certified technicians can log in, by SSH at the service address; a firewall blocks everything else, and Wi-Fi and
    Bluetooth are off. Technicians can use sudo for Platepost's commands; administrators log in as `administrator` and
    can do everything. No password, private key or code is written to the card.
    """
    partition = Partition(boot)
    if undo:
        names = partition.undo()
        text = ", ".join(names) or "no file of it had been touched"
        click.echo(json.dumps({"undone": names}) if as_json else f"As before: {text}.")
        return
    if hostname is None or not (key_files or directory) or not packages:
        raise click.UsageError("give --hostname, --fleet (or --ssh-key) and --package")
    if user == ADMINISTRATOR:
        raise click.UsageError(f"--user {user}: the card has this user anyway, who may do everything")
    setup = UnitSetup(
        hostname=_checked(hostname, _HOST, "host name", "lower-case letters, digits and hyphens"),
        user=_checked(user, _USER, "user", "lower-case letters, digits and hyphens"),
        ssh_keys=[key for path in key_files for key in read_public_keys(path)],
        ssh_authority=None if directory is None else SshAuthority(Fleet.load(directory)).public_line(),
        service_address=_interface(service_address),
        service_interface=_checked(service_interface, _INTERFACE, "service interface", "a name such as eth1"),
        nts_servers=[_checked(name, _SERVER, "time server", "a name such as time.example") for name in nts_servers],
        timezone=_checked(timezone, re.compile(r"[A-Za-z0-9_+/-]{1,64}"), "time zone", "such as America/Los_Angeles"),
    )
    release = partition.release()
    check_packages(release, [package.name for package in packages])
    written = files(release, setup, cmdline=partition.cmdline, config=partition.config)
    partition.write(written, packages)
    if as_json:
        report = {"release": release.value, "files": sorted(written), "packages": [path.name for path in packages]}
        click.echo(json.dumps(report))
        return
    click.echo(f"Prepared for release {release.value}: {', '.join(sorted(written))}, and {len(packages)} packages.")
    click.echo("Unmount it, put the card into the unit, connect its network, wait about five minutes; then")
    click.echo(f"  ssh {setup.user}@{setup.service_address.ip}")


def _checked(text: str, pattern: re.Pattern[str], what: str, right: str) -> str:
    if not pattern.fullmatch(text):
        raise ProvisioningError(f"{what} {text!r}: expected {right}")
    return text


def _interface(text: str) -> IPv4Interface:
    try:
        address = IPv4Interface(text)
    except ValueError as error:
        raise ProvisioningError(f"--service-address {text!r}: expected an address such as 192.168.50.1/24") from error
    if "/" not in text or not address.is_private or address.is_loopback:
        raise ProvisioningError(f"--service-address {text!r}: expected a private address with its network's width")
    return address
