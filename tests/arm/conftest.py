"""The packages in an emulated machine; see `make test-arm-system`."""

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import pytest

from platepost.device.camera.footage.recordings import open_recording
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.simulator.brokers.mosquitto import Broker
from platepost.simulator.ground.site import READS
from platepost.simulator.ground.subscriber import Arrival, Subscriber
from tests.arm.machine import Machine

CLIP = Path(__file__).parents[2] / "simulator" / "footage" / "pass.mp4"
FRAMES = "/opt/frames"
"""Where the machine has every `STRIDE`th frame of the clip: two vehicles still, in a quarter of the time."""
STRIDE = 4
FRAMES_PER_SECOND = 20 / STRIDE
SECONDS = 900.0


@dataclass
class Site:
    """An emulated unit, and its department on this machine."""

    machine: Machine
    subscriber: Subscriber
    fleet: Fleet

    def wait_for(self, command: str, wanted: str, *, seconds: float = SECONDS) -> str:
        """Ask the machine again and again until the answer contains what is wanted; return it."""
        patience = self.machine.patience(seconds)
        while wanted not in (said := self.machine.run(f"{command} || true")):
            assert not patience.ended(), f"{command}: {wanted!r} is not in {said!r}\n{self.journal()}"
            time.sleep(2)
        return said

    def pid(self) -> int:
        """Return the process of the running post."""
        return int(self.machine.run("systemctl show --value -p MainPID platepost"))

    def arrived(self, kind: str, *, since: int = 0) -> list[Arrival]:
        """Return what came of a kind, but the first so many records."""
        return [one for one in self.subscriber.arrivals[since:] if one.kind == f"platepost.{kind}.v1"]

    def await_record(self, kind: str, *, since: int = 0, action: str | None = None) -> Arrival:
        """Wait for a record, and return it."""
        patience = self.machine.patience(SECONDS)
        while True:
            for one in self.arrived(kind, since=since):
                if action is None or one.data.get("action") == action:
                    return one
            assert not patience.ended(), f"no {kind} {action or ''} came\n{self.journal()}"
            time.sleep(1)

    def journal(self) -> str:
        """Return the last lines of the post's log."""
        return self.machine.run("journalctl --no-pager -o cat -u platepost -n 40", allowed=range(256))


def say(text: str) -> None:
    """Print a line of the test's own log."""
    print(f"arm: {text}", flush=True)  # noqa: T201 - run with -s, the log is what is wanted


def write_frames(folder: Path) -> None:
    """Write the frames that the machine plays."""
    folder.mkdir()
    for number, still in enumerate(islice(open_recording(CLIP).stills(), 0, None, STRIDE)):
        assert cv2.imwrite(str(folder / f"{number:03}.jpg"), still.gray)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder, packages = (os.environ.get(f"PLATEPOST_ARM_{name}") for name in ("MACHINE", "PACKAGES"))
    if not folder or not packages:
        pytest.skip("the emulated machine is missing: make test-arm-system")
    tmp_path = tmp_path_factory.mktemp("arm")
    fleet = Fleet.create(tmp_path / "fleet", agency="demo", broker_names=("broker.example", "localhost"))
    fleet.add_subscriber("dispatch", reads=READS)
    broker = Broker(fleet, tmp_path / "broker")
    fleet.add_post(
        "post-1",
        PostSettings(
            brokers=(f"broker.example:{broker.port}",),
            camera="footage",
            camera_settings={
                "path": FRAMES,
                "pace": "fast",
                "loop": True,
                "frames_per_second": FRAMES_PER_SECOND,
            },
            more={"hotlist": {"in_service_without_list": True}, "records": {"health_seconds": 10.0}},
        ),
    )
    disk = tmp_path / "disk"
    disk.mkdir()
    for name in ("platepost-runtime", "platepost", "platepost-video", "platepost-simulator"):
        (package,) = Path(packages).glob(f"{name}_*.deb")
        (disk / package.name).symlink_to(package.absolute())
    (disk / "post-1").symlink_to(fleet.post("post-1"))
    write_frames(disk / "frames")
    image = tmp_path / "packages.img"
    subprocess.run(["cp", "-rL", str(disk), str(tmp_path / "copied")], check=True)
    subprocess.run(
        ["/usr/sbin/mke2fs", "-q", "-t", "ext4", "-d", str(tmp_path / "copied"), str(image), "400M"], check=True
    )
    log = Path(folder) / "serial.log"
    with (
        broker,
        Subscriber(
            fleet.subscriber("dispatch"), agency="demo", broker=broker.address, archive=tmp_path / "records.jsonl"
        ) as subscriber,
        Machine(Path(folder), packages=image, log=log) as machine,
    ):
        say(f"started, and a shell after {machine.await_shell():.0f} s; all it says is in {log}")
        yield Site(machine, subscriber, fleet)
