import threading
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from pytest_mock import MockerFixture

from platepost.common.errors import OutboxError
from platepost.device.outbox.database import read_key_file
from platepost.device.outbox.errors import OutboxBusyError, OutboxDamagedError, OutboxFullError, OutboxKeyError
from platepost.device.outbox.outbox import Outbox
from platepost.wire.contract.examples import ExampleSigner
from platepost.wire.records import ChainHead, Envelope, Keyring
from platepost.wire.verify.verify import Verifier
from tests.device.outbox.inside import execute

Filler: TypeAlias = Any  # conftest's

KEY = bytes(range(32))
KEYS = Keyring.from_pem(ExampleSigner().public_pem)


def sequences(outbox: Outbox, limit: int = 100, **options: Collection[Any]) -> list[int | None]:
    return [envelope.sequence for envelope in outbox.next(limit, **options)]


def test_hits_go_first_then_audit_then_status_then_reads_the_oldest_first(outbox: Outbox, fill: Filler) -> None:
    for _ in range(2):
        fill.read()
        fill.status()
        fill.audit()
        fill.withdrawn()
        fill.hit()
    assert sequences(outbox) == [4, 5, 9, 10, 3, 8, 2, 7, 1, 6]
    assert sequences(outbox, 3) == [4, 5, 9]
    assert sequences(outbox, excluding=[4, 9]) == [5, 10, 3, 8, 2, 7, 1, 6]
    assert sequences(outbox, holding=["alpr/v1/demo/post-1/audit"]) == [4, 5, 9, 10, 2, 7, 1, 6]


def test_whether_a_record_is_here_yet_is_told_by_chain_and_number(outbox: Outbox, fill: Filler) -> None:
    first, second = fill.hit(), fill.hit()
    chain = first.event["chain"]
    outbox.acknowledge([1])
    held = [outbox.holds(chain, each.sequence) for each in (first, second)]
    assert held == [False, True]
    assert not outbox.holds("another chain", second.sequence)


def test_what_goes_out_is_what_came_in(outbox: Outbox, fill: Filler) -> None:
    for stored in (fill.hit(), fill.status()):
        (found,) = [envelope for envelope in outbox.next(9) if envelope.id == stored.id]
        assert abs(found.time - stored.time) < timedelta(milliseconds=1)
        assert found.body == stored.body
        assert (found.topic, found.type, found.digest) == (stored.topic, stored.type, stored.digest)
        assert (found.qos, found.retain, found.illustrated) == (stored.qos, stored.retain, stored.illustrated)
        assert (found.expires is None) == (stored.expires is None)


def test_acknowledged_records_are_gone_and_their_numbers_are_not_used_again(
    path: Path, outbox: Outbox, fill: Filler, filler: Callable[[Outbox], Filler]
) -> None:
    first = fill.audit()
    assert outbox.acknowledge([1, 99]) == 1
    assert outbox.depth() == 0
    assert outbox.acknowledge([]) == 0
    outbox.close()
    with Outbox(path, key=KEY) as again:
        second = filler(again).audit()
        assert second.sequence == 2
        assert second.event["previous"] == first.digest
        assert second.event["chain"] == first.event["chain"]


def test_nothing_readable_is_on_the_disk(path: Path, outbox: Outbox, fill: Filler) -> None:
    fill.read()
    fill.hit()
    on_disk = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert len(on_disk) > 8192
    for secret in (b"7ABC123", b"alpr/v1", b"SQLite format", b"plate_read", KEY, KEY.hex().encode()):
        assert secret not in on_disk


def test_depth_age_and_size_are_told(outbox: Outbox, fill: Filler) -> None:
    assert outbox.oldest_age() is None
    assert outbox.backlog().depth == 0
    first = fill.read()
    fill.status()
    backlog = outbox.backlog(now=first.time + timedelta(minutes=5))
    assert backlog.depth == 2
    assert backlog.oldest_age_seconds == pytest.approx(300, abs=0.01)
    assert backlog.size_bytes == sum(len(envelope.body) for envelope in outbox.next(9))
    assert outbox.oldest_age(now=datetime(2020, 1, 1, tzinfo=UTC)) == 0.0, "the clock went back"


