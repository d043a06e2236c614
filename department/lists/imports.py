"""State and local exports: cleaned as the list builder does, with a report of each row that it refuses.

Of each source the latest file in force is kept as it came; a complete list is built from these. A source's first file,
and one whose size is beyond belief after the one before, is held until a person lets it go.
"""

import hashlib
import hmac
import tempfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import zstandard
from django.db import connection, transaction

from platepost.department.database.queries import rows
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.wording import require_words
from platepost.department.ledger.writing import entering
from platepost.department.lists.errors import ListRefusedError
from platepost.department.lists.models import HAND_BUILT, ListImport, ListRequest
from platepost.department.policy.errors import ForbiddenPurposeError
from platepost.department.policy.policy import policy_in_force
from platepost.provisioning.hotlist.files import Files
from platepost.provisioning.hotlist.mapping import SourceMapping, load_mapping
from platepost.provisioning.hotlist.rows import HotListRow, RefusedRow
from platepost.provisioning.hotlist.source import read_rows
from platepost.wire.hotlist.store import size_jumps

MOST_REPORTED = 1000
"""Refused rows that a report names; it counts all."""
_LARGEST = 1 << 30
_REMEMBERED = 1 << 12
_WORD = 3
"""Letters of which a reference needs as many to say anything: most are a number."""
_LISTED = """
INSERT INTO lists_imported (source, plate, category) SELECT %s, * FROM unnest(%s::text[], %s::text[])
ON CONFLICT (plate, category, source) DO UPDATE SET left_at = NULL
"""
_LEFT = """
UPDATE lists_imported AS known SET left_at = %s FROM unnest(%s::text[], %s::text[]) AS gone (plate, category)
WHERE (known.plate, known.category, known.source) = (gone.plate, gone.category, %s)
"""


@dataclass(frozen=True, slots=True)
class ImportingUser:
    """In whose name a file is taken in: no person's, as a timer does it."""

    system_user: str
    secret: bytes
    """The department's, under which the file's mark is made: a plain digest of one with a plate in it gives it away."""


def take_in(path: Path, source: str, mapping_path: Path | None, by: ImportingUser) -> ListImport | None:
    """Clean a file and have its rows take the place of the source's former ones, as the signer.

    Args:
        path: the file.
        source: whose it is, a short name.
        mapping_path: how it is written; CSV with a header where None.
        by: who takes it in.

    Returns:
        What became of it, now or when the very file came before and was held; None where it is in force.

    Raises:
        SourceError: the file, or the mapping, cannot be read, or was changed meanwhile.
        ListRefusedError: the policy forbids what the source, or the mapping, names.
        LedgerError: it cannot be entered; nothing is done.

    """
    if source == HAND_BUILT:
        raise ListRefusedError(f"{HAND_BUILT} is the list that was built by hand: name the source of the file")
    files = Files(None, export=[path], mapping=[mapping_path])
    mapping = load_mapping(mapping_path) if mapping_path else SourceMapping()
    refused: list[RefusedRow] = []
    accepted = 0
    for row in read_rows(path, mapping, at=datetime.now(UTC), forbid=_forbidding()):
        if isinstance(row, RefusedRow):
            refused.append(row)
        else:
            accepted += 1
    body = path.read_bytes()
    text = mapping_path.read_text("utf-8") if mapping_path else ""
    require_words(ListRefusedError, person=by.system_user, what="import", texts={"source": source, "mapping": text})
    files.said()  # what was counted is what is kept
    before = in_force(source)
    list_import = ListImport(
        source=source,
        system_user=by.system_user,
        mark=hmac.new(by.secret, text.encode() + b"\0" + body, hashlib.sha256).hexdigest(),
        mapping=text,
        file=zstandard.compress(body),
        accepted=accepted,
        refused=len(refused),
        report=[[row.line, row.reason] for row in refused[:MOST_REPORTED]],
        held_because=_beyond_belief(before, accepted),
    )
    if before is not None and before.mark == list_import.mark:
        return None
    known = next(
        (
            held_import
            for held_import in held_imports()
            if (held_import.source, held_import.mark) == (source, list_import.mark)
        ),
        None,
    )
    if known is not None:
        return known
    fields = {"person": by.system_user, "source": source, "mark": list_import.mark, "accepted": accepted}
    with entering(
        LedgerEvent.LIST_IMPORTED, {**fields, "refused": list_import.refused, "held": list_import.is_held}
    ) as noted:
        list_import.save(force_insert=True)
        if not list_import.is_held:
            ListRequest.objects.create(kind="complete")
        noted["import"] = list_import.pk
    return list_import


def in_force(source: str) -> ListImport | None:
    """Return the import of a source whose rows count, without its file."""
    known = ListImport.objects.filter(source=source).defer("file").order_by("-pk")
    return next((list_import for list_import in known if not list_import.is_held), None)


