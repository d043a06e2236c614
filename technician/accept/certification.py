"""Whether the technician who signed an acceptance report was certified when it was made, and is now."""

from datetime import UTC, datetime

from platepost.common.language import local
from platepost.provisioning.people.person import ROLES_AT_POSTS, NotCertifiedError
from platepost.provisioning.people.register import Register
from platepost.provisioning.trust.ledger import CertificateLedger
from platepost.technician.accept.seal import Sealed
from platepost.wire.kernel_clock import CLOCK_TOLERANCE


def lapse_since(sealed: Sealed, *, people: Register, ledger: CertificateLedger) -> NotCertifiedError | None:
    """Return what has ended of the technician's certification since the report; None while they are certified.

    The register, the ledger of certificates and the revocations are asked.

    Raises:
        NotCertifiedError: the technician was not certified when the report was ended; its `reason` says what is wrong.
        ReportRefusedError: the report does not say when it was ended.

    """
    now, ended = datetime.now(UTC), sealed.ended
    if ended > now + CLOCK_TOLERANCE:
        raise NotCertifiedError(
            f"the report states that it was ended at {local(ended)}, which is in the future", reason="time"
        )
    _require(sealed, people, ledger, ended)
    try:
        _require(sealed, people, ledger, now)
    except NotCertifiedError as lapse:
        return lapse
    return None


def _require(sealed: Sealed, people: Register, ledger: CertificateLedger, at: datetime) -> None:
    name, serial = sealed.technician, sealed.certificate.serial_number
    if name not in people:
        raise NotCertifiedError(f"{name} is not in the register of certified people", reason="unknown_person")
    if not any(one.serial == serial and one.name == name for one in ledger.all()):
        raise NotCertifiedError(
            f"the certificate of {name} is not in the ledger of those that this fleet issued",
            reason="certificate_unknown",
        )
    for revoked, reason, when in ledger.revocations():
        if revoked == serial and when <= at:
            raise NotCertifiedError(
                f"the certificate of {name} was revoked on {local(when)} ({reason})",
                reason="certificate_revoked",
            )
    entry, expires = people[name], sealed.certificate.not_valid_after_utc
    # Of a former key of the same person the register says nothing any more: it is good as long as its certificate.
    if entry.thumbprint == sealed.thumbprint:
        if entry.role not in ROLES_AT_POSTS:
            raise NotCertifiedError(
                f"{name} is certified as {entry.role.value}, which may not accept posts", reason="role"
            )
        if at < entry.certified:
            raise NotCertifiedError(
                f"the certification of {name} began on {local(entry.certified)}",
                reason="certification_not_yet_valid",
            )
        expires = min(expires, entry.expires)
    if at >= expires:
        raise NotCertifiedError(
            f"the certification of {name} ended on {local(expires)}", reason="certification_expired"
        )
