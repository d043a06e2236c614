"""The unit's side of EST (RFC 7030) over TLS 1.3: authorities, enrollment, renewal; and the first configuration.

No Python library of EST is kept; the messages are few, and PKCS #7 and PKCS #10 are the cryptography library's.
"""

import base64
import binascii
import http.client
import json
import re
import ssl
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from platepost.common.language import ENGLISH, Phrase, terminal_language
from platepost.common.text import printable
from platepost.wire.enrollment.code import is_sealed, seal_key_of
from platepost.wire.enrollment.errors import EnrollmentError
from platepost.wire.tls import judge_time_by

ROOT = "/.well-known/est"
CONFIGURATION = "/.well-known/platepost/configuration"
"""Not of EST: the post's first configuration, for anyone who has the code."""
POST_HEADER, TIME_HEADER, SEAL_HEADER = "Platepost-Post", "Platepost-Time", "Platepost-Seal"
DEFAULT_PORT = 8443
SECONDS = 20.0
ENROLL_SECONDS = 75.0
"""For the answer to an enrollment: before it the office has the broker told, which may take a minute."""
LARGEST = 256 * 1024
_REASON = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*")
_EXPLAINED = {
    "cloned": Phrase("this unit's disk was copied from another's: set up the unit again, and tell your administrator"),
    "code_late": Phrase("the code has expired: an administrator issues a new one"),
    "code_used": Phrase("the code was used for another unit: if that was not you, tell your administrator at once"),
    "code_wrong": Phrase("the code is wrong"),
    "keeper_expired": Phrase("the office enrolls no one at the moment: call your administrator"),
    "name_taken": Phrase("there is a post of this name already: call your administrator"),
    "no_code": Phrase("no code was issued for this post: look at its name again"),
    "other_post": Phrase("the code is for another post"),
    "revoked": Phrase("this unit's key was revoked: take the enrollment back with --abandon, and enroll it again"),
    "technician_expired": Phrase("the certification of the technician for whom the code was issued has ended"),
}
"""Refusals of an office, which speaks English, for people who read another language."""
_LONGEST_REASON, _LONGEST_MESSAGE = 64, 500
"""Of a refusal, as audit records and a terminal carry them; between unit and office may stand who says more."""


