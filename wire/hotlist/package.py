"""Opening a package: signature, digest, seal, body, in that order, each failure with a name.

A package is three parts: the manifest's line, a line with a general JWE whose plaintext is the content key, and the
body, deflated and encrypted with that key. The body is bytes after its own nonce rather than the JWE's ciphertext,
because base64 in JSON would cost a third more on the radio link and several copies in memory. The format is in
docs/hotlist-package.md.
"""

import errno
import hashlib
import json
import mmap
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import AEADDecryptionContext, Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import GCM
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey
from joserfc.util import urlsafe_b64decode

from platepost.common.errors import ConfigurationError, RecordError
from platepost.common.files import read_configured
from platepost.wire.hotlist.errors import BadSignature, Malformed, Truncated, WrongKey
from platepost.wire.hotlist.manifest import FORMAT_1, LONGEST_LINE, Manifest, verify
from platepost.wire.records.jws import read_object
from platepost.wire.records.signing import NOT_JOSE

NONCE_BYTES = 12
TAG_BYTES = 16
SEAL_ALGORITHMS = ["ECDH-ES+A256KW", "A256KW", "A256GCM"]
_PIECE = 1 << 14
_SEAL = {"protected", "recipients", "iv", "ciphertext", "tag"}
_RECIPIENTS = b'"recipients":['
_LARGEST_RECIPIENT = 4096


class PackageFile:
    """A package in an open file, or a part of one. As with a memoryview, a slice is a part, and `bytes` reads it.

    So a package of any size takes no memory. It is not mapped either: of a mapped page that the disk does not give, the
    system's only word is a signal that ends the process. `bytes` raises OSError instead.
    """

    def __init__(self, descriptor: int, part: range | None = None) -> None:
        self._descriptor = descriptor
        self._part = range(os.fstat(descriptor).st_size) if part is None else part

    def __len__(self) -> int:
        return len(self._part)

    def __getitem__(self, part: slice) -> "PackageFile":
        return PackageFile(self._descriptor, self._part[part])

    def __bytes__(self) -> bytes:
        read = b""
        while len(read) < len(self):  # of what lies before a bad sector there is less at first, and no error
            piece = os.pread(self._descriptor, len(self) - len(read), self._part.start + len(read))
            if not piece:
                raise OSError(errno.EIO, "the disk returned different data than was written")
            read += piece
        return read


Sealed = memoryview | PackageFile
"""What follows a manifest."""
Package = bytes | Sealed


@dataclass(frozen=True, slots=True)
class Opened:
    """A package whose signature and seal were good, and its body."""

    manifest: Manifest
    body: memoryview


def load_key(pem: bytes, *, private: bool) -> ECKey:
    """Read a P-256 key from PEM. Raises ConfigurationError for any other."""
    try:
        key = ECKey.import_key(pem)
    except (JoseError, ValueError, TypeError) as error:
        raise ConfigurationError("not a P-256 key in PEM") from error
    if not isinstance(key, ECKey) or key.curve_name != "P-256" or (private and not key.is_private):
        raise ConfigurationError(f"not a {'private' if private else 'public'} P-256 key in PEM")
    return key


def configured_key(path: Path, key: str, *, private: bool) -> ECKey:
    """Read the P-256 key in the file that a key of the configuration names. Raises ConfigurationError, with both."""
    pem = read_configured(path, key)
    try:
        return load_key(pem, private=private)
    except ConfigurationError as error:
        raise ConfigurationError(f"{key} = {str(path)!r}: {error}") from error


def split(package: Package) -> tuple[bytes, Sealed]:
    """Split a package into the manifest's line and what follows it.

    Raises Truncated when no line ends, Malformed when the first is longer than a manifest can be.
    """
    line = bytes(package[:LONGEST_LINE])
    end = line.find(b"\n")
    if end < 0 and len(package) >= LONGEST_LINE:
        raise Malformed("the package does not begin with a manifest")
    if end < 0:
        raise Truncated("the package ends within its manifest")
    following = package if isinstance(package, PackageFile) else memoryview(package)
    return line[:end], following[end + 1 :]


def pieces(package: Package) -> Iterator[bytes]:
    """Yield all of a package, or of a part of one, some thousand bytes at a time."""
    return (bytes(package[start : start + _PIECE]) for start in range(0, len(package), _PIECE))


