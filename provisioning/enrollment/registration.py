"""The registration authority: judges requests, has certificates issued and renewed, gives first configurations."""

import base64
import binascii
import json
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from pydantic import JsonValue

from platepost.provisioning.enrollment.codes import Code, Codes
from platepost.provisioning.enrollment.officer import RegistrationOfficer
from platepost.provisioning.enrollment.refusals import RefusalLog
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.layout import ROOT_FILE
from platepost.provisioning.fleet.post_file import PostSettings, custodian_key_file
from platepost.provisioning.fleet.register import keep_former, write_register
from platepost.provisioning.people.acts import Author
from platepost.provisioning.people.person import NotCertifiedError, Person
from platepost.provisioning.trust.authority import CERTIFICATE_FILE, Authority
from platepost.provisioning.trust.keys import private_folder, replace_private
from platepost.provisioning.trust.ledger import key_digest, name_of
from platepost.wire.enrollment.code import is_sealed
from platepost.wire.enrollment.errors import EnrollmentError
from platepost.wire.enrollment.offline import OfflineAnswer, read_request_file, requests, write_answer, write_refusal
from platepost.wire.enrollment.request import SigningRequest, read_renewal, read_request
from platepost.wire.records.base import timestamp
from platepost.wire.records.signing import read_key

log = logging.getLogger(__name__)

LAPSED_MOST = timedelta(days=365)
"""How long after its end a certificate is renewed yet: a post that had no network for long comes back by itself."""
_Outcome = TypeVar("_Outcome")


