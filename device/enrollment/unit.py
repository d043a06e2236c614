"""A unit on its way to be a post, step by step; each step is on disk before the next begins.

::

    DIR/.enrolling/        all that is under way: keys, request, answers; nothing of it is in force
    DIR/keys/              private keys, which only their owner can read
    DIR/state/             what the running post may change, its certificate too
    DIR/post.toml          written last: before it is there, the unit is no post

Whenever it is interrupted, the same command goes on where it was; `abandon` takes everything back.
"""

import json
import os
import re
import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from pydantic import BaseModel, ConfigDict

from platepost.common.files import StateFile, flush_folder, write_durably
from platepost.common.language import Phrase, day, local
from platepost.device.enrollment.decommissioned import MARK
from platepost.device.enrollment.keyfiles import (
    OUTBOX_KEY,
    PRIVATE_KEY,
    SIGNING_KEY,
    UNSEAL_KEY,
    make_keys,
    read_key_file,
)
from platepost.device.enrollment.provider import FILE, TEXT, needs_tpm
from platepost.wire.enrollment.errors import EnrollmentError
from platepost.wire.enrollment.request import make_request
from platepost.wire.kernel_clock import CLOCK_TOLERANCE
from platepost.wire.records.topics import NAME

WORK, ASIDE = ".enrolling", ".enrolling.new"
PLAN = "plan.json"
"""In it: without this file nothing is under way."""
POSTS, STATES = Path("/etc/platepost/posts"), Path("/var/lib/platepost-posts")
"""Where several posts on one computer have their folders, each by its name, and what they may change."""
GROUP = "platepost"
"""The service's group, which may read what is no key."""
_PUBLIC = frozenset({"post.toml", "ca.pem", "issuer_key.pem", "configuration_key.pem"})
"""Files of the first configuration."""
_CUSTODIAN_KEY = re.compile(rf"custody-{NAME.pattern}\.pem")
"""Files of it with the key of a custodian each; no other name is taken from it."""
_PRIVATE = (PRIVATE_KEY, SIGNING_KEY, UNSEAL_KEY, OUTBOX_KEY)


class PendingEnrollment(BaseModel):
    """What is under way."""

    model_config = ConfigDict(frozen=True, ser_json_bytes="hex", val_json_bytes="hex", hide_input_in_errors=True)

    post: str
    seal_key: bytes | None = None
    """Of the code, between the two halves of an enrollment by stick."""


