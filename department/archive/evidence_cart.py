"""Evidence that a person collects for a case, and the package that is ordered of it.

The pages collect and order. The archive service, which has the key that signs packages, makes what was ordered, in
`platepost department evidence`. Each person sees what they collect themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
from django.db import connection

from platepost.department.archive.errors import refusals
from platepost.department.archive.evidence import export_query, require_proved
from platepost.department.archive.evidence_package import is_for_age, recipient_of
from platepost.department.archive.operations import operation
from platepost.department.archive.redaction import AREAS, REDACTIONS, RedactedArea, Redaction
from platepost.department.custody.reading import records_for_package
from platepost.department.database.queries import rows
from platepost.department.errors import DepartmentError, OperationRefusedError
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.entries import open_entry
from platepost.department.ledger.writing import append
from platepost.department.policy.policy import AccessPurpose

LISTED = 200
"""Packages that the page lists, the latest."""


@dataclass(frozen=True, slots=True)
class EvidenceCart:
    """What is collected for a case, and the package of it."""

    id: UUID
    made_at: datetime
    person: str
    purpose: str
    case_number: str
    records: Sequence[int]
    recipient: str | None
    entry: UUID | None
    ordered_at: datetime | None
    begun_at: datetime | None
    problem: str | None
    package: UUID | None
    digest: str | None
    size: int | None
    done_at: datetime | None
    custodian_key: str | None
    register_key: str | None
    redactions: Sequence[Redaction]

    @property
    def state(self) -> str:
        """How far it is: `open`, `ordered`, `making`, `failed`, or `ready`."""
        if self.done_at is not None:
            return "ready"
        if self.problem is not None:
            return "failed"
        if self.begun_at is not None:
            return "making"
        return "ordered" if self.ordered_at is not None else "open"

    @property
    def is_open(self) -> bool:
        """Whether it can be changed and ordered."""
        return self.state in {"open", "failed"}

    @property
    def is_for_age(self) -> bool:
        """Whether its recipient opens it with age."""
        return is_for_age((self.recipient or "").strip())

    @property
    def file_name(self) -> str:
        """How its file is named: by the package, and by what opens it."""
        return f"{self.package}.{'zip.age' if self.is_for_age else 'jwe'}"


_COLUMNS = ", ".join("redactions::text" if field.name == "redactions" else field.name for field in fields(EvidenceCart))


def _cart(row: Sequence[Any]) -> EvidenceCart:
    *columns, redactions = row  # the last of `_COLUMNS`
    columns.append(REDACTIONS.validate_json(redactions))
    return EvidenceCart(*columns)


def carts_of(person: str) -> list[EvidenceCart]:
    """Return what a person collected, the latest first."""
    statement = f"SELECT {_COLUMNS} FROM archive_evidence WHERE person = %s ORDER BY made_at DESC LIMIT %s"  # noqa: S608
    return [*map(_cart, rows(statement, [person, LISTED]))]


def cart_of(person: str, cart: UUID) -> EvidenceCart | None:
    """Return one of a person's; None if there is none."""
    statement = f"SELECT {_COLUMNS} FROM archive_evidence WHERE person = %s AND id = %s"  # noqa: S608 - our own names
    return next(map(_cart, rows(statement, [person, cart])), None)


def collect(*, person: str, purpose: str, case: str, records: Sequence[int]) -> UUID:
    """Add records to what a person collects for a case; return which that is.

    Raises:
        ArchiveRefusedError: these are more than one package can have, or there is no case number.
        LedgerError: it cannot be entered.

    """
    openly = [cart for cart in carts_of(person) if cart.is_open and (cart.purpose, cart.case_number) == (purpose, case)]
    former = openly[0].records if openly else ()
    cart = openly[0].id if openly else uuid4()
    together = sorted({*former, *records})
    with (
        refusals(),
        operation(LedgerEvent.EVIDENCE_COLLECTED, person=person, case=case, what=str(cart), records=together),
    ):
        values: list[Any] = [cart, person, purpose, case, together]
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO archive_evidence (id, person, purpose, case_number, records) VALUES (%s, %s, %s, %s, %s)"
                " ON CONFLICT (id) DO UPDATE SET records = excluded.records",
                values,
            )
    return cart


