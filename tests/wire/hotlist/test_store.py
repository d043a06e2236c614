import errno
import os
import stat
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from platepost.common.errors import ConfigurationError
from platepost.provisioning.hotlist.rows import HotListRow
from platepost.provisioning.hotlist.sealing import Epoch, seal_keys
from platepost.wire.hotlist import HotListNotStored, HotListRefused, HotListStore, RefusalReason
from platepost.wire.hotlist.issuers import Issuers
from platepost.wire.hotlist.package import load_key
from platepost.wire.hotlist.store import size_jumps
from tests.device.hotlist.department import Department
from tests.rigs import hotlist_settings
from tests.wire.hotlist.test_package import resigned

STEPS = ("mkdir", "open", "fsync", "replace", "close", "unlink")
"""The calls of the operating system that an installation makes."""


class PowerCut(BaseException):
    """Nothing in the code can catch it, as nothing runs after the power is gone."""


@pytest.fixture
def store(department: Department, tmp_path: Path) -> HotListStore:
    return department.store(tmp_path)


def refused(store: HotListStore, department: Department, package: bytes) -> RefusalReason:
    with pytest.raises(HotListRefused) as refusal:
        store.install(package, at=department.built)
    return refusal.value.reason


def rows(count: int) -> list[HotListRow]:
    return [HotListRow(f"T{number:05d}", "local", 5) for number in range(count)]


def test_an_empty_store_has_no_list(store: HotListStore) -> None:
    assert store.load() is None
    assert store.current is None


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_key_that_a_power_cut_emptied_is_named(department: Department, tmp_path: Path, content: bytes) -> None:
    key = tmp_path / "unseal_key.pem"
    key.write_bytes(content)
    issuers = Issuers.only(department.issuer_key)
    with pytest.raises(ConfigurationError, match=r"hotlist\.unseal_key = .*unseal_key\.pem': not a P-256 key"):
        HotListStore.of(hotlist_settings(directory=tmp_path, unseal_key=key), agency="demo", issuers=issuers)


def test_a_list_is_in_force_at_once_and_after_a_restart(
    department: Department, store: HotListStore, tmp_path: Path
) -> None:
    installed = store.install(department.package(version=4), at=department.built)
    assert store.current is installed
    again = department.store(tmp_path)
    assert again.current is None
    loaded = again.load()
    assert loaded is not None
    assert (loaded.version, loaded.digest) == (4, installed.digest)
    assert loaded.match("7ABC123", at=department.built)


def test_the_disk_holds_the_sealed_package_and_nothing_else(
    department: Department, store: HotListStore, tmp_path: Path
) -> None:
    package = department.package()
    store.install(package, at=department.built)
    (path,) = tmp_path.iterdir()
    assert path.read_bytes() == package
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(("version", "reason"), [(3, RefusalReason.OLDER), (4, RefusalReason.OLDER), (5, None)])
def test_versions_only_go_up(
    department: Department, store: HotListStore, tmp_path: Path, version: int, reason: RefusalReason | None
) -> None:
    first = store.install(department.package(version=4), at=department.built)
    package = department.package(version=version)
    if reason is None:
        assert store.install(package, at=department.built).version == 5
        return
    assert refused(store, department, package) is reason
    assert store.current is first
    restarted = department.store(tmp_path)
    restarted.load()
    assert refused(restarted, department, package) is reason


def test_the_package_in_force_again_is_repeated_rather_than_older(department: Department, store: HotListStore) -> None:
    package = department.package()
    store.install(package, at=department.built)
    assert refused(store, department, package) is RefusalReason.REPEATED


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"agency": "other"}, RefusalReason.FOREIGN_AGENCY),
        ({"expires": Department.built, "built": Department.built - timedelta(days=1)}, RefusalReason.EXPIRED),
        ({"post_keys": [Department().post_key]}, RefusalReason.WRONG_KEY),
        ({"rows": rows(80)}, RefusalReason.SIZE_JUMP),
        ({"rows": []}, RefusalReason.SIZE_JUMP),
    ],
)
def test_a_refusal_has_a_name_and_leaves_the_old_list(
    department: Department, store: HotListStore, tmp_path: Path, facts: dict[str, Any], reason: RefusalReason
) -> None:
    first = store.install(department.package(), at=department.built)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert refused(store, department, department.package(version=2, **facts)) is reason
    assert store.current is first
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_foreign_signature_is_refused(department: Department, store: HotListStore) -> None:
    foreign = Department()
    assert refused(store, department, foreign.package(post_keys=[department.post_key])) is RefusalReason.BAD_SIGNATURE


