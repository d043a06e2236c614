"""Lists and the keys that sign them: several at a time, retired ones, revoked ones."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from platepost.provisioning.trust.keys import new_key, private_pem
from platepost.wire.hotlist import HotListRefused, HotListStore, RefusalReason
from platepost.wire.hotlist.issuers import Issuers
from platepost.wire.hotlist.package import load_key
from tests.device.hotlist.department import Department


@dataclass
class Keys:
    """What a post believes at present."""

    arriving: list[ECKey] = field(default_factory=list)
    kept: list[ECKey] = field(default_factory=list)
    gone: list[tuple[ECKey, bool]] = field(default_factory=list)

    def retire_former(self) -> None:
        """Have the key before the present one sign nothing new; what it signed stays good."""
        self.arriving, self.gone = self.arriving[:1], [(self.arriving[1], False)]

    def store(self, department: Department, directory: Path) -> HotListStore:
        issuers = Issuers(lambda: self.arriving, lambda: self.kept, lambda: self.gone)
        return HotListStore(directory, agency="demo", issuer_key=issuers, unseal_key=department.unseal_key)


@pytest.fixture
def department() -> Department:
    return Department()


@pytest.fixture
def rotated(department: Department) -> tuple[Keys, bytes, bytes]:
    """A post that accepts a key and the one before it; both private halves, the former first."""
    former, present = department.signing_key, private_pem(new_key())
    first, second = (load_key(pem, private=True) for pem in (former, present))
    return Keys([second, first], [second, first]), former, present


def list_of(department: Department, key: bytes, version: int) -> bytes:
    department.signing_key = key
    return department.package(version=version)


def install(store: HotListStore, package: bytes) -> None:
    store.install(package, at=Department.built)


def refusal(store: HotListStore, package: bytes) -> RefusalReason:
    with pytest.raises(HotListRefused) as caught:
        install(store, package)
    return caught.value.reason


def test_a_list_of_either_key_is_taken_and_a_third_s_is_not(
    department: Department, rotated: tuple[Keys, bytes, bytes], tmp_path: Path
) -> None:
    keys, former, present = rotated
    store = keys.store(department, tmp_path)
    install(store, list_of(department, former, 1))
    install(store, list_of(department, present, 2))
    install(store, list_of(department, former, 3))
    assert refusal(store, list_of(department, private_pem(new_key()), 4)) is RefusalReason.BAD_SIGNATURE


def test_a_retired_key_s_list_stays_in_force_and_no_other_of_it_is_taken(
    department: Department, rotated: tuple[Keys, bytes, bytes], tmp_path: Path
) -> None:
    keys, former, present = rotated
    store = keys.store(department, tmp_path)
    held = list_of(department, former, 1)
    install(store, held)
    keys.retire_former()
    assert refusal(store, list_of(department, former, 2)) is RefusalReason.RETIRED_KEY
    assert refusal(store, held) is RefusalReason.REPEATED, "the broker brings what is in force at every connection"
    assert store.withdraw() == ()
    again = keys.store(department, tmp_path)
    loaded = again.load()
    assert loaded is not None
    assert (loaded.version, again.damaged) == (1, ())
    base = held
    department.signing_key = present
    install(again, department.delta(base, version=2))
    assert keys.store(department, tmp_path).load() is not None, "a delta of the new key on a list of the former"


def test_a_revoked_key_s_list_is_let_go_of_at_once_and_at_the_next_start(
    department: Department, rotated: tuple[Keys, bytes, bytes], tmp_path: Path
) -> None:
    keys, former, present = rotated
    store = keys.store(department, tmp_path)
    install(store, list_of(department, present, 1))
    install(store, list_of(department, former, 2))
    stolen = keys.arriving[1]
    keys.arriving, keys.kept, keys.gone = keys.arriving[:1], keys.kept[:1], [(stolen, True)]
    # As after kill -9 before it was let go of.
    restarted = keys.store(department, tmp_path)
    loaded = restarted.load()
    assert loaded is not None
    assert loaded.version == 1, "the one before it, which a good key signed"
    assert restarted.damaged == (RefusalReason.REVOKED_KEY,)

    assert store.withdraw() == (RefusalReason.REVOKED_KEY,)
    assert store.current is not None
    assert store.current.version == 1
    assert [path.name for path in tmp_path.glob("hotlist-*")] == [f"hotlist-{1:016d}.package"]
    assert refusal(store, list_of(department, former, 3)) is RefusalReason.REVOKED_KEY
    install(store, list_of(department, present, 2))


def test_a_delta_goes_with_the_list_under_it(
    department: Department, rotated: tuple[Keys, bytes, bytes], tmp_path: Path
) -> None:
    keys, former, present = rotated
    store = keys.store(department, tmp_path)
    complete = list_of(department, former, 1)
    install(store, complete)
    department.signing_key = present
    install(store, department.delta(complete, version=2))
    keys.kept = keys.kept[:1]
    store.withdraw()
    assert store.current is None
