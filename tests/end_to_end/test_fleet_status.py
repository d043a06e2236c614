"""The fleet at a glance, from what a real mosquitto has retained."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from platepost.provisioning.cli import provision
from platepost.provisioning.connection import Connection
from platepost.provisioning.fleet.fleet import Fleet
from platepost.simulator.brokers.mosquitto import Broker, mosquitto_path
from platepost.wire.hotlist.manifest import read_unverified
from platepost.wire.hotlist.package import split
from platepost.wire.records import HotListState, Source
from platepost.wire.verify.cli import verify
from tests.provisioning.control.conftest import fleet, said

__all__ = ["fleet"]

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
]


def test_a_list_in_force_that_was_cut_off_the_log_of_acts_is_told(fleet: Fleet, tmp_path: Path) -> None:
    export, package = tmp_path / "plates.csv", tmp_path / "list.package"
    export.write_text("plate,category\n7ABC123,local\n")
    build = ["hotlist", "build", str(export), "--fleet", str(fleet.directory), "-o", str(package)]
    for _ in range(2):
        assert CliRunner().invoke(provision, build).exit_code == 0
    manifest = read_unverified(split(package.read_bytes())[0])
    held = HotListState(state="current", version=manifest.version, built=manifest.built, entries=1)
    log = fleet.acts.path
    whole = log.read_bytes().splitlines(keepends=True)
    with Broker(fleet, tmp_path / "broker") as broker:
        for post in fleet.posts():
            source = Source(fleet.agency, post)
            with Connection(fleet.post(post), broker=broker.address, topics=[source.configuration]) as connection:
                connection.publish(source.topic("status"), said(fleet, post, hotlist=held), retain=True)
        code, text = status(fleet, broker.address, "--brief")
        assert code == 0, text
        (noted,) = re.findall(r"; log of acts to (4:[0-9a-f]{32}) \| .* acts=4$", text.strip())
        assert json.loads(status(fleet, broker.address, "--json")[1])["acts"] == str(fleet.acts.head)
        audit = [str(log), "--key", str(fleet.people.keys), "--whole", "--head", noted]
        assert CliRunner().invoke(verify, audit).exit_code == 0
        log.write_bytes(b"".join(whole[:2]))
        assert CliRunner().invoke(verify, audit).exit_code == 1
        code, text = status(fleet, broker.address, "--brief")
        assert (code, f"not in the log of acts: {manifest.version} (post-1, post-2, post-3)" in text) == (1, True), text
        log.write_bytes(b"nonsense\n")
        code, text = status(fleet, broker.address, "--json")
        assert (code, "is damaged" in json.loads(text)["office"], len(json.loads(text)["posts"])) == (1, True, 3)


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
            with Connection(fleet.post(post), broker=broker.address, topics=[source.configuration]) as connection:
                connection.publish(source.topic("status"), body, retain=True)
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
        with Connection(fleet.post("post-3"), broker=broker.address, topics=[source.configuration]) as connection:
            connection.publish(source.topic("status"), said(fleet, "post-1"), retain=True)
        code, text = status(fleet, broker.address, "--brief")
        assert code == 2
        assert text.startswith("FLEET CRITICAL - ")
        code, text = status(fleet, broker.address)
        assert code == 2
        assert "unverified" in text
    code, text = status(fleet, broker.address, "--brief")
    assert code == 3
    assert text.startswith("FLEET UNKNOWN - ")