def has_files() -> bool:
    """Tell whether a file of any source counts."""
    return any(not list_import.is_held for list_import in ListImport.objects.defer("file").exclude(source=HAND_BUILT))


def hand_built() -> ListImport | None:
    """Return the list built by hand that counts: until a file of a source does, which takes its place."""
    return None if has_files() else in_force(HAND_BUILT)


def adopt(version: int, entries: int, *, who: str) -> None:
    """Take a list that was built by hand over as an import, once, as the signer. Raises LedgerError.

    Args:
        version: the list's.
        entries: how many it has.
        who: in whose name the signer works.

    """
    mark = f"version {version}"
    known = in_force(HAND_BUILT)
    if known is not None and known.mark == mark:
        return
    fields = {"person": who, "source": HAND_BUILT, "mark": mark, "accepted": entries, "refused": 0, "held": False}
    with entering(LedgerEvent.LIST_IMPORTED, fields) as noted:
        adopted = ListImport.objects.create(
            source=HAND_BUILT, system_user=who, mark=mark, mapping="", accepted=entries, refused=0, report=[]
        )
        noted["import"] = adopted.pk


def held_imports() -> list[ListImport]:
    """Return the imports that are held and would count if they were let go, the newest first, without their files."""
    known = ListImport.objects.defer("file").filter(let_go_at=None).exclude(held_because=None).order_by("-pk")
    counting = {source: in_force(source) for source in {list_import.source for list_import in known}}
    return [
        list_import for list_import in known if (now := counting[list_import.source]) is None or list_import.pk > now.pk
    ]


def imported_rows(at: datetime, recovered: Collection[tuple[str, datetime]]) -> Iterator[HotListRow]:
    """Yield the cleaned rows of all sources, as the signer, and note which source each is of.

    Args:
        at: when the list is built: rows that have expired by then are left out.
        recovered: plates, and the time before which an import that lists one does not count for it.

    """
    until = dict(recovered)
    sources = ListImport.objects.exclude(source=HAND_BUILT).values_list("source", flat=True)
    for source in sources.distinct().order_by("source"):
        list_import = in_force(source)
        if list_import is None:
            continue
        with tempfile.TemporaryDirectory() as folder:
            path, mapping_path = Path(folder, "export"), Path(folder, "mapping.toml")
            path.write_bytes(zstandard.decompress(bytes(list_import.file or b""), max_output_size=_LARGEST))
            mapping_path.write_text(list_import.mapping, "utf-8")
            listed = set()
            for row in read_rows(path, load_mapping(mapping_path), at=at, forbid=_forbidding()):
                if isinstance(row, HotListRow) and not (row.plate in until and list_import.at < until[row.plate]):
                    yield row
                    if row.distribution is None and not row.safe:
                        listed.add((row.plate, row.category))
            _note(source, at, listed)


def forget_former() -> None:
    """Forget the files whose place another one has taken, and rows that no list in force has, as the signer."""
    with transaction.atomic():
        for source in ListImport.objects.values_list("source", flat=True).distinct():
            now = in_force(source)
            if now is not None:
                ListImport.objects.filter(source=source, pk__lt=now.pk).exclude(file=None).update(file=None)
        with connection.cursor() as cursor:
            # A package is good for seven days: until then a post may have it.
            cursor.execute("DELETE FROM lists_imported WHERE left_at < now() - interval '7 days'")


def _note(source: str, at: datetime, listed: set[tuple[str, str]]) -> None:
    # Nearly all rows are as they were: only what came and what left is written.
    former = set(rows("SELECT plate, category FROM lists_imported WHERE source = %s AND left_at IS NULL", [source]))
    added, removed = ([[*row] for row in zip(*some, strict=True)] for some in (listed - former, former - listed))
    with connection.cursor() as cursor:
        if added:
            cursor.execute(_LISTED, [source, *added])
        if removed:
            cursor.execute(_LEFT, [at, *removed, source])


def _forbidding() -> Callable[[HotListRow], str | None]:
    """Return what tells why the policy, as it is now, forbids a row: for its category, or for its reference."""
    policy = policy_in_force()

    @lru_cache(_REMEMBERED)
    def named(text: str) -> str | None:
        try:
            policy.require_words(row=text)
        except ForbiddenPurposeError as error:
            return f"the policy forbids it: {error.forbidden}"
        return None

    def forbid(row: HotListRow) -> str | None:
        reference = row.reference or ""
        return named(row.category) or (named(reference) if sum(map(str.isalpha, reference)) >= _WORD else None)

    return forbid


def _beyond_belief(before: ListImport | None, accepted: int) -> str | None:
    if before is None:
        return "the first file of this source"
    if size_jumps(before=before.accepted, after=accepted):
        return f"{accepted} rows after {before.accepted}"
    return None
