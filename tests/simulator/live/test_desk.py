"""The desk of the live page, with a real broker and without a page."""

from pathlib import Path

import pytest

from device.config import load
from simulator.brokers.mosquitto import mosquitto_path
from simulator.demo.clip import STREET, find_clip
from simulator.live.desk import CUSTODIAN, Desk
from simulator.live.feed import Feed

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is not installed"),
]


def test_a_custodian_stands_on_the_desk_and_its_receipts_are_what_posts_need(tmp_path: Path) -> None:
    with Desk(tmp_path, [find_clip(STREET.with_name("pass.mp4"))], Feed()) as desk:
        assert desk.keeper.subscribed
        custody = load(desk.fleet.post("post-1") / "post.toml").custody
        assert [custodian.name for custodian in custody.custodians] == [CUSTODIAN]