class UnitEnrollment:
    """A unit's folder.

    Args:
        directory: where the post's files go; made if missing.

    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._work = directory / WORK

    @property
    def post(self) -> str | None:
        """The post that this unit is, None if it is none yet."""
        path = self.directory / "post.toml"
        if not path.exists():
            return None
        try:
            names = _leaf(self.certificate_path.read_bytes()).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
            return str(names[0].value)
        except (OSError, ValueError, IndexError):
            return Phrase("a post already")

    @property
    def beside(self) -> bool:
        """Whether it shares its computer with other posts."""
        return self.directory.parent == POSTS

    @property
    def certificate_path(self) -> Path:
        """Where the post's certificate is."""
        return self.directory / "state" / "certificate.pem"

    def begin(self, post: str, *, tpm: bool = False, seal_key: bytes | None = None) -> PendingEnrollment:
        """Make the keys and the request of a post, or go on with those made before.

        Raises:
            EnrollmentError: the unit is a post already, or is on the way to be another.

        """
        known = self.pending()
        if self.post is not None and not (known is not None and known.post == post):
            raise EnrollmentError(
                Phrase(
                    "this unit is {post} already; to make it another, take it out of service first: sudo platepost "
                    "decommission --config {file}",
                    post=self.post,
                    file=str(self.directory / "post.toml"),
                ),
                reason="enrolled_already",
            )
        if known is not None and known.post != post:
            raise EnrollmentError(
                Phrase(
                    "this unit is being enrolled as {post}; continue, or cancel with --abandon",
                    post=known.post,
                ),
                reason="under_way",
            )
        if known is None:
            self._make(post, tpm=tpm)
        if self.post is None:
            (self.directory / MARK).unlink(missing_ok=True)  # a unit that left service may enter it again
        if seal_key is None and known is not None:
            seal_key = known.seal_key
        pending = PendingEnrollment(post=post, seal_key=seal_key)
        _pending_file(self._work).write(pending)
        return pending

    def forget_code(self) -> None:
        """Have the code asked for again; the keys stay."""
        _pending_file(self._work).write(PendingEnrollment(post=self._underway().post))

    def pending(self) -> PendingEnrollment | None:
        """Return what is under way, None if nothing is."""
        try:
            return _pending_file(self._work).read()
        except ValueError as error:
            damaged = Phrase("{path}: damaged; take it back with --abandon", path=str(self._work))
            raise EnrollmentError(damaged, reason="damaged") from error

    def abandon(self) -> bool:
        """Take back what is under way; tell whether there was anything."""
        there = self._work.exists()
        if there and not (self.directory / "post.toml").exists():
            for name in _PRIVATE:
                (self.directory / "keys" / name).unlink(missing_ok=True)
            for path in (self.certificate_path, *(self.directory / name for name in _PUBLIC), *self._custodian_keys()):
                path.unlink(missing_ok=True)
        self._forget()
        return there

    def _custodian_keys(self) -> list[Path]:
        return [path for path in self.directory.glob("custody-*.pem") if _CUSTODIAN_KEY.fullmatch(path.name)]

    @property
    def request(self) -> bytes:
        """The request, PKCS #10 DER."""
        return (self._work / "request.p10").read_bytes()

    def take_certificate(self, chain: bytes, *, ca: bytes) -> None:
        """Keep the certificate that came for the request.

        Raises:
            EnrollmentError: it is not for this unit's key and post, not of that authority, or not valid now.

        """
        pending = self._underway()
        leaf = _leaf(chain)
        key = read_key_file(self._work / PRIVATE_KEY).public_key()
        if leaf.public_key() != key:
            raise EnrollmentError(Phrase("the certificate received is for another unit's key"), reason="answer")
        check_certificate(chain, ca=ca, name=pending.post, at=datetime.now(UTC))
        write_durably(self._work / "ca.pem", ca)
        write_durably(self._work / "certificate.pem", chain)

    def install(self, configuration: bytes) -> None:
        """Put everything in place, `post.toml` last, and forget what was under way.

        Args:
            configuration: JSON with the content of each file, by name.

        Raises:
            EnrollmentError: it is not of that form.

        """
        self._underway()
        files = _files(configuration)
        write_durably(self._work / "configuration.json", configuration)
        if not (self._work / "certificate.pem").exists():
            raise EnrollmentError(Phrase("no certificate has arrived yet"), reason="answer")
        keys = self.directory / "keys"
        keys.mkdir(exist_ok=True, mode=0o700)
        keys.chmod(0o700)
        for name in _PRIVATE:
            write_durably(keys / name, (self._work / name).read_bytes())
        # Of a packaged unit it is a link to where systemd makes the folder, which it does when the post first starts.
        state = self.directory / "state"
        if self.beside and not state.exists() and not state.is_symlink():
            state.symlink_to(STATES / self.directory.name)
        state.resolve().mkdir(exist_ok=True, mode=0o700)
        if self.beside and os.geteuid() == 0:  # aiming, before the service first starts, is the service's user's too
            owner = state.resolve().parent.stat()
            os.chown(state, owner.st_uid, owner.st_gid)
        _give(self.certificate_path, (self._work / "certificate.pem").read_bytes())
        if needs_tpm(self._work / PRIVATE_KEY):
            _give(self.directory / FILE, TEXT.encode())
        for name in sorted(files, key=lambda name: name == "post.toml"):
            _give(self.directory / name, files[name])
        self._forget()
        flush_folder(self.directory)

    def go_on(self) -> bool:
        """Finish an enrollment for which everything has come already; tell whether there was one."""
        path = self._work / "configuration.json"
        if self.pending() is None or not path.exists() or not (self._work / "certificate.pem").exists():
            return False
        self.install(path.read_bytes())
        return True

    def tidy(self) -> None:
        """Delete what a power cut left of an enrollment that is over."""
        if self.post is not None and self.pending() is None:
            self._forget()

    def _forget(self) -> None:
        """Forget what was under way, the plan first: a power cut must not leave half of it to go on with."""
        (self._work / PLAN).unlink(missing_ok=True)
        for folder in (self._work, self._aside):
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def _aside(self) -> Path:
        return self.directory / ASIDE

    def _make(self, post: str, *, tpm: bool) -> None:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o750)
        if self.beside:
            _to_group(self.directory)
        shutil.rmtree(self._aside, ignore_errors=True)
        self._aside.mkdir(mode=0o700)
        make_keys(self._aside, tpm=tpm)
        unseal = read_key_file(self._aside / UNSEAL_KEY)
        request = make_request(
            post,
            read_key_file(self._aside / PRIVATE_KEY),
            record_key=(self._aside / SIGNING_KEY).read_bytes(),
            unseal_key=unseal,
        )
        write_durably(self._aside / "request.p10", request)
        _pending_file(self._aside).write(PendingEnrollment(post=post))
        shutil.rmtree(self._work, ignore_errors=True)
        self._aside.rename(self._work)
        flush_folder(self.directory)

    def _underway(self) -> PendingEnrollment:
        pending = self.pending()
        if pending is None:
            raise EnrollmentError(Phrase("no enrollment is in progress on this unit"), reason="nothing_under_way")
        return pending


