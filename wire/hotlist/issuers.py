"""Whose signature makes a list the department's: the keys in force, and those that were before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

from joserfc.jwk import ECKey

from platepost.wire.hotlist.epochs import KeyMessage, verify_keys
from platepost.wire.hotlist.errors import BadSignature, HotListRefused, SignedWithRetiredKey, SignedWithRevokedKey
from platepost.wire.hotlist.manifest import Manifest, verify
from platepost.wire.hotlist.package import load_key

_Signed = TypeVar("_Signed", Manifest, KeyMessage)


@dataclass(frozen=True, slots=True)
class Issuers:
    """The issuer's keys, asked for again each time, since they may change while a post runs."""

    arriving: Callable[[], Sequence[ECKey]]
    """By which a package is taken."""
    kept: Callable[[], Sequence[ECKey]]
    """By which one that was taken before is good still."""
    gone: Callable[[], Sequence[tuple[ECKey, bool]]]
    """Those that were good once, each with whether it was revoked rather than retired."""

    @classmethod
    def only(cls, pem: bytes) -> Self:
        """Take one public key, PEM, for good. Raises ConfigurationError."""
        key = load_key(pem, private=False)
        return cls(lambda: [key], lambda: [key], list)

    def check(self, line: bytes) -> Manifest:
        """Verify the manifest of a package that arrives.

        Raises what `verify` raises; SignedWithRetiredKey or SignedWithRevokedKey where the key was one of before.
        """
        return self._verified(line, self.arriving(), verify)

    def check_kept(self, line: bytes) -> Manifest:
        """Verify the manifest of a package that was taken before; raises likewise."""
        return self._verified(line, self.kept(), verify)

    def check_keys(self, message: bytes) -> KeyMessage:
        """Verify a key message that arrives; raises likewise."""
        return self._verified(message, self.arriving(), verify_keys)

    def check_kept_keys(self, message: bytes) -> KeyMessage:
        """Verify a key message that was taken before; raises likewise."""
        return self._verified(message, self.kept(), verify_keys)

    def _verified(
        self, line: bytes, keys: Sequence[ECKey], read: Callable[[bytes, Sequence[ECKey]], _Signed]
    ) -> _Signed:
        try:
            return read(line, keys)
        except BadSignature:
            for key, revoked in self.gone():
                if _signed(line, key, read):
                    kind = SignedWithRevokedKey if revoked else SignedWithRetiredKey
                    raise kind("it is signed with a key of the issuer that is no longer valid") from None
            raise


def _signed(line: bytes, key: ECKey, read: Callable[[bytes, Sequence[ECKey]], _Signed]) -> bool:
    try:
        read(line, [key])
    except BadSignature:
        return False
    except HotListRefused:
        return True
    return True
