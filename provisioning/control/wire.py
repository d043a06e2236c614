"""A person's end of the wire: publish something to a post, and wait for what the post says."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from provisioning.connection import Connection


class Wire(Connection):
    """A connection that keeps what it hears, for whoever waits for a certain message.

    Args:
        identity: the folder with certificate, key and root.
        broker: `host:port`.
        topics: what to listen to.

    Raises:
        ProvisioningError: the identity cannot be read, or the broker is not `host:port`.

    """

    def __init__(self, identity: Path, broker: str, topics: Sequence[str]) -> None:
        super().__init__(identity, broker=broker, topics=topics, listener=self._hear)
        self._heard: list[tuple[str, bytes]] = []

    @property
    def heard(self) -> int:
        """How many messages were heard so far."""
        with self._changed:
            return len(self._heard)

    def wait(
        self, wanted: Callable[[str, bytes], bool], seconds: float, *, since: int = 0, until_lost: bool = False
    ) -> bytes | None:
        """Return the first message, heard already or still to come, that is wanted; None if none comes in time.

        The first `since` messages are left out. `until_lost` ends it too when the connection was lost; see `was_ended`.
        """
        found: list[bytes] = []
        seen = since

        def look() -> bool:
            nonlocal seen
            for topic, payload in self._heard[seen:]:
                seen += 1
                if wanted(topic, payload):
                    found.append(payload)
                    return True
            return until_lost and self._ended is not None

        with self._changed:
            self._changed.wait_for(look, seconds)
        return found[0] if found else None

    def _hear(self, topic: str, payload: bytes) -> None:
        with self._changed:
            self._heard.append((topic, payload))
            self._changed.notify_all()


def data_of(payload: bytes) -> dict[str, Any]:
    """Return the `data` of an event; nothing of what is none."""
    try:
        data = json.loads(payload)["data"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