def test_a_package_that_the_disk_does_not_give_leaves_the_one_before(
    department: Department, tmp_path: Path, mocker: MockerFixture
) -> None:
    store = department.store(tmp_path)
    for version in (1, 2):
        store.install(department.package(version=version), at=department.built)
    (bad,) = tmp_path.glob("*2.package")
    pread, end = os.pread, bad.stat().st_size

    def disk(descriptor: int, length: int, start: int) -> bytes:
        if start + length >= end and os.fstat(descriptor).st_ino == bad.stat().st_ino:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return pread(descriptor, length, start)

    mocker.patch("os.pread", disk)
    again = department.store(tmp_path)
    loaded = again.load()
    assert loaded is not None
    assert loaded.version == 1
    assert again.damaged == (RefusalReason.MALFORMED,)


def test_every_refusal_of_the_store_is_an_error_of_the_post(department: Department, store: HotListStore) -> None:
    assert {kind.reason for kind in subclasses(HotListRefused)} == set(RefusalReason)


def subclasses(kind: type[HotListRefused]) -> Iterator[type[HotListRefused]]:
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


def test_a_size_jump_is_taken_with_the_issuers_reason_or_without_a_limit(
    department: Department, store: HotListStore, tmp_path: Path
) -> None:
    store.install(department.package(), at=department.built)
    store.install(department.package(rows(80), version=2, size_override="new source"), at=department.built)
    open_store = department.store(tmp_path, size_jump=None)
    open_store.load()
    assert open_store.install(department.package([], version=3), at=department.built).entries == 0


@pytest.mark.parametrize(
    ("before", "after", "jumps"),
    [
        (1000, 1300, False),
        (1000, 1301, True),
        (1000, 700, False),
        (1000, 699, True),
        (5, 15, False),
        (5, 16, True),
        (5, 0, True),
        (0, 10, False),
        (0, 0, False),
    ],
)
def test_a_size_jumps_by_share_with_a_floor(before: int, after: int, *, jumps: bool) -> None:
    assert size_jumps(before=before, after=after) is jumps


def test_an_expired_list_on_disk_still_loads(department: Department, store: HotListStore, tmp_path: Path) -> None:
    store.install(department.package(expires=department.built + timedelta(hours=1)), at=department.built)
    again = department.store(tmp_path)
    assert again.load() is not None


def test_the_list_before_is_kept_for_a_disk_that_returns_bad_bytes(department: Department, tmp_path: Path) -> None:
    store = department.store(tmp_path)
    for version in (1, 2, 3):
        store.install(department.package(version=version), at=department.built)
    older, newest = sorted(tmp_path.iterdir())
    newest.write_bytes(newest.read_bytes()[:-100] + bytes(100))
    again = department.store(tmp_path)
    loaded = again.load()
    assert loaded is not None
    assert loaded.version == 2
    assert older.name.endswith("2.package")
    assert again.damaged == (RefusalReason.BAD_SIGNATURE,)
    assert again.install(department.package(version=3), at=department.built).version == 3
    assert department.store(tmp_path).load() is not None


def test_a_list_on_disk_that_cannot_be_used_takes_no_memory(department: Department, tmp_path: Path) -> None:
    """Not even what was read of it before it was found out."""
    path = tmp_path / "hotlist-0000000000000001.package"
    path.write_bytes(resigned(department, department.package(), entries=4))
    store, before = department.store(tmp_path), bodies()
    assert store.load() is None
    assert store.damaged == (RefusalReason.MALFORMED,)
    assert bodies() == before
    store.install(department.package(), at=department.built)
    assert bodies() == before + 1


def bodies() -> int:
    """Count the opened packages in this process's memory."""
    return Path("/proc/self/maps").read_text(encoding="ascii").count("/dev/zero")


def test_lists_of_another_agency_or_key_on_disk_are_not_loaded(department: Department, tmp_path: Path) -> None:
    department.store(tmp_path).install(department.package(), at=department.built)
    foreign = department.store(tmp_path, agency="other")
    assert foreign.load() is None
    assert foreign.damaged == (RefusalReason.FOREIGN_AGENCY,)
    moved = department.store(tmp_path, unseal_key=Department().unseal_key)
    assert moved.load() is None
    assert moved.damaged == (RefusalReason.WRONG_KEY,)


def failing_at(monkeypatch: pytest.MonkeyPatch, number: int, fail: Callable[[], BaseException]) -> list[str]:
    """Make the `number`-th call among STEPS fail; return the list of calls made, which grows."""
    made: list[str] = []

    def wrap(name: str) -> None:
        real = getattr(os, name)

        def call(*arguments: Any, **named: Any) -> Any:
            made.append(name)
            if len(made) == number:
                raise fail()
            return real(*arguments, **named)

        monkeypatch.setattr(os, name, call)

    for name in STEPS:
        wrap(name)
    return made