def looks_like_package(content: bytes) -> bool:
    """Tell whether content begins as the manifest's line does that opens a package: with `{"` in base64."""
    return content.startswith(b"eyJ")


def verify_package(package: Package, issuer_key: ECKey | Sequence[ECKey]) -> tuple[Manifest, Sealed]:
    """Check that a package is whole and of the issuer's key, or one of them; return manifest and what follows, sealed.

    Raises Unsigned, BadSignature, Truncated, Malformed or UnsupportedFormat.
    """
    line, sealed = split(package)
    manifest = verify(line, issuer_key)
    check_whole(manifest, sealed)
    return manifest, sealed


def check_whole(manifest: Manifest, sealed: Sealed) -> None:
    """Check that the content after a manifest is the one it describes. Raises Truncated, Malformed or BadSignature."""
    if len(sealed) < manifest.length:
        raise Truncated(f"the package ends {manifest.length - len(sealed)} bytes early")
    if len(sealed) > manifest.length:
        raise Malformed("the package continues after its end")
    digest = hashlib.sha256()
    for piece in pieces(sealed):
        digest.update(piece)
    if digest.hexdigest() != manifest.digest:
        raise BadSignature("what follows the manifest is not what was signed")


def open_package(
    package: Package,
    *,
    issuer_key: ECKey | Sequence[ECKey],
    unseal_key: ECKey,
    epochs: Mapping[str, bytes] | None = None,
) -> Opened:
    """Verify a package and unseal its body into memory.

    Raises what `verify_package` raises, WrongKey when it is not sealed to this post, Malformed when it does not hold
    what its format says.
    """
    manifest, sealed = verify_package(package, issuer_key)
    return unseal(manifest, sealed, unseal_key, epochs)


def unseal(manifest: Manifest, sealed: Sealed, unseal_key: ECKey, epochs: Mapping[str, bytes] | None = None) -> Opened:
    """Decrypt and inflate what follows a verified manifest, into memory that no core dump has.

    Args:
        manifest: as `verify_package` returned it.
        sealed: likewise.
        unseal_key: the post's private key.
        epochs: the keys of epochs, which open packages of format 2.

    Raises:
        WrongKey: it is not sealed to this post, nor under a key that it has.
        Malformed: it does not hold what its format says.
        OSError: there is no memory for it, or the disk does not give it.

    """
    seal = _seal(sealed)
    epoch_key = (epochs or {}).get(manifest.epoch or "")
    if manifest.epoch is not None and epoch_key is not None:
        content_key = _content_key(seal, OctKey.import_key(epoch_key), manifest.epoch)
    else:
        content_key = _content_key(seal, unseal_key, unseal_key.thumbprint())
    encrypted = sealed[len(seal) + 1 :]
    if len(encrypted) < NONCE_BYTES + TAG_BYTES:
        raise Malformed("the package holds no body")
    mode = GCM(bytes(encrypted[:NONCE_BYTES]), bytes(encrypted[-TAG_BYTES:]))
    decryptor = Cipher(AES256(content_key), mode).decryptor()
    decryptor.authenticate_additional_data(associated_data(manifest.agency, manifest.version, manifest.format))
    body = mmap.mmap(-1, manifest.body_length)
    with suppress(AttributeError, OSError):
        body.madvise(mmap.MADV_DONTDUMP)
    _fill(body, decryptor, encrypted[NONCE_BYTES:-TAG_BYTES])
    return Opened(manifest, memoryview(body).toreadonly())


def _fill(body: mmap.mmap, decryptor: AEADDecryptionContext, ciphertext: Sealed) -> None:
    inflater = zlib.decompressobj()
    try:
        for piece in pieces(ciphertext):
            _inflate(inflater, decryptor.update(piece), body)
        decryptor.finalize()
    except InvalidTag:
        raise Malformed("the body does not open with its key") from None
    except zlib.error:
        raise Malformed("the body does not inflate") from None
    if not inflater.eof or body.tell() != len(body):
        raise Malformed("the body is shorter than the manifest states")


