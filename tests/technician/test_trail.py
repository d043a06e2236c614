"""What a technician's session leaves in the state of a post."""

import os
from pathlib import Path

from platepost.device.config import load
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.technician.technician import certified
from platepost.technician.trail import AuditTrail
from platepost.wire.records import Role
from tests.device.nobody import needs_root


@needs_root
def test_session_of_root_that_is_killed_leaves_an_outbox_that_the_post_can_open(tmp_path: Path) -> None:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside")
    fleet.add_post("post-1", PostSettings(brokers=("localhost:1",), camera="footage", camera_settings={"path": "x"}))
    configuration = load(fleet.post("post-1") / "post.toml")
    technician = certified(configuration, fleet.add_operator("r-alvarez", Role.TECHNICIAN), purpose="a test")
    state = configuration.outbox.path.parent
    state.mkdir(exist_ok=True)
    os.chown(state, 1234, 1235)
    with AuditTrail(configuration, technician, doing="aimed"):
        left = {path.name: (path.stat().st_uid, path.stat().st_gid) for path in state.rglob("*")}
    assert configuration.outbox.path.name in left
    assert set(left.values()) == {(1234, 1235)}
