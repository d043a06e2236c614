import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platepost.provisioning.hotlist.table import filter_bits
from platepost.wire.hotlist import bloom


def digest(number: int) -> bytes:
    return hashlib.sha256(number.to_bytes(8, "big")).digest()


def add(bits: bytearray, log2_bits: int, probes: int, digest: bytes) -> None:
    """Set the bits of a digest, as docs/hotlist-package.md describes them."""
    mask = (1 << log2_bits) - 1
    a = int.from_bytes(digest[8:16], "little") & mask
    b = int.from_bytes(digest[16:24], "little") & mask
    c = int.from_bytes(digest[24:32], "little") & mask
    for _ in range(probes):
        bits[a >> 3] |= 1 << (a & 7)
        a = (a + b) & mask
        b = (b + c) & mask


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(min_size=32, max_size=32), max_size=60), st.integers(3, 20), st.integers(1, 32))
def test_no_digest_that_was_added_is_ever_missed(digests: list[bytes], log2_bits: int, probes: int) -> None:
    bits = bytearray(max(1, (1 << log2_bits) // 8))
    for item in digests:
        add(bits, log2_bits, probes, item)
    assert all(bloom.contains(memoryview(bits), log2_bits, probes, item) for item in digests)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.binary(min_size=32, max_size=32), max_size=60), st.integers(3, 20), st.integers(1, 32))
def test_the_vectorized_builder_sets_the_very_bits_of_the_core(
    digests: list[bytes], log2_bits: int, probes: int
) -> None:
    bits = bytearray((1 << log2_bits) // 8)
    for item in digests:
        add(bits, log2_bits, probes, item)
    words = np.frombuffer(b"".join(digests), dtype="<u8").reshape(-1, 4)
    assert filter_bits(words, log2_bits, probes) == bytes(bits)


def test_an_empty_filter_holds_nothing() -> None:
    assert not any(bloom.contains(bytes(1 << 15), 18, 1, digest(number)) for number in range(100))


@pytest.mark.parametrize("rate", [0.02, 0.003])
def test_false_positives_are_within_twice_their_promise(rate: float) -> None:
    entries, probes_made = 36_000, 200_000
    log2_bits, probes = bloom.shape_for(entries, rate)
    words = np.frombuffer(b"".join(map(digest, range(entries))), dtype="<u8").reshape(-1, 4)
    bits = memoryview(filter_bits(words, log2_bits, probes))
    absent = range(entries, entries + probes_made)
    measured = sum(bloom.contains(bits, log2_bits, probes, digest(number)) for number in absent) / probes_made
    assert measured <= 2 * rate
    # The formula that the promise of 1e-9 rests on, where it can be measured.
    assert measured == pytest.approx(bloom.expected_rate(entries, log2_bits, probes), rel=0.2)


@pytest.mark.parametrize("entries", [0, 1, 20, 1000, 300_000, 1_000_000, 5_000_000])
def test_the_default_shape_promises_one_in_a_thousand_million(entries: int) -> None:
    log2_bits, probes = bloom.shape_for(entries, 1e-9)
    assert bloom.expected_rate(entries, log2_bits, probes) <= 1e-9
    if log2_bits > bloom.SMALLEST_LOG2_BITS:
        half = (bloom.expected_rate(entries, log2_bits - 1, count) for count in range(1, bloom.MOST_PROBES + 1))
        assert min(half) > 1e-9, "a filter of half the size would have done"


@pytest.mark.parametrize(("entries", "rate"), [(-1, 0.1), (1, 0.0), (1, 1.0), (10**9, 1e-9)])
def test_what_cannot_be_promised_is_refused(entries: int, rate: float) -> None:
    with pytest.raises(ValueError, match=r"rate|entries"):
        bloom.shape_for(entries, rate)


@pytest.mark.parametrize("entries", [1, 6, 400, 20_000])
def test_as_many_bits_are_set_as_chance_makes_of_the_probes(entries: int) -> None:
    log2_bits, probes = bloom.shape_for(entries, 1e-9)
    words = np.frombuffer(b"".join(digest(number) for number in range(entries)), dtype="<u8").reshape(-1, 4)
    found = int.from_bytes(filter_bits(words, log2_bits, probes), "little").bit_count()
    expected, chance = bloom.expected_bits(entries, log2_bits, probes)
    assert abs(found - expected) <= 4 * chance + 1