def recipients(sealed: Sealed) -> list[str]:
    """Return the thumbprints of keys (RFC 7638), and the epoch, that a package is sealed to. Raises Malformed."""
    members = _members(_seal(sealed))
    return [_kid(recipient) for recipient in members["recipients"]]


def associated_data(agency: str, version: int, form: str = FORMAT_1) -> bytes:
    """Return what the body's encryption also authenticates, so that no body serves under another manifest."""
    return f"{form}\n{agency}\n{version}".encode()


def _inflate(inflater: "zlib._Decompress", data: bytes, body: mmap.mmap) -> None:
    while data:
        room = len(body) - body.tell()
        # One byte more than fits tells a body that is too long from one that just fits; 0 would mean no limit.
        piece = inflater.decompress(data, min(room + 1, _PIECE))
        if len(piece) > room or inflater.unused_data:
            raise Malformed("the body is longer than the manifest states")
        body.write(piece)
        data = inflater.unconsumed_tail


def _seal(sealed: Sealed) -> bytes:
    # The line grows with the fleet (about 300 bytes a post), so it is searched rather than bounded.
    seal = b""
    for piece in pieces(sealed):
        newline = piece.find(b"\n")
        if newline >= 0:
            return seal + piece[:newline]
        seal += piece
    raise Malformed("the package holds no seal")


def _members(seal: bytes) -> jwe.GeneralJSONSerialization:
    try:
        members = read_object(seal)
        whole = isinstance(members["recipients"], list) and members.keys() == _SEAL
        protected = read_object(urlsafe_b64decode(members["protected"].encode())) if whole else {}
    except (RecordError, ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise Malformed("the seal is not a general JWE with the members that it must have")
    if protected != {"enc": "A256GCM"}:
        raise Malformed("the seal's protected header is not that of A256GCM alone")
    return members  # type: ignore[return-value]


def _kid(recipient: object) -> str:
    header = recipient.get("header") if isinstance(recipient, dict) else None
    kid = header.get("kid") if isinstance(header, dict) else None
    if not isinstance(kid, str):
        raise Malformed("a recipient of the seal has no key identifier")
    return kid


def _with_one(seal: bytes, kid: str) -> jwe.GeneralJSONSerialization | None:
    """Return the seal with the recipient `kid` alone, the others unparsed: they are the whole fleet.

    None where there is none, or it is not written without spaces, as `provisioning` writes it.
    """
    start = seal.find(_RECIPIENTS) + len(_RECIPIENTS)
    at = seal.find(f'"kid":"{kid}"'.encode(), start)
    if start < len(_RECIPIENTS) or at < 0:
        return None
    # Objects within a recipient are values of members: only between two recipients does one follow another.
    begin = max(start, seal.rfind(b"},{", start, at) + 2)
    try:
        _, length = json.JSONDecoder().raw_decode(seal[begin : begin + _LARGEST_RECIPIENT].decode())
        alone = _members(seal[:start] + seal[begin : begin + length] + seal[seal.rindex(b"]") :])
        return alone if [_kid(recipient) for recipient in alone["recipients"]] == [kid] else None
    except (ValueError, RecursionError, Malformed):
        return None


def _content_key(seal: bytes, unseal_key: ECKey | OctKey, own: str) -> bytes:
    members = _with_one(seal, own) or _members(seal)
    mine = [recipient for recipient in members["recipients"] if _kid(recipient) == own]
    if not mine:
        raise WrongKey("the list is not encrypted to this post's key")
    # Only this post's recipient is handed on: the library would try, or count, the whole fleet's.
    alone = {**members, "recipients": mine[:1]}
    try:
        plain = jwe.decrypt_json(alone, unseal_key, algorithms=SEAL_ALGORITHMS).plaintext  # type: ignore[arg-type]
    except NOT_JOSE:
        raise WrongKey("the content key does not open with this post's key") from None
    try:
        key = read_object(plain or b"")
        raw = urlsafe_b64decode(key["k"].encode())
    except (RecordError, ValueError, KeyError, AttributeError) as error:
        raise Malformed("the content key is not a JWK") from error
    if key.keys() != {"kty", "alg", "k"} or (key["kty"], key["alg"]) != ("oct", "A256GCM"):
        raise Malformed("the content key is not for A256GCM")
    if len(raw) != 32:
        raise Malformed("the content key has not 256 bits")
    return raw
