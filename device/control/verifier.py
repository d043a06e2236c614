"""Verifying commands: signature, person, post, age, run. What passes is fit to be done once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from joserfc.jwk import ECKey

from platepost.wire.control.people import Operator, Operators
from platepost.wire.errors import RefusedError, Rejection
from platepost.wire.jose import open_signed, read_payload
from platepost.wire.records import ALLOWED, COMMAND_TYPE, ClockQuality, Command, CommandRequest, Source

HEEDED = timedelta(seconds=120)
"""Age up to which a command is heeded."""
AHEAD = timedelta(seconds=30)
"""How far the asker's clock may be ahead."""


@dataclass(frozen=True, slots=True)
class VerifiedCommand:
    """A request whose signature is good, and who asks; whether it may be done is another question."""

    request: CommandRequest
    operator: Operator


class CommandVerifier:
    """Verifies commands to one post.

    Args:
        source: the post.
        operators: recognizes people.
        run: identifier of this run of the software, as `boot` in the status.
        now: the best known time.
        clock: the clock's quality.
        strict: whether every command must name the present run, as when what was done before is not remembered.

    """

    def __init__(
        self,
        source: Source,
        operators: Operators,
        *,
        run: str,
        now: Callable[[], datetime],
        clock: Callable[[], ClockQuality],
        strict: bool,
    ) -> None:
        self._source = source
        self._operators = operators
        self._run = run
        self._now = now
        self._clock = clock
        self._strict = strict

    def verify(self, message: bytes) -> VerifiedCommand:
        """Check who signed a message and read it.

        Raises:
            RefusedError: it is not a command that an operator of this fleet signed.

        """
        people: list[Operator] = []

        def key(header: dict[str, object]) -> ECKey:
            people.append(self._operators.recognize(header.get("x5c"), at=self._now()))
            return people[0].key

        signed = open_signed(message, typ=COMMAND_TYPE, key=key)
        request = read_payload(signed.payload, CommandRequest, "command")
        return VerifiedCommand(request, people[0])

    def authorize(self, verified: VerifiedCommand, *, topic_command: str) -> Command:
        """Say which command may be done for the one who asks.

        Raises:
            RefusedError: why not.

        """
        request, operator = verified.request, verified.operator
        if operator.name != request.asked_by:
            raise RefusedError(Rejection.NOT_THE_HOLDER, "the certificate is another person's")
        if self._source.agency != request.agency or operator.agency != self._source.agency:
            raise RefusedError(Rejection.FOREIGN_AGENCY, "the command is for another agency, or from one")
        if request.post != self._source.post:
            raise RefusedError(Rejection.OTHER_POST, "the command is for another post")
        if request.command != topic_command:
            raise RefusedError(Rejection.OTHER_COMMAND, "the command does not match its topic")
        try:
            command = Command(request.command)
        except ValueError:
            raise RefusedError(Rejection.UNKNOWN_COMMAND, f"known: {', '.join(Command)}") from None
        if operator.role not in ALLOWED[command]:
            allowed = ", ".join(sorted(ALLOWED[command]))
            raise RefusedError(Rejection.ROLE, f"a post does {command} for: {allowed}; the sender is {operator.role}")
        self._check_age(request)
        return command

    def _check_age(self, request: CommandRequest) -> None:
        if request.boot is not None and request.boot != self._run:
            raise RefusedError(Rejection.OTHER_RUN, "it names another run of the post's software, not the current one")
        if self._strict and request.boot is None:
            raise RefusedError(Rejection.OTHER_RUN, "it must name the current run of the post's software")
        if not self._clock().synchronised:
            # Without the right time an old command cannot be told from a new one, except by the run that it names.
            if request.boot is None:
                raise RefusedError(
                    Rejection.CLOCK_UNSYNCHRONISED, "its age is unknown, and it is not for the current run"
                )
            return
        age = self._now() - request.issued
        if age > HEEDED:
            raise RefusedError(Rejection.TOO_OLD, f"it is {age.total_seconds():.0f} s old")
        if age < -AHEAD:
            raise RefusedError(Rejection.FROM_THE_FUTURE, f"it was signed {-age.total_seconds():.0f} s from now")
