"""Gives evidence out: a package, sealed to one recipient, that the ledger knows before its file is there."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any, BinaryIO

import psycopg

from platepost.common.files import flush_folder, make_folder
from platepost.department.archive.evidence import (
    EvidenceRequest,
    EvidenceSources,
    export_query,
    make_package,
    sealed_to,
)
from platepost.department.archive.evidence_package import EvidenceManifest, RecipientKey
from platepost.department.errors import DepartmentError
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.entries import open_entry
from platepost.department.ledger.writing import append
from platepost.department.people.services import covert_groups, person_of
from platepost.department.policy.policy import AccessPurpose


@dataclass(frozen=True, slots=True)
class ExportedEvidence:
    """A package that was given out."""

    manifest: EvidenceManifest
    digest: str
    """SHA-256 of its file, by which it is booked."""
    size: int
    """Bytes of its file."""


def export_evidence(
    order: EvidenceRequest,
    sources: EvidenceSources,
    file: Path,
    recipient: RecipientKey,
    *,
    release: Callable[[EvidenceManifest, str], None] | None = None,
) -> ExportedEvidence:
    """Make the file of a package for one recipient, whose key this is; nothing of it is left if that fails.

    `release`, where it answers a request, notes by manifest and digest that the package goes out.

    Raises:
        DepartmentError: the person is in no group that the order names; as `make_package`; or what `release` raises.
        OSError: the disk does not take it.

    """
    members = covert_groups(person_of(order.person))
    for group in order.groups:
        if group not in members:
            raise DepartmentError(f"{order.person} is not in the covert group {group}")
    asked = export_query(order.records, order.recipient)
    purpose = AccessPurpose(order.purpose, order.case)
    with open_entry(
        person=order.person, agency=order.agency, purpose=purpose, query=asked, groups=order.groups
    ) as entry:
        manifest, package = make_package(order, sources, entry)
    sealed, digest = sealed_to(package, recipient)
    fields = {"person": order.person, "case": order.case, "what": str(manifest.package), "digest": digest}
    with reserved(file, len(sealed)) as room:
        if release is not None:
            release(manifest, digest)
        append(LedgerEvent.EXPORTED, fields | {"records": list(order.records)})
        room.write(sealed)
    return ExportedEvidence(manifest, digest, len(sealed))


def book_evidence(
    file: Path, ledger: psycopg.Connection[Any], *, person: str, receipt: str, medium: str, received_by: str
) -> dict[str, Any]:
    """Enter that a package, as it is on its medium, was received; return what identifies it.

    `ledger` is of a role that sees all of it.

    Raises:
        DepartmentError: it was not exported here, or was changed since.

    """
    with file.open("rb") as opened:
        digest = file_digest(opened, "sha256").hexdigest()
    exported = ledger.execute(_EXPORTED, [json.dumps(digest)]).fetchone()
    if exported is None:
        raise DepartmentError(f"{file} was not exported here, or was changed since")
    what, case = map(json.loads, exported)
    fields = {"person": person, "case": case, "what": what, "digest": digest}
    append(LedgerEvent.EVIDENCE_BOOKED, fields | {"receipt": receipt, "medium": medium, "received_by": received_by})
    return fields


_EXPORTED = """
SELECT what.value, "case".value FROM ledger_entry AS e
JOIN ledger_body AS digest ON digest.entry = e.entry AND digest.field = 'digest'
JOIN ledger_body AS what ON what.entry = e.entry AND what.field = 'what'
JOIN ledger_body AS "case" ON "case".entry = e.entry AND "case".field = 'case'
WHERE e.event = 'exported' AND digest.value = %s ORDER BY e.number DESC LIMIT 1
"""


@contextmanager
def reserved(file: Path, size: int) -> Iterator[BinaryIO]:
    """Give room on disk of a size to be written; it is the file, durable, at the end, and there is none if that fails.

    A release is noted before its file is there, and a subpoena has only one: a disk that takes none is noticed first.
    Raises OSError.
    """
    make_folder(file.parent)
    aside = file.with_name(f"{file.name}.part")
    aside.unlink(missing_ok=True)
    try:
        with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as room:  # noqa: PTH123 - its mode
            os.posix_fallocate(room.fileno(), 0, size)
            yield room
            room.flush()
            os.fsync(room.fileno())
        aside.rename(file)
        flush_folder(file.parent)
    finally:
        aside.unlink(missing_ok=True)
