"""Where the outbox's log ends, so that its last transaction can be spared."""

from pathlib import Path

from platepost.device.outbox.outbox import Outbox
from platepost.wire.contract.examples import ExampleSigner, example_audit
from platepost.wire.records import Recorder, Source
from tests.campaigns.faults.disk import FRAME, LOG_HEADER, _frames


def test_no_log_has_no_frames(tmp_path: Path) -> None:
    assert _frames(tmp_path / "outbox.db-wal") == 0


def test_a_log_in_use_is_counted_to_its_end_and_no_further(tmp_path: Path) -> None:
    log = tmp_path / "outbox.db-wal"
    with Outbox(tmp_path / "outbox.db", key=bytes(32)) as outbox:
        recorder = Recorder(outbox, ExampleSigner(), Source("demo", "post-1"))
        recorder.record(example_audit("boot"))
        before = _frames(log)
        recorder.record(example_audit("stop"))
        content = log.read_bytes()

    assert 0 < before < (len(content) - LOG_HEADER) // FRAME
    log.write_bytes(content + b"\x55" * FRAME * 3)  # left from an earlier, longer log
    assert _frames(log) == (len(content) - LOG_HEADER) // FRAME
