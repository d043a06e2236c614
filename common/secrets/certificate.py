"""The certificate by which a broker knows a post."""

from pathlib import Path

from cryptography import x509

from platepost.common.errors import ConfigurationError
from platepost.common.files import read_configured


def certificate(path: Path) -> x509.Certificate:
    """Read the post's certificate, `uplink.certificate` of its configuration.

    Raises:
        ConfigurationError: the file is unreadable or no certificate.

    """
    text = read_configured(path, "uplink.certificate")
    try:
        return x509.load_pem_x509_certificate(text)
    except ValueError as error:
        raise ConfigurationError(f"uplink.certificate = {str(path)!r}: not a certificate in PEM") from error
