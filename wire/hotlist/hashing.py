"""The keyed hash between plates and everything that a list stores of them.

HMAC-SHA-256 under a key that each list brings, sealed: without it no one can try the 10**8 serials of a state against a
list. One digest of a plate's key serves the filter and the fingerprint table at once:

=========  =========================================================
bytes 0-7  fingerprint in the table, unsigned, little-endian
bytes 8-31 three 64-bit words that place the key in the Bloom filter
=========  =========================================================
"""

import hashlib

from platepost.wire.hotlist.keys import PlateKey, PlateText

KEY_BYTES = 32

# Separate the two uses of one key, so that no key's digest is ever a text's.
_KEY_PREFIX = b"platepost-hotlist-key\x00"
_TEXT_PREFIX = b"platepost-hotlist-text\x00"


class PlateHash:
    """HMAC-SHA-256 of plates under one list's key (32 bytes)."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key of a list has {KEY_BYTES} bytes, not {len(key)}")
        # RFC 2104: what all digests of this key begin with is hashed once; copying it costs a third of `hmac.digest`.
        block = key.ljust(hashlib.sha256().block_size, b"\x00")
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))
        inner = bytes(byte ^ 0x36 for byte in block)
        self._of_keys = hashlib.sha256(inner + _KEY_PREFIX)
        self._of_texts = hashlib.sha256(inner + _TEXT_PREFIX)

    def digest(self, key: PlateKey) -> bytes:
        """Return the 32 bytes that stand for a folded plate in filter and table."""
        inner, outer = self._of_keys.copy(), self._outer.copy()
        inner.update(key.encode("ascii"))
        outer.update(inner.digest())
        return outer.digest()

    def text_fingerprint(self, text: PlateText) -> int:
        """Return 32 bits of the unfolded spelling: they tell an exact match from a look-alike."""
        inner, outer = self._of_texts.copy(), self._outer.copy()
        inner.update(text.encode("ascii"))
        outer.update(inner.digest())
        return int.from_bytes(outer.digest()[:4], "little")

    def __repr__(self) -> str:
        return "PlateHash(...)"


def fingerprint(digest: bytes) -> int:
    """Return the 64-bit fingerprint inside a plate's digest."""
    return int.from_bytes(digest[:8], "little")
