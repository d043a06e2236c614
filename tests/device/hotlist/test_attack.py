import random
import statistics
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from platepost.provisioning.hotlist.rows import HotListRow
from platepost.provisioning.trust.keys import new_key, public_pem
from platepost.wire.hotlist.layout import decode
from platepost.wire.hotlist.package import load_key, open_package
from tests.device.hotlist import attacker
from tests.device.hotlist.department import Department

LISTED = 1000
CANDIDATES = 101_000
FAR = 6
"""Standard deviations from chance at which a success is one: by luck once in 10**9."""


def passenger_serials(count: int, seed: int) -> list[str]:
    """Draw different invented serials of California's passenger form."""
    draw = random.Random(seed)
    drawn: set[str] = set()
    while len(drawn) < count:
        letters = "".join(draw.choices("ABCDEFGHJKLMNPRSTUVWXYZ", k=3))
        drawn.add(f"{draw.randrange(1, 10)}{letters}{draw.randrange(1000):03d}")
    return sorted(drawn, key=lambda _: draw.random())


def rows(plates: Sequence[str]) -> list[HotListRow]:
    return [HotListRow(plate, "stolen_vehicle", 2, "CA") for plate in plates]


@dataclass(frozen=True)
class Loot:
    """What the thief has, and the truth to hold the guesses against."""

    package: bytes
    next_package: bytes
    public_keys: list[bytes]
    candidates: list[str]
    listed: NDArray[np.bool_]
    draw: np.random.Generator

    def every(self, step: int) -> "Loot":
        return replace(self, candidates=self.candidates[::step], listed=self.listed[::step])

    def succeeds(self, scores: attacker.Scores) -> bool:
        mean, deviation = attacker.chance(self.listed)
        return attacker.best_guesses(scores, self.listed, self.draw) > mean + FAR * deviation


@pytest.fixture(scope="module")
def loot(department: Department) -> Loot:
    candidates = passenger_serials(CANDIDATES, 1)
    listed = np.zeros(CANDIDATES, dtype=np.bool_)
    listed[random.Random(2).sample(range(CANDIDATES), LISTED)] = True
    plates = [plate for plate, on_it in zip(candidates, listed, strict=True) if on_it]
    posts = [department.post_key, *(public_pem(new_key()) for _ in range(3))]
    return Loot(
        package=department.package(rows(plates), post_keys=posts),
        next_package=department.package(rows(plates), version=2, post_keys=posts),
        public_keys=[department.issuer_key, *posts],
        candidates=candidates,
        listed=listed,
        draw=np.random.default_rng(3),
    )


@pytest.fixture(scope="module")
def opened(department: Department, loot: Loot) -> bytes:
    """The body, as only a post's key gives it."""
    issuer_key = load_key(department.issuer_key, private=False)
    post_key = load_key(department.unseal_key, private=True)
    return bytes(open_package(loot.package, issuer_key=issuer_key, unseal_key=post_key).body)


@pytest.fixture(scope="module")
def secret(opened: bytes) -> bytes:
    return bytes.fromhex(decode(memoryview(opened))[0].hash_key)


def test_with_a_posts_key_every_serial_can_be_tried(loot: Loot, opened: bytes, secret: bytes) -> None:
    header, columns = decode(memoryview(opened))
    words = attacker.digests(loot.candidates, secret)
    by_table = attacker.as_table(attacker.windows(opened), words)
    assert attacker.best_guesses(by_table, loot.listed, loot.draw) == LISTED
    by_filter = attacker.as_filter(bytes(columns["filter"]), words, header.filter.log2_bits, header.filter.probes)
    assert attacker.best_guesses(by_filter, loot.listed, loot.draw) == LISTED
    # A filter that the thief finds at the right place only roughly still gives him much more than chance.
    assert loot.succeeds(attacker.as_filter(bytes(columns["filter"]), words, header.filter.log2_bits))


