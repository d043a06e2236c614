"""Make what the software of a former commit leaves on a desk and on a unit: a fleet, and one of its posts.

    PYTHONPATH=. python .../tests/takeover/make.py .../tests/takeover/before.tar.xz    (in a checkout of that commit)

It runs with the former software, so it is kept as it was run. Keys and plates are invented; certificates last fifty
years, so that today's software can be tried on them for long. `test_takeover.py` opens what it makes.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2

from platepost.provisioning.trust import certificates

certificates.LEAF_VALID = certificates.ROOT_VALID = timedelta(days=50 * 365)

from platepost.device.camera.ladder import Ladder  # noqa: E402
from platepost.device.health.habit import Habit  # noqa: E402
from platepost.device.health.starts import Starts  # noqa: E402
from platepost.device.health.view import View, Views  # noqa: E402
from platepost.simulator.subscriber import Subscriber  # noqa: E402

from platepost.provisioning.cli import provision  # noqa: E402
from platepost.provisioning.fleet import Fleet  # noqa: E402
from platepost.simulator.brokers.mosquitto import Broker  # noqa: E402
from tests.end_to_end.day import _PROGRAM, Day, given, running  # noqa: E402

Fleet.add_operator.__kwdefaults__["valid"] = certificates.LEAF_VALID

CLIP = Path("simulator/footage/pass.mp4")
PASSPHRASE = "correct horse battery staple\n"
SECONDS = 60.0
MORE = {
    "uplink": 'protocol = "5"\nclient_id = "name"',
    "records": "overview_bytes = 20000",
    "control": "trial_minutes = 0.05",
}
"""What a technician wrote into the post's file."""
BECAUSE = ("--as", "j-stone", "--purpose", "work order 7731")
ROWS = "8KTR402,CA,stolen_vehicle\n8AAA000,CA,stolen_vehicle\n6XYZ123,CA,felony_vehicle"


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for it."""
    end = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.05)


@contextmanager
def service(unit: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the post of a unit, and kill it."""
    command = [sys.executable, "-c", _PROGRAM, "run", "--config", str(unit / "post.toml")]
    with subprocess.Popen(command) as post:
        try:
            yield post
        finally:
            post.kill()


def remember(state: Path) -> None:
    """Leave what a post remembers after weeks: an accepted view, a camera that failed, deaths, the hours' reads."""
    reading, frame = cv2.VideoCapture(str(CLIP)).read()  # noqa: TID251 - runs beside old releases
    assert reading
    gray = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    Views(day=View.of(gray, accepted=datetime.now(UTC), accepted_by="r-alvarez")).save(state)
    Ladder(state / "camera.json").failed(stuck=True)
    Starts(state).begin()
    habit, begin = Habit(state / "habit.json"), datetime(2026, 11, 2, 8, tzinfo=UTC)
    for minute in range(130):
        habit.tick(begin + timedelta(minutes=minute), reads=minute * 4, watching=True)


def make_fleet(directory: Path) -> None:
    """A fleet with people, one of whom left, subscribers and posts, one of each revoked, and acts of all that."""
    given(provision, "fleet", "init", directory, "--agency", "riverside", "--administrator", "j-stone")
    given(provision, "person", "add", directory, "r-alvarez", "--role", "technician", *BECAUSE)
    given(provision, "person", "add", directory, "k-webb", "--role", "administrator", *BECAUSE)
    given(provision, "person", "expire", directory, "k-webb", *BECAUSE)
    for name in ("keeper", "analyst"):
        given(provision, "subscriber", "add", directory, name, *BECAUSE)
    for name in ("post-2", "post-3"):
        given(provision, "post", "add", directory, name, "--camera", "picamera2", *BECAUSE)


def serve(day: Day, unit: Path, place: Path) -> None:
    """Let a post take lists, a configuration, keys and commands, and leave records behind that no one took."""
    broker = ("--broker", day.broker.address)
    day.publish_list(ROWS, place)
    with (
        Subscriber(
            day.fleet.subscriber("keeper"), agency="riverside", broker=day.broker.address, archive=place / "records"
        ) as keeper,
        service(unit) as post,
    ):

        def heard(kind: str, action: str) -> Callable[[], bool]:
            return lambda: any(a.kind == kind and a.data.get("action", action) == action for a in keeper.arrivals)

        until(heard("platepost.audit.v1", "hotlist_installed"), "the list")
        (place / "more.csv").write_text("plate,state,category\n7CXS943,CA,stolen_vehicle\n")
        delta = place / "list.delta"
        given(provision, "hotlist", "delta", "--add", place / "more.csv", "--fleet", day.directory, "-o", delta)
        given(provision, "hotlist", "publish", delta, "--fleet", day.directory, *broker)
        for kind in ("lists", "configuration"):
            given(provision, "fleet", "rotate", day.directory, kind, *broker, *BECAUSE)
        file = place / "post-1.jws"
        settings = ("--set", "vision.minimum_confidence=0.4", "--set", "passages.repeat_seconds=0")
        given(provision, "configuration", "sign", day.directory, "post-1", *settings, "-o", file, *BECAUSE)
        given(provision, "configuration", "publish", day.directory, file, *broker, *BECAUSE)
        who = ("--as", day.fleet.operator("r-alvarez"), "--purpose", "monthly check")
        given(provision, "command", "self-test", "post-1", *broker, *who)
        until(heard("platepost.audit.v1", "command_executed"), "the command")
        until(heard("platepost.hit.v1", ""), "a hit")
        post.terminate()
        post.wait(SECONDS)
        day.broker.stop()
    with service(unit):
        time.sleep(15)  # some passages, of which no one hears, and no good-bye


def main(target: Path) -> None:
    """Make both, and pack them."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for variable in ("PASSPHRASE", "PERSON_PASSPHRASE", "NEW_PERSON_PASSPHRASE"):
            path = place / variable.lower()
            path.touch(mode=0o600)
            path.write_text(PASSPHRASE)
            os.environ[f"PLATEPOST_{variable}_FILE"] = str(path)
        directory, unit = place / "fleet", place / "unit"
        make_fleet(directory)
        with running("mosquitto", Fleet.load(directory), place / "broker") as (broker, reload):
            assert isinstance(broker, Broker)
            day = Day(directory, broker, reload)
            for what, gone in (("subscriber", "analyst"), ("post", "post-3")):
                day.give(what, "revoke", gone, *day.at_the_broker)
            (place / "clip.mp4").write_bytes(CLIP.read_bytes())
            camera = ("--camera-setting", f"path={place / 'clip.mp4'}", "--camera-setting", "loop=true")
            day.enrol_by_stick("post-1", unit, place / "stick", day.invite("post-1", *camera, "--no-acceptance"))
            settings = unit / "post.toml"
            text = settings.read_text().replace(f'"{place / "clip.mp4"}"', '"../clip.mp4"')
            for section, more in MORE.items():
                text = text.replace(f"[{section}]\n", f"[{section}]\n{more}\n")
            settings.write_text(text)
            remember(unit / "state")
            serve(day, unit, place)
        with tarfile.open(target, "w:xz") as archive:
            for part in (directory, unit):
                archive.add(part, part.name)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
