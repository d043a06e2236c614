"""Commands that run long, stopped at any moment of their life by Ctrl-C, a stop, or the loss of the terminal.

Each ends within ten seconds, leaves no process, and ends its log. `make test` stops each once, when it is ready;
`PLATEPOST_STOPS=200` stops each so many times, at moments of its whole life, and the campaigns of these tests too.
"""

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from platepost.common.signals import INTERRUPTED, STOP_SIGNALS
from platepost.department.database.cluster import PrivateCluster
from platepost.department.folder import DepartmentFolder
from platepost.device.camera.footage.camera import FootageCamera
from platepost.device.camera.view import View, Views
from platepost.device.config import load
from platepost.device.outbox.database import read_key_file
from platepost.device.outbox.outbox import Outbox
from platepost.device.recording.requests import FOLDER
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.simulator.brokers.daemon import free_port
from platepost.simulator.brokers.mosquitto import Broker, mosquitto_path
from platepost.simulator.demo.clip import STREET
from platepost.simulator.messages.day import Day, draw
from platepost.simulator.messages.recording import write
from platepost.wire.records import Role
from tests.campaigns.running import environment as campaign_environment
from tests.department.commands.installation import Commands, department, installed
from tests.end_to_end.test_rollout import POSTS, LightPost
from tests.memory_disk import new_folder

__all__ = ["department", "installed"]

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is not installed: apt-get install mosquitto"),
]
PROGRAM = """\
import sys
from platepost.device.entry import main
open("begun", "w").close()
sys.exit(main())
"""
CAMPAIGN = """\
from tests.campaigns.__main__ import main
open("begun", "w").close()
main()
"""
STOPS = int(os.environ.get("PLATEPOST_STOPS", "1"))
"""How often each command is stopped."""
SEED = int(os.environ.get("PLATEPOST_STOPS_SEED", "1"))
ENDED_SECONDS = 10.0
READY_SECONDS = 120.0
LAST_RESORT = "did not end within"
IGNORED = r"Exception ignored in:.*\nTraceback.*\n(?: .*\n)*KeyboardInterrupt: \n"
SAME_SECONDS = 0.25
"""A signal that comes again within that is the same request."""


@dataclass
class Command:
    """A command that is stopped, again and again."""

    words: Sequence[str]
    ready: str | Callable[[], bool] = ""
    """What its output has once it has reached its steady state; or what returns whether it has."""
    ended: Callable[[str], object] = lambda _output: None
    """Asserts that its log has an end for each begin."""
    notifies: bool = False
    """Whether it reports its readiness to the service manager instead."""
    process: str = ""
    """What the command line of a process that it starts has then."""
    beyond: float = 0.5
    """For how many seconds after that it is stopped, too."""
    top: Path = Path()
    """The folder in whose subfolders everything is that it works with: processes are known by it."""
    stops: int = STOPS
    program: str = PROGRAM


