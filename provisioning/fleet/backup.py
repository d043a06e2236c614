"""A fleet in one sealed file, and back: JWE (RFC 7516), the key from a passphrase by PBKDF2 with SHA-512.

What is sealed within with a passphrase of its own stays so: anyone who has the backup's passphrase has the fleet's
files, not yet its keys.
"""

import io
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePath

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from platepost.provisioning.brokers import mosquitto_user
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.layout import STATE, is_left_out
from platepost.provisioning.trust.keys import private_folder, write_private

ITERATIONS = 250_000
"""Of PBKDF2: OWASP's advice is 210,000 for SHA-512 at least, and the library takes fewer than 300,000."""
_ALGORITHMS = ["PBES2-HS512+A256KW", "A256GCM"]
_LARGEST = 1 << 30
"""Bytes of a backup; by itself the library opens no more than 64 KiB."""


def seal_fleet(fleet: Fleet, passphrase: bytes) -> bytes:
    """Return everything of a fleet, sealed."""
    packed = io.BytesIO()
    with fleet.locked(), tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path in sorted(fleet.directory.rglob("*")):
            name = path.relative_to(fleet.directory)
            if path.is_file() and not any(is_left_out(folder) for folder in name.parents):
                archive.add(path, arcname=str(name), recursive=False)
    header = {"alg": _ALGORITHMS[0], "enc": _ALGORITHMS[1], "p2c": ITERATIONS, "typ": "platepost-fleet"}
    registry = jwe.JWERegistry(algorithms=_ALGORITHMS)
    return jwe.encrypt_compact(header, packed.getvalue(), OctKey.import_key(passphrase), registry=registry).encode()


def open_fleet(
    sealed: bytes, passphrase: bytes, directory: Path, *, first: Callable[[Fleet], None] = lambda _fleet: None
) -> Fleet:
    """Put a fleet back into a folder that does not exist yet; all of it or nothing.

    `first` is called with the fleet before it gets its place; what it raises leaves nothing of it.

    Raises:
        ProvisioningError: the passphrase is wrong, the file is damaged, or the folder exists.

    """
    if directory.exists():
        raise ProvisioningError(f"{directory} already exists; a fleet is restored into a new folder")
    registry = jwe.JWERegistry(algorithms=_ALGORITHMS)
    registry.max_ciphertext_length = _LARGEST
    try:
        packed = jwe.decrypt_compact(sealed, OctKey.import_key(passphrase), registry=registry).plaintext
    except (JoseError, ValueError, TypeError) as error:
        raise ProvisioningError(
            "the backup cannot be decrypted: the passphrase is wrong, or the file is damaged"
        ) from error
    # Of its own name: whatever lies beside it may be another fleet.
    try:
        new = Path(tempfile.mkdtemp(prefix=f"{directory.name}.", suffix=".new", dir=directory.parent))
    except OSError as error:
        raise ProvisioningError(f"the backup cannot be restored: {error}") from error
    try:
        with tarfile.open(fileobj=io.BytesIO(packed or b""), mode="r:gz") as archive:
            for member in archive:
                content = archive.extractfile(member)
                path = new / member.name
                if any(is_left_out(folder) for folder in PurePath(member.name).parents):
                    continue  # a backup of an earlier version has more
                if content is None or ".." in Path(member.name).parts or Path(member.name).is_absolute():
                    raise ProvisioningError(f"the backup holds {member.name!r}, which does not belong to a fleet")
                for folder in reversed(path.relative_to(new).parents):
                    private_folder(new / folder)
                write_private(path, content.read())
        # What the broker keeps is made empty: it is told to keep it there.
        private_folder(Fleet.load(new).broker.certificate.parent / STATE)
        first(Fleet.load(new))
        if "\nuser " not in (Fleet.load(new).broker.certificate.parent / "mosquitto.conf").read_text("utf-8"):
            mosquitto_user.give(Fleet.load(new).broker.certificate.parent)
        new.rename(directory)
    except (OSError, tarfile.TarError) as error:
        raise ProvisioningError(f"the backup cannot be restored: {error}") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return Fleet.load(directory)
