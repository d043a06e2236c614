"""A new issuing authority takes the place of the one in force: whichever moment it is cut off at, one of them is whole.

It is made aside and then waits, whole, under `next/` of the authority's folder. From there on it is the fleet's:
anyone who opens the authority finishes what was cut off. The former is kept under `former/SERIAL/` before its files are
replaced, and what is kept is never overwritten.
"""

import shutil
from pathlib import Path

from platepost.common.files import flush_folder
from platepost.provisioning.trust.authority import CERTIFICATE_FILE, CHAIN_FILE, KEY_FILE, Authority, read_certificates
from platepost.provisioning.trust.keys import private_folder, replace_private

_FILES = (KEY_FILE, CERTIFICATE_FILE, CHAIN_FILE)


def waits(folder: Path) -> bool:
    """Tell whether an authority waits in the folder of another to take its place."""
    return (folder / "next").is_dir()


def prepare(authority: Authority, folder: Path, *, passphrase: bytes | None) -> None:
    """Write an authority into the folder of the one in force, where it waits to take its place."""
    aside = _emptied(folder / "next.part")
    authority.save(aside, passphrase=passphrase)
    aside.rename(folder / "next")
    flush_folder(folder)


def take_over(folder: Path) -> None:
    """Put in force what waits in a folder, if anything does. The caller has locked the fleet.

    Raises:
        ProvisioningError: the key in force is not that of its certificate, and is not replaced.

    """
    if not waits(folder):
        return
    new = folder / "next"
    serial = serial_of(folder)
    former_folder = folder / "former" / serial
    # Its certificate is replaced after its key: as long as it is there, the former is kept or wholly there still.
    if serial != serial_of(new) and not former_folder.exists():
        Authority.load(folder)
        aside = _emptied(folder / "former.part")
        for name in _FILES:
            replace_private(aside / name, (folder / name).read_bytes())
        private_folder(former_folder.parent)
        aside.rename(former_folder)
        flush_folder(former_folder.parent)
    for name in _FILES:
        replace_private(folder / name, (new / name).read_bytes())
    # At once: half of it must not wait.
    shutil.rmtree(new.rename(_emptied(folder / "next.part")))


def former(folder: Path) -> list[Authority]:
    """Return those that were in force before, whose certificates are good until they end.

    Raises:
        ProvisioningError: one is damaged, or does not open.

    """
    return [Authority.load(path) for path in sorted((folder / "former").glob("*"))]


def serial_of(folder: Path) -> str:
    """Return the serial number of the certificate in a folder, hexadecimal.

    Raises:
        ProvisioningError: there is none, or it is damaged.

    """
    return f"{read_certificates(folder / CERTIFICATE_FILE)[0].serial_number:x}"


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    return private_folder(folder)