class RegistrationAuthority:
    """Enrolls the units of one fleet, by network and stick alike. Safe to use from several threads.

    Args:
        fleet: the fleet.
        officer: who answers for what it does; signs the log of acts. Once their certification has ended it
            enrolls no one; certificates are renewed still.
        purpose: why it is open.
        address: where posts renew their certificates, `host:port`; None where there is no network.
        announce: tells the broker of a new post, where it has to be told.
        reload: tells the broker whose certificates are revoked.

    """

    def __init__(
        self,
        fleet: Fleet,
        officer: Person,
        *,
        purpose: str,
        address: str | None = None,
        announce: Callable[[], None],
        reload: Callable[[], None],
    ) -> None:
        self._fleet = fleet
        self._officer = officer
        self._author = Author.of(officer, purpose, log=fleet.acts)
        self._address = address
        self._announce, self._reload = announce, reload
        self._lock = threading.Lock()
        self._authority: Authority = fleet.open_authority()
        self._refusals = RefusalLog(self._author.record)
        self.codes = Codes(fleet.enrollment / "codes")

    @property
    def authorities(self) -> bytes:
        """The fleet's authorities, certs-only PKCS #7, base64."""
        return encoded([self._authority.certificate, *self._authority.above])

    def enroll(self, post: str, secret: str, body: bytes) -> bytes:
        """Judge a request, base64, that came with a code; return the answer of `simpleenroll`.

        Raises:
            EnrollmentError: why not; that is logged, or counted.

        """
        with self._lock:
            return self._judged(post, lambda: self._enroll(self.codes.admit(post, secret), body))

    def enroll_sealed(self, post: str, body: bytes, seal: str) -> tuple[bytes, Code]:
        """Judge a request that came on a stick, under the seal of its code; return the answer and the code.

        Raises:
            EnrollmentError: why not; that is logged, or counted.

        """

        def judge() -> tuple[bytes, Code]:
            code = self.codes.of(post)
            if code is None:
                raise EnrollmentError(f"no code was issued for {post}", reason="no_code")
            if not is_sealed(code.seal, seal, "simpleenroll", post.encode(), body):
                raise EnrollmentError(
                    f"the request does not bear the seal of the code for {post}: another code was typed at the "
                    "unit, or the request was changed",
                    reason="code_wrong",
                )
            return self._enroll(self.codes.in_time(code), body), code

        with self._lock:
            return self._judged(post, judge)

    def configuration_for(self, post: str, secret: str) -> tuple[bytes, Code]:
        """Return the first configuration of a post to a unit that has its code, as `configuration` does, and the code.

        Raises:
            EnrollmentError: why not; that is logged, or counted.

        """

        def judge() -> tuple[bytes, Code]:
            code = self.codes.admit(post, secret)
            return self.configuration(post), code

        # No matter who the officer is: what was begun with a unit is ended.
        with self._lock:
            return self._judged(post, judge, needs_officer=False)

    def configuration(self, post: str) -> bytes:
        """Return the first configuration of a post that was enrolled: JSON, the content of each file by name.

        Raises:
            EnrollmentError: it was not.

        """
        folder = self._fleet.post(post)
        code = self.codes.of(post)
        if code is None or code.used is None or not (folder / CERTIFICATE_FILE).exists():
            raise EnrollmentError(f"{post} is not enrolled yet", reason="not_enrolled")
        files = {
            "ca.pem": (folder / ROOT_FILE).read_text("ascii"),
            "issuer_key.pem": self._fleet.list_verifying_key.read_text("ascii"),
            "configuration_key.pem": self._fleet.configuration_verifying_key.read_text("ascii"),
            "post.toml": (folder / "post.toml").read_text("utf-8"),
        } | {path.name: path.read_text("ascii") for path in folder.glob(custodian_key_file("*"))}
        return json.dumps({"post": post, "issued": timestamp(code.used.at), "files": files}).encode()

    def renew(self, presented: bytes, body: bytes) -> bytes:
        """Issue another certificate to the post that a certificate, DER, names; return the answer of `simplereenroll`.

        The TLS connection has proved that the certificate is the fleet's and its key at hand; it may have ended. It is
        done for an officer whose certification has ended too, and logged as such: no one decides anything by it, and a
        fleet whose certificates ended would have to be visited, post by post.

        Raises:
            EnrollmentError: it was revoked, or superseded, or ended too long ago, or is no post's; that is logged, or
                counted.

        """
        certificate = x509.load_der_x509_certificate(presented)
        name = name_of(certificate)
        with self._lock:
            return self._judged(name, lambda: self._renew(name, certificate, body), needs_officer=False)

    def warn(self) -> None:
        """Say in the program's log that the officer's certification has ended, or is about to."""
        warning = RegistrationOfficer.of(self._officer).warning(self._fleet)
        if warning is not None:
            log.warning("%s", warning[0])

    def poll(self) -> None:
        """Log the refusals of the last minute that were only counted; to be called about once a minute.

        Raises:
            ProvisioningError: the log cannot be written.

        """
        with self._lock:
            self._refusals.poll()

    def close(self) -> None:
        """Log what was only counted so far; raises as `tick` does."""
        with self._lock:
            self._refusals.flush()

    def _renew(self, name: str, certificate: x509.Certificate, body: bytes) -> bytes:
        certificates = self._fleet.certificates
        serial = certificate.serial_number
        if certificates.is_revoked(serial):
            raise EnrollmentError(f"the certificate of {name} was revoked", reason="revoked")
        if name not in self._fleet.posts():
            raise EnrollmentError(f"{name} is not a post of this fleet", reason="unknown_post")
        if self._known(self._fleet.post(name), key_digest(certificate.public_key())) is None:
            # No one revoked it if it was issued after the backup that this fleet was restored from.
            raise EnrollmentError(f"another unit is {name} now", reason="replaced")
        ended = certificate.not_valid_after_utc
        if datetime.now(UTC) - ended > LAPSED_MOST:
            raise EnrollmentError(
                f"the certificate of {name} ended on {ended:%Y-%m-%d}, too long ago: an administrator renews it with "
                f"`platepost provision fleet renew`, and a technician brings it to the unit",
                reason="lapsed",
            )
        renewal, key = read_renewal(_decoded(body))
        if renewal != name or key_digest(key) != key_digest(certificate.public_key()):
            raise EnrollmentError(
                "a renewal must be for the same post and key; enroll again for another key", reason="other"
            )
        if not certificates.knows(serial):
            # Issued after the backup that this fleet was restored from: entered, so that it can be revoked.
            certificates.issued(certificate.public_bytes(Encoding.PEM))
        lapse = self._lapse()
        chain = self._fleet.certify_post(name, key)
        replace_private(self._fleet.post(name) / CERTIFICATE_FILE, chain)
        details: dict[str, JsonValue] = {"serial": _serial(chain)}
        if datetime.now(UTC) >= ended:
            details["lapsed"] = timestamp(ended)
        if lapse is not None:
            details["keeper"] = lapse.reason
            self.warn()
        self._author.record("certificate_renewed", object=name, details=details)
        return encoded(x509.load_pem_x509_certificates(chain))

    def _enroll(self, code: Code, body: bytes) -> bytes:
        self._check_technician(code)
        request = read_request(_decoded(body))
        post = code.post
        if request.name != post:
            raise EnrollmentError(f"the code is for {post}, the request for {request.name}", reason="other_post")
        key = key_digest(request.key)
        self._check_clone(post, key, request)
        code = self.codes.use(code, key)
        folder = self._fleet.post(post)
        chain = self._known(folder, key)
        if chain is None:
            if (folder / CERTIFICATE_FILE).exists() and not code.replaces:
                raise EnrollmentError(
                    f"there is a post {post} already; to replace its unit, invite it with --replace",
                    reason="name_taken",
                )
            chain = self._admit(code, request)
        # Not only after the above: what comes last may have failed when the same request was there before.
        if not code.finished:
            self._finish(code, chain)
        return encoded(x509.load_pem_x509_certificates(chain))

    def _known(self, folder: Path, key: str) -> bytes | None:
        """Return the certificate that this very request was answered with before, if it was."""
        try:
            chain = (folder / CERTIFICATE_FILE).read_bytes()
        except FileNotFoundError:
            return None
        certificate = x509.load_pem_x509_certificate(chain)
        return chain if key_digest(certificate.public_key()) == key else None

    def _admit(self, code: Code, request: SigningRequest) -> bytes:
        fleet, post = self._fleet, code.post
        chain = fleet.certify_post(post, request.key)
        serial = x509.load_pem_x509_certificate(chain).serial_number
        for path, content in (
            (fleet.record_key(post), request.record_key),
            (fleet.recipient_key(post), request.unseal_key),
        ):
            private_folder(path.parent)
            keep_former(path)
            replace_private(path, content)
        folder = fleet.post(post)
        private_folder(folder.parent)
        private_folder(folder)
        settings = PostSettings(**(code.settings | {"renewal": self._address, "enrolled": True}))
        fleet.write_post_file(post, settings)
        replace_private(folder / ROOT_FILE, self._authority.pem)
        if code.replaces:
            fleet.revoke_certificates(post, "replaced", keep=serial)
        replace_private(folder / CERTIFICATE_FILE, chain)
        return chain

    def _finish(self, code: Code, chain: bytes) -> None:
        """Enter the key in the register, tell the broker, log the act, and note that all was done.

        Until then the same request does it again.

        Raises:
            ProvisioningError: the register cannot be signed, or the broker could not be told, which is logged.

        """
        post, act = code.post, "post_replaced" if code.replaces else "post_enrolled"
        serials = {one.serial for one in self._fleet.certificates.all() if one.name == post}
        revoked = [
            f"{serial:x}"
            for serial, reason, at in self._fleet.certificates.revocations()
            if serial in serials and reason == "replaced" and at >= code.issued
        ]
        details: dict[str, JsonValue] = {
            "technician": code.technician,
            "code_issued_by": code.issued_by,
            "code_purpose": code.purpose,
            "serial": _serial(chain),
            "revoked": [*revoked],
        }
        write_register(self._fleet)
        try:
            (self._reload if code.replaces else self._announce)()
        except ProvisioningError as error:
            log.warning("%s", error)
            failed = details | {"message": str(error)[:300]}
            self._author.record(act, object=post, details=failed, outcome="failure", reason="broker_not_told")
            raise
        self._author.record(act, object=post, details=details)
        self.codes.finish(code)

    def _check_technician(self, code: Code) -> None:
        people = self._fleet.people
        if code.technician not in people or not people[code.technician].is_certified():
            raise EnrollmentError(
                f"the code was issued for {code.technician}, whose certification has ended", reason="technician_expired"
            )

    def _check_clone(self, post: str, key: str, request: SigningRequest) -> None:
        certificates = self._fleet.certificates
        others = certificates.holders(key) - {post}
        for folder, pem in (("records", request.record_key), ("recipients", request.unseal_key)):
            thumbprint = read_key(pem).thumbprint()
            for path in (self._fleet.directory / folder).glob("*.pem"):
                if path.stem != post and read_key(path.read_bytes()).thumbprint() == thumbprint:
                    others.add(path.stem)
        if others:
            names = ", ".join(sorted(others))
            raise EnrollmentError(
                f"a key of this unit is that of {names}: its disk was copied. Set up the unit again so that it makes "
                f"its own keys, and check whether {names} is where it should be",
                reason="cloned",
            )
        own = [one for one in certificates.all() if one.name == post and one.key == key]
        # A good one beside it: the server failed midway, and what it had issued before was revoked as superseded.
        is_good = any(one.key == key for one in certificates.of(post))
        if not is_good and any(certificates.is_revoked(one.serial) for one in own):
            raise EnrollmentError(
                f"this unit's key was {post}'s and was revoked; take the enrollment back with --abandon, so "
                "that it makes another",
                reason="revoked",
            )

    def _judged(self, post: str, judge: Callable[[], _Outcome], *, needs_officer: bool = True) -> _Outcome:
        try:
            # Before anything changes, and once: what is begun then is done, and logged as done.
            if needs_officer:
                self._check_officer()
            return judge()
        except EnrollmentError as refusal:
            self._refusals.refused(post, refusal)
            raise

    def _check_officer(self) -> None:
        lapse = self._lapse()
        if lapse is not None:
            raise EnrollmentError(
                f"the enrollment server enrolls no one until it is restarted in the name of someone certified: {lapse}",
                reason="keeper_expired",
            )

    def _lapse(self) -> NotCertifiedError | None:
        """Return why the officer is not certified now; None if they are."""
        try:
            self._officer.require()
            self._fleet.people.require(self._officer.name, self._officer.key.thumbprint(), self._officer.role)
        except NotCertifiedError as lapse:
            return lapse
        return None


