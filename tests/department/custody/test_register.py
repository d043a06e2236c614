"""What a custodian believes of the posts' keys, and what it does not."""

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from platepost.department.custody.errors import CustodyError
from platepost.department.custody.register import KeyRegister
from platepost.provisioning.control.keys.rotation import announce, take_into_use
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.fleet.register import write_register
from platepost.wire.records import Purpose
from platepost.wire.records.signing import read_key

SETTINGS = PostSettings(brokers=("localhost:8883",))


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    created = Fleet.create(tmp_path / "fleet", agency="riverside")
    created.add_post("post-1", SETTINGS)
    return created


def opened(fleet: Fleet, *, agency: str = "riverside", key: Path | None = None) -> KeyRegister:
    state_file = fleet.directory.with_name("kept.json")
    return KeyRegister(fleet.register, key or fleet.configuration_verifying_key, agency=agency, state_file=state_file)


def kid(fleet: Fleet, post: str) -> str:
    return read_key(fleet.record_key(post).read_bytes()).thumbprint()


def test_a_new_post_is_known_once_the_file_says_it(fleet: Fleet) -> None:
    register = opened(fleet)
    assert register.keys("post-1").kids == {kid(fleet, "post-1")}
    assert register.keys("post-2").kids == frozenset()
    assert register.poll() == frozenset()
    fleet.add_post("post-2", SETTINGS)
    assert register.poll() == {"post-2"}
    assert register.keys("post-2").kids == {kid(fleet, "post-2")}
    assert (register.poll(), register.trouble) == (frozenset(), None)


def test_a_replaced_unit_s_former_key_is_known_still(fleet: Fleet) -> None:
    register, first = opened(fleet), kid(fleet, "post-1")
    former = fleet.register.parent / "former"
    former.mkdir()
    fleet.record_key("post-1").rename(former / f"post-1.{first[:12]}.pem")
    fleet.add_post("post-2", SETTINGS)
    fleet.record_key("post-1").write_bytes(fleet.record_key("post-2").read_bytes())
    write_register(fleet)
    assert register.poll() == {"post-1", "post-2"}
    assert register.keys("post-1").kids == {first, kid(fleet, "post-2")}
    assert set(register.ended("post-1")) == {first}


def test_a_key_that_was_taken_out_of_use_is_news(fleet: Fleet) -> None:
    register, first = opened(fleet), kid(fleet, "post-1")
    assert register.ended("post-1") == {}
    shutil.rmtree(fleet.post("post-1"))
    write_register(fleet)
    assert register.poll() == {"post-1"}
    assert register.keys("post-1").kids == {first} == set(register.ended("post-1"))
    end = register.ended("post-1")[first]
    assert (register.ended_since(end - timedelta(seconds=1)), register.ended_since(end)) == ({"post-1"}, frozenset())


def test_an_older_register_is_refused_over_an_end(fleet: Fleet) -> None:
    old = fleet.register.read_bytes()
    fleet.add_post("post-2", SETTINGS)
    register = opened(fleet)
    for _ in range(2):
        fleet.register.write_bytes(old)
        assert register.poll() == frozenset()
        assert register.trouble is not None
        assert "older than" in register.trouble
        assert register.keys("post-2").kids == {kid(fleet, "post-2")}
        register = opened(fleet)
    write_register(fleet)  # goes on above
    register.poll()
    assert register.trouble is None


def test_one_that_another_key_signed_is_refused_until_the_key_is_replaced(fleet: Fleet) -> None:
    copy = fleet.directory.with_name("register.pem")
    copy.write_bytes(fleet.configuration_verifying_key.read_bytes())
    register = opened(fleet, key=copy)
    keys = fleet.keys(Purpose.CONFIGURATION)
    announce(fleet, keys, "j-stone")
    take_into_use(keys)
    fleet.add_post("post-2", SETTINGS)
    assert register.poll() == frozenset()
    assert register.trouble is not None
    assert "not of the expected key" in register.trouble
    assert register.keys("post-1").kids == {kid(fleet, "post-1")}
    copy.write_bytes(fleet.configuration_verifying_key.read_bytes())
    assert register.poll() == {"post-2"}
    assert register.trouble is None


def test_another_agency_s_is_refused(fleet: Fleet) -> None:
    register = opened(fleet, agency="demo")
    assert register.trouble is not None
    assert "agency 'riverside'" in register.trouble
    assert register.keys("post-1").kids == frozenset()


def test_two_registers_of_one_number_are_not_both_believed(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    register = opened(fleet)
    fleet.register.unlink()
    monkeypatch.setattr("platepost.provisioning.fleet.register.max", lambda *_: register.number, raising=False)
    write_register(fleet)
    assert register.poll() == frozenset()
    assert register.trouble is not None
    assert "another register of number" in register.trouble


def test_without_a_file_it_knows_what_it_knew(fleet: Fleet) -> None:
    opened(fleet)
    fleet.register.unlink()
    register = opened(fleet)
    assert register.keys("post-1").kids == {kid(fleet, "post-1")}
    assert register.trouble is not None
    fleet.add_post("post-2", SETTINGS)
    assert register.poll() == {"post-2"}


def test_what_the_disk_does_not_keep_is_not_in_force(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    register = opened(fleet)
    fleet.add_post("post-2", SETTINGS)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert register.poll() == frozenset()
        assert register.keys("post-2").kids == frozenset()
    assert register.poll() == {"post-2"}, "though the file has not changed since"


def test_a_damaged_memory_is_said_and_not_replaced(fleet: Fleet) -> None:
    opened(fleet)
    state_file = fleet.directory.with_name("kept.json")
    state_file.write_bytes(state_file.read_bytes()[:-20])
    with pytest.raises(CustodyError, match="is damaged; delete it"):
        opened(fleet)