def test_the_lists_own_key_alone_finds_nothing_in_the_sealed_package(loot: Loot, secret: bytes) -> None:
    words = attacker.digests(loot.candidates, secret)
    sealed = attacker.take_apart(loot.package).ciphertext
    assert not attacker.as_table(loot.package, words).any()
    assert not loot.succeeds(attacker.as_filter(sealed, words, 18))


def test_the_open_body_without_the_lists_own_key_tells_no_plate(loot: Loot, opened: bytes) -> None:
    header, columns = decode(memoryview(opened))
    bits = bytes(columns["filter"])
    seen = attacker.windows(opened.replace(header.hash_key.encode(), b"0" * 64))
    for key in (bytes(32), bytes(range(32))):
        words = attacker.digests(loot.candidates, key)
        assert not attacker.as_table(seen, words).any()
        assert not loot.succeeds(attacker.as_filter(bits, words, header.filter.log2_bits))
    some = loot.every(5)
    assert not some.succeeds(attacker.traces(bits, some.candidates))


def test_no_key_that_could_be_guessed_from_what_is_public_opens_or_finds_anything(loot: Loot) -> None:
    keys = list(attacker.guessable_keys(loot.package, loot.public_keys))
    assert len(keys) > 40
    sealed = attacker.take_apart(loot.package).ciphertext
    seen, few = attacker.windows(loot.package), loot.every(20)
    for key in keys:
        assert not attacker.opens(loot.package, key)
        words = attacker.digests(few.candidates, key)
        assert not attacker.as_table(seen, words).any()
        assert not few.succeeds(attacker.as_filter(sealed, words, 18))


def test_no_trace_of_a_plate_is_in_the_package(loot: Loot) -> None:
    some = loot.every(5)
    assert not some.succeeds(attacker.traces(some.package, some.candidates))
    left_behind = "\n".join(some.candidates[index] for index in np.flatnonzero(some.listed))
    assert some.succeeds(attacker.traces(some.package + left_behind.encode(), some.candidates))


def test_two_packages_of_the_same_plates_have_nothing_in_common(loot: Loot) -> None:
    first, second = attacker.take_apart(loot.package), attacker.take_apart(loot.next_package)
    length = min(len(first.ciphertext), len(second.ciphertext))
    one = np.frombuffer(first.ciphertext[:length], dtype=np.uint8)
    two = np.frombuffer(second.ciphertext[:length], dtype=np.uint8)
    deviation = np.sqrt(length * 255) / 256
    assert abs(int((one == two).sum()) - length / 256) < FAR * deviation
    assert not len(np.intersect1d(attacker.windows(first.ciphertext), attacker.windows(second.ciphertext)))


def test_nothing_that_must_be_new_comes_twice(loot: Loot) -> None:
    values = [
        value
        for package in (loot.package, loot.next_package)
        for value in attacker.chosen_by_chance(attacker.take_apart(package))
    ]
    assert len(values) > 20
    assert len(set(values)) == len(values)


def test_the_sealed_body_is_noise(loot: Loot) -> None:
    sealed = attacker.take_apart(loot.package).ciphertext
    counts = np.bincount(np.frombuffer(sealed, dtype=np.uint8), minlength=256)
    expected = len(sealed) / 256
    chi_square = float(((counts - expected) ** 2 / expected).sum())
    assert abs(chi_square - 255) < FAR * np.sqrt(2 * 255)
    assert len(zlib.compress(sealed, 9)) >= len(sealed)


def test_the_manifest_says_the_same_for_other_plates(department: Department) -> None:
    facts = [attacker.take_apart(department.package(rows(passenger_serials(40, seed)))).manifest for seed in (1, 2)]
    for fact in facts:
        for depends_on_the_bytes in ("length", "digest"):
            fact.pop(depends_on_the_bytes)
    assert facts[0] == facts[1]


def lengths(department: Department, plates: Sequence[str], builds: int) -> list[int]:
    return [len(department.package(rows(plates))) for _ in range(builds)]