def test_the_oldest_is_found_in_whatever_open_chain_it_is(outbox: Outbox, fill: Filler) -> None:
    fill.hit(group="narcotics")
    for _ in range(2):
        fill.read()
        fill.status()
        fill.hit(group="homicide")
    execute(outbox, "UPDATE record SET sequence = -sequence WHERE rank = 2")
    waiting = sorted(
        (envelope for envelope in outbox.next(9) if "/covert/" not in envelope.topic),
        key=lambda envelope: envelope.time,
    )
    now = waiting[-1].time
    assert [envelope.place is not None and envelope.place < 0 for envelope in waiting] == [False, True, False, True]
    for first in waiting:
        assert outbox.oldest_age(now=now) == pytest.approx((now - first.time).total_seconds(), abs=1e-5)
        outbox.acknowledge([first.place])


def test_listeners_hear_of_appends(outbox: Outbox, fill: Filler) -> None:
    heard: list[int] = []
    outbox.on_append(lambda: heard.append(outbox.depth()))
    fill.audit()
    fill.audit()
    assert heard == [1, 2]


def test_a_record_that_cannot_be_made_leaves_no_trace(outbox: Outbox, fill: Filler) -> None:
    fill.audit()
    before = outbox.head

    def fail(_head: ChainHead) -> Envelope:
        raise ValueError("cannot")

    with pytest.raises(ValueError, match="cannot"):
        outbox.append(fail)
    assert outbox.head == before
    with pytest.raises(OutboxError, match="cannot follow"):
        outbox.append(lambda _head: outbox.next(1)[0])
    assert fill.audit().sequence == 2


def test_threads_do_not_break_the_chain(outbox: Outbox, fill: Filler) -> None:
    def work() -> None:
        for _ in range(20):
            fill.audit()
            outbox.next(3)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = Verifier(KEYS, whole=True).feed_all(envelope.body for envelope in outbox.next(1000))
    assert report.intact
    assert report.chained == 80


def test_a_second_process_is_refused(path: Path, outbox: Outbox, fill: Filler) -> None:
    fill.audit()
    with pytest.raises(OutboxBusyError, match="another post runs with this outbox"):
        Outbox(path, key=KEY)
    assert outbox.depth() == 1


def test_a_wrong_key_is_named_and_the_file_is_kept(
    path: Path, outbox: Outbox, fill: Filler, filler: Callable[[Outbox], Filler]
) -> None:
    kept = fill.hit()
    outbox.close()
    with Outbox(path, key=bytes(32)) as other:
        (aside,) = other.set_aside
        assert aside.reason == "wrong_key"
        assert aside.path.name.startswith("outbox.wrong_key-")
        assert other.depth() == 0
        assert filler(other).audit().event["chain"] != kept.event["chain"]
    with Outbox(aside.path, key=KEY) as old:
        assert [envelope.id for envelope in old.next(9)] == [kept.id]


def test_a_damaged_key_check_costs_nothing(path: Path, outbox: Outbox, fill: Filler) -> None:
    fill.audit()
    outbox.close()
    check = path.with_name("outbox.db.keycheck")
    genuine = check.read_bytes()
    for content in (b"", b"\xff\xfe"):
        check.write_bytes(content)
        with Outbox(path, key=KEY) as again:
            assert again.set_aside == ()
            assert again.depth() == 1
        assert check.read_bytes() == genuine


def test_no_link_that_lies_beside_it_is_followed(path: Path, tmp_path: Path) -> None:
    """Root opens it too, for a test of the unit, in a folder that is not root's."""
    path.parent.mkdir()
    others = {name: tmp_path / f"other.{name}" for name in ("keycheck", "reserve")}
    others["reserve"].write_bytes(b"not ours")
    for name, other in others.items():
        path.with_name(f"outbox.db.{name}").symlink_to(other)
    for _ in range(2):
        with Outbox(path, key=KEY) as outbox:
            assert not outbox.disk_full
    assert not others["keycheck"].exists()
    assert others["reserve"].read_bytes() == b"not ours"
    assert not any(file.is_symlink() for file in path.parent.iterdir())


def test_what_is_no_outbox_at_all_is_set_aside(path: Path) -> None:
    path.parent.mkdir()
    for content in (b"nonsense" * 2000, b"y" * 512, bytes(4096)):
        path.write_bytes(content)
        with Outbox(path, key=KEY) as outbox:
            assert [aside.reason for aside in outbox.set_aside] == ["damaged"]
    assert len(list(path.parent.glob("outbox.damaged-*.db"))) == 2


