"""A thief who has packages and every public key, and wants to know which plates are listed.

Each attack scores candidates: the higher, the more it believes that one is listed. The same attacks are made with a
post's key, where they must succeed: what an attack never finds proves nothing.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap
from numpy.typing import NDArray

from platepost.wire.hotlist.hashing import PlateHash
from platepost.wire.hotlist.keys import fold, normalize
from platepost.wire.hotlist.package import NONCE_BYTES

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Parts:
    """A package as anyone can take it apart."""

    header: dict[str, str]
    manifest: dict[str, object]
    seal: dict[str, Any]
    nonce: bytes
    ciphertext: bytes


def take_apart(package: bytes) -> Parts:
    line, seal, sealed = package.split(b"\n", 2)
    header, payload, _ = line.split(b".")
    return Parts(
        header=json.loads(unpadded(header)),
        manifest=json.loads(unpadded(payload)),
        seal=json.loads(seal),
        nonce=sealed[:NONCE_BYTES],
        ciphertext=sealed[NONCE_BYTES:],
    )


def unpadded(text: bytes | str) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    return base64.urlsafe_b64decode(raw + b"=" * (-len(raw) % 4))


def guessable_keys(package: bytes, public_keys: Sequence[bytes]) -> Iterator[bytes]:
    """Yield 32 bytes of everything in clear that a careless maker could have taken a key from, and its SHA-256."""
    parts = take_apart(package)
    strings = [b"", bytes(32), bytes([255]) * 32, parts.nonce, *public_keys]
    strings += [str(value).encode() for value in parts.manifest.values()]
    strings += [*_leaves(parts.seal), *_leaves(parts.header)]
    facts = parts.manifest
    strings.append(f"platepost-hotlist/1\n{facts['agency']}\n{facts['version']}".encode())
    for string in dict.fromkeys(strings):
        if len(string) == 32:
            yield string
        yield hashlib.sha256(string).digest()


def _leaves(value: object) -> Iterator[bytes]:
    if isinstance(value, dict):
        for member in value.values():
            yield from _leaves(member)
    elif isinstance(value, list):
        for member in value:
            yield from _leaves(member)
    else:
        yield str(value).encode()
        try:
            yield unpadded(str(value))
        except ValueError:
            return


def opens(package: bytes, key: bytes) -> bool:
    """Say whether a key opens a package: as the body's, as the seal's, or as the one that wraps a post's."""
    parts = take_apart(package)
    for recipient in parts.seal["recipients"]:
        try:
            aes_key_unwrap(key, unpadded(recipient["encrypted_key"]))
        except InvalidUnwrap:
            continue
        return True
    bound = f"platepost-hotlist/1\n{parts.manifest['agency']}\n{parts.manifest['version']}".encode()
    seal = [unpadded(parts.seal[name]) for name in ("iv", "ciphertext", "tag")]
    for nonce, ciphertext, data in (
        (parts.nonce, parts.ciphertext, bound),
        (seal[0], seal[1] + seal[2], parts.seal["protected"].encode()),
    ):
        try:
            AESGCM(key).decrypt(nonce, ciphertext, data)
        except InvalidTag:
            continue
        return True
    return False


def chosen_by_chance(parts: Parts) -> list[bytes]:
    """Return every value that must be new in each package, and for each post."""
    recipients = [
        (recipient["encrypted_key"], recipient["header"]["epk"]["x"]) for recipient in parts.seal["recipients"]
    ]
    values = [unpadded(value) for pair in recipients for value in pair]
    return [*values, *(unpadded(parts.seal[name]) for name in ("iv", "ciphertext", "tag")), parts.nonce]


def digests(candidates: Sequence[str], key: bytes) -> NDArray[np.uint64]:
    """Return what would stand for each candidate under a list's key, as rows of four words."""
    plates = PlateHash(key)
    joined = b"".join(plates.digest(fold(normalize(candidate))) for candidate in candidates)
    return np.frombuffer(joined, dtype="<u8").reshape(-1, 4)


def as_filter(data: bytes, words: NDArray[np.uint64], log2_bits: int, probes: int = 24) -> Scores:
    """Read bytes as if they were the filter: how many of its first probes each candidate passes."""
    bits = np.frombuffer(data, dtype=np.uint8)
    mask = np.uint64((1 << log2_bits) - 1)
    a, b, c = (words[:, column] & mask for column in (1, 2, 3))
    score = np.zeros(len(words))
    for _ in range(probes):
        at = (a >> np.uint64(3)).astype(np.intp) % len(bits)
        score += (bits[at] >> (a & np.uint64(7)).astype(np.uint8)) & 1
        a, b = (a + b) & mask, (b + c) & mask
    return score


def as_table(seen: NDArray[np.uint64], words: NDArray[np.uint64]) -> Scores:
    """Look for each candidate's fingerprint at every byte of some data, given as its windows."""
    return np.isin(words[:, 0], seen).astype(np.float64)


def windows(data: bytes, width: int = 8) -> NDArray[np.uint64]:
    """Return the little-endian number at every byte of the data."""
    view = np.lib.stride_tricks.sliding_window_view(np.frombuffer(data, dtype=np.uint8), width)
    return view.astype(np.uint64) @ (np.uint64(1) << np.arange(0, 8 * width, 8, dtype=np.uint64))


def traces(data: bytes, candidates: Sequence[str]) -> Scores:
    """Look for four bytes of each candidate's unkeyed digests at every byte of the data, and for the plate itself."""
    found = np.zeros(len(candidates))
    seen = windows(data, 4)
    plain = [candidate.encode() for candidate in candidates]
    makers = [lambda text: text[:4], lambda text: text[-4:], lambda text: base64.b64encode(text)[:4]]
    makers += [lambda text, name=name: hashlib.new(name, text).digest()[:4] for name in ("md5", "sha1", "sha256")]
    makers.append(lambda text: hashlib.sha256(text).hexdigest()[:8].encode()[:4])
    for make in makers:
        found += np.isin(np.frombuffer(b"".join(map(make, plain)), dtype="<u4").astype(np.uint64), seen)
    return found


def best_guesses(scores: Scores, listed: NDArray[np.bool_], draw: np.random.Generator) -> int:
    """Return how many of as many guesses as plates are listed are right; equal scores are ordered by chance."""
    order = np.lexsort((draw.random(len(scores)), -scores))
    return int(listed[order[: int(listed.sum())]].sum())


def chance(listed: NDArray[np.bool_]) -> tuple[float, float]:
    """Return mean and standard deviation of right guesses made blindly (hypergeometric)."""
    total, count = len(listed), int(listed.sum())
    share = count / total
    return count * share, float(np.sqrt(count * share * (1 - share) * (total - count) / (total - 1)))
