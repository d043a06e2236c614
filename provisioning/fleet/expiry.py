"""When the certificates that do not renew themselves end, and what renews each."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509

from platepost.provisioning.brokers.rights import Party
from platepost.provisioning.fleet.layout import Layout
from platepost.provisioning.trust.authority import CERTIFICATE_FILE, CHAIN_FILE, read_certificates

AUTHORITY_AHEAD = timedelta(days=365)
"""Before the end of an authority: what it issues ends with it, and a new root takes a visit to every post."""
GRAVE = timedelta(days=7)
_BROKER = "fleet rotate FLEET broker"
_COPY = "it does not show the one in broker/: copy that to it, and restart it"
_WHO_KEEP_THEIRS = frozenset({Party.SUBSCRIBER, Party.CUSTODIAN})


@dataclass(frozen=True, slots=True)
class Expiry:
    """The end of one certificate."""

    what: str
    ends: datetime
    renewal: str
    """What renews it, in words."""
    ahead: timedelta | None = None
    """How long before the end it is said, where that is a matter of its kind."""

    def warning(self, *, ahead: timedelta, at: datetime | None = None) -> tuple[str, bool] | None:
        """Return what is to be said of the end, and whether it is grave; None while it is further off than `ahead`."""
        left = self.ends - (at or datetime.now(UTC))
        if left > (self.ahead or ahead):
            return None
        end = f"ends in {left.days} days" if left > timedelta(0) else f"ended on {self.ends:%Y-%m-%d}"
        return f"the certificate of {self.what} {end}: {self.renewal}", left <= GRAVE

    def wire(self) -> dict[str, Any]:
        """Return it in JSON's types."""
        return {"certificate": self.what, "ends": self.ends.isoformat()}


def expiries(fleet: Layout, *, serves_enrollment: bool, shown: x509.Certificate | None = None) -> Iterator[Expiry]:
    """Yield the certificates of root, issuing authority, broker, department, subscribers and custodians.

    Also that of the enrollment server where it runs: at each start it has a new one. Posts tell of theirs themselves,
    and people's end with their certification.

    Args:
        fleet: the fleet.
        serves_enrollment: whether its enrollment server runs.
        shown: the certificate that the broker shows, where it was asked; it may not be the one in broker/.

    Raises:
        ProvisioningError: a certificate of the fleet is missing or damaged, or the ledger is.

    """
    issuing, *above = read_certificates(fleet.authority / CHAIN_FILE)
    for root in above[-1:]:
        ends = root.not_valid_after_utc
        yield Expiry("the root", ends, "make a new fleet, and enroll every post again", AUTHORITY_AHEAD)
    if all(issuing.not_valid_after_utc < one.not_valid_after_utc for one in above):
        renewal = "fleet rotate FLEET authority, with the root"
        yield Expiry("the issuing authority", issuing.not_valid_after_utc, renewal, AUTHORITY_AHEAD)
    here = read_certificates(fleet.broker.certificate)[0] if fleet.broker.certificate.exists() else None
    present = shown or here
    if present is not None:  # broker/ may have been taken to the broker
        renewal = _BROKER if here is None or here == present else _COPY
        yield Expiry("the broker", present.not_valid_after_utc, renewal)
    yield _of(fleet.publisher / CERTIFICATE_FILE, "the department's own client", "fleet rotate FLEET publisher")
    yield from _clients(fleet)
    path = fleet.enrollment / "server" / CERTIFICATE_FILE
    if serves_enrollment and path.exists():
        yield _of(path, "the enrollment server", "it should have renewed it automatically: restart it")


def _clients(fleet: Layout) -> Iterator[Expiry]:
    parties = {name: party for name, party in fleet.clients().items() if party in _WHO_KEEP_THEIRS}
    # The last that was issued: they keep it themselves.
    ends = {one.name: one.ends for one in fleet.certificates.all() if one.name in parties}
    for name in sorted(ends):
        yield Expiry(f"{parties[name].value} {name}", ends[name], f"fleet renew FLEET {name}")


def _of(path: Path, what: str, renewal: str) -> Expiry:
    return Expiry(what, read_certificates(path)[0].not_valid_after_utc, renewal)
