"""The file of a recording: sealed to one key while it is written, so that the post itself cannot open it again.

::

    platepost-recording/1 NEWLINE
    what anyone may know of it, JSON NEWLINE
    the content key as a general JWE (ECDH-ES+A256KW, A256GCM), JSON NEWLINE
    chunks: kind, one byte; length, four bytes; AES-256-GCM of as many bytes

The nonce of a chunk is its number, under a key that serves this file only. What is authenticated beside it is the
digest of the three lines, its number and its kind: no chunk can be changed, left out, moved, or taken to another file,
and without the last one, of kind `e`, a recording is known to be cut short.
"""

import hashlib
import json
import os
import secrets
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc.jwk import ECKey

from platepost.device.frame import Frame
from platepost.device.recording.errors import NotForThisKeyError, RecordingError
from platepost.device.recording.frames import unpack
from platepost.wire.control.seal import seal_to, unseal
from platepost.wire.records.signing import NOT_JOSE

SUFFIX = ".recording"
MAGIC = b"platepost-recording/1\n"
LARGEST_CHUNK = 256 << 20
LARGEST_LINE = 64 << 10
KEY_BYTES = 32

SETTINGS, FRAME, END = b"s", b"f", b"e"
_CHUNK = struct.Struct(">cI")


class SealedWriter:
    """Writes one recording. Not safe to share between threads."""

    def __init__(self, path: Path, *, recipient: ECKey, about: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        """Begin a file, mode 0600.

        Args:
            path: the file; it must not be there yet.
            recipient: whose private half opens it.
            about: what anyone may know of it.
            settings: what only who opens it may know.

        Raises:
            OSError: it cannot be written.

        """
        self.path = path
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        key = secrets.token_bytes(KEY_BYTES)
        head = MAGIC + _line(about) + _line(seal_to(recipient, key, media_type="application/octet-stream"))
        self._cipher = AESGCM(key)
        self._digest = hashlib.sha256(head).digest()
        self._hash = hashlib.sha256()
        self._number = 0
        self.size = 0
        """Bytes written so far."""
        self._write(head)
        self._chunk(SETTINGS, _line(settings))

    @property
    def sha256(self) -> str:
        """Digest of what was written so far, hexadecimal."""
        return self._hash.hexdigest()

    def frame(self, packed: bytes) -> None:
        """Write a frame that `platepost.device.recording.frames.pack` made. Raises OSError."""
        self._chunk(FRAME, packed)

    def end(self, summary: Mapping[str, Any]) -> None:
        """Write the last chunk, and see the file on disk. Raises OSError."""
        self._chunk(END, _line(summary))
        self._file.flush()
        os.fsync(self._file.fileno())
        self.close()

    def close(self) -> None:
        """Let go of the file; without `end` before it is known to be cut short. A second call does nothing."""
        self._file.close()

    def _chunk(self, kind: bytes, content: bytes) -> None:
        sealed = self._cipher.encrypt(_nonce(self._number), content, _bound(self._digest, self._number, kind))
        self._number += 1
        self._write(_CHUNK.pack(kind, len(sealed)) + sealed)

    def _write(self, content: bytes) -> None:
        self._file.write(content)
        self._hash.update(content)
        self.size += len(content)


class SealedReader:
    """Opens one recording with its key."""

    def __init__(self, path: Path, key: ECKey) -> None:
        """Open a recording.

        Raises:
            RecordingError: it cannot be read, is damaged, or no recording.
            NotForThisKeyError: it is sealed to another key.

        """
        self.path = path
        self.summary: dict[str, Any] | None = None
        """How the recording ended, once all of it was read; None of one that is cut short."""
        try:
            self._file: BinaryIO = path.open("rb")
        except OSError as error:
            raise RecordingError(f"{path}: {error.strerror or error}") from error
        try:
            self.about, sealed = self._lines()
            self._cipher = AESGCM(self._content_key(sealed, key))
            self.settings = self._first()
            self._begin = self._file.tell()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; a second call does nothing."""
        self._file.close()

    def frames(self) -> Iterator[Frame]:
        """Yield every frame from the first on, as far as the recording goes; `summary` then says whether that is all.

        Raises:
            RecordingError: it is damaged.

        """
        self._file.seek(self._begin)
        number = 1
        while (chunk := self._next(number)) is not None:
            kind, content = chunk
            number += 1
            if kind == END:
                self.summary = json.loads(content)
                return
            if kind != FRAME:
                raise RecordingError(f"{self.path}: a chunk of kind {kind!r} among the frames")
            yield unpack(content)

    def count(self) -> int:
        """Say how many whole frames there are, without opening them."""
        here = self._file.tell()
        count = 0
        size = self.path.stat().st_size
        self._file.seek(self._begin)
        while len(head := self._file.read(_CHUNK.size)) == _CHUNK.size:
            kind, length = _CHUNK.unpack(head)
            end = self._file.tell() + length
            count += kind == FRAME and end <= size
            self._file.seek(end)
        self._file.seek(here)
        return count

    def _first(self) -> dict[str, Any]:
        kind, content = self._next(0) or (b"", b"")
        if kind != SETTINGS:
            raise RecordingError(f"{self.path}: it does not begin with its settings")
        settings: dict[str, Any] = json.loads(content)
        return settings

    def _lines(self) -> tuple[dict[str, Any], dict[str, Any]]:
        magic = self._file.readline(LARGEST_LINE)
        if magic != MAGIC:
            raise RecordingError(f"{self.path}: not a recording of a post")
        about, sealed = self._file.readline(LARGEST_LINE), self._file.readline(LARGEST_LINE)
        self._digest = hashlib.sha256(magic + about + sealed).digest()
        try:
            return json.loads(about), json.loads(sealed)
        except (ValueError, RecursionError) as error:
            raise RecordingError(f"{self.path}: its header is damaged") from error

    def _content_key(self, sealed: dict[str, Any], key: ECKey) -> bytes:
        try:
            key_bytes = unseal(sealed, key)
        except NOT_JOSE as error:
            raise NotForThisKeyError(f"{self.path}: encrypted to a different key") from error
        if len(key_bytes) != KEY_BYTES:
            raise RecordingError(f"{self.path}: its key is damaged")
        return key_bytes

    def _next(self, number: int) -> tuple[bytes, bytes] | None:
        """Return the next chunk's kind and content; None where the file ends, be it within a chunk."""
        head = self._file.read(_CHUNK.size)
        if len(head) < _CHUNK.size:
            return None
        kind, length = _CHUNK.unpack(head)
        if length > LARGEST_CHUNK:
            raise RecordingError(f"{self.path}: damaged at chunk {number}")
        sealed = self._file.read(length)
        if len(sealed) < length:
            return None
        try:
            return kind, self._cipher.decrypt(_nonce(number), sealed, _bound(self._digest, number, kind))
        except InvalidTag as error:
            raise RecordingError(f"{self.path}: damaged at chunk {number}") from error


def _line(members: Mapping[str, Any]) -> bytes:
    return json.dumps(members, separators=(",", ":")).encode() + b"\n"


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _bound(digest: bytes, number: int, kind: bytes) -> bytes:
    return digest + number.to_bytes(8, "big") + kind
