"""Commands to a running post: verified, authorized, remembered, done once, audited, answered to the person who asked.

Who floods the post with forgeries gets no answer at all, and a bounded number of audit records.
"""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Self

from joserfc.jwk import ECKey
from pydantic import JsonValue

from platepost.common.errors import PlatepostError
from platepost.common.files import read_configured
from platepost.device.audit.log import AuditEvent
from platepost.device.camera.snapshot import Snapshot
from platepost.device.control import (
    CommandVerifier,
    NotKeptError,
    Operators,
    RefusedError,
    Rejection,
    ReplayGuard,
    seal_to,
)
from platepost.device.control.settings import ControlSettings
from platepost.device.control.verifier import VerifiedCommand
from platepost.device.logbook import Logbook
from platepost.device.uplink.inbox import Delivery
from platepost.wire.records import Command, Envelope, Finding, Response
from platepost.wire.records.base import Outcome

log = logging.getLogger(__name__)

OFTEN: Mapping[Command, tuple[int, float]] = {
    Command.SELF_TEST: (30, 3600.0),
    Command.STILL: (12, 3600.0),
    Command.RESTART: (6, 3600.0),
    Command.RENEW_CERTIFICATE: (6, 3600.0),
}
"""How often, in how many seconds, a post does each command, no matter who asks: a still is no video."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a command brought."""

    findings: tuple[Finding, ...] = ()
    picture: bytes | None = None
    """A JPEG; it leaves the post sealed to the asker, and in no other way."""
    details: dict[str, JsonValue] = field(default_factory=dict)
    """For the audit trail."""
    afterwards: Callable[[], None] | None = None
    """What to do once the answer is on its way."""


Doer = Callable[[], Done]
Doers = Mapping[Command, Doer]
_NAME = re.compile(r"[a-z0-9-]{1,64}")


