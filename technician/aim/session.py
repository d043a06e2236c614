"""The one session that a technician's page has: a link that opens once, a cookie, an end."""

import hmac
import secrets
from collections.abc import Callable
from threading import Lock
from time import monotonic

from platepost.common.language import Phrase

MOST_TRIES = 5
"""Wrong codes after which the page closes, while no one was let in: someone else is at the door."""
CODE_DIGITS = 8


class Session:
    """Lets one browser in, by a link or a code that each work once together, and knows it again by a cookie.

    The cookie is good at the address that it was given to only. After `seconds`, or `close`, no one is let in.
    """

    COOKIE = "platepost-aim"

    def __init__(self, *, seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self.code = "".join(secrets.choice("0123456789") for _ in range(CODE_DIGITS))
        """What a person types."""
        self.token = secrets.token_urlsafe(32)
        """What the link carries."""
        self._ends = clock() + seconds
        self._lock = Lock()
        self._unused = True
        self._wrong = 0
        self._cookie = secrets.token_urlsafe(32)
        self._address: str | None = None
        self.why_closed: Phrase | None = None
        """Why no one is let in any more, for the technician; None while it is open."""

    @property
    def open(self) -> bool:
        """Whether the page may be served."""
        if self.why_closed is None and self.seconds_left <= 0:
            self.close(Phrase("its time was up"))
        return self.why_closed is None

    @property
    def seconds_left(self) -> float:
        """Until the page closes by itself."""
        return max(0.0, self._ends - self._clock())

    def close(self, why: Phrase) -> None:
        """Let no one in from now on."""
        if self.why_closed is None:
            self.why_closed = why

    def enter(self, code: str, *, address: str) -> str | None:
        """Return the cookie for the browser that offers the code while no one was let in; None for all others.

        Wrong codes close the page; once someone was let in, no code lets in, and none is counted.
        """
        with self._lock:
            if not self.open or not self._unused:
                return None
            if not hmac.compare_digest(code.encode(), self.code.encode()):
                self._wrong += 1
                if self._wrong >= MOST_TRIES:
                    wrong = Phrase(
                        "{count} wrong codes were tried from {address}", count=str(MOST_TRIES), address=address
                    )
                    self.close(wrong)
                return None
            return self._let_in(address)

    def enter_by_link(self, token: str, *, address: str) -> str | None:
        """Return the cookie for the browser that offers the link's token while no one was let in; None for others.

        Wrong ones are not counted: no one guesses 256 bits, and any page can have a browser ask for links.
        """
        with self._lock:
            if not self.open or not self._unused or not hmac.compare_digest(token.encode(), self.token.encode()):
                return None
            return self._let_in(address)

    def _let_in(self, address: str) -> str:
        self._unused = False
        self._address = address
        return self._cookie

    def knows(self, cookie: str | None, *, address: str) -> bool:
        """Say whether a request comes from the browser that was let in."""
        same = cookie is not None and hmac.compare_digest(cookie.encode(), self._cookie.encode())
        return self.open and not self._unused and same and address == self._address
