"""An outbox of every former version is opened, migrated and emptied by today's software."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from platepost.device.outbox.database import schema_versions
from platepost.device.outbox.outbox import Outbox
from platepost.wire.contract.examples import CLOCK, ExampleSigner
from platepost.wire.records import Keyring
from platepost.wire.verify.verify import Verifier
from tests.device.outbox.inside import ROOTS, execute

Filler: TypeAlias = Any  # conftest's

KEY = bytes(range(32))
HISTORY = Path(__file__).parent / "history"


def test_every_version_left_an_outbox() -> None:
    assert {f"outbox_v{number}.db" for number in schema_versions()} == {file.name for file in HISTORY.glob("*.db")}


@pytest.mark.parametrize("version", schema_versions())
def test_it_is_opened_continued_and_proved(version: int, path: Path, filler: Callable[[Outbox], Filler]) -> None:
    path.parent.mkdir()
    shutil.copy(HISTORY / f"outbox_v{version}.db", path)
    with Outbox(path, key=KEY) as outbox:
        assert outbox.set_aside == ()
        assert execute(outbox, "PRAGMA user_version") == [(max(schema_versions()),)]
        fill = filler(outbox)
        before = outbox.backlog()
        assert before.pictures_dropped > 0
        account = fill.recorder.account_for_drops(clock=CLOCK)
        assert account.event["data"]["dropped"]["pictures"] == before.pictures_dropped
        fill.hit()
        report = Verifier(Keyring.from_pem(ExampleSigner().public_pem)).feed_all(
            envelope.body for envelope in outbox.next(99)
        )
        assert report.intact
        assert (report.chains[0].first, report.chains[0].last) == (3, 10)


@pytest.mark.parametrize("version", schema_versions())
def test_a_damaged_one_is_salvaged(version: int, path: Path) -> None:
    path.parent.mkdir()
    shutil.copy(HISTORY / f"outbox_v{version}.db", path)
    with path.open("r+b") as file:
        file.seek((ROOTS["sqlite_autoindex_record_1"] - 1) * 4096 + 300)
        file.write(b"bad sector")
    with Outbox(path, key=KEY) as outbox:
        assert [(aside.reason, aside.kept, aside.same_chain) for aside in outbox.set_aside] == [("damaged", 6, True)]
        report = Verifier(Keyring.from_pem(ExampleSigner().public_pem)).feed_all(
            envelope.body for envelope in outbox.next(99)
        )
        assert report.intact
        assert (report.chains[0].first, report.chains[0].last) == (3, 8)


@pytest.mark.parametrize("version", schema_versions())
def test_the_time_of_the_last_record_is_known(version: int, path: Path, filler: Callable[[Outbox], Filler]) -> None:
    path.parent.mkdir()
    shutil.copy(HISTORY / f"outbox_v{version}.db", path)
    with Outbox(path, key=KEY) as outbox:
        before = outbox.head.time
        assert before is not None
        made = filler(outbox).hit()
        assert made.time > before
        outbox.acknowledge([envelope.sequence or 0 for envelope in outbox.next(99)])
    with Outbox(path, key=KEY) as outbox:
        assert outbox.head.time == made.time, "though the record itself is gone"
