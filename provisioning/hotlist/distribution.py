"""What posts say of the hot list: from their retained status which one they hold, from their audit why they refused.

Where a post's key is known, its word counts only with its signature.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import ValidationError

from platepost.common.errors import RecordError
from platepost.common.signals import wait_for
from platepost.wire.records import Audit, Keyring, Status, read_event
from platepost.wire.records.canonical import canonical_bytes, parse
from platepost.wire.records.topics import ROOT

APART = timedelta(minutes=1)
"""How far the clock of a post that says it is synchronized may be from the one here."""

Outcome = Literal["active", "refused", "offline", "waiting", "never seen"]


@dataclass(frozen=True, slots=True)
class PostState:
    """What is known of one post's hot list.

    Attributes:
        state: `online`, `degraded` or `offline`; None before its first word.
        version: of the list in force; None without one.
        seconds: from the start of the watch until the wanted version was in force.
        refused: the reason of a refusal since the start.

    """

    state: str | None = None
    version: int | None = None
    seconds: float | None = None
    refused: str | None = None

    @property
    def outcome(self) -> Outcome:
        """What became of the wanted version on this post."""
        if self.seconds is not None:
            return "active"
        if self.refused is not None:
            return "refused"
        if self.state is None:
            return "never seen"
        return "offline" if self.state == "offline" else "waiting"


class DistributionMonitor:
    """Follows the posts of an agency; `hear` is a connection's listener for `topics`."""

    def __init__(self, agency: str, *, posts: Iterable[str] = (), keys: Mapping[str, Keyring] | None = None) -> None:
        """Begin.

        Args:
            agency: whose posts.
            posts: those that are expected; others are added when they are heard.
            keys: each post's record-signing key; records of a post that has none here are taken unverified where
                there are no keys at all, and left alone otherwise.

        """
        self.topics = (f"{ROOT}/{agency}/+/status", f"{ROOT}/{agency}/+/audit")
        self._prefix = f"{ROOT}/{agency}/"
        self._keys = keys
        self._changed = threading.Condition()
        self._posts: dict[str, PostState] = dict.fromkeys(posts, PostState())
        self._wanted: int | None = None
        self._began = 0.0
        self._since = datetime.now(UTC)

    @property
    def posts(self) -> dict[str, PostState]:
        """What is known of each post now, by name."""
        with self._changed:
            return dict(sorted(self._posts.items()))

    def expect(self, version: int) -> None:
        """Count from now on until a version is in force."""
        with self._changed:
            self._wanted = version
            self._began = time.monotonic()
            self._since = datetime.now(UTC)

    def wait_until(self, settled: Callable[[dict[str, PostState]], bool], *, seconds: float) -> bool:
        """Wait until what is known fulfils a condition; return whether it did in time."""
        return wait_for(self._changed, lambda: settled(dict(self._posts)), seconds)

    def hear(self, topic: str, payload: bytes) -> None:
        """Take one record; what is none, or not the post's own, is left alone."""
        post = topic.removeprefix(self._prefix).partition("/")[0]
        data = self._genuine(post, payload)
        if data is None:
            return
        with self._changed:
            before = self._posts.get(post, PostState())
            self._posts[post] = self._after(before, data)
            self._changed.notify_all()

    def _genuine(self, post: str, payload: bytes) -> Status | Audit | None:
        try:
            raw = parse(payload)
            event = read_event(raw)
            if self._keys is not None:
                self._keys[post].check(event.signature, canonical_bytes(raw))
        except (RecordError, ValidationError, KeyError):
            return None
        own = event.source == f"//{self._prefix}{post}"
        return event.data if own and isinstance(event.data, Status | Audit) else None

    def _after(self, before: PostState, data: Status | Audit) -> PostState:
        if isinstance(data, Audit):
            # One that waited in the post's outbox, while it was off the air, is of another list.
            waited = data.clock.synchronised and data.occurred < self._since - APART
            awaited = self._wanted is not None and before.seconds is None
            # The broker retains two packages: a post that is back may refuse the former delta before it has this list.
            other = data.object is not None and data.object != str(self._wanted)
            refused = data.action == "hotlist_refused" and awaited and not waited and not other
            return replace(before, refused=data.reason or "no reason given") if refused else before
        known = replace(before, state=data.state, version=data.hotlist.version)
        if self._wanted is None or before.seconds is not None or (known.version or 0) < self._wanted:
            return known
        return replace(known, seconds=time.monotonic() - self._began)


def all_heard(posts: Mapping[str, PostState]) -> bool:
    """Say whether every post has said something."""
    return all(post.state is not None for post in posts.values())


def settled(posts: Mapping[str, PostState]) -> bool:
    """Say whether every post that is online has the list, or has refused it."""
    return all(post.outcome != "waiting" for post in posts.values())
