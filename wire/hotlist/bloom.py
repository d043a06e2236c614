"""The keyed Bloom filter's core: membership over any buffer of bytes.

Nothing here knows of plates, keys or files: a caller brings a digest of 32 bytes, of which bytes 8 to 31 place it.
The code keeps to what MicroPython runs too (no typing, no numpy), so that a microcontroller can share a list's bytes.

Positions follow triple hashing, ``a + i*b + i*(i-1)/2*c`` modulo a power of two: plain double hashing has only about
m**2/2 different patterns, so that two keys' patterns coincide with a probability near 2*n*2/m**2, which at a million
entries already spends the whole promise of 1e-9 (Dillinger and Manolios, "Bloom Filters in Probabilistic
Verification", 2004, section 5.2). The third word makes that term negligible for one more addition a step.
"""

import math

SMALLEST_LOG2_BITS = 18  # 32 KiB: below it, patterns of different keys coincide too often for 1e-9
LARGEST_LOG2_BITS = 32
MOST_PROBES = 32
SPARE_PROBES = 2  # a margin where it costs least: an absent key is mostly known by its first bits, however many follow


def contains(bits: bytes | bytearray | memoryview, log2_bits: int, probes: int, digest: bytes) -> bool:
    """Say whether a digest may be in the filter; False is certain.

    `bits` holds 2**log2_bits bits, bit i being bit ``i & 7`` (least significant first) of byte ``i >> 3``.
    """
    mask = (1 << log2_bits) - 1
    a = int.from_bytes(digest[8:16], "little") & mask
    b = int.from_bytes(digest[16:24], "little") & mask
    c = int.from_bytes(digest[24:32], "little") & mask
    for _ in range(probes):
        if not (bits[a >> 3] >> (a & 7)) & 1:
            return False
        a = (a + b) & mask
        b = (b + c) & mask
    return True


def expected_rate(entries: int, log2_bits: int, probes: int) -> float:
    """Return the share of absent keys that a filter of this shape lets through.

    The classical ``(1 - exp(-k*n/m))**k`` (Bloom 1970), plus the chance that a key's whole pattern coincides with that
    of an entry.
    """
    size = 2.0**log2_bits
    filled = 1.0 - math.exp(-probes * entries / size)
    coincidence = 2.0 * entries / size / size / size
    return float(filled**probes + coincidence)


def expected_bits(entries: int, log2_bits: int, probes: int) -> tuple[float, float]:
    """Return how many bits so many different keys set, and the standard deviation of that number.

    Positions that fall on one another follow the occupancy of bins by balls (Feller, An Introduction to Probability
    Theory, vol. 1, IV.2).
    """
    size = 2.0**log2_bits
    load = probes * entries / size
    empty = math.exp(-load)
    variance = size * empty * (1.0 - (1.0 + load) * empty)
    return size * (1.0 - empty), math.sqrt(max(0.0, variance))


def shape_for(entries: int, rate: float) -> tuple[int, int]:
    """Return (log2_bits, probes) that keep the false positives to `rate`.

    The smallest filter, then the fewest probes that will do, then `SPARE_PROBES` more as long as they lower the rate.

    Raises ValueError when no filter of at most 2**32 bits and 32 probes can.
    """
    if not 0.0 < rate < 1.0:
        raise ValueError("a false-positive rate lies between 0 and 1")
    if entries < 0:
        raise ValueError("a list cannot have fewer than no entries")
    for log2_bits in range(SMALLEST_LOG2_BITS, LARGEST_LOG2_BITS + 1):
        for probes in range(1, MOST_PROBES + 1):
            if expected_rate(entries, log2_bits, probes) <= rate:
                spared = min(probes + SPARE_PROBES, MOST_PROBES)
                lower = expected_rate(entries, log2_bits, spared) < expected_rate(entries, log2_bits, probes)
                return log2_bits, spared if lower else probes
    raise ValueError(f"no filter reaches a false-positive rate of {rate} with {entries} entries")
