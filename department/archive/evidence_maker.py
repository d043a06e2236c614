"""Makes the packages that the pages have ordered: with the custodian's key, which the pages do not have."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

from platepost.department.archive.evidence import (
    EvidenceRequest,
    EvidenceSources,
    make_ordered_package,
    sealed_to,
)
from platepost.department.archive.evidence_cart import EvidenceCart, waiting
from platepost.department.archive.evidence_export import reserved
from platepost.department.archive.evidence_package import recipient_of
from platepost.department.custody.bucket import PictureBucket
from platepost.department.errors import DepartmentError
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.writing import append

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EvidenceMaker:
    """Makes one package after the other."""

    sources: EvidenceSources
    """With the connection of the archive service."""
    agency: str
    custodian: str
    folder: Path
    """Where the encrypted packages are, each by the identifier of its package."""
    bucket: PictureBucket | None = None

    def make_next(self) -> bool:
        """Make the package that was ordered first, if any; return whether there was one.

        What keeps it from being made stands with it, and on its page.

        Raises:
            LedgerError: it cannot be entered that the package was made: it is tried again.
            OSError: the disk does not take it: it is tried again.
            psycopg.Error: the database does not answer.

        """
        ledger = self.sources.ledger
        cart = waiting(ledger)
        if cart is None:
            return False
        ledger.execute("UPDATE archive_evidence SET begun_at = now() WHERE id = %s", [cart.id])
        try:
            self._make(cart)
        except DepartmentError as error:
            log.warning("evidence package %s was not made: %s", cart.id, error)
            ledger.execute(
                "UPDATE archive_evidence SET problem = %s, begun_at = NULL WHERE id = %s", [str(error), cart.id]
            )
        return True

    def _make(self, cart: EvidenceCart) -> None:
        assert cart.recipient is not None and cart.entry is not None  # noqa: S101, PT018 - it was ordered
        key, named = recipient_of(cart.recipient.encode())
        order = EvidenceRequest(
            cart.records,
            cart.person,
            self.agency,
            self.custodian,
            cart.purpose,
            cart.case_number,
            named,
            redactions=cart.redactions,
        )
        manifest, package = make_ordered_package(order, self.sources, cart.entry, self.bucket)
        sealed, digest = sealed_to(package, key)
        made = replace(cart, package=manifest.package)
        fields = {"person": cart.person, "case": cart.case_number, "what": str(manifest.package), "digest": digest}
        file = self.folder / made.file_name
        with reserved(file, len(sealed)) as room:
            append(LedgerEvent.EXPORTED, fields | {"records": [*cart.records]})
            room.write(sealed)
        file.chmod(0o640)  # for the group, which has the pages: it is encrypted
        keys = [key.thumbprint() for key in self.sources.keys().values()]
        self.sources.ledger.execute(
            "UPDATE archive_evidence SET package = %s, digest = %s, size = %s, custodian_key = %s, register_key = %s,"
            " done_at = now() WHERE id = %s",
            [manifest.package, digest, len(sealed), *keys, cart.id],
        )
