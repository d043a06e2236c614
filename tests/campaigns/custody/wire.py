"""What the broker delivered: every message on every topic of an agency, written down by a process of its own."""

import json
import signal
import sys
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import paho.mqtt.client as mqtt

from platepost.provisioning.connection import secured_client, split_address
from platepost.simulator.errors import CampaignError
from platepost.simulator.processes import await_answer, end_forked
from platepost.wire.records.topics import ROOT

READY_SECONDS = 30.0
SESSION_SECONDS = 3600


_STOP_SECONDS = 30.0


class WireLog:
    """The log, and the process that writes it. It knows nothing of posts or keepers.

    Args:
        identity: of a client that may read all of the agency.
        agency: whose topics.
        broker: `host:port`.
        path: the log; a JSON object a line.
        context: forks the process.
        topics: below the agency.

    """

    def __init__(
        self,
        identity: Path,
        *,
        agency: str,
        broker: str,
        path: Path,
        context: ForkServerContext,
        topics: str = "#",
    ) -> None:
        self._path = path
        ready, writing = context.Pipe(duplex=False)
        filters = f"{ROOT}/{agency}/{topics}"
        arguments = {"identity": identity, "topics": filters, "broker": broker, "path": path, "ready": writing}
        self._process: ForkServerProcess = context.Process(target=record, kwargs=arguments, name="wire")
        self._process.start()
        writing.close()
        if not await_answer(ready, READY_SECONDS):
            self.close()
            raise CampaignError("the recorder of the wire does not reach the broker")
        ready.close()
        self._read = 0

    def close(self) -> None:
        """End the process; the log stays."""
        if self._process.is_alive():
            end_forked(self._process, sent=signal.SIGTERM, seconds=_STOP_SECONDS)

    def news(self) -> Iterator[tuple[str, bytes]]:
        """Yield topic and payload of what was delivered since the last call, in order."""
        for topic, payload, end in messages_of(self._path, since=self._read):
            self._read = end
            yield topic, payload


def messages_of(path: Path, *, since: int = 0) -> Iterator[tuple[str, bytes, int]]:
    """Yield topic, payload and the place of its end in the log of each message from a place on."""
    with path.open("rb") as log:
        log.seek(since)
        for line in log:
            if not line.endswith(b"\n"):
                return
            since += len(line)
            topic, payload = json.loads(line)
            yield topic, b64decode(payload), since


def record(*, identity: Path, topics: str, broker: str, path: Path, ready: Connection) -> None:
    """Write down what is delivered, until SIGTERM; tell `ready` once the broker has granted the subscription."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the campaign
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    client = secured_client(identity)

    def granted() -> None:
        with suppress(OSError):
            ready.send(None)

    with path.open("ab", buffering=0) as log:

        def on_message(_client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
            log.write(json.dumps([message.topic, b64encode(message.payload).decode("ascii")]).encode() + b"\n")

        client.listen([topics], ready=granted, refused=sys.stderr.write)
        client.on_message = on_message
        try:
            client.connect_to(*split_address(broker), session_seconds=SESSION_SECONDS)
        except OSError as error:  # it ends, perhaps with the campaign
            sys.exit(f"the wire is not recorded: {broker}: {error}")
        client.loop_start()
        ended.wait()
        client.end()
