"""Lists of format 2, from exports to posts: who opens which, after posts came and went."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from platepost.provisioning.commands.hotlist.group import hotlist
from platepost.provisioning.commands.hotlist.options import department
from platepost.provisioning.commands.hotlist.rollback import _back
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.hotlist.archive import Archive
from platepost.provisioning.hotlist.epochs import key_messages
from platepost.wire.hotlist import HotListStore
from platepost.wire.hotlist.errors import Repeated, WrongKey
from platepost.wire.hotlist.manifest import read_unverified
from platepost.wire.hotlist.package import split

HEADER = "plate,category\n"


class Office:
    """A department with some posts, each with its own store of lists."""

    def __init__(self, folder: Path, posts: int) -> None:
        self.folder = folder
        self.fleet = Fleet.create(folder / "fleet", agency="riverside")
        self.stores: dict[str, HotListStore] = {}
        for number in range(posts):
            self.add(f"post-{number}")

    def add(self, name: str) -> HotListStore:
        files = self.fleet.add_post(name, PostSettings(brokers=("localhost:8883",), camera="none"))
        issuer, own = ((files / key).read_bytes() for key in ("issuer_key.pem", "unseal_key.pem"))
        store = HotListStore(self.folder / name, agency="riverside", issuer_key=issuer, unseal_key=own)
        self.stores[name] = store
        return store

    def run(self, command: str, *words: str) -> bytes:
        output = self.folder / "out.package"
        common = ("--fleet", str(self.fleet.directory), "--output", str(output), "--json")
        done = CliRunner().invoke(hotlist, [command, *words, *common])
        assert done.exit_code == 0, (done.output, done.exception)
        assert json.loads(done.stdout)["posts"] == len(self.fleet.posts())
        return output.read_bytes()

    def build(self, *words: str) -> bytes:
        rows = "".join(f"T{number:05d},local\n" for number in range(40))
        return self.run("build", self.file("export.csv", rows), *words)

    def delta(self, plate: str) -> bytes:
        return self.run("delta", "--add", self.file("added.csv", f"{plate},local\n"))

    def file(self, name: str, rows: str) -> str:
        (self.folder / name).write_text(HEADER + rows)
        return str(self.folder / name)

    def message(self, store: HotListStore) -> bytes | None:
        path = key_messages(Archive(self.fleet.list_archive).keys).get(store.recipient)
        return None if path is None else path.read_bytes()

    def bring(self, store: HotListStore, *packages: bytes) -> int:
        """Give a post its message and packages, as the broker retains them, and return the version in force."""
        with suppress(Repeated):
            store.install_keys(self.message(store) or b"")
        for package in packages:
            store.install(package)
        assert store.current is not None
        return store.current.version

    def remove(self, name: str) -> None:
        """Remove a post from the fleet, as `revoke` does."""
        self.fleet.post(name).rename(self.folder / f"former-{name}")


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path, 3)


def epoch(package: bytes) -> str | None:
    return read_unverified(split(package)[0]).epoch


def test_a_list_is_of_format_1_until_format_2_is_asked_for_and_stays_of_it_then(office: Office) -> None:
    assert [epoch(office.build()), epoch(office.delta("9NEW111"))] == [None, None]
    first, second = office.build("--format", "2"), office.build()
    assert None not in {epoch(first), epoch(second)}
    assert epoch(first) != epoch(second), "an epoch ends with the next complete list"
    assert epoch(office.delta("9NEW111")) == epoch(second)
    assert epoch(office.build("--format", "1")) is None


def test_every_post_takes_list_and_deltas_and_no_message_is_written_twice(office: Office) -> None:
    complete = office.build("--format", "2")
    delta = office.delta("9NEW111")
    before = {name: office.message(store) for name, store in office.stores.items()}
    newer = office.delta("9NEW222")
    assert {name: office.message(store) for name, store in office.stores.items()} == before
    for store in office.stores.values():
        assert office.bring(store, complete, delta, newer) == read_unverified(split(newer)[0]).version


def test_a_delta_and_a_list_are_as_large_for_many_posts_as_for_few(tmp_path: Path) -> None:
    sizes = []
    for posts in (2, 30):
        folder = tmp_path / str(posts)
        folder.mkdir()
        office = Office(folder, posts)
        sizes.append((len(office.build("--format", "2")), len(office.delta("9NEW111"))))
    (small, small_delta), (large, large_delta) = sizes
    assert abs(large - small) < 0.01 * small
    assert abs(large_delta - small_delta) < 0.02 * small_delta


def test_a_revoked_post_opens_neither_the_next_delta_nor_the_next_list(office: Office) -> None:
    complete = office.build("--format", "2")
    gone, stays, away = office.stores.values()
    for store in (gone, stays):
        office.bring(store, complete, office.delta("9NEW111"))
    office.remove("post-0")
    delta = office.delta("9NEW222")
    assert office.message(gone) is None
    with pytest.raises(WrongKey):
        gone.install(delta)
    assert office.bring(stays, delta) == office.bring(away, complete, delta), "one that was away has both keys"
    again = office.build()
    with pytest.raises(WrongKey):
        gone.install(again)
    office.bring(stays, again)


def test_a_post_that_is_added_needs_one_message_and_no_new_list(office: Office) -> None:
    complete = office.build("--format", "2")
    before = {name: office.message(store) for name, store in office.stores.items()}
    new = office.add("post-3")
    delta = office.delta("9NEW111")
    assert epoch(delta) == epoch(complete)
    assert {name: office.message(office.stores[name]) for name in before} == before
    assert office.bring(new, complete, delta)


def test_the_last_good_list_again_has_an_epoch_of_its_own(office: Office) -> None:
    good, bad = office.build("--format", "2"), office.build()
    words = {"agency": None, "issuer": None, "signing_key": None, "unseal_key": None, "who": None, "purpose": None}
    builder = department(fleet_directory=office.fleet.directory, post_key_paths=(), **words)
    again = _back(builder, None, "a test").read_bytes()
    assert len({epoch(good), epoch(bad), epoch(again)}) == 3
    for store in office.stores.values():
        office.bring(store, again)


def test_a_stick_has_the_keys_of_all_posts(office: Office) -> None:
    office.build("--format", "2")
    office.delta("9NEW111")
    stick = office.folder / "stick"
    words = ["export", "--fleet", str(office.fleet.directory), "--to", str(stick), "--json"]
    done = CliRunner().invoke(hotlist, words)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["posts"] == list(office.stores)
    for store in office.stores.values():
        store.install_keys((stick / f"{store.recipient}.keys").read_bytes())
        for path in (*stick.glob("*.package"), *stick.glob("*.delta")):
            store.install(path.read_bytes())
