"""Short campaigns of power cuts."""

import io
import shutil
import sys
from pathlib import Path

import pytest
from rich.console import Console

from tests.campaigns.powercut.campaign import PowerCutCampaign, PowerCutOutcome
from tests.campaigns.progress import ProgressDisplay

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is missing: make tools")

UNSAFE = (
    "import sys; import platepost.device.outbox.database as d; import platepost.device.outbox.file as o\n"
    "class C(d.sqlcipher3.Connection):\n"
    "    def execute(self, sql, *a): return super().execute(sql.replace('= FULL', '= NORMAL'), *a)\n"
    "real = d.sqlcipher3.connect\n"
    "d.sqlcipher3.connect = lambda *a, **k: real(*a, factory=C, **k)\n"
    "from tests.campaigns.powercut.workload import main; main()"
)
"""The workload, on an outbox that does not wait for the disk."""


def run(folder: Path, **settings: object) -> PowerCutOutcome:
    progress = ProgressDisplay(Console(file=io.StringIO()))
    return PowerCutCampaign(folder, progress=progress, **settings).run()  # type: ignore[arg-type]


def test_no_promise_is_broken(tmp_path: Path) -> None:
    outcome = run(tmp_path, cuts=30, seed=5, cuts_a_start=15, steps=70)

    assert outcome.problems == ()
    assert (outcome.cuts, outcome.starts) == (30, 2)
    assert outcome.promised > 300


def test_an_outbox_that_does_not_wait_for_the_disk_is_found_out(tmp_path: Path) -> None:
    assert run(tmp_path, cuts=20, seed=1, steps=40, workload=(sys.executable, "-c", UNSAFE)).problems
