"""The remote configuration of a running post: taken, tried, kept or given back.

A configuration is in force from the moment it is on disk. For its first minutes it is on trial: if the post cannot
start with it, starts again and again, or gets a fault that it did not have, the one before comes back.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from threading import RLock
from time import monotonic
from typing import Generic

from platepost.common.settings import Table
from platepost.device.audit.log import AuditEvent
from platepost.device.control.configuration.store import Applied, ConfigurationStore, StoredConfiguration, Trial
from platepost.device.control.keys import SigningKeys
from platepost.wire.control import desired as judging
from platepost.wire.control.overlay import overlay
from platepost.wire.errors import NotKeptError, RefusedError, Rejection
from platepost.wire.records import CONFIGURATION_TYPE, ClockQuality, ConfigurationState, RefusedConfiguration, Source

log = logging.getLogger(__name__)

STARTS = 3
"""Starts within one trial from which the configuration is taken for the cause: one may be a power cut."""
FAULT_SECONDS = 15.0
"""How long a new fault must last to end a trial."""
MAY_PASS = frozenset({Rejection.EXPIRED, Rejection.NOT_YET_VALID, Rejection.NOT_KEPT})
"""Reasons for which a configuration is not applied now and may be later: the clock is set, or the disk has room."""


class RemoteConfiguration(Generic[Table]):
    """Lays what the department desires over the post's own file. Safe to use from several threads.

    Args:
        base: the whole of the post's own configuration.
        store: keeps the state.
        keys: those by which a configuration is known for the fleet's.
        source: the post.
        trial_seconds: how long a new configuration is watched.
        steady: the clock that is never set, seconds.

    """

    def __init__(
        self,
        base: Table,
        store: ConfigurationStore,
        keys: SigningKeys,
        source: Source,
        *,
        trial_seconds: float = 300.0,
        steady: Callable[[], float] = monotonic,
    ) -> None:
        self._lock = RLock()
        self._events: list[AuditEvent] = []
        self._changed = True
        self._base = base
        self._store = store
        self._keys = keys
        self._source = source
        self._trial_seconds = trial_seconds
        self.kept = StoredConfiguration()
        """What stands on disk."""
        self.effective = base
        """The configuration that is in force."""
        self._pending: Table | None = None
        self._waiting: bytes | None = None
        """The last that came, where it was refused for a reason that may pass."""
        self._steady = steady
        self._trial_since = steady()
        self._fault_since: float | None = None

    # --- at the start

    def start(self) -> Table:
        """Return the configuration to start with; if the one kept is unfit, that is noted and the one before taken."""
        with self._lock:
            try:
                self.kept = self._store.read()
            except NotKeptError as error:
                # The broker has the retained one still, and brings it again.
                self._events.append(
                    AuditEvent(
                        "configuration_refused",
                        outcome="failure",
                        reason=Rejection.MALFORMED,
                        details={"message": str(error)},
                    )
                )
            self._forget_revoked()
            if self.kept.trial is not None:
                starts = self.kept.trial.starts + 1
                counted = self._keep(self.kept.with_(trial=self.kept.trial.model_copy(update={"starts": starts})))
                if not counted:
                    # It may have crashed any number of times. With room on the disk it is on trial again.
                    self._revert(Rejection.DID_NOT_START, "the disk does not take how often the software began")
                elif starts >= STARTS:
                    self._revert(Rejection.DID_NOT_START, f"the software began {starts} times while it was on trial")
            self.effective = self._from_store()
            return self.effective

    # --- what arrives

    def receive(self, message: bytes, *, at: datetime, clock: ClockQuality, faults: Iterable[str]) -> None:
        """Take a configuration from the broker, or note why not.

        Args:
            message: the JWS.
            at: the best known time.
            clock: how good it is.
            faults: those that the post has already.

        """
        with self._lock:
            version = identity = self._waiting = None
            current = self.kept.current
            if current is not None and current.jws.encode() == message:
                return  # it is in force, though its key may have been retired since
            try:
                statement = self._read(message, at)
                version, identity = statement.payload.version, statement.payload.who
                if self._is_known(statement):
                    return
                effective = judging.judge(
                    statement, self._base, source=self._source, highest=self.kept.highest, at=at, clock=clock
                )
                previous = self.kept.current if self.kept.trial is None else self.kept.previous
                self._store.write(
                    stored := StoredConfiguration(
                        highest=version,
                        signer=statement.signer,
                        current=Applied(jws=statement.jws, at=at),
                        previous=previous,
                        trial=Trial(before=tuple(sorted(faults))),
                    )
                )
            except RefusedError as refusal:
                self._waiting = message if refusal.reason in MAY_PASS else None
                self._refuse(refusal, version, identity)
            except NotKeptError as error:
                self._waiting = message
                self._refuse(RefusedError(Rejection.NOT_KEPT, str(error)), version, identity)
            else:
                self.kept = stored
                self.effective = effective
                self._pending = effective
                self._begin_trial()
                self._events.append(
                    AuditEvent(
                        "configuration_applied",
                        source="broker",
                        identity=identity,
                        object=str(version),
                        details={"digest": statement.digest, "settings": statement.payload.wire()["settings"]},
                    )
                )

    def look_again(self, *, at: datetime, clock: ClockQuality, faults: Iterable[str]) -> None:
        """Take a configuration that was refused for a reason that has passed: the broker does not bring it again.

        The arguments are those of `receive`.
        """
        with self._lock:
            if self._waiting is None:
                return
            try:
                statement = self._read(self._waiting, at)
                judging.judge(statement, self._base, source=self._source, highest=self.kept.highest, at=at, clock=clock)
            except RefusedError:
                return  # for what has been said already
            self.receive(self._waiting, at=at, clock=clock, faults=faults)

    def recheck(self) -> None:
        """Give back what was signed with a key that was revoked meanwhile."""
        with self._lock:
            self._forget_revoked()
            before = self.kept.current
            effective = self._from_store()
            if self.kept.current != before:
                self.effective = self._pending = effective

    # --- again and again

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

    def take_pending(self) -> Table | None:
        """Return the configuration to change over to, once."""
        with self._lock:
            pending, self._pending = self._pending, None
            return pending

    def watch(self, faults: Iterable[str], *, waits: bool = False) -> None:
        """Look at a trial: end it well after its time, or give the configuration before back for a fault that lasts.

        It does not end well while it `waits`: something that a configuration can cause is not decided yet.
        """
        with self._lock:
            trial = self.kept.trial
            if trial is None:
                return
            fresh = sorted(set(faults) - set(trial.before))
            if not fresh:
                self._fault_since = None
                if self._steady() - self._trial_since >= self._trial_seconds and not waits:
                    self._keep(self.kept.with_(trial=None, previous=None))
                    self._changed = True
                return
            self._fault_since = self._steady() if self._fault_since is None else self._fault_since
            if self._steady() - self._fault_since >= FAULT_SECONDS:
                self._revert(Rejection.DEGRADED, f"the post has become degraded: {', '.join(fresh)}")
                self.effective = self._pending = self._from_store()

    @property
    def former(self) -> Table | None:
        """What comes back if the configuration on trial fails; None while none is on trial."""
        with self._lock:
            if self.kept.trial is None or self.kept.previous is None:
                return None if self.kept.trial is None else self._base
            try:
                return overlay(self._base, self._read_kept(self.kept.previous).payload.settings)
            except RefusedError:
                return self._base

    def state(self) -> ConfigurationState:
        """Return what the status says."""
        with self._lock:
            current = self.kept.current
            if current is None:
                return ConfigurationState(state="file", refused=self.kept.refused)
            try:
                statement = self._read_kept(current)
            except RefusedError:  # its key was revoked at this very moment; what comes of it is said next
                return ConfigurationState(state="file", refused=self.kept.refused)
            return ConfigurationState(
                state="applied" if self.kept.trial is None else "trial",
                version=statement.payload.version,
                digest=statement.digest,
                who=statement.payload.who,
                applied=current.at,
                refused=self.kept.refused,
            )

    # --- within

    def _is_known(self, wanted: judging.Desired) -> bool:
        """Tell whether this is what is in force, or was reverted, as the broker brings it at every connection."""
        current, refused = self.kept.current, self.kept.refused
        if current is not None and current.jws == wanted.jws:
            return True
        return refused is not None and refused.version == wanted.payload.version == self.kept.highest

    def _read(self, message: bytes, at: datetime) -> judging.Desired:
        try:
            return judging.read(message, self._keys.arriving(at))
        except RefusedError as refusal:
            raise self._keys.named(refusal, message, typ=CONFIGURATION_TYPE, at=at) from None

    def _read_kept(self, applied: Applied) -> judging.Desired:
        """Read what was taken before; by whom it was signed may have been retired since, but not revoked."""
        message = applied.jws.encode()
        try:
            return judging.read(message, self._keys.kept())
        except RefusedError as refusal:
            raise self._keys.named(refusal, message, typ=CONFIGURATION_TYPE, at=datetime.now(UTC)) from None

    def _forget_revoked(self) -> None:
        """Let no version that a revoked key signed stand in the way: anyone who had it may have taken the highest."""
        if self.kept.highest and self._keys.revoked(self.kept.signer):
            self._keep(self.kept.with_(highest=0, signer=None))

    def _from_store(self) -> Table:
        while self.kept.current is not None:
            try:
                return overlay(self._base, self._read_kept(self.kept.current).payload.settings)
            except RefusedError as refusal:
                self._revert(refusal.reason, str(refusal))
        return self._base

    def _revert(self, reason: Rejection, why: str) -> None:
        try:
            failed = None if self.kept.current is None else self._read_kept(self.kept.current)
        except RefusedError:
            failed = None
        version = None if failed is None else failed.payload.version
        refused = RefusedConfiguration(version=version, reason=reason.value, message=why[:1000])
        self._keep(self.kept.with_(current=self.kept.previous, previous=None, trial=None, refused=refused))
        self._changed = True
        log.error("configuration %s is given back: %s", version, why)
        self._events.append(
            AuditEvent(
                "configuration_reverted",
                outcome="failure",
                identity=None if failed is None else failed.payload.who,
                reason=reason,
                object=None if version is None else str(version),
                details={"message": why[:1000]},
            )
        )

    def _refuse(self, refusal: RefusedError, version: int | None, identity: str | None) -> None:
        log.warning("configuration refused: %s", refusal.reason)
        verified = version is not None
        self._events.append(
            AuditEvent(
                "configuration_refused",
                source="broker",
                outcome="refused",
                identity=identity,
                reason=refusal.reason,
                object=None if version is None else str(version),
                details=refusal.details,
                verified=verified or refusal.signed,
            )
        )
        if verified:
            # Only what the fleet signed: anyone else could keep the retained status changing.
            refused = RefusedConfiguration(version=version, reason=refusal.reason.value, message=str(refusal)[:1000])
            if refused != self.kept.refused:
                self._keep(self.kept.with_(refused=refused))
                self._changed = True

    def _begin_trial(self) -> None:
        self._trial_since = self._steady()
        self._fault_since = None
        self._changed = True

    def _keep(self, kept: StoredConfiguration) -> bool:
        """Keep what is true already, and return whether the disk took it; if not, it is true until the next start."""
        self.kept = kept
        try:
            self._store.write(kept)
        except NotKeptError as error:
            log.warning("%s", error)
            return False
        return True