def encoded(certificates: list[x509.Certificate]) -> bytes:
    """Return certificates as EST answers: certs-only PKCS #7, base64."""
    return base64.encodebytes(pkcs7.serialize_certificates(certificates, Encoding.DER))


def _decoded(body: bytes) -> bytes:
    try:
        return base64.b64decode(body)
    except (ValueError, binascii.Error) as error:
        raise EnrollmentError("the request is not base64", reason="request_refused") from error


def _serial(chain: bytes) -> str:
    """Return the serial number of a chain's first certificate, hexadecimal."""
    return f"{x509.load_pem_x509_certificate(chain).serial_number:x}"


def answer_all(registration: RegistrationAuthority, folder: Path) -> Iterator[tuple[str, EnrollmentError | None]]:
    """Answer each request that waits in a folder, such as a USB drive, in the same folder.

    Yields the post, and why it was refused, if it was.
    """
    for post in requests(folder):
        try:
            body, seal = read_request_file(folder, post)
            certificate, code = registration.enroll_sealed(post, body, seal)
            answer = OfflineAnswer(certificate, registration.authorities, registration.configuration(post))
            write_answer(folder, post, answer, seal_key=code.seal)
        except EnrollmentError as refusal:
            write_refusal(folder, post, refusal)
            yield post, refusal
        else:
            yield post, None