class CommandExecutor:
    """Does what the fleet's operators ask. Called in the thread of the uplink's inbox, one command at a time.

    Args:
        verifier: says what may be done.
        replay_guard: remembers what was done.
        logbook: the audit log and the time; signs answers.
        send: sends an answer.
        doers: what this post can do; a command that is not there is answered `unsupported`.

    """

    def __init__(
        self,
        verifier: CommandVerifier,
        replay_guard: ReplayGuard,
        logbook: Logbook,
        *,
        send: Callable[[Envelope], object],
        doers: Doers,
    ) -> None:
        self._source = logbook.source
        self._verifier = verifier
        self._replay_guard = replay_guard
        self._audit, self._rate_limited = logbook.audit, logbook.rate_limited
        self._recorder, self._timekeeper = logbook.recorder, logbook.timekeeper
        self._send = send
        self._doers = doers

    @classmethod
    def of(
        cls, settings: ControlSettings, logbook: Logbook, *, send: Callable[[Envelope], object], doers: Doers
    ) -> Self:
        """Make what does the commands of a post.

        Raises:
            ConfigurationError: the authority of the operators is unreadable.

        """
        replay_guard = ReplayGuard(settings.directory / "journal.db")
        verifier = CommandVerifier(
            logbook.source,
            Operators(read_configured(settings.operators_ca, "control.operators_ca")),
            run=logbook.run,
            now=logbook.timekeeper.now,
            clock=logbook.timekeeper.quality,
            strict=replay_guard.forgotten,
        )
        return cls(verifier, replay_guard, logbook, send=send, doers=doers)

    def receive(self, delivery: Delivery) -> None:
        """Take one message from a topic of commands."""
        command_name = delivery.topic.rpartition("/")[2]
        try:
            verified = self._verifier.verify(delivery.payload)
        except RefusedError as refusal:
            # No one of the fleet's signed it, or it is no command: its topic is what it tried.
            tried = command_name if _NAME.fullmatch(command_name) else "unknown"
            self._rate_limited.refused(
                "command_refused",
                reason=refusal.reason,
                source="broker",
                verified=refusal.signed,
                object=tried,
                details=refusal.details,
            )
            return
        if delivery.retained:
            self._refuse(verified, Rejection.RETAINED, "a command is never retained", delivery)
            return
        try:
            command = self._admit(verified, command_name, delivery)
        except RefusedError as refusal:
            self._refuse(verified, refusal.reason, str(refusal), delivery)
        except NotKeptError as error:
            self._refuse(verified, Rejection.NOT_KEPT, str(error), delivery)
        else:
            self._do(command, verified, delivery)

    def _admit(self, verified: VerifiedCommand, asked: str, delivery: Delivery) -> Command:
        command = self._verifier.authorize(verified, topic_command=asked)
        response_topic = self._source.response(verified.operator.name)
        if delivery.response_topic not in {None, response_topic}:
            raise RefusedError(Rejection.RESPONSE_TOPIC, f"answers go to {response_topic} only")
        most, within = OFTEN[command]
        self._replay_guard.take(verified.request.id, command, at=self._timekeeper.now(), most=most, within=within)
        return command

    def _do(self, command: Command, verified: VerifiedCommand, delivery: Delivery) -> None:
        doer = self._doers.get(command)
        if doer is None:
            self._say(verified, "failure", "unsupported")
            message = f"this post cannot {command} yet"
            self._answer(verified, delivery, outcome="unsupported", reason="unsupported", message=message)
            return
        try:
            result = doer()
            # Before the answer leaves: a picture that is not accounted for is not sent. Nor does the post restart: what
            # waits for the disk in memory would be gone.
            is_told = result.picture is not None or result.afterwards is not None
            if is_told:
                self._audit.record_now(self._event(verified, "success", None, **result.details))
        except Exception as error:  # whatever went wrong, who asked is told and the audit trail says it
            expected = isinstance(error, PlatepostError)
            if not expected:
                log.exception("the command %s failed", command)
            message = str(error)[:300] if expected else "an unforeseen fault; the post's log has details"
            self._say(verified, "failure", "failed")
            self._answer(verified, delivery, outcome="failed", reason="failed", message=message)
            return
        if not is_told:
            self._say(verified, "success", None, **result.details)
        sealed = None if result.picture is None else _sealed(verified.operator.key, result.picture)
        self._answer(verified, delivery, outcome="done", findings=result.findings, sealed=sealed)
        if result.afterwards is not None:
            result.afterwards()

    def _refuse(self, verified: VerifiedCommand, reason: Rejection, why: str, delivery: Delivery) -> None:
        log.warning("command refused: %s", reason)
        self._rate_limited.refused(
            "command_refused",
            reason=reason.value,
            source="broker",
            verified=True,
            identity=verified.operator.name[:120],
            object=verified.request.command,
            details=self._details(verified) | {"message": why[:300]},
        )
        self._answer(verified, delivery, outcome="refused", reason=reason.value, message=why[:300])

    def _say(self, verified: VerifiedCommand, outcome: Outcome, reason: str | None, **more: JsonValue) -> None:
        self._audit.record_soon(self._event(verified, outcome, reason, **more))

    def _event(self, verified: VerifiedCommand, outcome: Outcome, reason: str | None, **more: JsonValue) -> AuditEvent:
        return AuditEvent(
            "command_executed",
            "broker",
            outcome,
            verified.operator.name[:120],
            reason,
            verified.request.command,
            self._details(verified) | more,
        )

    def _details(self, verified: VerifiedCommand) -> dict[str, JsonValue]:
        request = verified.request
        return {
            "request": request.id,
            "purpose": request.purpose,
            "asked": request.wire()["issued"],
            "role": verified.operator.role.value,
        }

    def _answer(self, verified: VerifiedCommand, delivery: Delivery, **fields: object) -> None:
        response = Response.model_validate(
            {
                "clock": self._timekeeper.quality(),
                "request": verified.request.id,
                "command": verified.request.command,
                "asked_by": verified.request.asked_by,
                **fields,
            }
        )
        # To the certificate's name, not to what the payload says of itself: they may differ in what was refused.
        if verified.operator.name != verified.request.asked_by:
            return
        self._send(replace(self._recorder.unchained(response), correlation=delivery.correlation))


def _sealed(key: ECKey, picture: bytes) -> dict[str, object]:
    return dict(seal_to(key, picture, media_type="image/jpeg"))


def doers(
    *, check_up: Callable[[], tuple[Finding, ...]], snapshot: Snapshot, restart: Callable[[], None], renew: Doer | None
) -> Doers:
    """Return what a post does for which command.

    Args:
        check_up: tests the running post.
        snapshot: hands over a frame.
        restart: ends the post so that it is restarted.
        renew: renews the post's certificate; None where nothing is configured to renew it by.

    """

    def self_test() -> Done:
        findings = check_up()
        return Done(findings=findings, details={"faulty": [finding.point for finding in findings if not finding.good]})

    def still() -> Done:
        picture = snapshot.take()
        details: dict[str, JsonValue] = {
            "sha256": sha256(picture.content).hexdigest(),
            "bytes": len(picture.content),
            "width": picture.width,
            "height": picture.height,
        }
        return Done(picture=picture.content, details=details)

    done = {
        Command.SELF_TEST: self_test,
        Command.STILL: still,
        Command.RESTART: lambda: Done(afterwards=restart),  # once the answer is on its way
    }
    return done if renew is None else done | {Command.RENEW_CERTIFICATE: renew}
