"""Make the outbox that a post of this version leaves behind: `python tests/device/outbox/history/make.py`.

Run it once for each new schema version, before the release that brings it, and commit what it makes: today's software
must open them all, for ever. Key and records are invented.
"""

import sys
import tempfile
from pathlib import Path

from platepost.device.outbox.database import schema_versions
from platepost.device.outbox.outbox import Outbox
from platepost.wire.contract.examples import LIST, ExampleSigner, example_audit, example_sight, example_status
from platepost.wire.records import Picture, Read, Recorder, Source
from platepost.wire.records.recorder import new_identifier

KEY = bytes(range(32))


def fill(outbox: Outbox) -> None:
    """Leave six reads of eight records, two acknowledged, and drops that are not yet accounted for."""
    recorder = Recorder(outbox, ExampleSigner(), Source("demo", "post-1"))
    recorder.record(example_audit("boot"))
    recorder.record(example_status("online", new_identifier()))
    for _ in range(6):
        pictures = (Picture.of("patch", bytes(3000), width=1, height=1),)
        sight = example_sight(new_identifier()) | {"pictures": pictures}
        recorder.record(Read.model_validate(sight | {"hotlist": LIST.model_dump() | {"result": "no_match"}}))
    outbox.acknowledge([1, 2])


def main() -> None:
    """Write `outbox_vN.db` beside this file."""
    target = Path(__file__).with_name(f"outbox_v{max(schema_versions())}.db")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "outbox.db"
        with Outbox(path, key=KEY, quota_bytes=20_000) as outbox:
            fill(outbox)
        target.write_bytes(path.read_bytes())
    sys.stdout.write(f"{target}\n")


if __name__ == "__main__":
    main()
