from pathlib import Path

from device import assembly
from device.config import load
from provisioning.fleet.fleet import Fleet
from provisioning.fleet.post_file import PostSettings


def test_broker_is_told_how_long_to_keep_what_comes_for_a_post_that_is_away(tmp_path: Path) -> None:
    fleet = Fleet.create(tmp_path / "fleet", agency="demo")
    usual = fleet.add_post("post-1", PostSettings(brokers=("localhost:1",), camera="none"))
    none = PostSettings(brokers=("localhost:1",), camera="none", more={"uplink": {"session_seconds": 0}})
    without = fleet.add_post("post-2", none)
    assert assembly.uplink_settings(load(usual / "post.toml")).session_expiry_seconds == 7 * 24 * 3600
    assert assembly.uplink_settings(load(without / "post.toml")).session_expiry_seconds == 0