class EstClient:
    """Where a department enrolls its units.

    Args:
        address: `host` or `host:port`, as in the certificate of its server.

    Raises:
        EnrollmentError: it is no address.

    """

    def __init__(self, address: str) -> None:
        host, _, port = address.strip().removeprefix("https://").rstrip("/").partition(":")
        number = int(port or DEFAULT_PORT) if re.fullmatch(r"[0-9]{0,5}", port) else 0
        if not host or not 0 < number < 65536:
            raise EnrollmentError(Phrase("{given} is not host:port", given=repr(address)), reason="address")
        self.host, self.port = host, number

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def authorities(self, post: str, code: str) -> tuple[bytes, datetime]:
        """Fetch the department's authorities, PEM, and its time, both vouched for by the code.

        Whom the unit speaks with is not known before: neither is anything of it believed that bears no seal.

        Raises:
            EnrollmentError: the office does not answer, or has no such code for this post.

        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        body, headers = self._ask(context, "GET", f"{ROOT}/cacerts", headers={POST_HEADER: post})
        time, seal = headers.get(TIME_HEADER, ""), headers.get(SEAL_HEADER, "")
        if not is_sealed(seal_key_of(code), seal, "cacerts", post.encode(), time.encode(), body):
            raise EnrollmentError(
                Phrase(
                    "the code is not the one that {office} gave out for {post}, it has none open for a post of this "
                    "name, or someone intercepts the connection; nothing was sent. Look at the name and the code "
                    "again; an administrator issues a new one with `platepost provision post invite`. Then run the "
                    "same command again",
                    office=str(self),
                    post=post,
                ),
                reason="code_wrong",
            )
        certificates = b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates_of(body))
        return certificates, datetime.fromisoformat(time)

    def enroll(self, post: str, code: str, request: bytes, *, ca: bytes) -> bytes:
        """Send a request, PKCS #10 DER, with the code; return the certificate and its chain, PEM.

        Raises:
            EnrollmentError: the office refuses, or does not answer.

        """
        body = self._send(trusting(ca), "simpleenroll", request, _basic(post, code), seconds=ENROLL_SECONDS)
        return read_answer(body)

    def renew(
        self, request: bytes, *, ca: bytes, certificate: Path, key: Path, earliest: datetime | None = None
    ) -> bytes:
        """Send a request as the post that the certificate names; return its next certificate and chain, PEM.

        `earliest` is, for a clock that no one vouches for, the earliest time that it can be: of the office's
        certificate is only verified that it has not ended by then, as of a broker's.

        Raises:
            EnrollmentError: the office refuses, or does not answer.

        """
        context = trusting(ca, certificate, key)
        if earliest is not None:
            judge_time_by(context, earliest)
        return read_answer(self._send(context, "simplereenroll", request, {}))

    def configuration(self, post: str, code: str, *, ca: bytes) -> bytes:
        """Fetch the first configuration of a post that was enrolled with the code.

        Raises:
            EnrollmentError: the office refuses, or does not answer.

        """
        body, headers = self._ask(trusting(ca), "GET", CONFIGURATION, headers=_basic(post, code))
        if not is_sealed(seal_key_of(code), headers.get(SEAL_HEADER, ""), "configuration", post.encode(), body):
            raise EnrollmentError(
                Phrase("{office}: the configuration does not bear the code's seal", office=str(self)), reason="answer"
            )
        return body

    def _send(
        self, context: ssl.SSLContext, what: str, request: bytes, headers: dict[str, str], *, seconds: float = SECONDS
    ) -> bytes:
        headers |= {"Content-Type": "application/pkcs10", "Content-Transfer-Encoding": "base64"}
        body = base64.encodebytes(request)
        return self._ask(context, "POST", f"{ROOT}/{what}", body=body, headers=headers, seconds=seconds)[0]

    def _ask(
        self,
        context: ssl.SSLContext,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        seconds: float = SECONDS,
    ) -> tuple[bytes, Any]:
        connection = http.client.HTTPSConnection(self.host, self.port, timeout=SECONDS, context=context)
        try:
            connection.connect()
            connection.sock.settimeout(seconds)
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            content = answer.read(LARGEST + 1)
        except ssl.SSLCertVerificationError as error:
            raise EnrollmentError(
                Phrase(
                    "{office} is not the department's server: {why}; is this the name in its certificate, and is this "
                    "unit's clock right?",
                    office=str(self),
                    why=error.verify_message,
                ),
                reason="foreign_server",
            ) from error
        except (OSError, http.client.HTTPException) as error:
            silent = Phrase("{office} does not answer: {why}", office=str(self), why=str(error))
            raise EnrollmentError(silent, reason="unreachable") from error
        except ValueError as error:  # a name that IDNA cannot write, such as one with an empty label
            none = Phrase("{office} cannot be an office's address: {why}", office=str(self), why=str(error))
            raise EnrollmentError(none, reason="address") from error
        finally:
            connection.close()
        if answer.status != http.client.OK or len(content) > LARGEST:
            raise _refusal(self, answer.status, content)
        return content, answer.headers


def _basic(post: str, code: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{post}:{code}".encode()).decode()}


def trusting(ca: bytes, certificate: Path | None = None, key: Path | None = None) -> ssl.SSLContext:
    """Make a TLS 1.3 context that trusts `ca`, PEM, only, and shows a certificate where there is one.

    Raises:
        EnrollmentError: a file cannot be used.

    """
    try:
        context = ssl.create_default_context(cadata=ca.decode("ascii"))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        if certificate is not None and key is not None:
            context.load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:
        unusable = Phrase("the unit's own identity cannot be used: {why}", why=str(error))
        raise EnrollmentError(unusable, reason="identity") from error
    return context


def certificates_of(body: bytes) -> list[x509.Certificate]:
    """Read a certs-only PKCS #7 message, base64, as EST answers.

    Raises:
        EnrollmentError: it is none, or empty.

    """
    try:
        certificates = pkcs7.load_der_pkcs7_certificates(base64.b64decode(body))
    except (ValueError, binascii.Error) as error:
        raise EnrollmentError(Phrase("the answer is not one of EST"), reason="answer") from error
    if not certificates:
        raise EnrollmentError(Phrase("the answer contains no certificate"), reason="answer")
    return certificates


def _pem(certificates: list[x509.Certificate]) -> bytes:
    """Return a chain with the leaf first, in whatever order the message has it."""
    leaves = [one for one in certificates if not _is_authority(one)]
    others = [one for one in certificates if _is_authority(one)]
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in (*leaves, *others))


def read_answer(body: bytes) -> bytes:
    """Return the certificate and its chain, PEM, of an answer of EST.

    Raises:
        EnrollmentError: it is none.

    """
    return _pem(certificates_of(body))


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _refusal(office: EstClient, status: int, content: bytes) -> EnrollmentError:
    try:
        answer = json.loads(content)
        message, reason = str(answer["message"])[:_LONGEST_MESSAGE], str(answer["reason"])
    except (ValueError, KeyError, TypeError, RecursionError):
        odd = Phrase("{office} answers with status {status}", office=str(office), status=str(status))
        return EnrollmentError(odd, reason="refused")
    known = len(reason) <= _LONGEST_REASON and _REASON.fullmatch(reason)
    refusal = f"{office}: {printable(message)}"
    if reason in _EXPLAINED and terminal_language() != ENGLISH:
        refusal = Phrase("{explained} ({refusal})", explained=_EXPLAINED[reason], refusal=refusal)
    return EnrollmentError(refusal, reason=reason if known else "refused")