def told_apart(one: list[int], two: list[int]) -> bool:
    """Say whether two lists' lengths differ in their mean by more than chance."""
    spread = (statistics.pvariance(one) / len(one) + statistics.pvariance(two) / len(two)) ** 0.5
    return abs(statistics.mean(one) - statistics.mean(two)) > FAR * max(spread, 0.5)


def test_the_length_tells_how_many_plates_are_listed_and_not_which(department: Department) -> None:
    builds = 40
    neighbors = [f"7ABC{number:03d}" for number in range(60)]
    first = lengths(department, neighbors, builds)
    assert not told_apart(first, lengths(department, passenger_serials(60, 9), builds))
    assert told_apart(first, lengths(department, passenger_serials(66, 9), builds)), "which docs/security.md admits"


@pytest.fixture(scope="module")
def news(department: Department, loot: Loot) -> tuple[bytes, Loot]:
    """A delta that removes 20 plates and adds 500, and the thief's candidates for those: a plate among 40."""
    plates = [plate for plate, on_it in zip(loot.candidates, loot.listed, strict=True) if on_it]
    strangers = [plate for plate, on_it in zip(loot.candidates, loot.listed, strict=True) if not on_it][:20_000]
    added = sorted(random.Random(4).sample(strangers, 500))
    delta = department.delta(loot.package, add=rows(added), remove=rows(plates[:20]), size_override="any")
    truth = np.isin(np.array(strangers), np.array(added))
    return delta, replace(loot, package=delta, candidates=strangers, listed=truth)


def test_a_delta_tells_no_plate_either(department: Department, loot: Loot, news: tuple[bytes, Loot]) -> None:
    delta, fresh = news
    assert not fresh.succeeds(attacker.traces(delta, fresh.candidates))
    seen, few = attacker.windows(delta), fresh.every(20)
    for key in attacker.guessable_keys(delta, loot.public_keys):
        assert not attacker.opens(delta, key)
        assert not attacker.as_table(seen, attacker.digests(few.candidates, key)).any()
    sealed = [attacker.windows(attacker.take_apart(one).ciphertext) for one in (loot.package, delta)]
    assert not len(np.intersect1d(*sealed))


def test_a_delta_tells_all_to_who_has_a_posts_key(
    department: Department, secret: bytes, news: tuple[bytes, Loot]
) -> None:
    delta, fresh = news
    keys = load_key(department.issuer_key, private=False), load_key(department.unseal_key, private=True)
    body = bytes(open_package(delta, issuer_key=keys[0], unseal_key=keys[1]).body)
    assert secret.hex().encode() not in body
    found = attacker.as_table(attacker.windows(body), attacker.digests(fresh.candidates, secret))
    assert attacker.best_guesses(found, fresh.listed, fresh.draw) == 500


def test_what_goes_and_comes_again_is_not_to_be_seen(department: Department) -> None:
    """The same plate leaves with one delta and comes back with the next, under the same hash key."""
    listed = rows(passenger_serials(60, 1))
    complete = department.package(listed)
    gone = department.delta(complete, remove=listed[:1])
    again = department.delta(complete, base=gone, version=3, add=listed[:1])
    sealed = [attacker.windows(attacker.take_apart(one).ciphertext) for one in (complete, gone, again)]
    assert not len(np.intersect1d(sealed[1], sealed[2]))
    assert not len(np.intersect1d(sealed[0], sealed[1]))


def test_the_length_of_a_delta_tells_how_many_come_and_go_and_not_which(department: Department) -> None:
    listed = rows(passenger_serials(60, 1))

    def lengths_of(plates: Sequence[str]) -> list[int]:
        # Under one list's key a plate's place in the delta is fixed, and with it the length: a new key for each.
        return [len(department.delta(department.package(listed), add=rows(plates))) for _ in range(30)]

    few = lengths_of([f"2ABC{number:03d}" for number in range(8)])
    assert not told_apart(few, lengths_of(passenger_serials(8, 7)))
    assert told_apart(few, lengths_of(passenger_serials(12, 7)))
