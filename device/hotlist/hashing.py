"""The keyed hash between plates and everything that a list stores of them.

HMAC-SHA-256 under a key that each list brings, sealed: without it nobody can try the 10**8 serials of a state against a
list. One digest of a plate's key serves the filter and the fingerprint table at once:

=========  =========================================================
bytes 0-7  fingerprint in the table, unsigned, little-endian
bytes 8-31 three 64-bit words that place the key in the Bloom filter
=========  =========================================================
"""

import hmac

from device.hotlist.keys import PlateKey, PlateText

KEY_BYTES = 32

# Separate the two uses of one key, so that no key's digest is ever a text's.
_KEY_PREFIX = b"platepost-hotlist-key\x00"
_TEXT_PREFIX = b"platepost-hotlist-text\x00"


class PlateHash:
    """HMAC-SHA-256 of plates under one list's key (32 bytes)."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key of a list has {KEY_BYTES} bytes, not {len(key)}")
        self._key = key

    def digest(self, key: PlateKey) -> bytes:
        """Return the 32 bytes that stand for a folded plate in filter and table."""
        return hmac.digest(self._key, _KEY_PREFIX + key.encode("ascii"), "sha256")

    def text_fingerprint(self, text: PlateText) -> int:
        """Return 32 bits of the unfolded spelling: they tell an exact match from a look-alike."""
        return int.from_bytes(hmac.digest(self._key, _TEXT_PREFIX + text.encode("ascii"), "sha256")[:4], "little")

    def __repr__(self) -> str:
        return "PlateHash(...)"


def fingerprint(digest: bytes) -> int:
    """Return the 64-bit fingerprint inside a plate's digest."""
    return int.from_bytes(digest[:8], "little")
