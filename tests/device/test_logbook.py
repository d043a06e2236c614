"""What a post writes down, without a camera or a broker, read from its own outbox."""

from pathlib import Path
from threading import Event
from typing import Any

import pytest

from device.config import Configuration, parse
from device.errors import OutboxError
from device.logbook import Logbook
from device.outbox import Outbox
from provisioning.fleet.fleet import Fleet
from provisioning.fleet.post_file import PostSettings
from tests.rigs import post_table


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    fleet = Fleet.create(tmp_path / "fleet", agency="demo", broker_names=("localhost",))
    folder = fleet.add_post("post-1", PostSettings(brokers=("localhost:1",)))
    table = post_table(without_list=True, camera={"backend": "scripted"}, board={"backend": "virtual"})
    return parse(table, folder=folder)


def opened(configuration: Configuration) -> Logbook:
    return Logbook(configuration, Outbox.of(configuration.outbox), stop=Event(), meanwhile=lambda: None)


def said(books: Logbook) -> list[dict[str, Any]]:
    return [envelope.event["data"] for envelope in books.outbox.next(100)]


def test_an_outbox_that_was_set_aside_is_audited_once(configuration: Configuration) -> None:
    configuration.outbox.path.write_bytes(b"no outbox at all" * 512)
    books = opened(configuration)
    with books.kept():
        books.audit_set_aside()
        books.audit_set_aside()
        assert [(data["action"], data["outcome"]) for data in said(books)] == [("outbox_set_aside", "failure")]


def test_the_account_of_what_is_gone_is_taken_again_when_it_cannot_be_stored(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_more: object) -> None:
        raise OutboxError("the disk is full")

    books = opened(configuration)
    with books.kept():
        monkeypatch.setattr(books.recorder, "account_for_losses", full)
        books.account_for_losses()
        assert said(books) == []


def test_the_time_is_kept_and_the_outbox_closed_however_it_ends(configuration: Configuration) -> None:
    def fail() -> None:
        with books.kept():
            raise RuntimeError("an unforeseen fault")

    books = opened(configuration)
    with pytest.raises(RuntimeError, match="unforeseen"):
        fail()
    assert (configuration.outbox.path.parent / "clock.json").exists()
    with pytest.raises(OutboxError):
        books.outbox.next(1)


def test_nothing_in_the_audit_trail_is_null(configuration: Configuration) -> None:
    books = opened(configuration)
    with books.kept():
        books.auditor.say("boot", details={"version": "0.1.0", "configuration": None, "bad_starts": 0})
        (boot,) = said(books)
        assert boot["details"] == {"version": "0.1.0", "bad_starts": 0}
