from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from platepost.device.outbox.outbox import Outbox
from platepost.wire.contract.examples import LIST, ExampleSigner, example_audit, example_sight, example_status
from platepost.wire.records import Envelope, Hit, HitWithdrawn, Picture, Read, Recorder, Source
from platepost.wire.records.recorder import new_identifier

KEY = bytes(range(32))


@dataclass
class Filler:
    """Records things of every kind."""

    recorder: Recorder

    def audit(self) -> Envelope:
        return self.recorder.record(example_audit("boot"))

    def status(self) -> Envelope:
        return self.recorder.record(example_status("online", new_identifier()))

    def read(self, *, picture_bytes: int = 0) -> Envelope:
        pictures = (Picture.of("patch", bytes(picture_bytes), width=1, height=1),) if picture_bytes else ()
        values = example_sight(new_identifier()) | {"pictures": pictures}
        return self.recorder.record(
            Read.model_validate(values | {"hotlist": LIST.model_dump() | {"result": "no_match"}})
        )

    def hit(self, *, group: str | None = None) -> Envelope:
        values = example_sight(new_identifier()) | {
            "hit": new_identifier(),
            "plate_matched": "7ABC123",
            "match": "exact",
            "category": "stolen",
            "priority": 1,
            "hotlist": LIST,
            "hotlist_stale": False,
            "distribution": group,
        }
        return self.recorder.record(Hit.model_validate(values))

    def withdrawn(self) -> Envelope:
        sight = example_sight(new_identifier())
        return self.recorder.record(
            HitWithdrawn.model_validate(
                {
                    "clock": sight["clock"],
                    "hit": new_identifier(),
                    "passage": sight["passage"],
                    "category": "stolen",
                    "plate_read": "",
                    "plate_key": "",
                    "reason": "text_changed",
                }
            )
        )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox" / "outbox.db"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    with Outbox(path, key=KEY) as box:
        yield box


@pytest.fixture(scope="session")
def filler() -> Callable[[Outbox], Filler]:
    return lambda outbox: Filler(Recorder(outbox, ExampleSigner(), Source("demo", "post-1")))


@pytest.fixture
def fill(outbox: Outbox, filler: Callable[[Outbox], Filler]) -> Filler:
    return filler(outbox)