def _pending_file(folder: Path) -> StateFile[PendingEnrollment]:
    return StateFile(folder / PLAN, PendingEnrollment)


def check_certificate(chain: bytes, *, ca: bytes, name: str, at: datetime) -> x509.Certificate:
    """Verify that a chain, PEM, leads to the authorities `ca`, names `name`, and is valid at a moment; return the leaf.

    Raises:
        EnrollmentError: why not.

    """
    leaf, *others = x509.load_pem_x509_certificates(chain)
    if not leaf.not_valid_before_utc <= at < leaf.not_valid_after_utc:
        raise EnrollmentError(
            Phrase(
                "the certificate is valid from {begins} to {ends}, and this unit's clock shows {now}: set the clock, "
                "then run the same command again",
                begins=day(leaf.not_valid_before_utc),
                ends=day(leaf.not_valid_after_utc),
                now=local(at),
            ),
            reason="clock",
        )
    try:
        verifier = PolicyBuilder().store(Store(x509.load_pem_x509_certificates(ca))).time(at).build_client_verifier()
        verifier.verify(leaf, others)
    except (VerificationError, ValueError) as error:
        raise EnrollmentError(
            Phrase("the certificate received was issued by another department's authority"), reason="foreign_authority"
        ) from error
    names = [str(entry.value) for entry in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [name] or not isinstance(leaf.public_key(), ec.EllipticCurvePublicKey):
        holders = ", ".join(names) or Phrase("nobody")
        raise EnrollmentError(Phrase("the certificate received is for {names}", names=holders), reason="answer")
    return leaf


def check_clock(office: datetime, *, now: datetime | None = None) -> None:
    """Compare this unit's clock with the office's.

    Raises:
        EnrollmentError: they are more than five minutes apart; the message says how to set it.

    """
    now = now or datetime.now(UTC)
    apart = now - office
    if abs(apart) <= CLOCK_TOLERANCE:
        return
    days, minutes = abs(apart).days, abs(apart).seconds // 60
    amount = Phrase("{count} days", count=str(days)) if days else Phrase("{count} minutes", count=str(minutes))
    ahead = Phrase("{amount} ahead of", amount=amount)
    raise EnrollmentError(
        Phrase(
            "this unit's clock is {apart} the office's, which is {office}; nothing was sent. Give the same command "
            "with --set-clock, or set it: sudo date -u -s '{utc}'",
            apart=ahead if apart > timedelta() else Phrase("{amount} behind", amount=amount),
            office=local(office),
            utc=f"{office:%Y-%m-%d %H:%M:%S}",
        ),
        reason="clock",
    )


def _leaf(chain: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(chain)


def _files(configuration: bytes) -> dict[str, bytes]:
    try:
        files = {str(name): content.encode() for name, content in json.loads(configuration)["files"].items()}
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise EnrollmentError(Phrase("the first configuration is invalid"), reason="answer") from error
    more = set(files) - _PUBLIC
    if not files.keys() >= _PUBLIC or not all(_CUSTODIAN_KEY.fullmatch(name) for name in more):
        held = Phrase("the first configuration holds {names}", names=", ".join(sorted(files)))
        raise EnrollmentError(held, reason="answer")
    return files


def _give(path: Path, content: bytes) -> None:
    """Write a file that is no secret where the service can read it."""
    write_durably(path, content, mode=0o640)
    _to_group(path)


def _to_group(path: Path) -> None:
    if os.geteuid() == 0:
        # Where no package is installed there is no such group, and the user who runs the post owns the files.
        with suppress(LookupError):
            shutil.chown(path, group=GROUP)