def leave_out(cart: EvidenceCart, records: Sequence[int]) -> None:
    """Take records out of what is collected. Raises ArchiveRefusedError: it was ordered, and LedgerError."""
    rest = sorted({*cart.records} - {*records})
    redactions = tuple(redaction for redaction in cart.redactions if redaction.record in rest)
    event = LedgerEvent.EVIDENCE_COLLECTED
    changed = operation(event, person=cart.person, case=cart.case_number, what=str(cart.id), records=rest)
    with changed, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE archive_evidence SET records = %s, redactions = %s WHERE id = %s",
            [rest, REDACTIONS.dump_json(redactions).decode(), cart.id],
        )


def redact(cart: EvidenceCart, record: int, kind: str, areas: Sequence[RedactedArea]) -> None:
    """Have the package have a picture with areas covered; without areas it has the original again.

    Raises:
        ArchiveRefusedError: it was ordered.
        LedgerError: it cannot be entered.

    """
    redactions = tuple(
        redaction for redaction in cart.redactions if (redaction.record, redaction.kind) != (record, kind)
    )
    if areas:
        at = datetime.now(UTC)
        redactions += (Redaction(record=record, kind=kind, areas=tuple(areas), person=cart.person, at=at),)
    fields: dict[str, Any] = {"person": cart.person, "case": cart.case_number, "what": str(cart.id)}
    fields |= {"record": record, "picture": kind, "areas": AREAS.dump_python(tuple(areas))}
    with operation(LedgerEvent.EVIDENCE_REDACTED, **fields), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE archive_evidence SET redactions = %s WHERE id = %s",
            [REDACTIONS.dump_json(redactions).decode(), cart.id],
        )


def order(cart: EvidenceCart, *, agency: str, recipient: str) -> None:
    """Order the package of what is collected, encrypted to one recipient.

    The records are shown to the person under an entry of the ledger, which the package has.

    Raises:
        OperationRefusedError: the recipient's key cannot be used; a record is not there, or not proved; it was ordered.
        PurposeError: the policy does not allow it.
        LedgerError: it cannot be entered.

    """
    try:
        _, named = recipient_of(recipient.encode())
    except DepartmentError as error:
        raise OperationRefusedError(str(error)) from error
    purpose = AccessPurpose(cart.purpose, cart.case_number)
    query = export_query(cart.records, named, cart.redactions)
    with open_entry(person=cart.person, agency=agency, purpose=purpose, query=query) as entry:
        verdicts = records_for_package(entry, cart.records)
        try:
            require_proved(cart.records, verdicts)
        except DepartmentError as error:
            raise OperationRefusedError(str(error)) from error
        opened = entry.entry
    with refusals(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE archive_evidence SET recipient = %s, entry = %s, ordered_at = now(), problem = NULL WHERE id = %s",
            [recipient, opened, cart.id],
        )


def book(
    cart: EvidenceCart, *, person: str, digest: str, is_returned: bool, receipt: str, medium: str, by: str
) -> None:
    """Enter that the package was handed over, or came back, under its property number.

    Args:
        cart: whose package it is.
        person: who enters it.
        digest: SHA-256 of the file, as it was read from its medium.
        is_returned: whether it came back; else it was handed over.
        receipt: the property number.
        medium: what it is on.
        by: who received it, or who brought it back.

    Raises:
        OperationRefusedError: the file on the medium is not the package.
        LedgerError: it cannot be entered.

    """
    if cart.digest is None or digest.strip().lower() != cart.digest:
        raise OperationRefusedError(
            "the file on the medium is not this package, or was changed: its SHA-256 differs. Copy the package again"
        )
    event = LedgerEvent.EVIDENCE_RETURNED if is_returned else LedgerEvent.EVIDENCE_BOOKED
    fields = {"person": person, "case": cart.case_number, "what": str(cart.package), "digest": cart.digest}
    with operation(event, **fields, receipt=receipt, medium=medium, received_by=by):
        pass


def note_download(cart: EvidenceCart) -> None:
    """Enter that the person downloads the package. Raises LedgerError: it cannot be entered."""
    fields = {"person": cart.person, "case": cart.case_number, "what": str(cart.package), "digest": cart.digest}
    append(LedgerEvent.EVIDENCE_DOWNLOADED, fields)


def waiting(ledger: psycopg.Connection) -> EvidenceCart | None:
    """Return the package that was ordered first and is not made yet, as the archive service."""
    row = ledger.execute(
        f"SELECT {_COLUMNS} FROM archive_evidence WHERE ordered_at IS NOT NULL AND done_at IS NULL AND problem IS NULL"  # noqa: S608
        " ORDER BY ordered_at LIMIT 1"
    ).fetchone()
    return _cart(row) if row is not None else None
