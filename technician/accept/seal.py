"""The signatures at the end of an acceptance report: the post's and the technician's, over all that stands before them.

Signed are the words `platepost acceptance report` and the SHA-256 of every byte before, since JWS libraries take no
payload of a page's size.

The last line of the page is a comment, so that one file is what a person reads and what a program checks::

    <!-- platepost-acceptance {"post": "header..signature", "technician": "header..signature", "x5c": ["..."]} -->
"""

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from platepost.common.errors import RecordError
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.people.person import Person
from platepost.wire.records import Keyring, Signer
from platepost.wire.records.signing import read_key

_BEGIN = b"<!-- platepost-acceptance "
_END = b" -->\n"
_ENDED = re.compile(rb'<time class="ended" datetime="(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z">')
"""As templates/report.html writes it; what people type is escaped there, and cannot look like it."""


class ReportRefusedError(ProvisioningError):
    """A report is not signed, was changed, or is signed by someone else."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A report whose signatures are good."""

    page: bytes
    """All but the signatures."""
    digest: str
    """SHA-256 of it, hexadecimal: what the post's audit trail names."""
    technician: str
    certificate: x509.Certificate
    """The technician's."""
    x5c: list[str]
    """It and its chain, as a JWS header carries them (RFC 7515, section 4.1.6)."""

    @property
    def ended(self) -> datetime:
        """When the acceptance was ended, by the unit's clock.

        Raises:
            ReportRefusedError: the report does not say it.

        """
        match = _ENDED.search(self.page)
        if match is None:
            raise ReportRefusedError("the report does not say when the acceptance was ended")
        return datetime.fromisoformat(match[1].decode("ascii")).replace(tzinfo=UTC)

    @property
    def thumbprint(self) -> str:
        """RFC 7638, of the technician's key."""
        public = self.certificate.public_key()
        return read_key(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)).thumbprint()

    @property
    def accepted(self) -> bool:
        """Whether the report says that the post was accepted."""
        return b'<p class="verdict accepted' in self.page

    @property
    def lowered(self) -> bool:
        """Whether the acceptance asked for less than the standard."""
        return b'<p class="verdict accepted lowered' in self.page

    @property
    def verdict(self) -> str:
        """The same in words."""
        if self.lowered:
            return "accepted with lowered limits"
        return "accepted" if self.accepted else "not accepted"


def seal(page: bytes, *, post: Signer, technician: Person) -> bytes:
    """Return a page with both signatures."""
    signatures = {
        "post": post.sign(_signed(page)),
        "technician": Signer(technician.key).sign(_signed(page)),
        "x5c": technician.x5c,
    }
    return page + _BEGIN + json.dumps(signatures).encode() + _END


def digest(page: bytes) -> str:
    """Return the SHA-256 of a page without its signatures, hexadecimal."""
    return hashlib.sha256(page).hexdigest()


def _signed(page: bytes) -> bytes:
    return f"platepost acceptance report {digest(page)}".encode("ascii")


def unseal(report: bytes, *, post_keys: Keyring) -> Sealed:
    """Verify a report: the post's signature with a key that is known, the technician's with the certificate's.

    Whether the certificate is one of the fleet's is for the caller to say, who knows the fleet.

    Raises:
        ReportRefusedError: why not.

    """
    page, begin, rest = report.rpartition(_BEGIN)
    if not begin or not rest.endswith(_END):
        raise ReportRefusedError("not an acceptance report: it ends without signatures")
    try:
        signatures = json.loads(rest[: -len(_END)])
        post, technician = str(signatures["post"]), str(signatures["technician"])
        x5c = [str(signature) for signature in signatures["x5c"]]
        certificate = x509.load_der_x509_certificate(base64.b64decode(x5c[0], validate=True))
        (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        public = certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError, binascii.Error) as error:
        raise ReportRefusedError("the signatures of the report are damaged") from error
    for who, signature, keys in (
        ("the post", post, post_keys),
        ("the technician", technician, Keyring.from_pem(public)),
    ):
        try:
            keys.check(signature, _signed(page))
        except RecordError as error:
            raise ReportRefusedError(f"the report lacks a valid signature of {who}: {error}") from error
    return Sealed(page, digest(page), str(name.value), certificate, x5c)
