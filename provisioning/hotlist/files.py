"""The files that went into a list, for the log of acts: their names, and marks by which they can be recognized.

A mark is an HMAC-SHA256 of the file's bytes, under a key derived from the department's own (HKDF, RFC 5869). A plain
digest would give away what is in a small file: of one with one plate in it, all plates there are could be tried.
"""

import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import JsonValue

from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.hotlist.rows import SourceError

_BLOCK = 1 << 20
_INFO = b"platepost: marks of the files of a hot list"


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    kind: str
    mark: str | None
    size: int
    modified: int


class Files:
    """The files of one list, marked before they are read.

    Args:
        unseal_key: PEM of the department's own key; without it files have names alone.
        paths: by what they are there as.

    Raises:
        SourceError: one cannot be read.

    """

    def __init__(self, unseal_key: bytes | None, **paths: Sequence[Path | None]) -> None:
        key = None if unseal_key is None else marking_key(unseal_key)
        self._files: list[_File] = []
        for kind, path in ((kind, path) for kind, several in paths.items() for path in several if path is not None):
            try:
                state = path.stat()
                mark = None if key is None else mark_of(path, key)
            except OSError as error:
                raise SourceError(f"{path}: {error.strerror or error}") from error
            self._files.append(_File(path, kind, mark, state.st_size, state.st_mtime_ns))

    def said(self) -> list[JsonValue]:
        """Return what the log of acts says of them, once they were read.

        Raises:
            SourceError: one was changed meanwhile, so that no one could say what was read of it.

        """
        return list(self._said())

    def _said(self) -> Iterator[JsonValue]:
        for file in self._files:
            try:
                state = file.path.stat()
            except OSError as error:
                raise SourceError(f"{file.path}: {error.strerror or error}") from error
            if (state.st_size, state.st_mtime_ns) != (file.size, file.modified):
                raise SourceError(f"{file.path}: was changed while it was read; try again when it is whole")
            fields: dict[str, JsonValue] = {"name": file.path.name, "is": file.kind, "bytes": file.size}
            yield fields if file.mark is None else fields | {"mark": file.mark}


def marking_key(unseal_key: bytes) -> bytes:
    """Derive the key of the marks from the department's own, PEM. Raises ProvisioningError where it is none."""
    try:
        key = load_pem_private_key(unseal_key, password=None)
    except (ValueError, TypeError) as error:
        raise ProvisioningError(f"the department's own key cannot be read: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ProvisioningError("the department's own key is not on an elliptic curve")
    secret = key.private_numbers().private_value.to_bytes((key.key_size + 7) // 8, "big")
    return HKDF(hashes.SHA256(), length=32, salt=None, info=_INFO).derive(secret)


def marks_in(details: Mapping[str, JsonValue]) -> set[JsonValue]:
    """Return the marks of the files that an act names."""
    files = details.get("files")
    return {file.get("mark") for file in files if isinstance(file, dict)} if isinstance(files, list) else set()


def mark_of(path: Path, key: bytes) -> str:
    """Return the mark of a file, 64 hexadecimal digits. Raises OSError."""
    mac = hmac.new(key, digestmod=sha256)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            mac.update(block)
    return mac.hexdigest()
