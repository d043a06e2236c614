"""The signing request of a unit: its own keys, of which only the public halves travel."""

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from platepost.common.errors import RecordError
from platepost.wire.enrollment.errors import EnrollmentError
from platepost.wire.records.signing import Keyring, Signer, read_key

KEYS = x509.ObjectIdentifier("2.25.240588240168719457575975151450291129425")
"""Attribute with the post's other public keys, JSON; below 2.25 every UUID is one's own (X.667)."""
LARGEST = 16 * 1024
"""Bytes of a request; one takes about a kilobyte."""


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """What a request asks for, as far as the request itself proves it."""

    name: str
    key: ec.EllipticCurvePublicKey
    """Of the certificate."""
    record_key: bytes
    """PEM of the public key that signs the post's records; its private half signed the request too."""
    unseal_key: bytes
    """PEM of the public key to which hot lists are sealed."""


def make_request(
    name: str, key: ec.EllipticCurvePrivateKey, *, record_key: bytes, unseal_key: ec.EllipticCurvePrivateKey
) -> bytes:
    """Return a PKCS #10 request, DER.

    Args:
        name: the post.
        key: the private key of the certificate, which may be held by a TPM.
        record_key: PEM of the private key that signs records.
        unseal_key: the private key to which hot lists are sealed.

    """
    signer = Signer.from_pem(record_key)
    members = {
        "record_key": signer.public_pem.decode("ascii"),
        "record_proof": signer.sign(_bound(name, key.public_key())),
        "unseal_key": _pem(unseal_key.public_key()).decode("ascii"),
    }
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .add_attribute(KEYS, json.dumps(members).encode())
        .sign(key, hashes.SHA256())
    )
    return request.public_bytes(serialization.Encoding.DER)


def make_renewal(name: str, key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a PKCS #10 request, DER, for another certificate of the same name and key."""
    builder = x509.CertificateSigningRequestBuilder()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return builder.subject_name(subject).sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def read_request(der: bytes) -> SigningRequest:
    """Read a request and check all that it proves of itself.

    Raises:
        EnrollmentError: it is none, or one of its signatures is not good.

    """
    name, key, request = _read(der)
    try:
        members = json.loads(request.attributes.get_attribute_for_oid(KEYS).value)
        record_key, unseal_key = members["record_key"].encode(), members["unseal_key"].encode()
        Keyring.from_pem(record_key).check(members["record_proof"], _bound(name, key))
        return SigningRequest(name, key, _public(record_key), _public(unseal_key))
    except x509.AttributeNotFound:
        raise _refused("the request lacks the post's other keys") from None
    except (RecordError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _refused(f"the post's other keys are not as they should be ({error})") from error


def read_renewal(der: bytes) -> tuple[str, ec.EllipticCurvePublicKey]:
    """Read the name and key of a request for another certificate.

    Raises:
        EnrollmentError: it is none, or its signature is not good.

    """
    name, key, _ = _read(der)
    return name, key


def _read(der: bytes) -> tuple[str, ec.EllipticCurvePublicKey, Any]:
    if len(der) > LARGEST:
        raise _refused("the request is too large")
    try:
        request = x509.load_der_x509_csr(der)
        key = request.public_key()
        names = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        good = request.is_signature_valid
    except (ValueError, TypeError, x509.InvalidVersion) as error:
        raise _refused("it is not a PKCS #10 request") from error
    if not good or len(names) != 1:
        raise _refused("its signature is not valid, or it has no name")
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise _refused("its key is not on P-256")
    return str(names[0].value), key, request


def _bound(name: str, key: ec.EllipticCurvePublicKey) -> bytes:
    return name.encode() + b"\n" + sha256(_pem(key)).digest()


def _pem(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _public(pem: bytes) -> bytes:
    return bytes(read_key(pem).as_pem(private=False))


def _refused(why: str) -> EnrollmentError:
    return EnrollmentError(f"request refused: {why}", reason="request_refused")
