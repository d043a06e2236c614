"""TLS as the post insists on it, and the names of what can go wrong on the way to a connection."""

import re
import socket
import ssl

from device.errors import UplinkError
from device.uplink.settings import UplinkSettings


class IdentityError(UplinkError):
    """The certificate, the key or the authority's certificate cannot be used."""


def tls_context(settings: UplinkSettings) -> ssl.SSLContext:
    """Make the TLS context: 1.3 at least, only the fleet's authority, host name verified, client certificate.

    Raises:
        IdentityError: a file is missing, unreadable, or key and certificate do not belong together.

    """
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(settings.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(settings.certificate, settings.private_key)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise IdentityError(f"cannot use the uplink's identity: {error}") from error
    return context


_TLS_NAMES = (
    (re.compile(r"PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|WRONG_VERSION", re.IGNORECASE), "tls_version_refused"),
    (re.compile(r"certificate|unknown.ca", re.IGNORECASE), "client_certificate_refused"),
)


_NAMES: tuple[tuple[type[Exception], str], ...] = (
    (IdentityError, "identity_unreadable"),
    (ssl.SSLCertVerificationError, "broker_certificate_refused"),
    (socket.gaierror, "name_unresolved"),
    (TimeoutError, "timeout"),
    (ConnectionRefusedError, "connection_refused"),
)


def tls_problem(text: str) -> str:
    """Name what OpenSSL says of a failed handshake or a TLS alert received."""
    return next((name for pattern, name in _TLS_NAMES if pattern.search(text)), "tls_failed")


def connection_problem(error: Exception) -> str:
    """Name why a connection to a broker could not be made."""
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLCertVerificationError):
        return tls_problem(str(error))
    return next((name for kind, name in _NAMES if isinstance(error, kind)), "unreachable")
