"""Validity, key usage, names, and hashes that all certificates of a fleet share."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.trust.keys import new_key

ROOT_VALID = timedelta(days=3650)
LEAF_VALID = timedelta(days=730)
"""Maximum validity of a certificate, except an authority's or a person's: see `leaf_valid`."""
STAGGER_DAYS = 120
"""Certificates are valid for up to this much less, so that not all of them expire on one day."""
BACKDATED = timedelta(days=1)
"""Certificates begin a day before they are made, for posts whose clock is not yet right when they first connect."""


_HOST = re.compile(r"[A-Za-z0-9_*-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")


@dataclass(frozen=True, slots=True)
class Issuance:
    """Where keys and times of new identities come from; a simulated fleet has its own."""

    make_key: Callable[[], ec.EllipticCurvePrivateKey] = new_key
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    valid: timedelta | None = None
    """Validity of every certificate; if None, each kind has its own."""

    def builder(
        self,
        *,
        subject: x509.Name,
        issuer: x509.Name,
        key: ec.EllipticCurvePublicKey,
        valid: timedelta,
        ends: datetime | None = None,
    ) -> x509.CertificateBuilder:
        """Begin a certificate that is valid for `valid` from a day ago, but no longer than until `ends`."""
        begin = self.now() - BACKDATED
        end = begin + (self.valid or valid)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end if ends is None else min(end, ends))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )


ORDINARY = Issuance()
"""Of a real fleet: random keys, this machine's time."""


def leaf_valid(name: str) -> timedelta:
    """Return the validity of a certificate, computed from its name: two years, or up to four months less.

    So certificates that were issued on one day do not expire, and are not renewed, on one day.
    """
    return LEAF_VALID - timedelta(days=int.from_bytes(hashlib.sha256(name.encode()).digest()) % STAGGER_DAYS)


def usage(*, authority: bool) -> x509.KeyUsage:
    """Return the key usage: signing certificates and CRLs, or signing handshakes."""
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def general_name(name: str) -> x509.GeneralName:
    """Return an alternative name: an address or a host name.

    Raises:
        ProvisioningError: it is neither.

    """
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        pass
    if not _HOST.fullmatch(name):
        raise ProvisioningError(f"{name!r} is neither a host name nor an address")
    return x509.DNSName(name)


def name_hash(name: x509.Name) -> str:
    """Return the hash by which OpenSSL and Erlang find an authority's list of revoked certificates in a folder.

    Eight hexadecimal digits: X509_NAME_hash(3), of the canonical form of x509_name_canon in OpenSSL.

    That is SHA-1 over the relative names, each value in UTF-8, lower case, without space at its ends or twice within. A
    name with a country, which DER writes in another type, has another hash there; no authority of a fleet has one.
    """
    relatives = [x509.RelativeDistinguishedName(map(_canonical, relative)) for relative in name.rdns]
    encoded = x509.Name(relatives).public_bytes()
    header = 2 if encoded[1] < 0x80 else 2 + (encoded[1] & 0x7F)  # of a sequence of that length
    first = hashlib.sha1(encoded[header:]).digest()[:4]  # noqa: S324 - a file's name, not a proof
    return f"{int.from_bytes(first, 'little'):08x}"


def _canonical(attribute: x509.NameAttribute[str | bytes]) -> x509.NameAttribute[str]:
    return x509.NameAttribute(attribute.oid, " ".join(str(attribute.value).lower().split()))