def installation_steps(department: Department, directory: Path) -> int:
    store = department.store(directory)
    store.install(department.package(version=1), at=department.built)
    store.install(department.package(version=2), at=department.built)
    with pytest.MonkeyPatch.context() as patch:
        made = failing_at(patch, 0, PowerCut)
        store.install(department.package(version=3), at=department.built)
    renamed = made.index("replace")
    assert made[:renamed].count("fsync") == 1, "the file is flushed before it takes its name"
    assert made[renamed:].count("fsync") == 1, "and the folder after"
    return len(made)


def test_a_power_cut_at_any_step_leaves_the_old_list_or_the_new(department: Department, tmp_path: Path) -> None:
    steps = installation_steps(department, tmp_path / "counted")
    old, new = department.package(version=2), department.package(version=3)
    seen = set()
    for number in range(1, steps + 1):
        directory = tmp_path / str(number)
        store = department.store(directory)
        store.install(department.package(version=1), at=department.built)
        store.install(old, at=department.built)
        with pytest.MonkeyPatch.context() as patch:
            failing_at(patch, number, PowerCut)
            with pytest.raises(PowerCut):
                store.install(new, at=department.built)
        for unflushed in directory.glob("*.part"):
            unflushed.write_bytes(unflushed.read_bytes()[: number * 100])
        restarted = department.store(directory)
        loaded = restarted.load()
        assert loaded is not None
        seen.add(loaded.version)
        assert not restarted.damaged
        assert not list(directory.glob("*.part")), "what was half written is cleaned away"
        if loaded.version == 2:
            assert restarted.install(new, at=department.built).version == 3
    assert seen == {2, 3}


def test_a_disk_that_fails_at_any_step_leaves_the_old_list_in_force(department: Department, tmp_path: Path) -> None:
    steps = installation_steps(department, tmp_path / "counted")
    new = department.package(version=3)
    for number in range(1, steps + 1):
        store = department.store(tmp_path / str(number))
        store.install(department.package(version=1), at=department.built)
        old = store.install(department.package(version=2), at=department.built)
        with pytest.MonkeyPatch.context() as patch:
            made = failing_at(patch, number, lambda: OSError(errno.ENOSPC, "No space left on device"))
            try:
                installed = store.install(new, at=department.built)
            except HotListNotStored:
                assert store.current is old
            else:
                # Making a folder that is there and removing what is no longer needed may fail without a word.
                assert made[number - 1] in {"mkdir", "unlink"}
                assert store.current is installed
        loaded = department.store(tmp_path / str(number)).load()
        assert loaded is not None
        assert loaded.version == 3 or store.current is old


@pytest.mark.parametrize(("step", "number"), [("os.fsync", errno.ENOSPC), ("mmap.mmap", errno.ENOMEM)])
def test_what_ails_disk_or_memory_is_said_and_leaves_the_old_list(
    department: Department, store: HotListStore, mocker: MockerFixture, step: str, number: int
) -> None:
    old, new = store.install(department.package(), at=department.built), department.package(version=2)
    mocker.patch(step, side_effect=OSError(number, os.strerror(number)))
    with pytest.raises(HotListNotStored, match=os.strerror(number)) as failure:
        store.install(new, at=department.built)
    assert isinstance(failure.value, OSError)
    assert store.current is old


def test_no_plate_is_logged(department: Department, store: HotListStore, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    store.install(department.package(), at=department.built)
    assert store.current is not None
    store.current.match("7ABC123", at=department.built)
    (path,) = store._packages()
    path.write_bytes(b"7ABC123")
    store.load()
    assert "hot list 1 active" in caplog.text
    assert "cannot be used: truncated" in caplog.text
    assert "7ABC123" not in caplog.text


def test_keys_are_kept_as_long_as_a_package_on_disk_needs_them(department: Department, tmp_path: Path) -> None:
    store, epochs = department.store(tmp_path), [Epoch() for _ in range(4)]
    signing, post = (load_key(key, private=False) for key in (department.signing_key, department.post_key))
    for version, epoch in enumerate(epochs, start=1):
        message = seal_keys([epoch], agency="demo", number=version, signing_key=signing, post_key=post)
        store.install_keys(message)
        store.install(department.package(version=version, epoch=epoch), at=department.built)
    assert [path.name for path in sorted(tmp_path.glob("*.keys"))] == [
        "hotlist-0000000000000003.keys",
        "hotlist-0000000000000004.keys",
    ]
    newest = max(tmp_path.glob("*.package"))
    newest.write_bytes(newest.read_bytes()[:-1])
    again = department.store(tmp_path)
    found = again.load()
    assert found is not None
    assert found.version == 3
