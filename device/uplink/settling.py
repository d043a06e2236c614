"""Records that the broker acknowledged and may yet forget.

A broker may acknowledge before what it took is safe: mosquitto saves on a timer, and what it took since is gone when it
is killed or its machine loses power. So a record stays in the outbox until the broker has answered a question that was
put some time after the acknowledgement. Who answers then has lived on and saved meanwhile; if the connection ends
before, the record is sent again.
"""

import time
from collections.abc import Callable, Collection
from itertools import takewhile
from typing import Protocol

MOST = 4000
"""Records that may settle at a time; more would make the outbox slow to ask around them."""
QUESTIONS = 4
"""How often at most the broker is asked within the time to settle."""


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
        self._question: tuple[int, float] | None = None
        self._asked = float("-inf")

    def __len__(self) -> int:
        return len(self._since)

    @property
    def sequences(self) -> Collection[int]:
        """The records' sequence numbers."""
        return self._since.keys()

    @property
    def full(self) -> bool:
        """Whether no more records should be sent before some have settled."""
        return len(self._since) >= MOST

    def begin(self) -> None:
        """Start a new connection: whatever had not settled is to be sent again."""
        self._since.clear()
        self._question = None
        self._asked = float("-inf")

    def acknowledged(self, sequences: Collection[int]) -> None:
        """Note records that the broker has just acknowledged."""
        now = self._now()
        self._since |= dict.fromkeys(sequences, now)

    def next_question(self) -> float | None:
        """Return in how many seconds the broker is to be asked, or None while it is not."""
        if self._question is not None or not self._since:
            return None
        oldest = next(iter(self._since.values()))
        due = max(oldest + self._seconds, self._asked + self._seconds / QUESTIONS)
        return max(0.0, due - self._now())

    def settle(self, link: Answering) -> tuple[int, ...]:
        """Ask if it is time to, and return the records that settled; they are forgotten here."""
        settled: tuple[int, ...] = ()
        if self._question is not None and self._question[0] in link.answered_questions:
            (_, asked), self._question = self._question, None
            old = takewhile(lambda item: item[1] <= asked - self._seconds, self._since.items())
            settled = tuple(sequence for sequence, _ in old)
            for sequence in settled:
                del self._since[sequence]
        if self.next_question() == 0.0:
            self._asked = self._now()
            number = link.ask()
            self._question = None if number is None else (number, self._asked)
        return settled
