"""Records that the broker acknowledged and may yet forget.

A broker may acknowledge before what it took is safe: mosquitto saves on a timer, and what it took since is gone when it
is killed or its machine loses power. So a record stays in the outbox until the broker has answered several questions,
one after another, of which the first was put some time after the acknowledgement. If the connection ends before, the
record is sent again.

Why several: time alone proves nothing of a broker that stands still, starved or frozen, for as long. mosquitto's only
thread answers whatever has come, then saves if that is due by the time at which it began to answer, and begins anew
(mosquitto_main_loop and mux__handle, 2.0). So the first answer may come before anything was saved, and by a clock that
stood still too; the round that answers the second sees that saving is due and does it; the third comes after that.
"""

import time
from collections.abc import Callable, Collection
from collections.abc import Set as AbstractSet
from itertools import islice, takewhile
from typing import Protocol

MOST = 8000
"""Records that may settle at a time: 800 a second with the default of 10 s, more than a post can send."""
AT_ONCE = 32
"""Records handed out for deletion at a time: a hit must not wait behind a transaction that deletes hundreds."""
QUESTIONS = 4
"""How often at most questions begin within the time to settle."""
ANSWERS = 3
"""Answers, each to a question put after the one before was answered, that prove that what was due is saved."""


class Answering(Protocol):
    """What a connection has for asking whether the broker still is there."""

    @property
    def answered_questions(self) -> Collection[int]:
        """The questions answered so far."""
        ...

    def ask(self) -> int | None:
        """Put a question; return its number, or None if the connection is gone."""
        ...


class Settling:
    """The acknowledged records of one connection. One thread drives it."""

    def __init__(self, *, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._now = now
        self._since: dict[int, float] = {}
        self._settled = 0
        """How many of them, the first ones, have settled and are not handed out yet."""
        self._question: int | None = None
        self._answers = 0
        self._asked = float("-inf")

    def __len__(self) -> int:
        return len(self._since)

    @property
    def sequences(self) -> AbstractSet[int]:
        """The records' sequence numbers."""
        return self._since.keys()

    def copy(self) -> frozenset[int]:
        """Return the records' sequence numbers; from any thread."""
        return frozenset(self._since)  # one step of the interpreter: nothing changes meanwhile

    @property
    def full(self) -> bool:
        """Whether no more records should be sent before some have settled."""
        return len(self._since) >= MOST

    def begin(self) -> None:
        """Start a new connection: whatever had not settled is to be sent again."""
        self._since = dict(islice(self._since.items(), self._settled))
        self._question = None
        self._asked = float("-inf")

    def acknowledged(self, sequences: Collection[int]) -> None:
        """Note records that the broker has just acknowledged."""
        now = self._now()
        self._since |= dict.fromkeys(sequences, now)

    def next_question(self) -> float | None:
        """Return in how many seconds the broker is to be asked, or None while it is being asked or is not to be."""
        oldest = next(islice(self._since.values(), self._settled, None), None)
        if self._question is not None or oldest is None:
            return None
        due = max(oldest + self._seconds, self._asked + self._seconds / QUESTIONS)
        return max(0.0, due - self._now())

    def due(self) -> float | None:
        """Return in how many seconds `settle` has something to do, or None if only an answer brings that about."""
        return 0.0 if self._settled else self.next_question()

    def settle(self, connection: Answering) -> tuple[int, ...]:
        """Ask if it is time to, and return some of the records that have settled; they are forgotten here."""
        while self._question is not None and self._question in connection.answered_questions:
            self._question = None
            self._answers += 1
            if self._answers < ANSWERS:
                self._question = connection.ask()
                continue
            old = takewhile(lambda since: since <= self._asked - self._seconds, self._since.values())
            self._settled = sum(1 for _ in old)
        if self.next_question() == 0.0:
            self._asked, self._answers = self._now(), 0
            self._question = connection.ask()
        return self._hand_out()

    def _hand_out(self) -> tuple[int, ...]:
        handed = tuple(islice(self._since, min(AT_ONCE, self._settled)))
        for sequence in handed:
            del self._since[sequence]
        self._settled -= len(handed)
        return handed
