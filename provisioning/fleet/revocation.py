"""Locking a client out: its certificates are revoked, the broker is told, its live session is ended, all is proved.

A broker heeds a list of revoked certificates when someone connects; a client that is connected stays, where the broker
was not restarted. So the session is taken over, by a certificate of the same name that lives for minutes, and thrown
away with what waits in it: at once, where the broker refuses the revoked ones without being told.
"""

import contextlib
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509

from platepost.provisioning.connection import Connection
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.layout import ROOT_FILE
from platepost.provisioning.trust.authority import CERTIFICATE_FILE, KEY_FILE, Authority
from platepost.provisioning.trust.certificates import BACKDATED
from platepost.provisioning.trust.keys import new_key, private_pem, write_private

LIVES = timedelta(minutes=10)
"""How long a certificate lives that ends a session, or proves that it is refused."""
PATIENCE_SECONDS = 10.0
"""By when the broker must refuse."""


@dataclass(frozen=True, slots=True)
class LockedOut:
    """What came of it."""

    serials: tuple[int, ...]
    """Of the certificates that were revoked."""
    refused_after: float | None
    """Seconds from the beginning until the broker was seen to refuse; None where no broker was asked."""
    ended_after: float | None
    """Seconds until a session of that name, if there was one, had been ended."""


def lock_out(
    fleet: Fleet, name: str, reason: str, *, broker: str | None, reload: Callable[[], None], authority: Authority
) -> LockedOut:
    """Revoke every certificate of a name and see that the broker keeps to it.

    Args:
        fleet: the fleet.
        name: the post, subscriber or person.
        reason: why, a slug for the ledger.
        broker: `host:port`; None to revoke only.
        reload: makes the broker take the files written again.
        authority: the fleet's, opened.

    Raises:
        ProvisioningError: the broker was not told, or takes revoked certificates after ten seconds still.

    """
    began = time.monotonic()
    with identity(fleet, authority, name) as revoked, identity(fleet, authority, name) as evicting:
        keep = _serial(evicting)
        serials = fleet.revoke_certificates(name, reason, keep=keep, authority=authority)
        if broker is not None:
            _end_at_once(revoked, evicting, broker)
        reload()
        refused = ended = None
        if broker is not None:
            _await_refusal(revoked, broker)
            refused = time.monotonic() - began
            with Connection(evicting, broker=broker):
                ended = time.monotonic() - began
        fleet.revoke_certificates(name, reason, authority=authority)
        proving = _serial(revoked)
    return LockedOut(tuple(serial for serial in serials if serial != proving), refused, ended)


@contextmanager
def identity(fleet: Fleet, authority: Authority, name: str, *, role: str | None = None) -> Iterator[Path]:
    """Give the folder of an identity that lives for minutes and is deleted at the end; its certificate is entered."""
    key = new_key()
    life = BACKDATED + LIVES
    if role is None:
        chain = authority.issue_client(name, key, valid=life)
    else:
        chain = authority.issue_operator(name, key, agency=fleet.agency, role=role, valid=life)
    fleet.certificates.issued(chain)
    with tempfile.TemporaryDirectory(prefix="platepost-") as temporary:
        folder = Path(temporary)
        write_private(folder / KEY_FILE, private_pem(key))
        write_private(folder / CERTIFICATE_FILE, chain)
        write_private(folder / ROOT_FILE, authority.pem)
        yield folder


def is_let_in(folder: Path, broker: str) -> bool:
    """Tell whether the broker accepts an identity.

    Raises:
        ProvisioningError: the broker cannot be reached.

    """
    try:
        with Connection(folder, broker=broker):
            return True
    except ssl.SSLError:
        return False
    except ProvisioningError as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and not isinstance(cause, ssl.SSLError | ConnectionResetError | BrokenPipeError):
            raise
        return False


def is_refused(revoked: Path, broker: str) -> bool:
    """Tell whether the broker refuses an identity within ten seconds: it reads what is new in its own time."""
    try:
        _await_refusal(revoked, broker)
    except ProvisioningError:
        return False
    return True


def _end_at_once(revoked: Path, evicting: Path, broker: str) -> None:
    """End the session before the broker is told, where that refuses already: to tell RabbitMQ can take half a minute.

    It is ended again afterwards: of a cluster's other nodes no one knows yet what they refuse.
    """
    with contextlib.suppress(ProvisioningError):  # no one answers there, which is judged once it was told
        if not is_let_in(revoked, broker):
            with Connection(evicting, broker=broker):
                pass


def _await_refusal(revoked: Path, broker: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while is_let_in(revoked, broker):
        if time.monotonic() > end:
            raise ProvisioningError(
                f"{broker} still accepts revoked certificates after {PATIENCE_SECONDS:.0f} s: does it have this fleet's"
                f" revoked certificates, and was it reloaded (--reload)?"
            )
        time.sleep(0.1)


def _serial(folder: Path) -> int:
    return x509.load_pem_x509_certificate((folder / CERTIFICATE_FILE).read_bytes()).serial_number
