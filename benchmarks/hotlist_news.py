"""From publishing to in force: how long the news of a department take to a running post, over a real broker.

::

    python benchmarks/hotlist_news.py                    20 deltas of 100 changes on 100,000 plates
    python benchmarks/hotlist_news.py --entries 1000000 --deltas 10

The post is `platepost run` in a process of its own, with footage in a loop before its camera: it reads plates while it
takes lists. Counted is from the moment before the package is handed to the broker until the post's signed status says
that the version is in force. Needs mosquitto.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from provisioning.fleet.fleet import Fleet
from provisioning.fleet.post_file import PostSettings
from simulator.brokers.mosquitto import Broker

CLIP = Path(__file__).parents[1] / "simulator" / "footage" / "pass.mp4"
PLATEPOST = str(Path(sys.executable).with_name("platepost"))


class Office:
    """The department's commands, run as people run them."""

    def __init__(self, folder: Path, fleet: Fleet, broker: Broker) -> None:
        self.folder, self.fleet, self.broker = folder, fleet, broker

    def run(self, *words: str) -> dict[str, Any]:
        command = [PLATEPOST, "provision", "hotlist", *words, "--fleet", str(self.fleet.directory), "--json"]
        said: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        return said

    def publish(self, package: str, *words: str) -> float:
        said = self.run("publish", package, "--broker", self.broker.address, "--wait", "120", *words)
        return float(said["posts"]["post-1"]["in_force_seconds"])

    def file(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text)
        return str(self.folder / name)


def measure(office: Office, entries: int, deltas: int) -> None:
    """Publish a complete list, whole and in parts, and deltas on it."""
    package = str(office.folder / "package")
    export = office.file("export", "plate,category\n" + "".join(f"T{n:07d},local\n" for n in range(entries)))
    for what, words in (("complete list", ()), ("complete list in parts", ("--part-bytes", "262144"))):
        office.run("build", export, "-o", package)
        seconds = office.publish(package, *words)
        print(f"{what:34}{Path(package).stat().st_size / 1e6:8.1f} MB {seconds:8.2f} s")
    taken: list[float] = []
    for number in range(deltas):
        gone = range(50 * number, 50 * number + 50)
        add = office.file("add", "plate,category\n" + "".join(f"N{n:07d},local\n" for n in gone))
        remove = office.file("remove", "plate\n" + "".join(f"T{n:07d}\n" for n in gone))
        office.run("delta", "--add", add, "--remove", remove, "-o", package)
        taken.append(office.publish(package))
    print(
        f"{f'{deltas} deltas of 100 more changes':34}{Path(package).stat().st_size / 1e3:8.1f} kB {max(taken):8.2f} s "
        f"the slowest, {statistics.median(taken):.2f} s the median"
    )


def main() -> None:
    """Start broker and post, and measure."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--entries", type=int, default=100_000)
    options.add_argument("--deltas", type=int, default=20)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        fleet = Fleet.create(folder / "fleet", agency="benchmark")
        with Broker(fleet, folder / "broker") as broker:
            settings = PostSettings(
                brokers=(broker.address,),
                camera="footage",
                camera_settings={"path": str(CLIP), "pace": "realtime", "loop": True},
                board="virtual",
                more={"uplink": {"drain_seconds": 1}},
            )
            post = fleet.add_post("post-1", settings)
            with subprocess.Popen([PLATEPOST, "run", "--config", str(post / "post.toml")]) as process:
                try:
                    time.sleep(5)  # for the post to load its networks and come onto the air
                    measure(Office(folder, fleet, broker), given.entries, given.deltas)
                finally:
                    process.terminate()


if __name__ == "__main__":
    main()
