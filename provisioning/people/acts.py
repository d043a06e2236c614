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

from platepost.common.errors import RecordError
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.files.append_only import AppendOnlyFile, append_only, lines_of
from platepost.provisioning.people.person import NotCertifiedError, Person
from platepost.provisioning.people.register import Register
from platepost.wire.kernel_clock import clock_quality
from platepost.wire.records import Audit, Envelope, Recorder, Role, Source, new_identifier
from platepost.wire.records.base import Outcome
from platepost.wire.records.canonical import canonical_bytes, digest_of, parse
from platepost.wire.records.recorder import ChainHead
from platepost.wire.records.signing import Signer
from platepost.wire.verify.noted_heads import NotedHead

LOG_FILE = "acts.jsonl"
PURPOSE_MOST = 200
"""Characters of a purpose."""
OBJECT_MOST = 200
"""Longest name of an act's object in a record, in characters."""


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
                    f"{self.path}, line {number}: not an entry; `platepost verify` shows more"
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
    def _held(self) -> Iterator[AppendOnlyFile]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with append_only(self.path) as held:
                yield held
        except OSError as error:
            raise ProvisioningError(f"{self.path}: the action cannot be logged: {error.strerror}") from error

    def _head(self, line: bytes | None) -> ChainHead:
        """Find the end of the chain by the last line."""
        if line is None:
            return ChainHead(new_identifier())
        try:
            last = parse(line)
            return ChainHead(
                str(last["chain"]),
                int(last["sequence"]),
                digest_of(canonical_bytes(last)),
                time=datetime.fromisoformat(last["time"]),
            )
        except (RecordError, KeyError, TypeError, ValueError) as error:
            raise ProvisioningError(f"{self.path} is damaged: `platepost verify` shows where") from error


class _Store:
    """What a recorder writes to: only acts, which have no pictures and are never dropped."""

    def __init__(self, log: ActLog) -> None:
        self._log = log
        self.head = ChainHead(new_identifier())

    def append(self, make: Callable[[ChainHead], Envelope]) -> Envelope:
        return self._log.append(make)

    def append_covert(self, make: object, *, group: str) -> Envelope:
        raise NotImplementedError

    def covert_heads(self) -> tuple[ChainHead, ...]:
        return ()

    def append_account(self, make: object) -> None:
        """Nothing is ever dropped."""

    def append_loss(self, make: object) -> None:
        """Nor lost and told."""


def broken_off(error: BaseException) -> str:
    """Return what the log says of an act that an error broke off."""
    return f"broken off: {error or type(error).__name__}"[:300]


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


class Author:
    """In whose name acts are logged.

    Args:
        log: where.
        name: who.
        key: what they are signed with.
        said: what stands in the details of each of them.

    """

    def __init__(self, log: ActLog, name: str, key: ECKey, fields: dict[str, JsonValue]) -> None:
        self._log = log
        self._name = name
        self._key = key
        self._said = fields

    @classmethod
    def of(cls, person: Person, purpose: str, *, log: ActLog | None = None) -> "Author":
        """Return a person who acts for a purpose, in their own words: one line, never a plate.

        Args:
            person: who.
            purpose: why.
            log: where; in the person's own folder where None.

        Raises:
            ProvisioningError: there is no purpose.

        """
        fields: dict[str, JsonValue] = {"purpose": checked_purpose(purpose), "role": person.role.value}
        return cls(log or ActLog.of(person), person.name, person.key, fields)

    def admit(self, person: Person, roles: Collection[Role] | None = None, people: Register | None = None) -> None:
        """Make sure that a person is certified, and may act in one of `roles`; by a register too, if given.

        Raises:
            NotCertifiedError: they are not, or may not, which is logged.

        """
        try:
            person.require(roles)
            if people is not None:
                people.require(person.name, person.key.thumbprint(), person.role)
        except NotCertifiedError as refusal:
            self.record("act_refused", outcome="refused", reason=refusal.reason)
            raise

    def record(
        self,
        act: str,
        *,
        object: str | None = None,  # noqa: A002 - the record's own name for it
        outcome: Outcome = "success",
        reason: str | None = None,
        details: dict[str, JsonValue] | None = None,
    ) -> Envelope:
        """Log one act; whether it may be done was asked before it began: what is done is logged as done.

        Args:
            act: what, a slug such as `post_aimed`.
            object: to what, such as a post's name.
            outcome: how it ended.
            reason: a slug, where it did not succeed.
            details: more, by name.

        Raises:
            ProvisioningError: it cannot be said so, or the log cannot be written.

        """
        now = datetime.now(UTC)
        try:
            fields = Audit(
                clock=clock_quality(),
                action=act,
                occurred=now,
                where=self._log.source.post,
                source="provision",
                outcome=outcome,
                identity=self._name,
                reason=reason,
                object=None if object is None else object[:OBJECT_MOST],
                details=self._said | (details or {}),
            )
        except ValidationError as error:
            raise ProvisioningError(f"the act {act!r} cannot be logged: {error.errors()[0]['msg']}") from error
        return Recorder(_Store(self._log), Signer(self._key), self._log.source, now=lambda: now).record(fields)
