"""The log of acts: who did what, when and for what purpose, one audit record a line, signed by the person, chained.

A log belongs to a place: the department's office, or a technician's laptop. Its records are those of a post's audit
trail, so that `platepost verify LOG --key people/keys` proves that none is missing, changed or made up.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from joserfc.jwk import ECKey
from pydantic import JsonValue, ValidationError

from device.clock.kernel import clock_quality
from device.errors import RecordError
from device.records import Audit, Envelope, Recorder, Role, Source, new_identifier
from device.records.base import Outcome
from device.records.canonical import canonical_bytes, digest_of, parse
from device.records.recorder import ChainHead
from device.records.signing import Signer
from device.records.verify.noted import NotedHead
from provisioning.errors import ProvisioningError
from provisioning.files.journal import Journal, journal, lines_of
from provisioning.people.person import NotCertifiedError, Person

LOG_FILE = "acts.jsonl"
PURPOSE_MOST = 200
"""Characters of a purpose."""


class ActLog:
    """One log of acts, a file that is only ever appended to.

    Args:
        path: the file; made, with its folder, at the first act.
        source: the place, as `platepost verify` shows it.

    """

    def __init__(self, path: Path, source: Source) -> None:
        self.path = path
        self.source = source

    @classmethod
    def of(cls, person: Person) -> "ActLog":
        """Return the log that lies in a person's own folder: what they did on this laptop."""
        return cls(person.folder / LOG_FILE, Source(person.agency, person.name))

    def __iter__(self) -> Iterator[Audit]:
        """Yield the acts, oldest first; none if there is no log yet.

        Raises:
            ProvisioningError: a line is no act.

        """
        for number, line in enumerate(lines_of(self.path), start=1):
            try:
                yield Audit.model_validate(parse(line)["data"])
            except (RecordError, ValueError, KeyError) as error:
                raise ProvisioningError(
                    f"{self.path}, line {number}: not an act; `platepost verify` says more"
                ) from error

    @property
    def head(self) -> NotedHead | None:
        """The end of the log as it is now, to be noted down; None if there is no log yet.

        Raises:
            ProvisioningError: the log is damaged, or cannot be read.

        """
        try:
            lines = lines_of(self.path)
        except OSError as error:
            raise ProvisioningError(f"{self.path}: cannot be read: {error.strerror}") from error
        if not lines:
            return None
        end = self._head(lines[-1])
        return NotedHead(end.sequence, end.digest)

    def append(self, make: Callable[[ChainHead], Envelope]) -> Envelope:
        """Call `make` with the log's end and append what it returns, durably; others wait meanwhile.

        Raises:
            ProvisioningError: the log is damaged, or cannot be written.

        """
        with self._held() as held:
            envelope = make(self._head(held.last))
            held.append(envelope.body)
        return envelope

    def check(self) -> None:
        """Make sure that an act can be logged, before it is done.

        Raises:
            ProvisioningError: the log is damaged, or cannot be written.

        """
        with self._held() as held:
            self._head(held.last)

    @contextmanager
    def _held(self) -> Iterator[Journal]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with journal(self.path) as held:
                yield held
        except OSError as error:
            raise ProvisioningError(f"{self.path}: the act cannot be logged: {error.strerror}") from error

    def _head(self, line: bytes | None) -> ChainHead:
        """Find the end of the chain by the last line."""
        if line is None:
            return ChainHead(new_identifier())
        try:
            last = parse(line)
            return ChainHead(str(last["chain"]), int(last["sequence"]), digest_of(canonical_bytes(last)))
        except (RecordError, KeyError, TypeError, ValueError) as error:
            raise ProvisioningError(f"{self.path} is damaged: `platepost verify` says where") from error


class _Store:
    """What a recorder writes to: only acts, which have no pictures and are never dropped."""

    def __init__(self, log: ActLog) -> None:
        self._log = log
        self.head = ChainHead(new_identifier())

    def append(self, make: Callable[[ChainHead], Envelope]) -> Envelope:
        return self._log.append(make)

    def append_covert(self, make: object, *, group: str) -> Envelope:
        raise NotImplementedError

    def append_account(self, make: object) -> None:
        """Nothing is ever dropped."""

    def append_loss(self, make: object) -> None:
        """Nor lost and told."""


def broken_off(error: BaseException) -> str:
    """Return what the log says of an act that an error broke off."""
    return f"broken off: {error or type(error).__name__}"[:300]


def record(
    person: Person,
    act: str,
    purpose: str,
    *,
    log: ActLog,
    object: str | None = None,  # noqa: A002 - the record's own name for it
    outcome: Outcome = "success",
    reason: str | None = None,
    details: dict[str, JsonValue] | None = None,
    roles: Collection[Role] | None = None,
    checked: bool = False,
    now: datetime | None = None,
) -> Envelope:
    """Log one act of a person, signed with their key.

    Whose certification is not valid, or whose role may not do it, is refused, and that is logged; so is what was
    refused for another reason (`outcome`), whoever tried it.

    Args:
        person: who.
        act: what, a slug such as `post_aimed`.
        purpose: why, in the person's own words; one line, never a plate.
        log: where.
        object: to what, such as a post's name.
        outcome: how it ended.
        reason: a slug, where it did not succeed.
        details: more, by name.
        roles: who may do it; anybody certified where None.
        checked: whether that was looked at before the act began: what is done then is logged as done.
        now: the time; the system's where None.

    Raises:
        NotCertifiedError: the certification has ended or not begun, or the role may not do it.
        ProvisioningError: there is no purpose, or the log cannot be written.

    """
    now = now or datetime.now(UTC)
    told: dict[str, JsonValue] = {"purpose": checked_purpose(purpose), "role": person.role.value}
    try:
        if outcome != "refused" and not checked:
            person.require(roles, at=now)
    except NotCertifiedError as refusal:
        write(log, person.name, person.key, act, told, object=object, outcome="refused", reason=refusal.reason, now=now)
        raise
    told |= details or {}
    return write(log, person.name, person.key, act, told, object=object, outcome=outcome, reason=reason, now=now)


def checked_purpose(purpose: str) -> str:
    """Return a purpose without the space around it.

    Raises:
        ProvisioningError: there is none, or it is too long, or of more lines than one.

    """
    text = purpose.strip()
    if not text or len(text) > PURPOSE_MOST or not text.isprintable():
        raise ProvisioningError(
            f"the purpose is a line of 1 to {PURPOSE_MOST} characters; it goes into the log of acts"
        )
    return text


def write(
    log: ActLog,
    name: str,
    key: ECKey,
    act: str,
    details: dict[str, JsonValue],
    *,
    object: str | None,  # noqa: A002
    outcome: Outcome,
    reason: str | None,
    now: datetime,
) -> Envelope:
    """Log an act of `name`, signed with `key`; nothing is asked. See `record`, and `provisioning.fleet.unsigned`.

    Raises:
        ProvisioningError: it cannot be said so, or the log cannot be written.

    """
    try:
        said = Audit(
            clock=clock_quality(),
            action=act,
            occurred=now,
            where=log.source.post,
            source="provision",
            outcome=outcome,
            identity=name,
            reason=reason,
            object=object,
            details=details,
        )
    except ValidationError as error:
        raise ProvisioningError(f"the act {act!r} cannot be logged: {error.errors()[0]['msg']}") from error
    recorder = Recorder(_Store(log), Signer(key), log.source, now=lambda: now)
    return recorder.record(said)
