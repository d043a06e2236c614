"""Statuses as posts sign them, without a post."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from platepost.provisioning.fleet.fleet import Fleet
from platepost.wire.records import (
    ClockQuality,
    ConfigurationState,
    HotListState,
    Recorder,
    Signer,
    Source,
    Status,
    Versions,
    new_identifier,
)
from platepost.wire.records.status import Reason
from tests.simulator.demo.conftest import Memory


def said(
    fleet: Fleet,
    post: str,
    state: str = "online",
    *faults: str,
    will: bool = False,
    **changed: Any,
) -> bytes:
    """Return a status as a post of a fleet signs it; `will`: as the broker has it to say in the post's place."""
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "clock": ClockQuality(source="kernel", synchronised=True),
        "state": state,
        "reasons": tuple(Reason(name=fault, message=fault) for fault in faults),
        "since": now - timedelta(hours=1),
        "boot": new_identifier(),
        "versions": Versions(software="0.1.0", configuration="abcdef0123456789"),
        "hotlist": HotListState(
            state="current", version=7, issuer="R", built=now - timedelta(hours=2), age_seconds=7200, entries=3
        ),
        "certificate_expires": now + timedelta(days=300),
        "last_read": now - timedelta(minutes=5),
        "configuration": ConfigurationState(state="file"),
    }
    signer = Signer.from_file(fleet.post(post) / "signing_key.pem")
    recorder = Recorder(Memory(), signer, Source(fleet.agency, post))
    status = Status(**(values | changed))
    return (recorder.unchained(status) if will else recorder.record(status)).body


@pytest.fixture
def fleet(tmp_path: Any) -> Fleet:
    from platepost.provisioning.fleet.post_file import PostSettings  # noqa: PLC0415

    made = Fleet.create(tmp_path / "fleet", agency="riverside")
    for post in ("post-1", "post-2", "post-3"):
        made.add_post(post, PostSettings(brokers=("localhost:1",)))
    return made
