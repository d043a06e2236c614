"""The keys by which a post knows what is the department's, for one purpose: kept, and followed by others."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from threading import RLock

from joserfc.jwk import ECKey
from pydantic import JsonValue

from platepost.common.errors import RecordError
from platepost.device.audit.log import AuditEvent
from platepost.device.control.keys.store import MOST, KeyStore, StoredKeys, StoredWithdrawnKey
from platepost.wire.errors import NotKeptError, RefusedError, Rejection
from platepost.wire.jose import open_signed_by
from platepost.wire.keys.follow import follow, for_us
from platepost.wire.keys.history import KeyHistory, WithdrawnKey
from platepost.wire.keys.statement import Key, VerifiedStatement, lines, read
from platepost.wire.records import KEYS_TYPE, CustodianTerms, KeyState, Purpose, RefusedKeys
from platepost.wire.records.base import Outcome

log = logging.getLogger(__name__)


class SigningKeys:
    """Believes one key, and those that it or the root vouches for. Safe to use from several threads.

    Args:
        purpose: what the keys sign.
        given: the key that the post was given when it was enrolled; None for a custodian that the root is to add.
        agency: whose post it is.
        roots: the keys that outrank every other.
        store: keeps what was taken; None for a post that takes nothing.
        terms: with the purpose custody: whose keys they are, and what the configuration needs its receipts for.

    """

    def __init__(
        self,
        purpose: Purpose,
        given: Key | None,
        *,
        agency: str = "",
        roots: tuple[Key, ...] = (),
        store: KeyStore | None = None,
        terms: CustodianTerms | None = None,
    ) -> None:
        self._lock = RLock()
        self._events: list[AuditEvent] = []
        self._changed = False
        self.purpose = purpose
        self._given = given
        self._agency = agency
        self._roots = roots
        self._store = store
        self.custodian = None if terms is None else terms.name
        """Whose they are, with the purpose custody."""
        self._terms = terms
        self._about = str(purpose) if terms is None else f"{purpose}/{terms.name}"
        self.history = KeyHistory(given, terms=terms)
        """The keys in use, and how they came to be."""
        self._kept = StoredKeys(given=given and given.thumbprint)
        self._listeners: list[Callable[[], None]] = []
        self._over: frozenset[str] | None = None
        self.not_kept = False
        """Whether the last message would have been followed if the disk had kept it."""

    @classmethod
    def fixed(cls, purpose: Purpose, key: ECKey) -> "SigningKeys":
        """Believe one key forever."""
        return cls(purpose, Key(key.thumbprint(), key.as_pem(private=False).decode(), key))

    # --- who is believed

    def arriving(self, at: datetime) -> tuple[ECKey, ...]:
        """Return the keys by which something new is taken at a moment."""
        return tuple(key.public for key in self.history.arriving(at))

    def kept(self) -> tuple[ECKey, ...]:
        """Return the keys by which what was taken before stays in force: retired ones too, revoked ones not."""
        return tuple(key.public for key in self.history.kept)

    def gone(self, at: datetime) -> tuple[tuple[ECKey, bool], ...]:
        """Return the keys that were believed once, each with whether it was revoked."""
        return tuple((withdrawn.key.public, withdrawn.revoked) for withdrawn in self.history.gone(at))

    def revoked(self, thumbprint: str | None) -> bool:
        """Tell whether a key that was believed once was revoked; None is the one that the post was given."""
        known = thumbprint or (self._given.thumbprint if self._given else None)
        return known is not None and self.history.let_go(known)

    def named(self, refusal: RefusedError, message: bytes, *, typ: str, at: datetime) -> RefusedError:
        """Return a refusal for a signature, by the name of what is wrong with its key where that was believed once."""
        if refusal.reason is not Rejection.BAD_SIGNATURE:
            return refusal
        for key, revoked in self.gone(at):
            if _signed(message, key, typ):
                reason = Rejection.REVOKED_KEY if revoked else Rejection.RETIRED_KEY
                return RefusedError(reason, f"it is signed with a key that was {reason.value.removesuffix('_key')}")
        return refusal

    # --- what is kept

    def load(self) -> None:
        """Load the stored keys; what cannot be used is reported, and the broker brings it again."""
        with self._lock:
            if self._store is None:
                return
            try:
                stored = self._store.read()
                if stored is not None:
                    self.history, self._kept = self._replayed(stored)
            except (NotKeptError, RefusedError, RecordError) as error:
                if self._given is None and self._terms is not None:
                    # What its receipts are needed for is not known now, and what is deleted without them is gone.
                    self.history = KeyHistory(None, terms=self._terms.model_copy(update={"required": True}))
                details: dict[str, JsonValue] = {"message": str(error)}
                self._report("trusted_keys_refused", outcome="failure", reason=Rejection.MALFORMED, details=details)

    def _replayed(self, kept: StoredKeys) -> tuple[KeyHistory, StoredKeys]:
        known = tuple(WithdrawnKey(Key.of(gone.public_key), gone.revoked) for gone in kept.withdrawn)
        configured = self._given and self._given.thumbprint
        if kept.given != configured:
            # Someone gave the post another key by hand; what was withdrawn before stays so, except for that key.
            known = tuple(gone for gone in known if gone.key.thumbprint != configured)
            return KeyHistory(self._given, withdrawn=known, terms=self._terms), _kept(self._given, (), known, None)
        history = KeyHistory(self._given, terms=self._terms)
        for line in kept.statements:
            statement = read(line.encode(), key=history.present, roots=self._roots)
            history = history.after(for_us(statement, self.purpose, self._agency, self.custodian))
        believed = {key.thumbprint for key in (*history.in_force, *(former.key for former in history.former))}
        return replace(history, withdrawn=tuple(gone for gone in known if gone.key.thumbprint not in believed)), kept

    # --- what arrives

    def receive(self, message: bytes, *, at: datetime) -> bool:
        """Take the statements of a message that lead on from the key in force, all of them at once, or note why not.

        Returns whether any was taken; `announce` is due then.

        A message tells the whole story: who was away for long finds in it every step that was missed. What comes
        before the step that the post knows is history, and no event.
        """
        with self._lock:
            self.not_kept = False
            try:
                received = lines(message)
            except RefusedError as refusal:
                self._refuse(refusal, None)
                return False
            followed = follow(
                self.history,
                received,
                purpose=self.purpose,
                agency=self._agency,
                roots=self._roots,
                custodian=self.custodian,
                named=lambda refusal, line: self.named(refusal, line, typ=KEYS_TYPE, at=at),
            )
            if followed.taken and not self._keep(followed.history, followed.taken):
                return False
            if followed.refused is not None:
                self._refuse(followed.refused, followed.about)
            return bool(followed.taken)

    def _keep(self, history: KeyHistory, taken: list[VerifiedStatement]) -> bool:
        """Keep what was followed and go by it; tell whether that could be done."""
        statements = list(self._kept.statements)
        for statement in taken:
            # The root's word needs no one else's before it.
            statements = [statement.jws] if statement.by_root else [*statements, statement.jws]
        last = taken[-1]
        stored = _kept(self._given, tuple(statements[:MOST]), history.withdrawn, None)
        if self._store is None or len(statements) > MOST:
            why = "more statements than a post follows: it needs one by the root"
            self._refuse(RefusedError(Rejection.TOO_LARGE, why), last)
            return False
        try:
            self._store.write(stored)
        except NotKeptError as error:
            self.not_kept = True
            self._refuse(RefusedError(Rejection.NOT_KEPT, str(error)), last, outcome="failure")
            return False
        before = {key.thumbprint for key in self.history.kept}
        self.history = history
        self._kept = stored
        self._changed = True
        self._over = None
        log.warning("other keys sign %s: statement %d.%d", self._about, history.era, history.number)
        for statement in taken:
            self._tell_change(statement)
        lost = sorted(before - {key.thumbprint for key in history.kept})
        if lost:
            log.warning("revoked: %s", ", ".join(lost))
        return True

    # --- again and again

    def on_changed(self, listener: Callable[[], None]) -> None:
        """Have `listener` called after every change."""
        self._listeners.append(listener)

    def announce(self) -> None:
        """Tell the listeners of a change."""
        for listener in self._listeners:
            listener()

    def take_events(self) -> tuple[AuditEvent, ...]:
        """Return what is to be audited, once."""
        with self._lock:
            events, self._events = tuple(self._events), []
            return events

    def take_changed(self) -> bool:
        """Tell, once, whether `state` says something new."""
        with self._lock:
            changed, self._changed = self._changed, False
            return changed

    def poll(self, at: datetime) -> None:
        """Note each key whose time has passed since the last look."""
        with self._lock:
            over = frozenset(former.key.thumbprint for former in self.history.former if former.over(at))
            fresh = frozenset() if self._over is None else over - self._over
            self._over = over
            self._changed = self._changed or bool(fresh)
            for thumbprint in sorted(fresh):
                self._report("trusted_key_retired", details={"key": thumbprint})

    def state(self, at: datetime) -> KeyState:
        """Return what the status says of keys of which one is in force."""
        with self._lock:
            present, *former = self.history.arriving(at)
            return KeyState(
                purpose=self.purpose,
                custodian=self.custodian,
                key=present.thumbprint,
                former=tuple(key.thumbprint for key in former),
                era=self.history.era,
                number=self.history.number,
                refused=self._kept.refused,
            )

    # --- within

    def _tell_change(self, statement: VerifiedStatement) -> None:
        payload = statement.payload
        former: list[JsonValue] = [key.thumbprint for key in statement.former]
        details: dict[str, JsonValue] = {
            "key": payload.key.thumbprint,
            "former": former,
            "withdrawn": payload.withdrawn,
            "vouched": "root" if statement.by_root else "key",
            "digest": statement.digest,
        }
        if payload.custodian is not None:
            details |= {"groups": list(payload.custodian.groups), "required": payload.custodian.required}
        self._report("trusted_keys_changed", about=statement, identity=payload.who, details=details)

    def _refuse(
        self, refusal: RefusedError, statement: VerifiedStatement | None, *, outcome: Outcome = "refused"
    ) -> None:
        log.warning("statement about keys for %s refused: %s", self._about, refusal.reason)
        self._report(
            "trusted_keys_refused",
            about=statement,
            outcome=outcome,
            identity=None if statement is None else statement.payload.who,
            reason=refusal.reason,
            details=refusal.details,
            verified=statement is not None or refusal.signed,
        )
        if statement is None or not self.history.in_force:
            return  # of a custodian that no one has added nothing is kept
        # Only what a key that may vouch has signed: anyone else could keep the retained status changing.
        refused = RefusedKeys(era=statement.payload.era, number=statement.payload.number, reason=refusal.reason.value)
        if refused != self._kept.refused:
            self._kept, self._changed = self._kept.model_copy(update={"refused": refused}), True
            try:
                if self._store is not None:
                    self._store.write(self._kept)
            except NotKeptError as error:
                log.warning("%s", error)

    def _report(
        self,
        action: str,
        *,
        about: VerifiedStatement | None = None,
        outcome: Outcome = "success",
        identity: str | None = None,
        reason: Rejection | None = None,
        details: dict[str, JsonValue],
        verified: bool = True,
    ) -> None:
        number = "" if about is None else f" {about.payload.era}.{about.payload.number}"
        self._events.append(
            AuditEvent(
                action,
                "post" if outcome == "failure" else "broker",
                outcome,
                identity,
                reason,
                f"{self._about}{number}",
                details,
                verified,
            )
        )


def _kept(
    given: Key | None, statements: tuple[str, ...], withdrawn: tuple[WithdrawnKey, ...], refused: RefusedKeys | None
) -> StoredKeys:
    withdrawn_keys = tuple(
        StoredWithdrawnKey(public_key=withdrawn_key.key.pem, revoked=withdrawn_key.revoked)
        for withdrawn_key in withdrawn
    )
    return StoredKeys(
        given=given and given.thumbprint, statements=statements, withdrawn=withdrawn_keys, refused=refused
    )


def _signed(message: bytes, key: ECKey, typ: str) -> bool:
    try:
        open_signed_by(message, typ=typ, keys=[key])
    except RefusedError:
        return False
    return True
