"""Replacing keys, one kind at a time, while everything goes on."""

import functools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.layout import ROOT_FILE, Layout, is_left_out
from platepost.provisioning.trust import takeover
from platepost.provisioning.trust.authority import CERTIFICATE_FILE, KEY_FILE, Authority, read_certificates
from platepost.provisioning.trust.keys import new_key, private_pem, read_private_key, replace_private
from platepost.provisioning.trust.takeover import serial_of


@dataclass(frozen=True, slots=True)
class Rotated:
    """What came of it."""

    kind: str
    former: str
    """Serial number of the certificate before, hexadecimal."""
    present: str
    advice: str
    """What is left to do, in words."""


def rotate_broker(fleet: Fleet) -> Rotated:
    """Make a new key and certificate for the broker; clients know it by the authority, and notice nothing.

    Cut off, the same again makes another.
    """
    authority = fleet.open_authority()
    folder = fleet.broker.certificate.parent
    with fleet.locked():
        before = serial_of(folder)
        # First, as nothing says afterwards which one it was; no client looks its broker up in the list.
        fleet.certificates.revoked([int(before, 16)], "rotated")
        fleet.write_broker_certificate(authority)
    return Rotated("broker", before, serial_of(folder), "Copy broker/ to the broker, if it is elsewhere.")


def unmatched_broker(fleet: Layout) -> str | None:
    """Say it where the broker's key is not its certificate's, as a rotation that was cut off leaves them.

    None where they fit, or where both were taken to the broker.
    """
    broker = fleet.broker
    if not broker.private_key.exists():
        return None
    try:
        key = read_private_key(broker.private_key)
        if read_certificates(broker.certificate)[0].public_key() == key.public_key():
            return None
        why = f"the key in {broker.private_key.parent} is not the certificate's: fleet rotate FLEET broker"
    except ProvisioningError as error:
        why = str(error)
    return f"the broker will not start again: {why}"


def rotate_publisher(fleet: Fleet) -> Rotated:
    """Make a new key and certificate for the client that publishes lists; the former is revoked.

    Cut off, the same again goes on.
    """
    return _rotate_client(fleet, "publisher", fleet.publisher, "Nothing more to do.")


def certify_custodian(fleet: Fleet, name: str) -> Rotated:
    """Make a new client key and certificate for a custodian; the former is revoked. Its key for receipts stays.

    Cut off, the same again goes on.

    Raises:
        ProvisioningError: there is no such custodian.

    """
    folder = fleet.custodian(name)
    if name not in fleet.custodians() and not _aside(fleet, name, "old").exists():
        raise ProvisioningError(f"{name!r} is not a custodian of this fleet; it has: {', '.join(fleet.custodians())}")
    return _rotate_client(
        fleet, "custodian", folder, f"Copy {folder} to its machine; restart the archive service there."
    )


def _aside(fleet: Fleet, name: str, end: str) -> Path:
    return fleet.directory / f"{name}.{end}"


def _rotate_client(fleet: Fleet, kind: str, folder: Path, advice: str) -> Rotated:
    authority = fleet.open_authority()
    name = folder.name
    # In a folder of its own first: there is never a certificate without its key.
    new, old = (_aside(fleet, name, end) for end in ("new", "old"))
    with fleet.locked():
        if folder.exists():
            before = serial_of(folder)
            _write_client(fleet, folder, new, authority)
            shutil.rmtree(old, ignore_errors=True)
            folder.rename(old)
        else:  # cut off here
            before = serial_of(old)
        new.rename(folder)
        shutil.rmtree(old)
        present = serial_of(folder)
        fleet.revoke_certificates(name, "rotated", keep=int(present, 16), authority=authority)
    return Rotated(kind, before, present, advice)


def _write_client(fleet: Fleet, folder: Path, new: Path, authority: Authority) -> None:
    key = new_key()
    chain = authority.issue_client(folder.name, key)
    fleet.certificates.issued(chain)
    shutil.rmtree(new, ignore_errors=True)
    shutil.copytree(folder, new)
    replace_private(new / KEY_FILE, private_pem(key))
    replace_private(new / CERTIFICATE_FILE, chain)
    replace_private(new / ROOT_FILE, authority.pem)


