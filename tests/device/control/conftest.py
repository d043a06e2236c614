from datetime import timedelta
from pathlib import Path

import pytest

from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.wire.records import Role
from tests.device.control.world import World


@pytest.fixture(scope="session")
def agency(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    fleet = Fleet.create(tmp_path_factory.mktemp("agency") / "fleet", agency="riverside")
    fleet.add_post("post-1", PostSettings(brokers=("localhost:1",), camera="footage"))
    for role in Role:
        fleet.add_operator(f"a-{role.value}", role, valid=timedelta(days=30))
    return fleet


@pytest.fixture
def world(agency: Fleet, tmp_path: Path) -> World:
    return World(agency, tmp_path / "control")
