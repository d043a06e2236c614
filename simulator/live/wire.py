"""What passes between the page's server and the process of a post: a line of JSON, then as many bytes as it says."""

import json
from collections.abc import Iterator
from contextlib import suppress
from threading import Lock
from typing import IO, Any

LARGEST = 8 << 20
"""Bytes after one line; a view is some tens of kilobytes."""


class Writer:
    """Writes messages to a pipe, from any thread; once no one reads it, what is written goes nowhere."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._lock = Lock()

    def send(self, content: bytes = b"", /, **message: Any) -> None:
        """Send a message, and with it some bytes."""
        line = json.dumps(message | {"size": len(content)}).encode() + b"\n"
        with self._lock:
            try:
                self._pipe.write(line + content)
                self._pipe.flush()
            except (BrokenPipeError, ValueError):
                self.close()

    def close(self) -> None:
        """Close the pipe; what it still has for a reader that is gone is dropped."""
        with suppress(BrokenPipeError):
            self._pipe.close()


def messages(pipe: IO[bytes]) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Yield the messages of a pipe with their bytes, until its other end is closed.

    Raises:
        ValueError: what comes is no message.

    """
    while line := pipe.readline():
        message = json.loads(line)
        size = int(message.pop("size"))
        if not 0 <= size <= LARGEST:
            raise ValueError(f"a message of {size} bytes")
        content = pipe.read(size)
        if len(content) < size:
            return
        yield message, content