def renew_client(fleet: Fleet, name: str) -> Rotated:
    """Issue another certificate for the key of a subscriber, custodian or post: one file changes, with no secret in it.

    The former is good until it ends, so that they change over in their own time.

    Raises:
        ProvisioningError: there is no one of this name, their certificate was revoked, or it is not here.

    """
    folders = {one: fleet.subscriber(one) for one in fleet.subscribers()}
    folders |= {one: fleet.custodian(one) for one in fleet.custodians()}
    folders |= {one: fleet.post(one) for one in fleet.posts()}
    if name not in folders:
        known = ", ".join(sorted(folders)) or "none"
        raise ProvisioningError(f"{name!r} is not a subscriber, custodian or post of this fleet; it has: {known}")
    folder = folders[name]
    present = read_certificates(folder / CERTIFICATE_FILE)[0]
    public = present.public_key()
    if fleet.certificates.is_revoked(present.serial_number):
        raise ProvisioningError(f"the certificate of {name} was revoked: a new one takes a new key; revoke and add it")
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise ProvisioningError(f"{folder / CERTIFICATE_FILE}: not a certificate of this fleet")
    authority = fleet.open_authority()
    with fleet.locked():
        chain = authority.issue_client(name, public)
        fleet.certificates.issued(chain)
        replace_private(folder / CERTIFICATE_FILE, chain)
    way = f"At the unit of {name}, `sudo platepost renew FILE` puts" if name in fleet.posts() else f"Give {name}"
    return Rotated(
        "client",
        f"{present.serial_number:x}",
        serial_of(folder),
        f"{way} {folder / CERTIFICATE_FILE} in place of the former one, which is good until "
        f"{present.not_valid_after_utc:%Y-%m-%d}. The key stays; nothing in this file is secret.",
    )


def rotate_authority(fleet: Fleet) -> Rotated:
    """Make a new issuing authority under the root, which must be here for it, and a broker's certificate of it.

    What the former authority issued is good until it ends or is revoked: its key is kept for that, and signs nothing
    else. Posts and people get a certificate of the new one when they renew theirs. Cut off, the same again goes on.

    Raises:
        ProvisioningError: the root's key is not here.

    """
    if not (fleet.root / KEY_FILE).exists():
        raise ProvisioningError(f"a new authority needs the root's key: bring it back to {fleet.root}")
    root = Authority.load(fleet.root)
    phrase = fleet.passphrase()
    with fleet.locked():
        before = serial_of(fleet.authority)
        if not takeover.waits(fleet.authority):
            authority = root.issue_authority(fleet.agency)
            # First: as soon as it waits someone may be certified by it, whom brokers refuse without its list.
            fleet.write_crls(authority)
            takeover.prepare(authority, fleet.authority, passphrase=phrase)
        fleet.write_broker_certificate(fleet.open_authority())
    return Rotated(
        "authority",
        before,
        serial_of(fleet.authority),
        "Take root/ offline again. Renewals now get a certificate from the new authority; if the old authority's key "
        "was stolen, that is not enough: make a new fleet and enroll every unit again.",
    )


KINDS: dict[str, Callable[[Fleet], Rotated]] = {
    "authority": rotate_authority,
    "broker": rotate_broker,
    "publisher": rotate_publisher,
}


@contextmanager
def rehearsed(fleet: Fleet) -> Iterator[Fleet]:
    """Give a copy of a fleet, as private as the fleet itself, that is deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="platepost-rehearsal-") as temporary:
        copy = Path(temporary) / "fleet"
        with fleet.locked():
            shutil.copytree(fleet.directory, copy, ignore=functools.partial(_left_out, fleet.directory))
        yield Fleet.load(copy)


def _left_out(fleet: Path, folder: str, names: list[str]) -> set[str]:
    return {name for name in names if is_left_out((Path(folder) / name).relative_to(fleet))}
