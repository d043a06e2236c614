"""The plate of a hit for a system of dispatch or records (CAD, RMS), with the decision that officers may act on it.

The database opens the entry of the ledger under which it is read (`alerts_release`), and opens none for an agency
without an agreement, for a receiver without a certificate, or for a decision that no longer counts. It travels by
mutual TLS alone: the receiver shows the certificate that was registered, and takes messages from no one without ours.
"""

from collections.abc import Callable
from http.client import HTTPException
from ssl import CERT_REQUIRED, PROTOCOL_TLS_CLIENT, VERIFY_X509_PARTIAL_CHAIN, SSLContext, TLSVersion
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings

from platepost.department.alerts.alert_status import verified_words
from platepost.department.alerts.alerts import alert_of
from platepost.department.alerts.console_hit import cad_line, heading_of, map_place
from platepost.department.alerts.errors import AlertError
from platepost.department.custody.reading import whole_records
from platepost.department.ledger.entries import OpenEntry
from platepost.department.ledger.writing import begin_by
from platepost.department.policy.policy import policy_in_force
from platepost.department.search.places import Places
from platepost.wire.records.envelope import read_event
from platepost.wire.records.hit import Hit

Post = Callable[[SSLContext], None]
"""Sends a message that carries nothing by a connection; raises where it is not taken."""


def known_receiver(pem: bytes) -> tuple[str, str]:
    """Return a receiver's certificate, or that of the authority that vouches for it, as PEM and its SHA-256 in hex.

    Raises:
        AlertError: it is no certificate.

    """
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise AlertError("This is not a certificate in PEM.") from error
    return certificate.public_bytes(Encoding.PEM).decode("ascii"), certificate.fingerprint(SHA256()).hex()


def require_mutual_tls(post: Post, ours: SSLContext, certificate: str) -> None:
    """Make sure that a receiver is the one that was registered, and takes messages from this department alone.

    Args:
        post: sends a signed test message.
        ours: shows this department's certificate.
        certificate: the receiver's, PEM.

    Raises:
        AlertError: it takes a message without this department's certificate.
        OSError, HTTPException: it does not take one with it.

    """
    post(ours)
    stranger = SSLContext(PROTOCOL_TLS_CLIENT)
    stranger.minimum_version = TLSVersion.TLSv1_3
    stranger.verify_mode = CERT_REQUIRED
    stranger.verify_flags |= VERIFY_X509_PARTIAL_CHAIN
    stranger.load_verify_locations(cadata=certificate)
    try:
        post(stranger)
    except (OSError, HTTPException):
        return
    raise AlertError("It accepts messages without this department's certificate, so no plate is sent to it.")


def released_hit(webhook: int, decision: int, record: int) -> dict[str, Any]:
    """Return what a dispatch system needs of a hit, in JSON's types, under an entry of the ledger with the agency.

    Args:
        webhook: its number.
        decision: the number of the row that waits for delivery.
        record: the hit's.

    Raises:
        AlertError: nothing is released to it, or the record was deleted.
        LedgerError: it cannot be entered.

    """
    entry = begin_by("alerts_release", [webhook, decision, policy_in_force().digest])
    if entry is None:
        raise AlertError("The plate of this hit is no longer released to it.")
    with OpenEntry(entry, {"query": {"console": [record]}}) as opened:
        alert = alert_of(record, opened)
        for stored, _ in whole_records(opened, records=[record], with_pictures=False):
            hit = read_event(stored.restored().event or {}).data
            if alert is not None and isinstance(hit, Hit):
                return _view(hit, stored.post, verified_words(alert))
    raise AlertError("The record of this hit was deleted.")


def _view(hit: Hit, post: str, verified: str) -> dict[str, Any]:
    place = map_place(hit, post, Places.usable(settings.PLACES_FILE))
    return {
        "plate_listed": hit.plate_matched,
        "plate_read": hit.plate_read,
        "match": hit.match,
        "state": hit.state,
        "category": hit.category,
        "priority": hit.priority,
        "reference": hit.reference,
        "captured": hit.captured.isoformat(timespec="milliseconds"),
        "place": hit.place.site or post,
        "latitude": place.latitude,
        "longitude": place.longitude,
        "direction": heading_of(hit),
        "line": f"{verified}: {cad_line(hit, post)}",
    }
