"""The interpreter of the simulated posts, and what a test holds of the broker and the posts in it.

Requests and answers are lines of JSON on its standard input and output; `simulator.testing.service` is the other end.
"""

import json
import os
import subprocess
import sys
from concurrent.futures import Future
from itertools import count
from pathlib import Path
from threading import Lock, Thread
from types import SimpleNamespace, TracebackType
from typing import Any, Self

_HOME = Path(__file__).parents[1]
_PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from simulator.testing.service import main; main()"
"""The interpreter is isolated (`-I`): neither the tests' folder nor PYTHONPATH is on its path, but where we are."""
_STOP_SECONDS = 30.0


class PlatepostTestError(RuntimeError):
    """What a test asked for could not be done; the message says why."""


class Interpreter:
    """A process in which brokers and posts run; a context manager. Its methods may be called from several threads."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._lock = Lock()
        self._awaited: dict[int, Future[Any]] = {}
        self._ended = False
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _PROGRAM, str(_HOME)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
            encoding="utf-8",
        )
        self._listener = Thread(target=self._listen, name="platepost interpreter", daemon=True)
        self._listener.start()

    def ask(self, target: int, action: str, *given: object, **named: object) -> Any:  # noqa: ANN401 - what JSON holds
        """Have something done, and return what came of it.

        Args:
            target: the number of a broker or post; 0 for what makes them.
            action: the name of its method or property.
            given: the method's arguments, such as JSON holds.
            named: the same by name.

        Raises:
            PlatepostTestError: it could not be done, or the interpreter ended.

        """
        answer: Future[Any] = Future()
        with self._lock:
            number = next(self._numbers)
            request = {"number": number, "target": target, "action": action, "given": given, "named": named}
            line = json.dumps(request) + "\n"
            if self._ended or self._process.stdin is None:
                raise PlatepostTestError("the interpreter of the posts has ended")
            self._awaited[number] = answer
            try:
                self._process.stdin.write(line)
                self._process.stdin.flush()
            except OSError as error:
                raise PlatepostTestError(f"the interpreter of the posts has ended ({error.strerror})") from error
        return answer.result()

    def broker(self, directory: Path) -> "BrokerHandle":
        """Start a broker whose files lie in a folder; a context manager.

        Raises:
            PlatepostTestError: mosquitto is missing or does not start.

        """
        return BrokerHandle(self, self.ask(0, "open_site", str(directory)))

    def play(self, name: str, directory: Path, *, seed: int = 1) -> "PlayedScenario":
        """Play a scenario as fast as this machine can, with the real recognizer on drawn footage.

        Args:
            name: of one that ships (`platepost simulate scenarios`), or a file.
            directory: where what was made is kept.
            seed: what chance depends on.

        Raises:
            PlatepostTestError: there is none of that name, or the file is not right.

        """
        name = str(Path(name).absolute()) if Path(name).is_file() else name
        return PlayedScenario(**self.ask(0, "play", name, str(directory), seed=seed))

    def close(self) -> None:
        """End every post and broker that is left, and the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _listen(self) -> None:
        if self._process.stdout is None:
            return
        with self._process.stdout as lines:
            for line in lines:
                answer = json.loads(line)
                with self._lock:
                    awaited = self._awaited.pop(answer["number"])
                if "error" in answer:
                    awaited.set_exception(PlatepostTestError(answer["error"]))
                else:
                    awaited.set_result(answer["result"])
        with self._lock:
            self._ended = True
            for awaited in self._awaited.values():
                awaited.set_exception(PlatepostTestError("the interpreter of the posts has ended"))
            self._awaited.clear()


