"""What a technician's day is played with: a department's office, a real broker, commands as people give them."""

import json
import os
import queue
import re
import shlex
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from platepost.device import config
from platepost.device.commands.enroll import enroll
from platepost.provisioning.cli import provision
from platepost.provisioning.connection import Connection
from platepost.provisioning.fleet.broker_files import write_rabbitmq
from platepost.provisioning.fleet.fleet import Fleet
from platepost.simulator.brokers.mosquitto import Broker, mosquitto_path
from tests.rabbitmq import RabbitCluster, rabbitmq_path

SECONDS = 180.0
PURPOSE = "work order 7731"
BROKERS = ("mosquitto", "rabbitmq")
# The machine of a test may have no synchronised clock.
_PROGRAM = """
import sys
import platepost.device.clock.timekeeper
import platepost.device.commands.selftest
from platepost.device.cli import main
from platepost.wire.records import ClockQuality
good = ClockQuality(source="kernel", synchronised=True, estimated_error_seconds=0.001)
platepost.device.clock.timekeeper.clock_quality = platepost.device.commands.selftest.clock_quality = lambda: good
sys.exit(main())
"""


class Terminal:
    """One command at the unit, as a process of its own, with what is typed into it."""

    def __init__(self, *words: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.said: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def wait_for(self, pattern: str) -> re.Match[str]:
        end = time.monotonic() + SECONDS
        while True:
            line = self._lines.get(timeout=max(0.1, end - time.monotonic()))
            assert line is not None, f"waited for {pattern!r}; it said {''.join(self.said)}"
            self.said.append(line)
            if found := re.search(pattern, line):
                return found

    def type(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(text)
        self._process.stdin.flush()

    def end(self) -> int:
        """Wait for its end, and return its exit code."""
        while (line := self._lines.get(timeout=SECONDS)) is not None:
            self.said.append(line)
        return self._process.wait(SECONDS)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def given(command: click.Command, *words: object, typed: str | None = None, code: int = 0) -> str:
    """Give a command in this process, and return what it prints."""
    result = CliRunner().invoke(command, [str(word) for word in words], input=typed, catch_exceptions=False)
    assert result.exit_code == code, result.output[-2000:]
    return result.output


@dataclass
class Day:
    """A department's office and its broker."""

    directory: Path
    """The fleet's."""
    broker: Broker | RabbitCluster
    reload: str
    """The command that has the broker take what was written."""

    @property
    def fleet(self) -> Fleet:
        return Fleet.load(self.directory)

    def give(self, *words: object, purpose: str = PURPOSE, code: int = 0) -> str:
        """Give a command of the administrator's that acts: what it is, the fleet, and the rest."""
        return given(
            provision, *words[:2], self.directory, *words[2:], "--as", "j-stone", "--purpose", purpose, code=code
        )

    def told(self, *words: object, purpose: str = PURPOSE) -> Any:
        """Give such a command, and return what it prints as JSON."""
        return json.loads(self.give(*words, "--json", purpose=purpose))

    @property
    def at_the_broker(self) -> tuple[str, ...]:
        return ("--broker", self.broker.address, "--reload", self.reload)

    def invite(self, post: str, *more: object) -> str:
        """Issue a code for a post."""
        options = ("--technician", "r-alvarez", "--broker", self.broker.address, "--camera", "footage")
        return str(self.told("post", "invite", post, *options, *more)["code"]) + "\n"

    def enroll_by_stick(self, post: str, unit: Path, stick: Path, code: str) -> None:
        """Enroll a unit without a network."""
        stick.mkdir()
        given(enroll, post, "--stick", stick, "--directory", unit, typed=code)
        options = ("--reload", self.reload, "--as", "j-stone", "--purpose", "no network there")
        given(provision, "enroll-offline", self.directory, stick, *options)
        given(enroll, post, "--stick", stick, "--directory", unit)

    def publish_list(self, rows: str, folder: Path) -> None:
        """Build a hot list and publish it."""
        (folder / "plates.csv").write_text(f"plate,state,category\n{rows}\n")
        package = folder / "list.package"
        given(provision, "hotlist", "build", folder / "plates.csv", "--fleet", self.directory, "--output", package)
        options = ("--fleet", self.directory, "--broker", self.broker.address)
        given(provision, "hotlist", "publish", package, *options)

    def speaks(self, unit: Path, name: str) -> bool:
        """Tell whether the broker takes a post's own records."""
        with Connection(as_client(unit), broker=self.broker.address) as connection:
            connection.publish(f"alpr/v1/riverside/{name}/status", b"{}", retain=True)
        return True


def as_client(unit: Path) -> Path:
    """Give the folder that a client wants of an enrolled unit's files."""
    folder = unit / "as-client"
    if not folder.exists():
        read = config.load(unit / "post.toml").uplink
        folder.mkdir()
        for source, name in ((read.ca, "ca"), (read.certificate, "certificate"), (read.private_key, "private_key")):
            (folder / f"{name}.pem").write_bytes(source.read_bytes())
    return folder


@contextmanager
def running(kind: str, fleet: Fleet, directory: Path) -> Iterator[tuple[Broker | RabbitCluster, str]]:
    """Run a broker, and give the command that has it take what was written; skips, by its name, where it is missing."""
    missing = {"mosquitto": mosquitto_path() is None, "rabbitmq": rabbitmq_path() is None}[kind]
    if missing:
        pytest.skip(f"{kind} is missing: make test-brokers")
    if kind not in os.environ.get("PLATEPOST_BROKERS", kind).split(","):
        pytest.skip(f"{kind} is missing in PLATEPOST_BROKERS: make test-brokers")
    with (_mosquitto if kind == "mosquitto" else _rabbitmq)(fleet, directory) as (broker, reload):
        yield broker, reload


@contextmanager
def _mosquitto(fleet: Fleet, directory: Path) -> Iterator[tuple[Broker | RabbitCluster, str]]:
    """Restart it when the command asks, as a supervisor would."""
    wish, ended = directory / "wish", threading.Event()

    def supervise() -> None:
        while not ended.wait(0.02):
            if wish.exists():
                broker.stop()
                broker.start()
                wish.unlink()

    with Broker(fleet, directory) as broker:
        thread = threading.Thread(target=supervise)
        thread.start()
        try:
            place = shlex.quote(str(wish))
            yield broker, shlex.join(["sh", "-c", f"touch {place}; while [ -e {place} ]; do sleep 0.02; done"])
        finally:
            ended.set()
            thread.join()


@contextmanager
def _rabbitmq(fleet: Fleet, directory: Path) -> Iterator[tuple[Broker | RabbitCluster, str]]:
    folder = write_rabbitmq(fleet)
    with RabbitCluster(fleet, directory, size=1) as cluster:
        node = cluster.nodes[0]
        node.control("await_startup")
        script = directory / "reload"
        variables = {**node._environment(), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
        on_act = ["/usr/lib/rabbitmq/bin/rabbitmqctl", "--quiet", "-n", node.name, "import_definitions"]
        lines.append(shlex.join([*on_act, str(folder / "definitions.json")]))
        script.write_text("\n".join(["#!/bin/sh", "set -e", *lines, ""]))
        script.chmod(stat.S_IRWXU)
        yield cluster, str(script)
