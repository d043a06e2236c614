"""Refused enrollments in the log of acts, rate-limited: no flood fills the disk, or keeps the server at signing."""

from collections import Counter
from collections.abc import Callable
from time import monotonic

from pydantic import JsonValue

from platepost.wire.enrollment.errors import EnrollmentError

ANYBODY = frozenset(
    {
        *("no_code", "code_wrong", "code_late", "keeper_expired", "request_refused"),
        *("revoked", "unknown_post", "other", "replaced", "lapsed"),
    }
)
"""Reasons of refusals of which anyone who reaches the port, or has some unit's certificate, can have as many as they
like. The others come from people with a valid code, named technicians.
"""
WINDOW_SECONDS = 60.0
NAMES_MOST = 20
"""Names, as they were said, in one act of what was only counted."""
NAME_MOST = 120
"""Characters of such a name in an act."""


class RefusalLog:
    """Logs the refusals that only a good code can bring about one by one, the others as few acts.

    Of the others the first of each reason within a minute is logged; how many more there were, and whose, becomes one
    act when the minute is over. One thread at a time.

    Args:
        record: logs one act, as `Author.record`.
        now: a clock that only goes on, seconds.

    """

    def __init__(self, record: Callable[..., object], *, now: Callable[[], float] = monotonic) -> None:
        self._record = record
        self._now = now
        self._since = now()
        self._said: set[str] = set()
        self._counted: Counter[str] = Counter()
        self._names: dict[str, None] = {}

    def refused(self, post: str, refusal: EnrollmentError) -> None:
        """Log or count a refusal of a post, of whatever name was said.

        Raises:
            ProvisioningError: the log cannot be written.

        """
        self.poll()
        reason, name = refusal.reason, post[:NAME_MOST]
        if reason in ANYBODY and reason in self._said:
            self._counted[reason] += 1
            if len(self._names) < NAMES_MOST:
                self._names[name] = None
            return
        self._said.add(reason)
        details: dict[str, JsonValue] = {"message": str(refusal)[:300]}
        self._record("enrollment_refused", object=name, details=details, outcome="refused", reason=reason)

    def poll(self) -> None:
        """End the minute if it is over; to be called now and then. Raises as `flush` does."""
        if self._now() - self._since >= WINDOW_SECONDS:
            self.flush()

    def flush(self) -> None:
        """End the minute now, and log what was only counted in it.

        Raises:
            ProvisioningError: the log cannot be written.

        """
        counted = self._counted
        names = self._names
        seconds = self._now() - self._since
        self._since = self._now()
        self._said = set()
        self._counted = Counter()
        self._names = {}
        if counted:
            details: dict[str, JsonValue] = {
                "counted": dict(sorted(counted.items())),
                "posts": list(names),
                "seconds": round(seconds),
            }
            self._record("enrollment_refused", details=details, outcome="refused", reason="repeated")
