from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pytest_mock import MockerFixture

from platepost.provisioning.commands.hotlist.group import hotlist
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.hotlist.archive import Archive
from platepost.provisioning.hotlist.build import build_package
from platepost.provisioning.hotlist.rollback import rolled_back
from platepost.provisioning.hotlist.rows import HotListRow, SourceError
from platepost.provisioning.trust.keys import new_key, private_pem, public_pem
from platepost.wire.hotlist import HotListStore
from platepost.wire.hotlist.manifest import Manifest, read_unverified
from platepost.wire.hotlist.package import load_key, split

BUILT = datetime.now(UTC) - timedelta(hours=3)
GOOD = [HotListRow("7ABC123", "local", 5), HotListRow("7ABC124", "local", 5)]
BAD = [HotListRow(f"T{number:05d}", "local", 5) for number in range(500)]


class Department:
    def __init__(self) -> None:
        issuer, post, own = new_key(), new_key(), new_key()
        self.signing, self.verifying = private_pem(issuer), public_pem(issuer)
        self.post, self.post_public = private_pem(post), public_pem(post)
        self.own = private_pem(own)

    def package(self, rows: list[HotListRow], *, version: int, **facts: Any) -> bytes:
        return build_package(
            rows, agency="demo", issuer="Demo", version=version, signing_key=self.signing,
            post_keys=[self.post_public], unseal_key=self.own, **({"built": BUILT} | facts),
        )  # fmt: skip

    def back(self, good: bytes, newest: bytes) -> bytes:
        return rolled_back(
            good, manifest(newest), reason="every plate was listed",
            issuer_keys=[load_key(self.signing, private=True)], signing_key=self.signing,
            post_keys=[self.post_public], unseal_key=self.own,
        )  # fmt: skip


def manifest(package: bytes) -> Manifest:
    return read_unverified(split(package)[0])


def test_a_post_takes_the_last_good_list_again_and_says_how_old_it_is(tmp_path: Path) -> None:
    department = Department()
    good = department.package(GOOD, version=7)
    bad = department.package(BAD, version=8, built=BUILT + timedelta(hours=1), size_override="a new export")
    store = HotListStore(tmp_path, agency="demo", issuer_key=department.verifying, unseal_key=department.post)
    store.install(good)
    store.install(bad)
    assert store.install(department.back(good, bad)).version == 9
    assert store.current is not None
    assert store.current.built == BUILT
    assert store.current.manifest.size_override == "version 7 again: every plate was listed"
    at = datetime.now(UTC)
    assert store.current.match("7ABC123", at=at)
    assert not store.current.match("T00001", at=at)


def test_what_cannot_be_sent_again_is_said() -> None:
    department = Department()
    newest = department.package(BAD, version=8)
    ended = department.package(GOOD, version=7, built=BUILT - timedelta(days=9))
    with pytest.raises(SourceError, match="expired"):
        department.back(ended, newest)
    with pytest.raises(SourceError, match="not newer"):
        department.back(newest, newest)
    other = Department()
    other.signing = department.signing
    with pytest.raises(SourceError, match="not encrypted to the department"):
        department.back(other.package(GOOD, version=7), newest)


def test_the_archive_forgets_what_was_no_good(tmp_path: Path) -> None:
    department, archive = Department(), Archive(tmp_path / "lists")
    packages = [department.package(GOOD, version=version) for version in (5, 6, 7)]
    for package in packages:
        archive.keep(package, manifest(package))
    assert archive.completes == [7, 6]
    good = archive.before()
    assert good is not None
    assert good.name.startswith("0000000000000006")
    assert archive.before(7) is None, "the newest is what is to go"
    back = department.back(good.read_bytes(), packages[-1])
    archive.keep(back, manifest(back), in_place_of_all_after=6)
    assert archive.completes == [8, 6]


def test_one_command_builds_keeps_and_publishes_it(tmp_path: Path, mocker: MockerFixture) -> None:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside", administrator="j-stone")
    fleet.add_post("post-1", PostSettings(brokers=("localhost:1",), camera="footage"))
    for count in (40, 44):
        (tmp_path / "export.csv").write_text(
            "plate,category\n" + "".join(f"T{number:05d},local\n" for number in range(count))
        )
        words = ["build", str(tmp_path / "export.csv"), "-o", str(tmp_path / "list"), "--fleet", str(fleet.directory)]
        assert CliRunner().invoke(hotlist, words).exit_code == 0
    connection = mocker.patch("platepost.provisioning.commands.hotlist.publish.Connection").return_value
    connection.__enter__.return_value = connection
    connection.largest_packet = None
    words = ["rollback", str(fleet.directory), "--reason", "wrong mapping", "--purpose", "incident 4711"]
    run = CliRunner().invoke(hotlist, words)
    assert run.exit_code == 0, (run.output, run.exception)
    (published,) = connection.publish.call_args_list
    sent = manifest(published.args[1])
    first, second = sorted(Archive(fleet.list_archive).completes)
    assert (sent.version, sent.entries) == (second, 41)
    assert f"Version {first} is sent again as {second}, in place of {second - 1}" in run.stderr
    assert [act.action for act in fleet.acts][-4:] == [
        "hotlist_roll_back",
        "hotlist_rolled_back",
        "hotlist_publish",
        "hotlist_published",
    ]
