"""Which keys are believed, after a statement and before the next: a value that never changes."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from platepost.wire.errors import RefusedError, Rejection
from platepost.wire.keys.statement import Key, VerifiedStatement
from platepost.wire.records import CustodianTerms

REMEMBERED = 64
"""Keys that are no longer believed, but still known by name."""


@dataclass(frozen=True, slots=True)
class RetiringKey:
    """A key that was in force before, and is accepted until it is retired."""

    key: Key
    until: datetime | None

    def over(self, at: datetime) -> bool:
        """Tell whether its time has passed."""
        return self.until is not None and at >= self.until


@dataclass(frozen=True, slots=True)
class WithdrawnKey:
    """A key that is no longer believed: retired or revoked."""

    key: Key
    revoked: bool
    """Whether what it signed before is worth nothing either."""


@dataclass(frozen=True, slots=True)
class KeyHistory:
    """The keys of one purpose."""

    present: Key | None
    """None for a custodian that no one has vouched for yet."""
    former: tuple[RetiringKey, ...] = ()
    withdrawn: tuple[WithdrawnKey, ...] = ()
    """Oldest first."""
    era: int = 0
    number: int = 0
    digest: str | None = None
    """Of the statement that says all this; None for the key that the post was given."""
    terms: CustodianTerms | None = None
    """Of a custodian's keys: what its receipts are needed for."""

    @property
    def in_force(self) -> tuple[Key, ...]:
        """The key in force, if there is one."""
        return () if self.present is None else (self.present,)

    def arriving(self, at: datetime) -> tuple[Key, ...]:
        """Return the keys by which something new is taken, that in force first."""
        return (*self.in_force, *(former.key for former in self.former if not former.over(at)))

    @property
    def kept(self) -> tuple[Key, ...]:
        """The keys by which what was taken before stays in force."""
        retired = (key.key for key in self.withdrawn if not key.revoked)
        return (*self.in_force, *(former.key for former in self.former), *retired)

    def gone(self, at: datetime) -> tuple[WithdrawnKey, ...]:
        """Return the keys that were believed once."""
        return self.withdrawn + tuple(WithdrawnKey(key.key, revoked=False) for key in self.former if key.over(at))

    def revoked(self, thumbprint: str) -> bool:
        """Tell whether a key was revoked."""
        return any(key.revoked and key.key.thumbprint == thumbprint for key in self.withdrawn)

    def let_go(self, thumbprint: str) -> bool:
        """Tell whether a key that was believed once was revoked, also one that is no longer remembered.

        Who has the key in force can have so many follow one another that the first is forgotten. What is forgotten
        was withdrawn before the oldest that is remembered, and revoked together with it.
        """
        others = (*(former.key for former in self.former), *(key.key for key in self.withdrawn))
        known = {key.thumbprint for key in (*self.in_force, *others)}
        if thumbprint in known:
            return self.revoked(thumbprint)
        # Where fewer are known none was ever forgotten: the file was damaged, or the key never believed.
        return len(known) > REMEMBERED and self.withdrawn[0].revoked

    def after(self, statement: VerifiedStatement) -> "KeyHistory":
        """Return what a statement makes of these keys.

        Raises:
            RefusedError: it is not newer, or names a key that was revoked.

        """
        payload = statement.payload
        newer = (
            payload.era > self.era if statement.by_root else (payload.era == self.era and payload.number > self.number)
        )
        if not newer:
            here = f"{self.era}.{self.number}"
            raise RefusedError(Rejection.OLDER, f"statement {payload.era}.{payload.number} does not follow {here}")
        named = {key.thumbprint for key in (statement.key, *statement.former)}
        if any(self.revoked(thumbprint) for thumbprint in named):
            raise RefusedError(Rejection.REVOKED_KEY, "it names a key that was revoked")
        revoking = payload.withdrawn == "revoked"
        before = [*self.in_force, *(former.key for former in self.former)]
        return KeyHistory(
            present=statement.key,
            former=tuple(
                RetiringKey(key, former.until) for key, former in zip(statement.former, payload.former, strict=True)
            ),
            withdrawn=_remembered(
                (
                    *(replace(key, revoked=key.revoked or revoking) for key in self.withdrawn),
                    *(WithdrawnKey(key, revoked=revoking) for key in before),
                ),
                but=named,
            ),
            era=payload.era,
            number=payload.number,
            digest=statement.digest,
            terms=payload.custodian if statement.by_root else self.terms,
        )


def _remembered(withdrawn: Iterable[WithdrawnKey], *, but: set[str]) -> tuple[WithdrawnKey, ...]:
    by_thumbprint = {key.key.thumbprint: key for key in withdrawn if key.key.thumbprint not in but}
    return tuple(by_thumbprint.values())[-REMEMBERED:]
