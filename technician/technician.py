"""Who works at a post: a person whom the fleet certified, known by a certificate and the key that goes with it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from platepost.common.language import Phrase, day, local, message
from platepost.device.config import Configuration
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.people.person import ROLES_AT_POSTS, Person, certificates_of, x5c_of
from platepost.wire.control.people import Operator, Operators
from platepost.wire.errors import RefusedError, Rejection


@dataclass(frozen=True, slots=True)
class Technician:
    """A certified person, and why they are here."""

    identity: Person
    purpose: str

    @property
    def name(self) -> str:
        """As the certificate has it."""
        return self.identity.name


def certified(configuration: Configuration, folder: Path, *, purpose: str, at: datetime | None = None) -> Technician:
    """Recognize a person by their identity folder, as the post of `configuration` does for commands.

    The certificate is judged first: who would be refused anyway is not asked for a passphrase.

    Args:
        configuration: the post's; its `control.operators_ca` says who certifies people.
        folder: what `platepost provision person add` made for this person.
        purpose: why they are here.
        at: the moment by which the certificate is judged; now, if None.

    Raises:
        ProvisioningError: no one's folder, another fleet's or department's, expired, or of a role that may not.

    """
    if configuration.control is None:
        raise ProvisioningError(Phrase("this post knows no people: its configuration has no table [control]"))
    chain = certificates_of(folder)
    try:
        person = recognized(
            x5c_of(chain),
            ca=configuration.control.operators_ca,
            agency=configuration.post.agency,
            at=at or datetime.now(UTC),
        )
    except RefusedError as refusal:
        hint = _hint(refusal.reason, chain[0], at or datetime.now(UTC))
        name = next(
            (str(one.value) for one in chain[0].subject.get_attributes_for_oid(NameOID.COMMON_NAME)), folder.name
        )
        text = Phrase("{name}: {why}", name=name, why=message(refusal))
        if hint is not None:
            text = Phrase("{name}: {why} ({hint})", name=name, why=message(refusal), hint=hint)
        raise ProvisioningError(text) from refusal
    identity = Person.load(folder)
    if identity.key.thumbprint() != person.key.thumbprint():
        raise ProvisioningError(
            Phrase(
                "{folder}: the key does not belong to {person}'s certificate",
                folder=str(folder),
                person=person.name,
            )
        )
    return Technician(identity, purpose)


def _hint(reason: Rejection, leaf: x509.Certificate, now: datetime) -> Phrase | None:
    """Say what a person at the unit can look at, where the certificate's time is what is wrong."""
    if reason is Rejection.CERTIFICATE_EXPIRED:
        return Phrase("it ended on {date}; is the unit's clock right?", date=day(leaf.not_valid_after_utc))
    if reason is Rejection.CERTIFICATE_NOT_YET_VALID:
        return Phrase(
            "it begins on {begins}, and the unit's clock shows {now}: it is behind; it sets itself when the unit has "
            "its network, or time by GPS",
            begins=day(leaf.not_valid_before_utc),
            now=local(now),
        )
    return None


def recognized(x5c: list[str], *, ca: Path, agency: str, at: datetime) -> Operator:
    """Return the person of a certificate, if they may work at a post.

    Args:
        x5c: the certificate and its chain, as a JWS header carries them.
        ca: PEM of the authority that certifies people.
        agency: the department's.
        at: the moment by which the certificate is judged.

    Raises:
        RefusedError: it is no one's that `ca` vouches for, or not valid then.
        ProvisioningError: another department's, or of a role that may not; or `ca` cannot be read.

    """
    try:
        person = Operators(ca.read_bytes()).recognize(x5c, at=at)
    except OSError as error:
        raise ProvisioningError(f"{ca}: {error.strerror or error}") from error
    if person.agency != agency:
        raise ProvisioningError(
            Phrase(
                "{person} is certified by {theirs}, not by {agency}",
                person=person.name,
                theirs=person.agency,
                agency=agency,
            )
        )
    if person.role not in ROLES_AT_POSTS:
        raise ProvisioningError(
            Phrase("{person} is certified as {role}, not as technician", person=person.name, role=person.role.value)
        )
    return person
