"""A department's news on a running post: the commands that people type, a real mosquitto, a stick."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from platepost.device.commands.hotlist import hotlist as hand_over
from platepost.device.config import load
from platepost.device.post import Post
from platepost.provisioning.commands.hotlist.group import hotlist
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.simulator.brokers.mosquitto import Broker, mosquitto_path

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.usefixtures("seen_once"),  # its post sees a clip over and over
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
]
SECONDS = 60.0


class Scene:
    """A fleet with one post that runs, its broker, and the office that makes the lists."""

    def __init__(self, folder: Path, clip: Path) -> None:
        self.folder = folder
        self.fleet = Fleet.create(folder / "fleet", agency="riverside")
        self.broker = Broker(self.fleet, folder / "broker")
        self.broker.start()
        settings = {"path": str(clip), "pace": "realtime", "loop": True}
        self.files = self.fleet.add_post(
            "post-1",
            PostSettings(
                brokers=(self.broker.address,),
                camera="footage",
                camera_settings=settings,
                board="virtual",
                more={"uplink": {"drain_seconds": 0}},
            ),
        )
        self.post = Post(load(self.files / "post.toml"))
        self.thread = threading.Thread(target=self.post.run, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.post.stop()
        self.thread.join(SECONDS)
        self.broker.stop()
        assert not self.thread.is_alive()

    def make(self, command: str, **files: str) -> str:
        """Build a package of files, given by option and text; the option `source` stands for the argument."""
        words: list[str] = []
        for option, text in files.items():
            (self.folder / option).write_text(text)
            words += [str(self.folder / option)] if option == "source" else [f"--{option}", str(self.folder / option)]
        made = str(self.folder / f"made.{command}")
        self.run(command, *words, "--output", made)
        return made

    def publish(self, package: str, *words: str) -> dict[str, Any]:
        said = self.run("publish", package, "--broker", self.broker.address, "--wait", str(SECONDS), *words)
        assert said["posts"]["post-1"]["outcome"] == "active", said
        return said

    def run(self, *words: str) -> dict[str, Any]:
        arguments = [*words, "--fleet", str(self.fleet.directory), "--json"]
        result = CliRunner().invoke(hotlist, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        said: dict[str, Any] = json.loads(result.stdout)
        return said


@pytest.fixture
def scene(tmp_path: Path, sparse_clip: Path) -> Iterator[Scene]:
    made = Scene(tmp_path, sparse_clip)
    yield made
    made.stop()


def test_lists_deltas_parts_and_a_stick_come_into_force_on_a_running_post(scene: Scene) -> None:
    export = "plate,category\n" + "".join(f"T{number:05d},local\n" for number in range(400))
    first = scene.publish(scene.make("build", source=export))
    second = scene.publish(scene.make("delta", add="plate,category\n9NEW111,local\n", remove="plate\nT00001\n"))
    assert (second["kind"], second["version"]) == ("delta", first["version"] + 1)
    third = scene.publish(scene.make("build", source=export), "--part-bytes", "1024")
    assert third["parts"] > 3
    fourth = scene.publish(scene.make("delta", remove="plate\nT00001\n"), "--part-bytes", "1024")
    assert fourth["parts"] > 0

    scene.make("delta", remove="plate\nT00002\n")
    scene.run("export", "--to", str(scene.folder / "stick"))
    words = [str(scene.folder / "stick"), "--config", str(scene.files / "post.toml"), "--wait", str(SECONDS), "--json"]
    result = CliRunner().invoke(hand_over, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    complete, delta = (json.loads(line) for line in result.stdout.splitlines())
    assert (complete["reason"], delta["taken"], delta["version"]) == ("older", True, fourth["version"] + 1)