class Run:
    """One run of a command, in a session of its own."""

    def __init__(self, command: Command, folder: Path) -> None:
        self._command = command
        self._output = folder / "output"
        self._begun = folder / "begun"
        self.began = time.monotonic()
        environment = campaign_environment() | {"TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"}
        self._manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        if command.notifies:
            self._manager.bind(str(folder / "notify"))
            environment["NOTIFY_SOCKET"] = str(folder / "notify")
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", command.program, *command.words],
                stdin=subprocess.PIPE,  # open, and silent, as a person who thinks
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd=folder,
                env=environment,
            )

    @property
    def output(self) -> str:
        return self._output.read_text("utf-8", errors="replace")

    def until_ready(self) -> float:
        """Wait until it is; return after how many seconds it was."""
        while not self._is_ready():
            assert self.process.poll() is None, self.output
            assert time.monotonic() < self.began + READY_SECONDS, self.output
            time.sleep(0.05)
        return time.monotonic() - self.began

    def _is_ready(self) -> bool:
        command = self._command
        if command.notifies:
            try:
                return b"READY=1" in self._manager.recv(4096)
            except BlockingIOError:
                return False
        ready = command.ready in self.output if isinstance(command.ready, str) else command.ready()
        return ready and any(command.process in line for line in self.left().values())

    def wait(self, seconds: float) -> None:
        """Wait until it is so old, or has ended."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, self.began + seconds - time.monotonic()))

    def left(self) -> dict[int, str]:
        """Return its processes that run, with their command lines."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it has ended
                if (folder / "stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                    continue
                pid = int(folder.name)
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if os.getsid(pid) == self.process.pid or (
                    str(self._command.top) in line and os.getsid(pid) != os.getsid(0)
                ):
                    found[pid] = line[:200]
        return found

    def stop(self, number: signal.Signals, *, before: set[int]) -> float:
        """Send it a signal; return after how many seconds it and all its processes had ended."""
        begun, sent = self._begun.exists(), time.monotonic()
        self._send(number)
        if number is signal.SIGINT and not begun:
            # The interpreter, which still starts, may report it and go on: a person presses it again then.
            while self.process.poll() is None and not self._begun.exists():
                assert time.monotonic() < sent + ENDED_SECONDS, self.output
                time.sleep(0.02)
            self._send(number)
        while self.process.poll() is None or self.left().keys() - before:
            if time.monotonic() > sent + ENDED_SECONDS:
                pytest.fail(f"{number.name}: {self.left()}\n{self.output}")
            time.sleep(0.02)
        took = time.monotonic() - sent
        self.assert_orderly(begun=begun)
        return took

    def _send(self, number: signal.Signals) -> None:
        if number is signal.SIGINT:  # as a terminal sends it
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    def stop_twice(self) -> float:
        """Press Ctrl-C until it has ended, as a person who does not wait; return after how many seconds it had."""
        sent = time.monotonic()
        while self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(2 * SAME_SECONDS)
            assert time.monotonic() < sent + ENDED_SECONDS, self.output
        while self.left():  # such as end by themselves when it has
            assert time.monotonic() < sent + ENDED_SECONDS, self.left()
            time.sleep(0.02)
        self.assert_orderly()
        return time.monotonic() - sent

    def assert_orderly(self, *, begun: bool = True) -> None:
        """The last resort was not met, and no exception shown: but by the interpreter, before the command began."""
        output = self.output
        assert LAST_RESORT not in output, output
        if not begun:
            output = re.sub(IGNORED, "", output)
        assert not self._begun.exists() or "Traceback" not in output, output

    def kill(self) -> None:
        for pid in self.left():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self._manager.close()
        assert self.process.stdin is not None
        self.process.stdin.close()


def stop_again_and_again(command: Command, folder: Path) -> None:
    """Stop a command once when it is ready, and then at moments drawn from the whole of its life until then."""
    draw = random.Random(f"{SEED} {' '.join(word for word in command.words if '/' not in word)}")
    ready, longest = 0.0, (0.0, "")
    before: set[int] = set()
    for index in range(command.stops):
        number = STOP_SIGNALS[(index + draw.randrange(3)) % 3 if command.stops < 3 else index % 3]
        where = folder / f"run-{index}"
        where.mkdir()
        if not index:
            before = set(_others(command))
        run = Run(command, where)
        try:
            if not index:
                ready = run.until_ready()
                at = ready
            else:
                at = draw.uniform(0.0, ready + command.beyond)
                run.wait(at)
            if run.process.poll() is None:
                took = run.stop(number, before=before)
                longest = max(longest, (took, f"{number.name} after {at:.2f} s"))
                assert not list(where.glob("platepost-*")), list(where.glob("platepost-*"))
            command.ended(run.output)
        except BaseException:
            print(f"stop {index}: {number.name} after {at if index else ready:.2f} s")  # noqa: T201
            raise
        finally:
            run.kill()
    print(f"{' '.join(command.words[:3])}: {command.stops} stops, ready after {ready:.1f} s, longest end {longest}")  # noqa: T201


def _others(command: Command) -> Iterator[int]:
    """Processes of the same folder that are not the command's: a broker of the test's, say."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(command.top).encode() in (folder / "cmdline").read_bytes():
                yield int(folder.name)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def posts(tmp_path: Path, stack: ExitStack) -> Fleet:
    """Give a fleet with three posts."""
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside")
    fleet.add_operator("j-stone", Role.ADMINISTRATOR)
    for post in POSTS:
        fleet.add_post(post, PostSettings(brokers=("localhost:8883",)))
    return fleet


def begun_and_ended(fleet: Fleet, begun: str, *ended: str) -> None:
    """Each begin is followed by an end."""
    acts = [act.action for act in fleet.acts if act.action in {begun, *ended}]
    assert acts[::2] == [begun] * (len(acts) // 2), acts
    assert len(acts) % 2 == 0, acts
    assert set(acts[1::2]) <= {*ended}


@pytest.mark.usefixtures("heeded")
def test_rollout(posts: Fleet, tmp_path: Path, stack: ExitStack) -> None:
    broker = stack.enter_context(Broker(posts, tmp_path / "broker"))
    for name in POSTS:
        stack.callback(LightPost(posts, name, broker.address, "is good").close)
    words = ["provision", "configuration", "rollout", str(posts.directory), "--canary", "post-1"]
    words += ["--set", "vision.minimum_confidence=0.5", "--broker", broker.address, "--purpose", "work"]
    ended = ("configuration_rolled_back", "configuration_rolled_out")
    command = Command(
        words, "watching", lambda _: begun_and_ended(posts, "configuration_rollout", *ended), top=tmp_path
    )
    stop_again_and_again(command, tmp_path)


@pytest.mark.usefixtures("heeded")
def test_status(posts: Fleet, tmp_path: Path, stack: ExitStack) -> None:
    broker = stack.enter_context(Broker(posts, tmp_path / "broker"))
    words = ["provision", "fleet", "status", str(posts.directory), "--broker", broker.address, "--wait", "60"]
    log = tmp_path / "broker" / "mosquitto.log"
    connected = lambda: "New client connected" in log.read_text()  # noqa: E731
    stop_again_and_again(Command(words, connected, top=tmp_path), tmp_path)


@pytest.mark.usefixtures("heeded")
def test_enroll_server(posts: Fleet, tmp_path: Path) -> None:
    words = ["provision", "enroll-server", str(posts.directory), "--name", "127.0.0.1", "--listen", "127.0.0.1"]
    words += ["--port", str(free_port()), "--purpose", "enrollment"]
    ended = lambda _: begun_and_ended(posts, "enrollment_opened", "enrollment_closed")  # noqa: E731
    stop_again_and_again(Command(words, "Enrolling units", ended, top=tmp_path), tmp_path)


def unit(folder: Path, broker: str, *, accepting: bool = False, **more: object) -> tuple[Fleet, Path, Path]:
    """Return a fleet, the folder of a post's files, and a technician's identity."""
    fleet = Fleet.create(folder / "fleet", agency="riverside")
    technician = fleet.add_operator("r-alvarez", Role.TECHNICIAN)
    settings = PostSettings(
        brokers=(broker,),
        camera="footage",
        camera_settings={"path": str(STREET), "loop": True},
        board="virtual",
        acceptance=accepting,
        more={"service": {"port": free_port()}, **more},  # type: ignore[dict-item]
    )
    return fleet, fleet.add_post("post-1", settings), technician


@pytest.mark.usefixtures("heeded")
def test_run(tmp_path: Path) -> None:
    # It is configured how long a post tries to deliver what waits, while there is no broker.
    _, files, _ = unit(tmp_path, "localhost:1", uplink={"drain_seconds": 2.0})
    words = ["-v", "run", "--config", str(files / "post.toml"), "--json"]
    stop_again_and_again(Command(words, "INFO", top=tmp_path), tmp_path)


@pytest.mark.usefixtures("heeded")
def test_board(tmp_path: Path) -> None:
    _, files, _ = unit(tmp_path, "localhost:1")
    words = ["board", "--config", str(files / "post.toml"), "--camera-power-cycle", "--seconds", "60"]
    stop_again_and_again(Command(words, "case: ", top=tmp_path), tmp_path)


@pytest.mark.usefixtures("heeded")
def test_recording(tmp_path: Path) -> None:
    _, files, _ = unit(tmp_path, "localhost:1")
    requests = load(files / "post.toml").recording.directory / FOLDER
    words = ["recording", "start", "--config", str(files / "post.toml"), "--person", "j.stone", "--purpose", "glare"]

    def waits() -> bool:
        return any(requests.glob("request-*.json"))

    def ended(_output: str) -> None:
        assert not waits()

    stop_again_and_again(Command([*words, "--wait", "60"], waits, ended, top=tmp_path), tmp_path)


@pytest.mark.usefixtures("heeded")
def test_aim(tmp_path: Path) -> None:
    _, files, technician = unit(tmp_path, "localhost:1")
    words = ["aim", "--config", str(files / "post.toml"), "--as", str(technician)]

    def ended(_output: str) -> None:
        found = phases(files)
        assert found == ["begin", "end"] * (len(found) // 2), found

    stop_again_and_again(Command(words, "Ctrl-C closes the page", ended, top=tmp_path), tmp_path)


def phases(files: Path) -> list[str]:
    """Return the begins and ends of technicians' sessions in a post's outbox, in order."""
    if not (files / "state" / "outbox.db").exists():
        return []
    with Outbox(files / "state" / "outbox.db", key=read_key_file(files / "outbox.key")) as outbox:
        audits = [each.event["data"] for each in outbox.next(100_000) if each.type == "platepost.audit.v1"]
    return [audit["details"]["phase"] for audit in audits if audit["action"] == "technician_session"]


AT_IMPORT = """\
import os, signal, sys
from platepost.device.entry import main
def press(event, arguments):
    global left
    if event == "import" and arguments[0] == left:
        left = ""
        print("pressed", flush=True)
        os.kill(os.getpid(), signal.SIGINT)
left = os.environ["PRESSED_AT"]
sys.addaudithook(press)
sys.exit(main())
"""


@pytest.mark.usefixtures("heeded")
@pytest.mark.parametrize("module", ["cv2.version", "cryptography.hazmat.backends.openssl.backend"])
def test_ctrl_c_is_not_lost_in_a_library(tmp_path: Path, module: str) -> None:
    """OpenCV suppresses every exception in an import of its own; the verifier of certificates, one of what it calls."""
    _, files, technician = unit(tmp_path, "localhost:1")
    words = ["aim", "--config", str(files / "post.toml"), "--as", str(technician)]
    ended = subprocess.run(
        [sys.executable, "-c", AT_IMPORT, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=os.environ | {"PRESSED_AT": module},
        timeout=READY_SECONDS,
        check=False,
    )
    assert "pressed" in ended.stdout
    assert "Ctrl-C closes the page" not in ended.stdout
    assert (ended.returncode, "Aborted!" in ended.stderr) == (INTERRUPTED, True), ended.stderr


@pytest.mark.usefixtures("heeded")
def test_accept(tmp_path: Path) -> None:
    _, files, technician = unit(tmp_path, "localhost:1", accepting=True, uplink={"drain_seconds": 1.0})

    with FootageCamera(path=STREET, pace="fast") as camera:
        gray = next(iter(camera.frames())).gray
    Views(day=View.of(gray, accepted=datetime.now(UTC), accepted_by="r-alvarez")).save(files / "state")
    words = ["accept", "--config", str(files / "post.toml"), "--as", str(technician)]
    stop_again_and_again(Command(words, "[y/n]", top=tmp_path), tmp_path)


def clean(department: Commands) -> Callable[[str], None]:
    """Return what asserts that a department's private database does not run."""
    cluster = PrivateCluster(DepartmentFolder(department.folder).cluster)

    def check(_output: str) -> None:
        assert not cluster.running

    return check


def of_department(department: Commands, name: str, *words: str, ready: str = "", notifies: bool = False) -> Command:
    line = list(department.words(name, *words))
    return Command(line, ready, clean(department), notifies, top=department.folder.parent)


@pytest.mark.usefixtures("heeded")
def test_department_keep(department: Commands, tmp_path: Path) -> None:
    command = of_department(department, "keep", "--json", ready='"broker_away"')
    before = command.ended

    def ended(output: str) -> None:
        before(output)
        events = [json.loads(line)["event"] for line in output.splitlines() if line.startswith("{")]
        assert not events or events[-1] == "stopped"

    command.ended = ended
    stop_again_and_again(command, tmp_path)


@pytest.mark.usefixtures("heeded")
@pytest.mark.parametrize(
    ("name", "ready"),
    [
        ("serve", "Ctrl-C ends it"),
        ("public serve", "Ctrl-C ends it"),
        ("federate serve", "Ctrl-C ends it"),
    ],
)
def test_department_serves(department: Commands, tmp_path: Path, name: str, ready: str) -> None:
    if name.startswith("federate"):
        department("federate certificate", "--host", "localhost")
    web = f"127.0.0.1:{free_port()}"
    stop_again_and_again(of_department(department, name, "--web", web, ready=ready), tmp_path)


@pytest.mark.usefixtures("heeded")
def test_department_lists(department: Commands, tmp_path: Path) -> None:
    fleet = Fleet.load(department.folder.parent / "fleet")
    fleet.add_operator("lists", Role.LIST_BUILDER)
    words = ["--fleet", str(fleet.directory), "--as", "lists"]
    stop_again_and_again(of_department(department, "lists publish", *words, notifies=True), tmp_path)


@pytest.mark.usefixtures("heeded")
def test_department_webhook(department: Commands, tmp_path: Path) -> None:
    stop_again_and_again(of_department(department, "webhook send", notifies=True), tmp_path)


@pytest.mark.usefixtures("heeded")
@pytest.mark.parametrize(
    ("words", "process", "beyond"),
    [
        pytest.param(("serve", "--port", "0", "--directory", "{}/work"), "mosquitto", 15.0, id="serve"),
        pytest.param(("run", "--jobs", "2", "week_without_network", "stale_list"), "mosquitto", 3.0, id="run"),
        pytest.param(("run", "--wall-clock", "week_without_network"), "mosquitto", 3.0, id="run-wall-clock"),
        pytest.param(("demo", "--no-live", "--directory", "{}/work"), "mosquitto", 15.0, id="demo"),
    ],
)
def test_simulate(words: Sequence[str], process: str, beyond: float) -> None:
    top = new_folder()  # a database's socket has a short path
    line = ["simulate", *(word.format(top) for word in words)]
    try:
        stop_again_and_again(Command(line, process=process, beyond=beyond, top=top), top)
    finally:
        shutil.rmtree(top, ignore_errors=True)


@pytest.mark.skipif("PLATEPOST_STOPS" not in os.environ, reason="stops of campaigns are missing: make test-stops")
@pytest.mark.usefixtures("heeded")
@pytest.mark.parametrize(
    ("words", "process", "beyond"),
    [
        pytest.param(("custody",), "mosquitto", 10.0, id="custody"),
        pytest.param(("faults", "--short"), "mosquitto", 10.0, id="faults"),
        pytest.param(("fleet", "--short"), "mosquitto", 20.0, id="fleet"),
        pytest.param(("soak",), "mosquitto", 10.0, id="soak"),
        pytest.param(("power-cuts",), "powercut/workload", 5.0, id="power-cuts"),
    ],
)
def test_campaign(tmp_path: Path, words: Sequence[str], process: str, beyond: float) -> None:
    line = [*words, "--directory", str(tmp_path / "work")]
    command = Command(line, process=process, beyond=beyond, top=tmp_path, program=CAMPAIGN)
    stop_again_and_again(command, tmp_path)


@pytest.mark.usefixtures("heeded")
def test_simulate_messages(tmp_path: Path) -> None:
    day = tmp_path / "day.jsonl"
    began = datetime(2026, 3, 17, tzinfo=UTC)
    head, messages = draw(Day(posts=1, vehicles=20, hits=0.1, pictures=False, seed=1, began=began))
    write(day, head, messages)
    words = ["simulate", "messages", "replay", str(day), "--directory", str(tmp_path / "work"), "--speed", "60"]
    command = Command(words, "Subscribe as", process="mosquitto", top=tmp_path)
    stop_again_and_again(command, tmp_path)


@pytest.mark.usefixtures("heeded")
@pytest.mark.parametrize("words", [("run", "--jobs", "2", "week_without_network", "stale_list"), ()])
def test_ctrl_c_again_ends_all_at_once(words: Sequence[str]) -> None:
    """The second does not wait for what the first began: half a minute of deliveries to a broker that is away."""
    top = new_folder()
    if words:
        command = Command(["simulate", *words], process="mosquitto", top=top)
    else:
        _, files, _ = unit(top, "localhost:1", uplink={"drain_seconds": 30.0})
        command = Command(["-v", "run", "--config", str(files / "post.toml")], "INFO", top=top)
    run = Run(command, top)
    try:
        run.until_ready()
        assert run.stop_twice() < 3.0
        assert run.process.returncode in {INTERRUPTED, -signal.SIGINT}  # the latter at the interpreter's own end
    finally:
        run.kill()
        shutil.rmtree(top, ignore_errors=True)


@pytest.mark.usefixtures("heeded")
def test_killed_scenarios_leave_nothing() -> None:
    top = new_folder()
    line = ["simulate", "run", "--jobs", "2", "week_without_network", "stale_list"]
    run = Run(Command(line, process="mosquitto", top=top), top)
    try:
        run.until_ready()
        run.process.kill()
        run.process.wait(ENDED_SECONDS)
        until = time.monotonic() + 2 * ENDED_SECONDS
        while run.left():
            assert time.monotonic() < until, run.left()
            time.sleep(0.02)
    finally:
        run.kill()
        shutil.rmtree(top, ignore_errors=True)
