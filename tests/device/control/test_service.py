"""What a configuration on trial is blamed for, and what not."""

from datetime import timedelta

import pytest
from pytest_mock import MockerFixture

from platepost.device.control.configuration.remote import FAULT_SECONDS
from platepost.device.control.keys.trust import TrustedKeys
from platepost.device.control.service import RemoteControl
from platepost.device.diagnosis import FaultMonitor
from platepost.device.hotlist.service import HotListService
from platepost.wire.contract.examples import MemoryStore
from tests.device.control.world import RUN, World, WorldTime
from tests.device.hotlist.department import Department


@pytest.mark.parametrize(
    ("hours", "state"), [(21, "file"), (30, "trial")], ids=["stale by its own figure", "stale by any"]
)
def test_after_a_power_cut_a_trial_does_not_end_for_a_list_that_grew_old_meanwhile(
    world: World, mocker: MockerFixture, hours: float, state: str
) -> None:
    remote = world.remote(steady=WorldTime(world).steady)
    world.give(remote, world.sign({"hotlist": {"stale_hours": 20}}))
    remote = world.remote(steady=WorldTime(world).steady)
    department, base = Department(), world.base
    manifest = department.manifest(department.package())
    world.now = manifest.built + timedelta(hours=hours)
    logbook = world.logbook(MemoryStore(RUN))
    store = mocker.Mock(current=mocker.Mock(manifest=manifest, built=manifest.built, version=1, entries=1, patterns=0))
    store.current.issuer = "Demo"
    hotlist = HotListService(
        store,
        remote.effective.hotlist,
        logbook.audit,
        rate_limited=logbook.rate_limited,
        timekeeper=logbook.timekeeper,
    )
    assert hotlist.state().state == "stale"
    faults = FaultMonitor(WorldTime(world))
    faults.watch([hotlist])
    trust = TrustedKeys.of("riverside", base.hotlist.issuer_key, base.control)
    control = RemoteControl(
        remote, trust, logbook, mocker.Mock(), faults=faults, commands=mocker.Mock(), stale_by=hotlist.stale_by
    )
    for world.steady in (1.0, 2.0, 2.0 + FAULT_SECONDS):
        faults.update()
        control.poll(world.steady)
    assert control.state().state == state
