"""TLS as the post insists on it, and the names of what can go wrong on the way to a connection."""

import re
import socket
import ssl
from datetime import datetime
from pathlib import Path
from typing import Protocol

from cryptography import x509

from platepost.common.errors import UplinkError


class IdentityFiles(Protocol):
    """The PEM files of a client's identity, as the table `uplink` of a post's configuration names them."""

    @property
    def ca(self) -> Path:
        """The certificate of the authority that certifies the server."""

    @property
    def certificate(self) -> Path:
        """The client's certificate."""

    @property
    def private_key(self) -> Path:
        """The key of that certificate."""


class IdentityError(UplinkError):
    """The certificate, the key or the authority's certificate cannot be used."""


NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of <openssl/x509_vfy.h>, which Python's ssl does not name."""
NOT_YET_VALID, EXPIRED, OTHER_NAME, OTHER_ADDRESS = 9, 10, 62, 64
"""X509_V_ERR_* of the same."""


class ExpiredError(ssl.SSLCertVerificationError):
    """The server's certificate ended before the earliest time that it can be."""

    verify_code = EXPIRED
    verify_message = "certificate has expired"


def tls_context(settings: IdentityFiles, *, earliest: datetime | None = None) -> ssl.SSLContext:
    """Make the TLS context: 1.3 at least, only the fleet's authority, host name verified, client certificate.

    Args:
        settings: the authority and the post's identity.
        earliest: for a clock that no one vouches for, the earliest time that it can be. Everything else is verified as
            ever, but of the broker's certificate only that it has not ended by then: that it has begun follows from its
            being there, and a clock that starts in 1970 would lock the post out.

    Raises:
        IdentityError: a file is missing, unreadable, or key and certificate do not belong together.

    """
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(settings.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(settings.certificate, settings.private_key)
        if earliest is not None:
            judge_time_by(context, earliest)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise IdentityError(f"cannot use the uplink's identity: {error}") from error
    return context


def judge_time_by(context: ssl.SSLContext, earliest: datetime) -> None:
    """Have a client's context judge by the earliest time that it can be, and not by the system's clock."""
    context.verify_flags |= ssl.VerifyFlags(NO_CHECK_TIME)
    context.sslsocket_class = _socket_class(earliest)


def peer_expires(connection: ssl.SSLSocket) -> datetime | None:
    """Return when the certificate ends that the broker shows; None where it shows none."""
    peer = connection.getpeercert(binary_form=True)
    return x509.load_der_x509_certificate(peer).not_valid_after_utc if peer else None


def _socket_class(earliest: datetime) -> type[ssl.SSLSocket]:
    class Socket(ssl.SSLSocket):
        """A socket that judges when the peer's certificate ends, in place of OpenSSL."""

        def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - the library's signature
            super().do_handshake(block)
            ends = peer_expires(self)
            if ends is None or ends < earliest:
                raise ExpiredError(f"the server's certificate ended at {ends}, before {earliest}")

    return Socket


_TLS_NAMES = (
    (re.compile(r"alert.certificate.expired", re.IGNORECASE), "client_certificate_expired"),
    (re.compile(r"alert.certificate.revoked", re.IGNORECASE), "client_certificate_revoked"),
    (re.compile(r"PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|WRONG_VERSION", re.IGNORECASE), "tls_version_refused"),
    (re.compile(r"certificate|unknown.ca", re.IGNORECASE), "client_certificate_refused"),
)


_NAMES: tuple[tuple[type[Exception], str], ...] = (
    (IdentityError, "identity_unreadable"),
    (socket.gaierror, "name_unresolved"),
    (TimeoutError, "timeout"),
    (ConnectionRefusedError, "connection_refused"),
)


_VERIFY_NAMES = {
    NOT_YET_VALID: "broker_certificate_not_yet_valid",
    EXPIRED: "broker_certificate_expired",
    OTHER_NAME: "broker_certificate_of_another_name",
    OTHER_ADDRESS: "broker_certificate_of_another_name",
}
"""By OpenSSL's code; any other is `broker_certificate_refused`."""


def tls_problem(text: str) -> str:
    """Name what OpenSSL says of a failed handshake or a TLS alert received."""
    return next((name for pattern, name in _TLS_NAMES if pattern.search(text)), "tls_failed")


def connection_problem(error: Exception) -> str:
    """Name why a connection to a broker could not be made."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _VERIFY_NAMES.get(getattr(error, "verify_code", 0), "broker_certificate_refused")
    if isinstance(error, ssl.SSLError):
        return tls_problem(str(error))
    return next((name for kind, name in _NAMES if isinstance(error, kind)), "unreachable")
