"""The consoles of examples/ against a simulated post: a hit once, its withdrawal, and nothing that is forged."""

import json
import os
import queue
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from device.health.clock import clock_quality
from device.records import Envelope, HotListState, Place, Recorder, Signer, Source, Versions, new_identifier
from provisioning.client import secured_client
from provisioning.post_file import PostSettings
from simulator.brokers.mosquitto import mosquitto_path
from simulator.fleet.outbox import MemoryOutbox
from simulator.testing import SimulatedPost, Stand
from simulator.testing.made_up import Circumstances, MadeUp

EXAMPLES = Path(__file__).parents[2] / "examples"
SECONDS = 60.0
VERIFYING = ("python", "node")

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is not installed"),
]


class Console:
    """A console as a process, and the lines that it prints."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.seen: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))

    def shows(self, text: str, *, within: float = SECONDS) -> bool:
        deadline = time.monotonic() + within
        while not any(text in line for line in self.seen):
            assert self._process.poll() is None, "\n".join(self.seen)
            try:
                self.seen.append(self._lines.get(timeout=max(0.0, deadline - time.monotonic())))
            except queue.Empty:
                return False
        return True

    def close(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, 15)
        self._process.wait(10)


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install what the example locks, beside a copy of it."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("NOT TRIED: the Node example, for node and npm are not installed")
    folder = tmp_path_factory.mktemp("node")
    for file in (EXAMPLES / "node").glob("*.*"):
        shutil.copy(file, folder)
    npm = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
    done = subprocess.run(npm, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    if done.returncode != 0 and "ENOTFOUND" in done.stderr:
        pytest.skip("NOT TRIED: the Node example, for there is no way to the npm registry")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(params=["python", "node", "shell"])
def console(request: pytest.FixtureRequest, broker: Stand) -> Iterator[Console]:
    identity = broker.identity("dispatch")
    keys = str(broker.fleet.directory / "records")
    given = ["--broker", broker.address, "--identity", str(identity), "--agency", broker.agency, "--keys", keys]
    folder = EXAMPLES / request.param
    if request.param == "python":
        command = [sys.executable, "console.py", *given]
    elif request.param == "node":
        folder = request.getfixturevalue("node_modules")
        command = ["node", "console.mjs", *given]
    else:
        if missing := [name for name in ("mosquitto_sub", "jq", "openssl") if shutil.which(name) is None]:
            pytest.skip(f"NOT TRIED: the example of mosquitto_sub, for there is no {', '.join(missing)}")
        command = ["sh", "console.sh", broker.host, str(broker.port), str(identity), broker.agency]
    made = Console(command, folder)
    yield made
    made.close()


@pytest.fixture
def publish(broker: Stand) -> Iterator[Callable[[bytes], None]]:
    """Publish a hit as a second post would, byte for byte as given."""
    client = secured_client(broker.fleet.post("post-2"))
    client.connect(broker.host, broker.port)
    client.loop_start()

    def send(payload: bytes) -> None:
        topic = f"{broker.topics}/post-2/hit/stolen_vehicle"
        client.publish(topic, payload, qos=1).wait_for_publish(timeout=10)

    yield send
    client.disconnect()
    client.loop_stop()


@pytest.fixture
def hit(broker: Stand) -> Envelope:
    """Sign a hit of a second post."""
    folder = broker.fleet.add_post("post-2", PostSettings(brokers=(broker.address,), camera="none"))
    recorder = Recorder(MemoryOutbox(), Signer.from_file(folder / "signing_key.pem"), Source(broker.agency, "post-2"))
    circumstances = Circumstances(
        place=Place(site="x"),
        versions=Versions(software="0", configuration="0"),
        clock=clock_quality(),
        hotlist=HotListState(state="current", version=1),
    )
    vehicle = MadeUp(
        "8XYZ987",
        datetime.now(UTC),
        passage=new_identifier(),
        circumstances=circumstances,
        draw=random.Random(1),
    )
    return recorder.record(vehicle.hit(new_identifier(), category="stolen_vehicle"))


def test_console_shows_each_hit_once_and_its_withdrawal(
    request: pytest.FixtureRequest,
    console: Console,
    post: SimulatedPost,
    hit: Envelope,
    publish: Callable[[bytes], None],
) -> None:
    # Until it listens, nothing can wait for it.
    tries = iter(range(100))
    post.passes(f"1AAA{next(tries):03d}", listed="felony_vehicle")
    while not console.shows("1AAA", within=0.5):
        post.passes(f"1AAA{next(tries):03d}", listed="felony_vehicle")

    publish(hit.body)
    publish(hit.body)
    forged = hit.event
    forged["id"] = new_identifier()
    forged["data"]["plate_read"] = "9BAD000"
    publish(json.dumps(forged).encode())
    post.misreads("7ABC123", listed="stolen_vehicle", final="7A8C123")
    post.passes("0LAST00", listed="stolen_vehicle", matched="O1AST00", match="look_alike")

    assert console.shows("0LAST00")
    assert console.shows("Possible match. Verify by eye")
    shown = "\n".join(console.seen)
    assert shown.count("UNVERIFIED post-2  8XYZ987") == 1
    assert "UNVERIFIED post-1  7ABC123  stolen_vehicle, exact" in shown
    assert "WITHDRAWN  post-1" in shown
    assert "look_alike, list says O1AST00" in shown
    if request.node.callspec.params["console"] in VERIFYING:
        assert "9BAD000" not in shown
        assert "NOT SHOWN  post-2: not signed by this post" in shown
