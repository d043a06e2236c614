"""A short custody campaign: two custodians are killed, one is restored, intruders listen, a disk is taken back."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.brokers.mosquitto import mosquitto_path

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is not installed: apt-get install mosquitto"),
]

PROGRAM = "import sys; from device.cli import main; sys.exit(main())"


def test_every_record_is_kept_or_named_and_none_went_before_its_receipts(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, "simulate", "custody", "--kills", "10", "--posts", "1", "--json"]
    done = subprocess.run(
        [*command, "--directory", str(tmp_path / "custody")], capture_output=True, timeout=200, check=False, text=True
    )

    assert done.stdout, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["problems"] == []
    assert done.returncode == 0
    assert outcome["stored"] > 30
    assert outcome["receipts"] > 20
    assert outcome["lost"]  # the backup was old
    assert outcome["kept_back"]  # by the post whose disk was taken back
