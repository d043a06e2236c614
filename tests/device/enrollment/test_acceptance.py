import errno
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from platepost.device.config import Configuration, load
from platepost.device.enrollment.acceptance import Acceptance, Statement, write_statement
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.trust.keys import new_key, private_pem


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet.create(tmp_path / "fleet", agency="riverside")


def post(fleet: Fleet, name: str = "post-1", *, acceptance: bool = True) -> Configuration:
    settings = PostSettings(brokers=("localhost:1",), camera="footage", acceptance=acceptance)
    return load(fleet.add_post(name, settings) / "post.toml")


def acceptance(configuration: Configuration) -> Acceptance:
    return Acceptance(configuration.acceptance, configuration.post.source, configuration.records)


def accepted(configuration: Configuration) -> Path:
    path = configuration.acceptance.file
    assert path is not None
    statement = Statement(
        agency=configuration.post.agency,
        post=configuration.post.name,
        accepted=datetime.now(UTC),
        accepted_by="r-alvarez",
        report="0" * 64,
    )
    write_statement(path, statement, configuration.records.signing_key)
    return path


def test_a_post_that_must_be_accepted_is_not_until_it_is(fleet: Fleet) -> None:
    configuration = post(fleet)
    running = acceptance(configuration)
    assert running.missing
    path = accepted(configuration)
    assert not running.missing
    assert running.statement is not None
    assert running.statement.accepted_by == "r-alvarez"
    path.unlink()
    assert running.missing


def test_a_disk_that_does_not_give_it_once_takes_no_post_out_of_service(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = post(fleet)
    running, path = acceptance(configuration), accepted(configuration)

    def torn(path: Path) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    read = Path.read_bytes
    for unread in (path, configuration.records.signing_key):
        with monkeypatch.context() as failing:
            failing.setattr(Path, "read_bytes", lambda self, one=unread: torn(self) if self == one else read(self))
            assert running.missing
        assert not running.missing, unread
        running = acceptance(configuration)


def test_a_post_that_need_not_be_accepted_misses_nothing(fleet: Fleet) -> None:
    assert not acceptance(post(fleet, acceptance=False)).missing


def test_another_post_s_acceptance_is_worth_nothing(fleet: Fleet) -> None:
    first, second = post(fleet), post(fleet, "post-2")
    stolen = accepted(first).read_bytes()
    assert second.acceptance.file is not None
    second.acceptance.file.write_bytes(stolen)
    assert acceptance(second).missing


def test_another_name_under_the_own_key_is_worth_nothing(fleet: Fleet) -> None:
    first, second = post(fleet), post(fleet, "post-2")
    second.records.signing_key.write_bytes(first.records.signing_key.read_bytes())
    assert second.acceptance.file is not None
    second.acceptance.file.write_bytes(accepted(first).read_bytes())
    assert acceptance(second).missing


@pytest.mark.parametrize(
    "spoil",
    [lambda _: b"", lambda _: b"accepted", lambda good: good[:-3], lambda good: good[::-1], lambda good: b"e30" + good],
    ids=["empty", "word", "short", "backwards", "header"],
)
def test_a_spoilt_statement_is_none(fleet: Fleet, spoil: Callable[[bytes], bytes]) -> None:
    configuration = post(fleet)
    path = accepted(configuration)
    path.write_bytes(spoil(path.read_bytes()))
    assert acceptance(configuration).missing


def test_the_acceptance_outlives_a_change_of_the_signing_key(fleet: Fleet) -> None:
    configuration = post(fleet)
    accepted(configuration)
    key = configuration.records.signing_key
    former = key.with_name("former.pem")
    former.write_bytes(key.read_bytes())
    key.write_bytes(private_pem(new_key()))
    assert acceptance(configuration).missing
    records = configuration.records.model_copy(update={"former_signing_key": former})
    changing = configuration.model_copy(update={"records": records})
    assert not acceptance(changing).missing
    former.unlink()
    assert not acceptance(configuration).missing


def test_a_full_disk_at_a_change_of_the_signing_key_neither_ends_the_acceptance_nor_the_post(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = post(fleet)
    path = accepted(configuration)
    key = configuration.records.signing_key
    former = key.with_name("former.pem")
    former.write_bytes(key.read_bytes())
    key.write_bytes(private_pem(new_key()))
    records = configuration.records.model_copy(update={"former_signing_key": former})
    changing = configuration.model_copy(update={"records": records})
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("platepost.device.enrollment.acceptance.write_durably", full)
        assert acceptance(changing).faults() == ()
    assert path.read_bytes() == before
    assert acceptance(changing).faults() == (), "the next start signs it with the new key"
    former.unlink()
    assert not acceptance(configuration).missing


def full(path: Path, _data: bytes) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
