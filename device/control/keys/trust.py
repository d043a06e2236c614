"""By whose signatures a post knows what is its department's: the keys it was given, and those that followed them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from cryptography import x509

from platepost.common.errors import ConfigurationError, RecordError
from platepost.common.files import read_configured
from platepost.device.control.keys import SigningKeys
from platepost.device.control.keys.custodians import Custodians
from platepost.device.control.keys.store import KeyStore
from platepost.device.control.settings import ControlSettings
from platepost.wire.hotlist.issuers import Issuers
from platepost.wire.keys.statement import Key, roots_of
from platepost.wire.records import CustodianTerms, KeyState, Purpose


@dataclass(frozen=True, slots=True)
class TrustedKeys:
    """The keys of each purpose."""

    lists: SigningKeys
    configuration: SigningKeys | None
    """None for a post that takes no configuration: its key for lists, and those of custodians, stay forever."""
    custodians: Custodians

    @classmethod
    def of(
        cls,
        agency: str,
        issuer_key: Path,
        control: ControlSettings | None,
        custodians: Sequence[tuple[CustodianTerms, Path]] = (),
    ) -> Self:
        """Go on with the keys that a post of an agency goes by.

        Those are `hotlist.issuer_key`, those it is controlled by, and one of each custodian of the configuration.

        Raises:
            ConfigurationError: a key or the root's certificate is unreadable or of the wrong kind.

        """
        lists = _given(issuer_key, "hotlist.issuer_key")
        keepers = [(terms, _given(path, "custody.custodians.key")) for terms, path in custodians]
        if control is None:
            return cls(SigningKeys(Purpose.LISTS, lists, agency=agency), None, Custodians(keepers, agency=agency))
        roots = _roots(control.operators_ca)
        purposes: list[SigningKeys] = []
        for purpose, configured in (
            (Purpose.LISTS, lists),
            (Purpose.CONFIGURATION, _given(control.configuration_key, "control.configuration_key")),
        ):
            keys = SigningKeys(
                purpose, configured, agency=agency, roots=roots, store=KeyStore(control.directory, purpose)
            )
            keys.load()
            purposes.append(keys)
        return cls(
            purposes[0], purposes[1], Custodians(keepers, agency=agency, roots=roots, directory=control.directory)
        )

    @property
    def all(self) -> tuple[SigningKeys, ...]:
        """Those that may change."""
        return () if self.configuration is None else (self.lists, self.configuration, *self.custodians.all)

    def issuers(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Issuers:
        """Return who may issue hot lists; `now` is the post's own time."""
        keys = self.lists
        return Issuers(lambda: keys.arriving(now()), keys.kept, lambda: keys.gone(now()))

    def state(self, at: datetime) -> tuple[KeyState, ...]:
        """Return what the status says."""
        return tuple(keys.state(at) for keys in self.all if keys.history.in_force)


def _given(path: Path, name: str) -> Key:
    try:
        return Key.of(read_configured(path, name))
    except RecordError as error:
        raise ConfigurationError(f"{name} = {str(path)!r}: {error}") from error


def _roots(path: Path) -> tuple[Key, ...]:
    text = read_configured(path, "control.operators_ca")
    try:
        return roots_of(x509.load_pem_x509_certificates(text))
    except ValueError as error:
        raise ConfigurationError("control.operators_ca: not a certificate in PEM") from error
