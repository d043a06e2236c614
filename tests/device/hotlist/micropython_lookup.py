"""What a microcontroller would run: the filter's core, over a file that it does not hold in memory. For MicroPython.

    micropython micropython_lookup.py FOLDER FILTER LOG2_BITS PROBES HASH_KEY < keys, one a line

FOLDER holds the post's own bloom.py. Prints 1 or 0 for each key, then the bytes of heap in use.
"""

import gc
import hashlib
import sys

sys.path.insert(0, sys.argv[1])
import bloom


class Stored:
    """Bytes that stay where they are, as in a microcontroller's flash: one is fetched when it is asked for."""

    def __init__(self, path: str) -> None:
        self.file = open(path, "rb")  # noqa: PTH123, SIM115 - MicroPython has no pathlib

    def __getitem__(self, index: int) -> int:
        self.file.seek(index)
        return self.file.read(1)[0]


def keyed(pad: int):  # noqa: ANN201 - the hash has no name to annotate with
    return hashlib.sha256(bytes(byte ^ pad for byte in hash_key + bytes(64 - len(hash_key))))


def digest(key: bytes) -> bytes:
    """HMAC-SHA-256 by RFC 2104: MicroPython has the hash only."""
    inner = keyed(0x36)
    inner.update(b"platepost-hotlist-key\x00" + key)
    outer = keyed(0x5C)
    outer.update(inner.digest())
    return outer.digest()


log2_bits, probes = int(sys.argv[3]), int(sys.argv[4])
hash_key = bytes(int(sys.argv[5][start : start + 2], 16) for start in range(0, 64, 2))
stored = Stored(sys.argv[2])
for line in sys.stdin:
    sys.stdout.write("01"[bloom.contains(stored, log2_bits, probes, digest(line.strip().encode()))])
gc.collect()
sys.stdout.write(f"\n{gc.mem_alloc()}\n")
