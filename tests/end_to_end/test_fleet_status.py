"""The fleet at a glance, from what a real mosquitto has retained."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from device.records import Source
from provisioning.cli import provision
from provisioning.control.wire import Wire
from provisioning.fleet import Fleet
from simulator.brokers.mosquitto import Broker, mosquitto_path
from tests.provisioning.status.conftest import fleet, said

__all__ = ["fleet"]

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is not installed: apt-get install mosquitto"),
]


def status(made: Fleet, broker: str, *words: str) -> tuple[int, str]:
    arguments = ["fleet", "status", str(made.directory), "--broker", broker, *words]
    result = CliRunner().invoke(provision, arguments)
    return result.exit_code, result.stdout


def test_every_post_is_shown_and_the_exit_code_is_monitoring_s(fleet: Fleet, tmp_path: Path) -> None:
    with Broker(fleet, tmp_path / "broker") as broker:
        for post, body in (
            ("post-1", said(fleet, "post-1")),
            ("post-2", said(fleet, "post-2", "degraded", "falling_behind")),
            ("post-3", said(fleet, "post-3")),
        ):
            source = Source(fleet.agency, post)
            with Wire(fleet.post(post), broker.address, [source.configuration]) as wire:
                wire.publish(source.topic("status"), body, retain=True)
        code, text = status(fleet, broker.address, "--json")
        posts = {row["post"]: row for row in json.loads(text)["posts"]}
        assert code == 1
        assert {post: row["grade"] for post, row in posts.items()} == {
            "post-1": "OK",
            "post-2": "WARNING",
            "post-3": "OK",
        }
        assert posts["post-1"]["status"]["hotlist"]["version"] == 7
        source = Source(fleet.agency, "post-3")
        with Wire(fleet.post("post-3"), broker.address, [source.configuration]) as wire:
            wire.publish(source.topic("status"), said(fleet, "post-1"), retain=True)
        code, text = status(fleet, broker.address, "--brief")
        assert code == 2
        assert text.startswith("FLEET CRITICAL - ")
        code, text = status(fleet, broker.address)
        assert code == 2
        assert "unverified" in text
    code, text = status(fleet, broker.address, "--brief")
    assert code == 3
    assert text.startswith("FLEET UNKNOWN - ")
