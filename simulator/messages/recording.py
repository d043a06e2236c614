"""The file of a recording: JSON lines, gzipped where its name ends so. Each line is one message as a broker had it.

::

    {"format": "platepost-messages/1", "agency": ..., "began": RFC 3339, "keys": {post: PEM of its public key}}
    {"at": seconds since it began, "topic": ..., "qos": 0 or 1, "retain": true or false, "payload": {the event}}
"""

import gzip
import io
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from platepost.common.signals import check
from platepost.simulator.errors import PlaybackError
from platepost.wire.records import timestamp

FORMAT = "platepost-messages/1"


@dataclass(frozen=True, slots=True)
class Message:
    """One message."""

    at: float
    """Seconds since the recording began."""
    topic: str
    qos: int
    retain: bool
    payload: bytes

    @property
    def post(self) -> str:
        """The post that published it."""
        return self.topic.split("/")[3]


@dataclass(frozen=True, slots=True)
class Head:
    """What a recording is of."""

    agency: str
    began: datetime
    keys: dict[str, str]
    """PEM of the public key of each post."""


def write(path: Path, head: Head, messages: Iterable[Message]) -> int:
    """Write a recording and return how many messages it has.

    Raises:
        PlaybackError: it cannot be written.

    """
    try:
        return _write(path, head, messages)
    except OSError as error:
        raise PlaybackError(f"{path}: cannot be written ({error.strerror or error})") from error


def _write(path: Path, head: Head, messages: Iterable[Message]) -> int:
    count = 0
    with _writing(path) as file:
        first = {"format": FORMAT, "agency": head.agency, "began": timestamp(head.began), "keys": head.keys}
        file.write(json.dumps(first, separators=(",", ":")) + "\n")
        for message in messages:
            check()
            # The payload stands as it was signed: JSON within JSON, not parsed and written again.
            about = json.dumps(
                {"at": round(message.at, 3), "topic": message.topic, "qos": message.qos, "retain": message.retain},
                separators=(",", ":"),
            )
            file.write(f'{about[:-1]},"payload":{message.payload.decode()}}}\n')
            count += 1
    return count


@contextmanager
def read(path: Path) -> Iterator[tuple[Head, Iterator[Message]]]:
    """Open a recording: what it is of, and its messages in order.

    Raises:
        PlaybackError: it is no recording, or damaged; the message names the line.

    """
    with _reading(path) as file:
        lines = iter(file)
        try:
            first = _object(path, 1, next(lines, ""))
            if first.get("format") != FORMAT:
                raise PlaybackError(f"{path}: line 1: not a recording of the format {FORMAT}")
            head = Head(str(first["agency"]), datetime.fromisoformat(first["began"]), dict(first["keys"]))
        except (KeyError, ValueError, TypeError, OSError) as error:
            if isinstance(error, PlaybackError):
                raise
            raise PlaybackError(f"{path}: line 1: {error}") from error
        yield head, _messages(path, lines)


def _messages(path: Path, lines: Iterator[str]) -> Iterator[Message]:
    number = 1
    try:
        for number, line in enumerate(lines, start=2):
            parsed = _object(path, number, line)
            payload = json.dumps(parsed["payload"], separators=(",", ":"), ensure_ascii=False).encode()
            topic = str(parsed["topic"])
            if topic.count("/") < 3:
                raise PlaybackError(f"{path}: line {number}: {topic!r} is not a topic of a post")
            yield Message(float(parsed["at"]), topic, int(parsed["qos"]), bool(parsed["retain"]), payload)
    except (KeyError, ValueError, TypeError, OSError, EOFError) as error:
        if isinstance(error, PlaybackError):
            raise
        raise PlaybackError(f"{path}: line {number}: {error!r}") from error


def _object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        parsed = json.loads(line)
    except ValueError as error:
        raise PlaybackError(f"{path}: line {number}: no JSON ({error})") from error
    if not isinstance(parsed, dict):
        raise PlaybackError(f"{path}: line {number}: no message")
    return parsed


@contextmanager
def _writing(path: Path) -> Iterator[IO[str]]:
    if not path.name.endswith(".gz"):
        with path.open("w", encoding="utf-8") as file:
            yield file
        return
    # Without a name and a time in it, the same day is the same file.
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as zipped,
        io.TextIOWrapper(zipped, encoding="utf-8") as file,
    ):
        yield file


def _reading(path: Path) -> IO[str]:
    return gzip.open(path, "rt", encoding="utf-8") if path.name.endswith(".gz") else path.open(encoding="utf-8")
