"""A short form of `platepost simulate powercuts`."""

import json
import shutil

import pytest
from click.testing import CliRunner
from pytest_mock import MockerFixture

from platepost.simulator.cli import simulate
from platepost.simulator.lab.powercut import campaign

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is missing: make tools")


def test_no_promise_is_broken(mocker: MockerFixture) -> None:
    mocker.patch.object(campaign, "CUTS_A_START", 15)
    mocker.patch.object(campaign, "STEPS_A_START", 70)
    result = CliRunner().invoke(simulate, ["powercuts", "--cuts", "30", "--seed", "5", "--json"])
    outcome = json.loads(result.stdout)
    assert outcome["faults"] == []
    assert result.exit_code == 0
    assert (outcome["cuts"], outcome["starts"]) == (30, 2)
    assert outcome["promised"] > 300


def test_an_outbox_that_does_not_wait_for_the_disk_is_found_out(mocker: MockerFixture) -> None:
    mocker.patch.object(campaign, "STEPS_A_START", 40)
    unsafe = (
        "import sys; import platepost.device.outbox.database as d; import platepost.device.outbox.file as o\n"
        "class C(d.sqlcipher3.Connection):\n"
        "    def execute(self, sql, *a): return super().execute(sql.replace('= FULL', '= NORMAL'), *a)\n"
        "real = d.sqlcipher3.connect\n"
        "d.sqlcipher3.connect = lambda *a, **k: real(*a, factory=C, **k)\n"
        "sys.argv = sys.argv[1:]; from platepost.simulator.lab.powercut.workload import main; main()"
    )
    real = campaign.log_of

    def careless(root: object, library: object, log: object, command: list[str]) -> None:
        real(root, library, log, [command[0], "-c", unsafe, "workload", *command[4:]])  # type: ignore[arg-type]

    mocker.patch.object(campaign, "log_of", careless)
    assert campaign.run(cuts=20, seed=1).faults
