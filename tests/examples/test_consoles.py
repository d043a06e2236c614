"""The consoles of examples/ against a simulated post: what they show once, what not at all, and what they outlive."""

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
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from platepost.provisioning.connection import secured_client
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.simulator.brokers.mosquitto import mosquitto_path
from platepost.simulator.ground.light_post import LightPost
from platepost.simulator.ground.memory_outbox import MemoryOutbox
from platepost.simulator.ground.passages import SeenVehicle
from platepost.simulator.testing import SimulatedPost, SimulatedSite
from platepost.wire.contract.examples import ExampleSigner
from platepost.wire.records import (
    ClockQuality,
    Hit,
    HitWithdrawn,
    HotListState,
    Place,
    Reason,
    Recorder,
    Signer,
    Source,
    SyntheticHit,
    new_identifier,
)
from platepost.wire.records.canonical import canonical_bytes
from tests.skew.newer import KIND, unknown, with_more

EXAMPLES = Path(__file__).parents[2] / "examples"
SECONDS = 60.0
VERIFYING = ("python", "node")

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
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
        pytest.skip("Node and npm are missing: make tools")
    folder = tmp_path_factory.mktemp("node")
    for file in (EXAMPLES / "node").glob("*.*"):
        shutil.copy(file, folder)
    npm = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
    done = subprocess.run(npm, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    if done.returncode != 0 and "ENOTFOUND" in done.stderr:
        pytest.skip("the npm registry is missing: give the machine a way to it")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[SimulatedSite]:
    with SimulatedSite(tmp_path / "site") as site:
        yield site


@pytest.fixture
def post(broker: SimulatedSite) -> SimulatedPost:
    return broker.post("post-1")


@pytest.fixture(params=["python", "node", "shell"])
def console(request: pytest.FixtureRequest, broker: SimulatedSite) -> Iterator[Console]:
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
            pytest.skip(f"{', '.join(missing)} is missing: make tools")
        command = ["sh", "console.sh", broker.host, str(broker.port), str(identity), broker.agency]
    made = Console(command, folder)
    yield made
    made.close()


class Other:
    """Another post: signs what it is told, and publishes what it is given, byte for byte, true or not."""

    def __init__(self, broker: SimulatedSite, name: str) -> None:
        folder = broker.fleet.add_post(name, PostSettings(brokers=(broker.address,), camera="none"))
        self._topics = f"{broker.topics}/{name}"
        self.signer = Signer.from_file(folder / "signing_key.pem")
        self.recorder = Recorder(MemoryOutbox(), self.signer, Source(broker.agency, name))
        self._client = secured_client(folder)
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()

    def says(self, payload: bytes | dict[str, Any], *, kind: str = "hit/stolen_vehicle") -> None:
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self._client.publish(f"{self._topics}/{kind}", body, qos=1).wait_for_publish(timeout=60)

    def signs(self, event: dict[str, Any]) -> dict[str, Any]:
        return event | {"signature": self.signer.sign(canonical_bytes(event))}

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def other(broker: SimulatedSite) -> Iterator[Callable[[str], Other]]:
    made: list[Other] = []

    def add(name: str) -> Other:
        made.append(Other(broker, name))
        return made[-1]

    yield add
    for one in made:
        one.close()


def light_post(*, list_age: float | None = None) -> LightPost:
    hot_list = HotListState(state="current", version=1, age_seconds=list_age)
    recorder = Recorder(MemoryOutbox(), ExampleSigner(), Source("demo", "post-2"))
    good = ClockQuality(source="kernel", synchronised=True)
    return LightPost(recorder, place=Place(site="x"), hot_list=lambda: hot_list, clock=lambda: good)


def a_hit(text: str = "8XYZ987", *, list_age: float | None = None) -> Hit:
    return light_post(list_age=list_age).hit(SeenVehicle(text, random.Random(1)), category="stolen_vehicle")


def withdrawal_of(hit: Hit) -> HitWithdrawn:
    return light_post().withdrawal(hit, "0OTHER0")


def verifies(request: pytest.FixtureRequest) -> bool:
    return request.node.callspec.params["console"] in VERIFYING


def wait_until_it_listens(console: Console, post: SimulatedPost) -> None:
    """Until a console listens, nothing can wait for it."""
    tries = iter(range(100))
    post.passes(f"1AAA{next(tries):03d}", listed="felony_vehicle")
    while not console.shows("1AAA", within=0.5):
        post.passes(f"1AAA{next(tries):03d}", listed="felony_vehicle")


def test_console_shows_each_hit_once_and_its_withdrawal(
    request: pytest.FixtureRequest, console: Console, post: SimulatedPost, other: Callable[[str], Other]
) -> None:
    wait_until_it_listens(console, post)
    second = other("post-2")

    hit = second.recorder.record(a_hit())
    second.says(hit.body)
    second.says(hit.body)
    forged = hit.event | {"id": new_identifier()}
    forged["data"]["plate_read"] = "9BAD000"
    second.says(forged)
    post.misreads("7ABC123", listed="stolen_vehicle", final="7A8C123")
    post.passes("0LAST00", listed="stolen_vehicle", matched="O1AST00", match="look_alike")

    assert console.shows("0LAST00")
    assert console.shows("Possible match. Verify by eye")
    shown = "\n".join(console.seen)
    assert shown.count("UNVERIFIED post-2  8XYZ987") == 1
    assert "UNVERIFIED post-1  7ABC123  stolen_vehicle, exact" in shown
    assert "WITHDRAWN  post-1  7ABC123  stolen_vehicle, exact" in shown
    assert "look_alike, list says O1AST00" in shown
    if verifies(request):
        assert "9BAD000" not in shown
        assert "NOT SHOWN  post-2: not signed by this post" in shown


def test_console_says_which_post_is_silent(
    request: pytest.FixtureRequest, console: Console, post: SimulatedPost, other: Callable[[str], Other]
) -> None:
    if not verifies(request):
        pytest.skip("the shell's console is told of hits alone")
    wait_until_it_listens(console, post)
    second = other("post-2")
    status = light_post().status().model_copy(update={"valid_seconds": 1})
    old = second.recorder.record(
        status.model_copy(update={"state": "degraded", "reasons": (Reason(name="old", message="Old."),)})
    )
    second.says(second.recorder.unchained(status).body, kind="status")
    assert console.shows("STATUS     post-2  online")
    assert console.shows("SILENT     post-2  silent since ")
    second.says(old.body, kind="status")
    second.says(second.recorder.record(status).body, kind="status")
    assert console.shows("SILENT     post-2  silent since ")
    assert not any("degraded" in line for line in console.seen), "an older status that comes later"


def test_console_says_how_bad_a_fault_is_and_when_it_grows_worse(
    request: pytest.FixtureRequest, console: Console, post: SimulatedPost
) -> None:
    if not verifies(request):
        pytest.skip("the shell's console is told of hits alone")
    wait_until_it_listens(console, post)
    post.degrades(clock_unsynchronised="The clock is not synchronized.")
    assert console.shows("degraded: clock_unsynchronised (minor)")
    post.degrades(clock_unsynchronised="The clock is not synchronized.", camera_silent="No frames.")
    assert console.shows("degraded: camera_silent (critical), clock_unsynchronised (minor)")


def test_console_shows_a_newer_post_s_hit_and_names_a_kind_that_it_does_not_know(
    request: pytest.FixtureRequest, console: Console, post: SimulatedPost, other: Callable[[str], Other]
) -> None:
    wait_until_it_listens(console, post)
    second = other("post-2")
    second.says(second.signs(unknown() | {"source": second.recorder.source.uri}))
    second.says(second.signs(with_more(second.recorder.record(a_hit("0LAST00")).event)))

    assert console.shows("UNVERIFIED post-2  0LAST00")
    assert any("NOT SHOWN  post-2: " in line for line in console.seen)
    if verifies(request):
        assert any(f"a record of another kind, {KIND}" in line for line in console.seen)


def test_a_synthetic_hit_is_no_alarm_and_its_silence_is_said(
    request: pytest.FixtureRequest, console: Console, post: SimulatedPost, other: Callable[[str], Other]
) -> None:
    wait_until_it_listens(console, post)
    second = other("post-2")
    if verifies(request):
        often = SyntheticHit(hit=new_identifier(), made=datetime.now(UTC), every_minutes=0.01)
        status = light_post().status().model_copy(update={"last_synthetic": often})
        second.says(second.recorder.record(status).body, kind="status")
        assert console.shows("NO TEST    post-2  its hits may not arrive")
    made_up = a_hit("PLATEPOST").model_copy(update={"synthetic": True})
    second.says(second.recorder.record(made_up).body, kind="hit/acceptance_test")
    assert console.shows("TEST       post-2  hits arrive: the synthetic hit took ")
    second.says(second.recorder.record(a_hit("0LAST00")).body)
    assert console.shows("UNVERIFIED post-2  0LAST00")
    assert "PLATEPOST" not in "\n".join(console.seen)


def test_silence_of_a_post_that_makes_no_synthetic_hits_says_nothing(
    request: pytest.FixtureRequest, console: Console, post: SimulatedPost, other: Callable[[str], Other]
) -> None:
    if not verifies(request):
        pytest.skip("the shell's console is told of hits alone")
    wait_until_it_listens(console, post)
    second, third = other("post-2"), other("post-3")
    often = SyntheticHit(hit=new_identifier(), made=datetime.now(UTC), every_minutes=0.01)
    plain = light_post().status()
    tested = plain.model_copy(update={"last_synthetic": often})
    second.says(second.recorder.record(tested).body, kind="status")
    assert console.shows("NO TEST    post-2")
    off = plain.model_copy(update={"state": "degraded", "reasons": (Reason(name="off", message="Off."),)})
    second.says(second.recorder.record(off).body, kind="status")
    assert console.shows("STATUS     post-2  degraded: off (major)")
    begin = len(console.seen)
    third.says(third.recorder.record(tested).body, kind="status")
    assert console.shows("NO TEST    post-3"), "by then post-2's would have come"
    assert not any("NO TEST    post-2" in line for line in console.seen[begin:])


def test_console_outlives_what_is_no_record(
    console: Console, post: SimulatedPost, other: Callable[[str], Other]
) -> None:
    wait_until_it_listens(console, post)
    second = other("post-2")
    head = second.signer.sign(b"").partition("..")[0]
    bad = second.recorder.record(a_hit("9BAD000")).event
    nonsense: list[bytes | dict[str, Any]] = [
        b"",
        b"hello",
        b"two\nlines",
        b"\xff\xfe",
        b"[1]",
        b"null",
        b"5",
        b"{}",
        b"[" * 20_000 + b"]" * 20_000,
        *({name: value for name, value in bad.items() if name != missing} for missing in ("id", "type", "data")),
        {**bad, "id": [1]},
        {**bad, "signature": "a..b", "data": []},
        {**bad, "signature": f"{head}..aaaa", "data": {"pictures": 5}},
        {**bad, "signature": f"{head}..aaaa", "data": {"number": 10**20}},
        {**bad, "signature": f"{head}..aaaa", "data": {"text": "\ud800"}},
    ]
    nonsense *= 2  # more than a broker has on the way to a subscriber that does not acknowledge
    for payload in nonsense:
        second.says(payload)
    second.says(second.recorder.record(a_hit("0LAST00")).body)

    assert console.shows("UNVERIFIED post-2  0LAST00")
    shown = "\n".join(console.seen)
    assert shown.count("NOT SHOWN  post-2: ") == len(nonsense)
    assert "9BAD000" not in shown


def test_record_is_shown_although_another_post_took_its_name_before(
    request: pytest.FixtureRequest, console: Console, post: SimulatedPost, other: Callable[[str], Other]
) -> None:
    wait_until_it_listens(console, post)
    second, third = other("post-2"), other("post-3")

    hit = second.recorder.record(a_hit())
    third.says(hit.event | {"data": hit.event["data"] | {"plate_read": "9BAD000"}})
    third.says(third.signs(hit.event | {"data": hit.event["data"] | {"plate_read": "9BAD001"}}))
    second.says(hit.event | {"data": hit.event["data"] | {"plate_read": "9BAD002"}} if verifies(request) else hit.body)
    second.says(hit.body)

    assert console.shows("UNVERIFIED post-2  8XYZ987")
    if verifies(request):
        assert "NOT SHOWN  post-3: not signed by this post" in "\n".join(console.seen)


def test_hit_whose_withdrawal_came_first_is_no_alarm(
    console: Console, post: SimulatedPost, other: Callable[[str], Other]
) -> None:
    wait_until_it_listens(console, post)
    second = other("post-2")

    hit = a_hit()
    second.says(second.recorder.record(withdrawal_of(hit)).body)
    second.says(second.recorder.record(hit).body)
    second.says(second.recorder.record(a_hit("0LAST00")).body)

    assert console.shows("UNVERIFIED post-2  0LAST00")
    shown = "\n".join(console.seen)
    assert "WITHDRAWN  post-2  a hit not seen here" in shown
    assert "WITHDRAWN  post-2  8XYZ987  stolen_vehicle, exact" in shown
    assert "UNVERIFIED post-2  8XYZ987" not in shown


def test_no_post_withdraws_the_hit_of_another(
    console: Console, post: SimulatedPost, other: Callable[[str], Other]
) -> None:
    wait_until_it_listens(console, post)
    second, third = other("post-2"), other("post-3")

    hit, coming = a_hit(), a_hit("0LAST00")
    second.says(second.recorder.record(hit).body)
    assert console.shows("UNVERIFIED post-2  8XYZ987")
    for withdrawn in (hit, coming):
        third.says(third.recorder.record(withdrawal_of(withdrawn)).body)
    assert console.shows("WITHDRAWN  post-3")
    second.says(second.recorder.record(coming).body)

    assert console.shows("UNVERIFIED post-2  0LAST00")
    assert "WITHDRAWN  post-3  8XYZ987" not in "\n".join(console.seen)
    second.says(second.recorder.record(withdrawal_of(hit)).body)
    assert console.shows("WITHDRAWN  post-2  8XYZ987")


def test_console_says_how_old_hit_and_list_are_and_what_speaks_against_it(
    console: Console, post: SimulatedPost, broker: SimulatedSite, other: Callable[[str], Other]
) -> None:
    wait_until_it_listens(console, post)
    second = other("post-2")
    yesterday = Recorder(
        MemoryOutbox(),
        second.signer,
        Source(broker.agency, "post-2"),
        now=lambda: datetime.now(UTC) - timedelta(minutes=90),
    )

    second.says(second.recorder.record(a_hit("0SOUND0", list_age=7200.0)).body)
    doubtful = {
        "hotlist_stale": True,
        "held": True,
        "state": "NV",
        "region": "US-CA",
        "state_agreement": "contradicts",
        "clock": ClockQuality(source="unknown", synchronised=False, held_seconds=-3.6e8),
    }
    second.says(yesterday.record(a_hit("0DOUBT0", list_age=90_000.0).model_copy(update=doubtful)).body)
    tomorrow = Recorder(
        MemoryOutbox(),
        second.signer,
        Source(broker.agency, "post-2"),
        now=lambda: datetime.now(UTC) + timedelta(days=1),
    )
    second.says(tomorrow.record(a_hit("0AHEAD0")).body)
    long_ago = Recorder(
        MemoryOutbox(),
        second.signer,
        Source(broker.agency, "post-2"),
        now=lambda: datetime(2026, 3, 4, 9, 31, 12, tzinfo=UTC),
    )
    second.says(long_ago.record(a_hit("0LONG00", list_age=7200.0)).body)
    second.says(second.recorder.record(a_hit("0LAST00")).body)

    assert console.shows("0LAST00")
    assert console.shows("of unknown age")
    shown = "\n".join(console.seen)
    assert "0SOUND0  stolen_vehicle, exact\n           0 min ago, by a list 2" in shown
    assert (
        "0DOUBT0  stolen_vehicle, exact"
        "  LATE  ITS CLOCK IS UNSURE  ITS CLOCK IS WRONG  THE LIST IS OLD  HELD FOR A PERSON"
        "  ANOTHER STATE BY ITS LOOK\n"
        "           90 min ago, by a list 25"
    ) in shown
    assert "0AHEAD0  stolen_vehicle, exact  ITS CLOCK IS WRONG\n" in shown
    assert "0LONG00  stolen_vehicle, exact  LATE\n           at 2026-03-04 09:31 UTC, by a list 2" in shown


def test_console_comes_back_when_the_broker_does(console: Console, post: SimulatedPost, broker: SimulatedSite) -> None:
    wait_until_it_listens(console, post)

    broker.stop()
    console.shows("NOT LISTENING", within=5.0)
    broker.start()
    post.passes("0LAST00", listed="stolen_vehicle")

    assert console.shows("UNVERIFIED post-1  0LAST00")


@pytest.mark.parametrize("console", VERIFYING, indirect=True)
def test_last_hits_of_a_replaced_unit_are_shown_for_what_they_are(
    console: Console, post: SimulatedPost, broker: SimulatedSite, other: Callable[[str], Other]
) -> None:
    wait_until_it_listens(console, post)
    second = other("post-2")

    key = broker.fleet.record_key("post-2")
    former = key.parent / "former" / f"post-2.{second.signer.kid[:12]}.pem"
    former.parent.mkdir()
    key.rename(former)
    shutil.copy(broker.fleet.record_key("post-1"), key)
    second.says(second.recorder.record(a_hit()).body)

    assert console.shows("UNVERIFIED post-2  8XYZ987  stolen_vehicle, exact  SIGNED BY A FORMER UNIT")


@pytest.mark.parametrize("console", VERIFYING, indirect=True)
def test_hit_with_another_picture_than_the_post_took_is_not_shown(
    console: Console, post: SimulatedPost, other: Callable[[str], Other]
) -> None:
    wait_until_it_listens(console, post)
    second = other("post-2")

    pictures = [second.recorder.record(a_hit("9BAD000")).event for _ in range(4)]
    pictures[0]["data"]["pictures"][0]["data"] += "****"
    pictures[1]["data"]["pictures"][0]["data"] = ""
    pictures[2]["data"]["pictures"][0]["data"] = pictures[2]["data"]["pictures"][1]["data"]
    pictures[3]["data"]["pictures"][0]["size"] += 1
    for event in (*pictures[:3], second.signs(pictures[3])):
        second.says(event)
    without = second.recorder.record(a_hit("0LAST00")).event
    del without["data"]["pictures"][0]["data"]
    second.says(without)

    assert console.shows("UNVERIFIED post-2  0LAST00")
    assert console.seen.count("NOT SHOWN  post-2: not signed by this post") == len(pictures)