class PostHandle:
    """A running post. Its methods return once the broker has what they made it say."""

    def __init__(self, interpreter: Interpreter, made: dict[str, Any]) -> None:
        self._interpreter, self._number = interpreter, made["number"]
        self.name: str = made["name"]
        self.agency: str = made["agency"]
        self.public_key = Path(made["public_key"])
        """PEM by which its records are verified."""

    def passes(
        self,
        text: str,
        *,
        listed: str | None = None,
        matched: str | None = None,
        match: str = "exact",
        priority: int = 1,
        overview: bool = False,
    ) -> SimpleNamespace:
        """Have a vehicle pass; return its `read` and, where it is listed, its `hit`, with the members of the contract.

        Args:
            text: its plate, as the post reads it.
            listed: the category under which the hot list has it; None where it is not listed.
            matched: the list's own spelling, where that is another.
            match: how it matched: `exact`, `look_alike`, `near` or `partial`.
            priority: of the entry; 1 is the most urgent.
            overview: whether the read, too, shows the vehicle.

        """
        named = {"listed": listed, "matched": matched, "match": match, "priority": priority, "overview": overview}
        return _members(self._ask("passes", text, **named))

    def misreads(self, text: str, *, listed: str, final: str) -> SimpleNamespace:
        """Have a vehicle pass that is first read as `text`, which is listed, then as `final`: the hit is withdrawn."""
        return _members(self._ask("misreads", text, listed=listed, final=final))

    def says(self, action: str, *, outcome: str = "success") -> None:
        """Have it write an audit record, such as `tamper_opened`."""
        self._ask("says", action, outcome=outcome)

    def degrades(self, **reasons: str) -> None:
        """Have it report faults, each reason's name with a message; without any, that all is well."""
        self._ask("degrades", **reasons)

    def vanishes(self) -> None:
        """Cut its network: the broker publishes its will. What it sees meanwhile waits on its disk."""
        self._ask("vanishes")

    def comes_back(self) -> None:
        """Give it its network back; return once it has delivered what waited."""
        self._ask("comes_back")

    def _ask(self, action: str, *given: object, **named: object) -> Any:  # noqa: ANN401 - as of `Interpreter.ask`
        return self._interpreter.ask(self._number, action, *given, **named)


class BrokerHandle:
    """A running broker with identities for all that a test needs; a context manager that ends it and its posts."""

    def __init__(self, interpreter: Interpreter, made: dict[str, Any]) -> None:
        self._interpreter, self._number = interpreter, made["number"]
        self.agency: str = made["agency"]
        self.host: str = made["host"]
        """By which its certificate is good."""
        self.port: int = made["port"]
        self.address: str = made["address"]
        """`host:port`: MQTT 5 over mutual TLS 1.3."""
        self.topics: str = made["topics"]
        """Everything that a subscriber may read lies below: `alpr/v1/{agency}`."""
        self.keys = Path(made["keys"])
        """The folder of the posts' public keys."""

    def identity(self, name: str, *, groups: tuple[str, ...] = ()) -> Path:
        """Return the folder of a subscriber's `certificate.pem`, `private_key.pem` and `ca.pem`, made if missing.

        `console`, `dispatch` and `keeper` are there from the start. To take the rights of another, the broker is
        started again: clients have to connect again.

        Args:
            name: the subscriber's, and its client id.
            groups: whose covert hits it reads too; of effect when it is made.

        """
        return Path(self._ask("identity", name, groups=groups))

    def post(self, name: str = "post-1", *, site: str = "Simulated street") -> PostHandle:
        """Add a post, start it, and return it once it is connected."""
        return PostHandle(self._interpreter, self._ask("post", name, site=site))

    def stop(self) -> None:
        """Stop the broker; what was acknowledged is kept."""
        self._ask("stop")

    def start(self) -> None:
        """Start the broker again."""
        self._ask("start")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._interpreter.ask(0, "close_site", self._number)

    def _ask(self, action: str, *given: object, **named: object) -> Any:  # noqa: ANN401 - as of `Interpreter.ask`
        return self._interpreter.ask(self._number, action, *given, **named)


class PlayedScenario:
    """What came of a scenario."""

    def __init__(self, *, name: str, passed: bool, failures: list[str], folder: str) -> None:
        self.name, self.passed = name, passed
        self.failures = tuple(failures)
        """What is wrong, in sentences."""
        self._folder = Path(folder)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {'passed' if self.passed else 'failed'}>"

    @property
    def records(self) -> list[dict[str, Any]]:
        """Every record as the scenario's record keepers had it, in the order of arrival, broker by broker."""
        files = sorted(self._folder.glob("records-*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]

    def key(self, post: str) -> Path:
        """Return the public key by which a post's records are verified."""
        return self._folder / "fleet" / "records" / f"{post}.pem"


def _members(value: dict[str, Any]) -> SimpleNamespace:
    members: SimpleNamespace = json.loads(json.dumps(value), object_hook=lambda members: SimpleNamespace(**members))
    return members