@pytest.mark.parametrize("left", [None, b"", b"x"])
def test_an_outbox_that_vanished_is_not_begun_anew_in_silence(left: bytes | None, path: Path, outbox: Outbox) -> None:
    outbox.close()
    path.unlink()
    if left is not None:
        path.write_bytes(left)
    with Outbox(path, key=KEY) as again:
        assert [aside.reason for aside in again.set_aside] == ["vanished"]
    with Outbox(path, key=KEY) as third:
        assert third.set_aside == ()


def test_damage_while_running_loses_nothing_that_comes_after(
    outbox: Outbox, fill: Filler, mocker: MockerFixture
) -> None:
    kept = fill.audit()
    before = outbox.head
    real = outbox._file._once
    failures = iter([True])

    def once(task: Callable[[object], object]) -> object:
        if next(failures, False):
            raise OutboxDamagedError("malformed")
        return real(task)

    mocker.patch.object(outbox._file, "_once", once)
    stored = fill.hit()
    assert [aside.reason for aside in outbox.set_aside] == ["damaged"]
    assert [envelope.id for envelope in outbox.next(9)] == [stored.id, kept.id]
    assert stored.sequence == 2
    assert stored.event["chain"] == before.chain


@pytest.mark.parametrize("same_chain", [True, False])
def test_a_place_given_before_the_file_was_set_aside_is_of_no_record_after(
    outbox: Outbox, fill: Filler, mocker: MockerFixture, *, same_chain: bool
) -> None:
    for _ in range(3):
        fill.audit()
    before = [envelope.place for envelope in outbox.next(9)]
    if not same_chain:
        mocker.patch("platepost.device.outbox.file.rebuild", return_value=None)
    mocker.patch("platepost.device.outbox.rows.delete", side_effect=[OutboxDamagedError("malformed"), None])
    assert outbox.acknowledge(before[:1]) == 0
    mocker.stopall()
    assert [aside.same_chain for aside in outbox.set_aside] == [same_chain]
    if not same_chain:
        for _ in range(3):
            fill.audit()
    waiting = outbox.next(9, excluding=before)
    assert [envelope.sequence for envelope in waiting] == [1, 2, 3], "none is left out"
    assert outbox.acknowledge(before) == 0
    assert outbox.acknowledge([envelope.place for envelope in waiting]) == 3
    assert outbox.depth() == 0


def test_a_new_beginning_that_fails_is_tried_again(outbox: Outbox, fill: Filler, mocker: MockerFixture) -> None:
    mocker.patch("platepost.device.outbox.file.open_database", side_effect=OutboxFullError("disk full"))
    mocker.patch("platepost.device.outbox.rows.read_head", side_effect=OutboxDamagedError("malformed"))
    for _ in range(2):
        with pytest.raises(OutboxFullError):
            fill.audit()
    mocker.stopall()
    assert fill.audit().sequence == 1
    assert [aside.reason for aside in outbox.set_aside] == ["damaged"]


def test_a_file_of_newer_software_is_set_aside(path: Path, outbox: Outbox, fill: Filler) -> None:
    fill.audit()
    execute(outbox, "PRAGMA user_version = 99")
    outbox.close()
    with Outbox(path, key=KEY) as again:
        assert [aside.reason for aside in again.set_aside] == ["newer_version"]


def test_a_key_of_another_length_is_refused(path: Path) -> None:
    with pytest.raises(OutboxKeyError, match="32 bytes"):
        Outbox(path, key=b"short")


def test_a_closed_outbox_says_so(outbox: Outbox) -> None:
    outbox.close()
    outbox.close()
    assert "closed" in repr(outbox)
    with pytest.raises(OutboxError, match="closed"):
        outbox.depth()


def test_key_files_are_raw_or_hexadecimal(tmp_path: Path) -> None:
    file = tmp_path / "key"
    for content in (KEY, KEY.hex().encode(), KEY.hex().upper().encode() + b"\n"):
        file.write_bytes(content)
        assert read_key_file(file) == KEY
    file.write_bytes(b"0123")
    with pytest.raises(OutboxKeyError, match="neither"):
        read_key_file(file)
    with pytest.raises(OutboxKeyError, match="cannot read"):
        read_key_file(tmp_path / "absent")
