"""Everything of a department in documented open formats, and back into an empty one (docs/evidence-format.md).

::

    manifest.jws                     what there is, with the digest of each file, signed by the custodian
    records/000001.jsonl.zst ...     each record with its pictures, as its post sent it, and what custody says of it
    ledger.jsonl.zst                 entries and bodies, in the form of docs/ledger.md
    tables/NAME.jsonl.zst            every other table, a row a line
    receipts, register.json, ...     the log of receipts, the register of the posts' keys, the policy
"""

import json
import shutil
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from graphlib import TopologicalSorter
from hashlib import file_digest
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import psycopg
import zstandard
from joserfc.jwk import ECKey
from psycopg import IsolationLevel, sql
from pydantic import BaseModel, ConfigDict

from platepost.common.errors import RecordError
from platepost.department.archive.verbatim import as_sent
from platepost.department.custody.codec import RAW
from platepost.department.custody.constants import EncodedRecord
from platepost.department.custody.messages import ReceivedMessage
from platepost.department.custody.projections import PROJECTIONS
from platepost.department.custody.reading import WholeRecord, whole_records
from platepost.department.custody.rebuild import rebuild
from platepost.department.custody.record import PictureBytes, RecordRow, take
from platepost.department.custody.tables import Batch, CustodyTables
from platepost.department.errors import DepartmentError
from platepost.department.ledger.entries import OpenEntry
from platepost.department.ledger.export import BODIES, ENTRIES
from platepost.wire.records.jws import read_compact

MANIFEST_TYPE = "platepost-department+jws"
"""The JWS header's `typ`."""
LARGEST_MANIFEST = 16 * 1024 * 1024
STEP = 5000
"""Records of one file, which are read under one entry of the ledger."""
AT_ONCE = 500
"""Records that are read, or written, at once."""
LEVEL = 6
_DERIVED = (*(projection.table for projection in PROJECTIONS), "search_plate")
_EXPORTED_ELSEWHERE = (
    *("custody_record", "custody_picture", "custody_unnamed_object", "custody_constants", "custody_parted"),
    *("ledger_event", "ledger_entry", "ledger_body", "database_sql"),
)
"""Tables that are exported in another form, or that migrations fill."""
_EXCLUDED = "^(django|auth|account|mfa|socialaccount)_|^audits_household|^search_(query|ticket)$"
"""Tables of Django, of log-in, and of households: no second factor and no key of households leaves the department."""


class ExportManifest(BaseModel):
    """What an export has."""

    model_config = ConfigDict(frozen=True)

    format: str = "platepost-department-1"
    agency: str
    custodian: str
    version: str
    """Of Platepost."""
    made: datetime
    migrations: tuple[str, ...]
    """Of the schema that the tables have."""
    records: int
    entries: int
    """Of the ledger."""
    files: dict[str, str]
    """SHA-256 of each file, by its path."""


@dataclass(frozen=True, slots=True)
class PortabilityDatabase:
    """The connections that an export or an import works by."""

    owner: psycopg.Connection[Any]
    """Autocommit, of the owner: for whatever is no record."""
    keeper: CustodyTables
    """The one keeper's session: so no one keeps records meanwhile."""


def export_department(
    database: PortabilityDatabase,
    target: Path,
    files: Mapping[str, Path],
    *,
    opened: Callable[[str, Sequence[str]], OpenEntry],
    on_progress: Callable[[int, int | None], None],
) -> dict[str, Any]:
    """Write everything into a new folder; return `records`, `entries`, `migrations` and `files` of its manifest.

    Records are read by Django's connection, as the web role. Broken off, nothing of it stays: it is not encrypted.

    Args:
        database: the other connections.
        target: the folder; it must not exist.
        files: those of the department's folder that go along, by their names there.
        opened: opens the entry of the ledger under which some records are read; told which, and the covert groups.
        on_progress: hears of how many records are done, of how many ids.

    Raises:
        DepartmentError: the folder is there, or an entry cannot be made.
        OSError: the disk does not take it.
        psycopg.Error: the database does not answer.

    """
    if target.exists():
        raise DepartmentError(f"{target} already exists")
    owner = database.owner
    with _whole_or_none(target):
        for folder in (target, target / "records", target / "tables"):
            folder.mkdir(mode=0o700, parents=True)
        ((last,),) = owner.execute("SELECT coalesce(max(id), 0) FROM custody_record")
        covert = owner.execute("SELECT DISTINCT covert_group FROM custody_tally WHERE covert_group <> ''")
        groups = [name for (name,) in covert]
        records = _write_records(
            target / "records", last, lambda after: opened(f"records after {after}", groups), on_progress
        )
        owner.isolation_level = IsolationLevel.REPEATABLE_READ
        with owner.transaction():
            for table in _tables(owner):
                with _writing(target / f"tables/{table}.jsonl.zst") as file:
                    file.writelines(f"{json.dumps(row)}\n" for (row,) in _stream(owner, _ROWS, table))
            with _writing(target / "ledger.jsonl.zst") as file:
                for select in (ENTRIES, BODIES):
                    file.writelines(f"{json.dumps(line)}\n" for (line,) in _stream(owner, select.format("TRUE")))
            ((entries,),) = owner.execute("SELECT count(*) FROM ledger_entry")
        for name, path in files.items():
            if path.exists():
                shutil.copyfile(path, target / name)
        written = [path for path in sorted(target.rglob("*")) if path.is_file()]
        return {
            "records": records,
            "entries": entries,
            "migrations": _migrations(owner),
            "files": {str(path.relative_to(target)): _digest(path) for path in written},
        }


def _write_records(
    folder: Path, last: int, opened: Callable[[int], OpenEntry], on_progress: Callable[[int, int | None], None]
) -> int:
    """Write the records up to the id `last`, each file under an entry of its own; return how many there are."""
    records = after = number = 0
    while after < last:
        number += 1
        with opened(after) as entry, _writing(folder / f"{number:06}.jsonl.zst") as file:
            for _ in range(STEP // AT_ONCE):
                records_read = whole_records(entry, after=after, limit=AT_ONCE)
                file.writelines(_record_line(record) for record in records_read)
                records += len(records_read)
                after = records_read[-1][0].id if len(records_read) == AT_ONCE else last
                on_progress(after, last)
                if after == last:
                    break
    return records


@contextmanager
def _whole_or_none(folder: Path) -> Iterator[None]:
    """Leave nothing of a new folder where what fills it is broken off."""
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def open_manifest(source: Path, keys: Sequence[ECKey]) -> ExportManifest:
    """Return the manifest of an export whose files are all as it says.

    Raises:
        DepartmentError: it is not signed by one of these keys, or a file is missing, altered or added.

    """
    try:
        message = (source / "manifest.jws").read_bytes()
        payload, _ = read_compact(message, typ=MANIFEST_TYPE).payload_by(keys, largest=LARGEST_MANIFEST)
        manifest = ExportManifest.model_validate_json(payload)
    except (OSError, RecordError, ValueError) as error:
        raise DepartmentError(f"{source}: the manifest is refused: {error}") from error
    files = {str(path.relative_to(source)): path for path in source.rglob("*") if path.is_file()}
    files.pop("manifest.jws")
    for name in sorted({*files, *manifest.files}):
        if name not in files or manifest.files.get(name) != _digest(files[name]):
            raise DepartmentError(f"{source / name} does not match the manifest")
    return manifest


def import_department(
    database: PortabilityDatabase,
    source: Path,
    manifest: ExportManifest,
    *,
    now: datetime,
    on_progress: Callable[[int, int | None], None],
) -> None:
    """Put everything of an export into a database that is empty. What is derived is rebuilt from the records.

    Args:
        database: its connections.
        source: the export's folder.
        manifest: as `open_manifest` returned it.
        now: the present.
        on_progress: hears of how many records are done.

    Raises:
        DepartmentError: the database is not empty, or has another schema.
        psycopg.Error: the database refuses.

    """
    owner = database.owner
    if _migrations(owner) != manifest.migrations:
        raise DepartmentError("the export has another schema: import it with the version that made it, then upgrade")
    # By making a department its law is entered; the export brings the entries of its own.
    ((full,),) = owner.execute(
        "SELECT EXISTS (TABLE custody_record) OR EXISTS (SELECT FROM ledger_entry WHERE event <> 'law_changed')"
    )
    if full:
        raise DepartmentError(
            "this department has records, or entries in its ledger, already: import into an empty one"
        )
    done = 0
    for path in sorted((source / "records").iterdir()):
        for lines in _portions(_reading(path)):
            _keep(database.keeper, lines, now)
            done += len(lines)
            on_progress(done, manifest.records)
    with owner.transaction(), _without_triggers(owner):
        # What keeping the records again has entered, of who looked at posts, is in the ledger that comes in.
        owner.execute("DELETE FROM ledger_body")
        owner.execute("DELETE FROM ledger_entry")
        tables = _tables(owner)
        # The law, the terms and the policy of the new department give way to those of the export.
        for table in reversed(tables):
            owner.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
        for table in tables:
            for rows in _portions(_reading(source / f"tables/{table}.jsonl.zst")):
                insert = "INSERT INTO {0} SELECT * FROM jsonb_populate_recordset(NULL::{0}, %s)"
                owner.execute(sql.SQL(insert).format(sql.Identifier(table)), [psycopg.types.json.Jsonb(rows)])
        for lines in _portions(_reading(source / "ledger.jsonl.zst")):
            _enter(owner, lines)
        owner.execute(_SEQUENCES)
    rebuild(owner)


# --- records


def _record_line(whole: WholeRecord) -> str:
    """Return a record as a line: custody's columns, and the event as its post sent it, or else its bytes."""
    stored, event = whole[0], as_sent(whole)
    columns = {
        name: value.hex() if isinstance(value, bytes) else value.isoformat() if isinstance(value, datetime) else value
        for name, value in stored._asdict().items()
        if value is not None and name not in EncodedRecord._fields
    }
    if event is None:
        return json.dumps({"custody": columns, "bytes": b64encode(stored.body).decode("ascii")}) + "\n"
    return f'{{"custody":{json.dumps(columns)},"event":{event.decode("ascii")}}}\n'


def _keep(tables: CustodyTables, lines: Sequence[dict[str, Any]], now: datetime) -> None:
    batch = Batch()
    for line in lines:
        fields = dict.fromkeys(RecordRow._fields) | line["custody"]
        for name, read in _READ.items():
            fields[name] = None if fields[name] is None else read(fields[name])
        pictures: tuple[PictureBytes, ...] = ()
        if "bytes" in line:
            fields["codec"], fields["body"] = RAW, b64decode(line["bytes"])
        else:
            taken = take(ReceivedMessage(fields["topic"], json.dumps(line["event"]).encode("ascii")))
            encoded = tables.constants.encode(
                taken, verdict=fields["verdict"], key=fields["key"], group=fields["covert_group"]
            )
            fields, pictures = fields | encoded._asdict(), taken.pictures
        stored = RecordRow(**fields)
        batch.records.append(stored)
        batch.pictures += [(stored, picture) for picture in pictures]
    tables.ensure_partitions((stored.retained_from for stored in batch.records), now=now)
    tables.expect_pictures(len(batch.pictures))
    with tables.connection.transaction():
        tables.write(batch, now=now)


_READ: Mapping[str, Callable[[str], Any]] = {
    **dict.fromkeys(("retained_from", "kept_at"), datetime.fromisoformat),
    **dict.fromkeys(("sha256", "previous"), bytes.fromhex),
}
"""How columns of a record are read that JSON has no form for."""


# --- the ledger


def _enter(owner: psycopg.Connection[Any], lines: Sequence[dict[str, Any]]) -> None:
    for table, member in (("ledger_entry", "number"), ("ledger_body", "field")):
        rows = [line for line in lines if member in line]
        if not rows:
            continue
        names, values = ", ".join(_COLUMNS[table]), ", ".join(_COLUMNS[table].values())
        insert = f"INSERT INTO {table} ({names}) SELECT {values} FROM jsonb_array_elements(%s) AS l"  # noqa: S608
        owner.execute(insert, [psycopg.types.json.Jsonb(rows)])


_COLUMNS = {
    "ledger_entry": {
        "number": "(l ->> 'number')::bigint",
        "entry": "(l ->> 'entry')::uuid",
        "at": "(l ->> 'at')::timestamptz",
        "event": "l ->> 'event'",
        "class": "l ->> 'class'",
        "refers_to": "(l ->> 'refers_to')::uuid",
        "commitments": "l -> 'commitments'",
        "previous": "decode(l ->> 'previous', 'hex')",
        "digest": "decode(l ->> 'digest', 'hex')",
        "transaction": "pg_current_xact_id()",
    },
    "ledger_body": {
        "entry": "(l ->> 'entry')::uuid",
        "field": "l ->> 'field'",
        "salt": "decode(l ->> 'salt', 'hex')",
        "value": "l ->> 'value'",
    },
}


# --- tables


def _tables(owner: psycopg.Connection[Any]) -> list[str]:
    """Return the tables that are exported row by row, each after those that it refers to."""
    tables = {
        name
        for (name,) in owner.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
            " AND NOT relispartition AND relname !~ %s AND NOT relname = ANY (%s)",
            [_EXCLUDED, [*_DERIVED, *_EXPORTED_ELSEWHERE]],
        )
    }
    refers: dict[str, set[str]] = {name: set() for name in sorted(tables)}
    for one, other in owner.execute(
        "SELECT a.relname, b.relname FROM pg_constraint c JOIN pg_class a ON a.oid = c.conrelid"
        " JOIN pg_class b ON b.oid = c.confrelid WHERE c.contype = 'f' AND a.oid <> b.oid"
    ):
        if one in tables and other in tables:
            refers[one].add(other)
    return [*TopologicalSorter(refers).static_order()]


# No one's password leaves the department.
_ROWS = """
SELECT CASE WHEN to_jsonb(t) ? 'password' THEN to_jsonb(t) || '{{"password": "!"}}' ELSE to_jsonb(t) END
FROM {} t ORDER BY t
"""


@contextmanager
def _without_triggers(owner: psycopg.Connection[Any]) -> Iterator[None]:
    """Let rows be put back as they were: what a trigger would enter in the ledger is in the ledger already."""
    triggers = owner.execute(
        "SELECT tgrelid::regclass::text, quote_ident(tgname), CASE tgenabled WHEN 'A' THEN 'ALWAYS' ELSE '' END"
        " FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid WHERE relnamespace = 'public'::regnamespace"
        " AND NOT tgisinternal AND tgenabled IN ('O', 'A') AND NOT relispartition"
    ).fetchall()
    for table, name, _ in triggers:
        owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
    yield
    owner.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table, name, always in triggers:
        owner.execute(f"ALTER TABLE {table} ENABLE {always} TRIGGER {name}")


_SEQUENCES = """
DO $$
DECLARE
    owned record;
    highest bigint;
BEGIN
    FOR owned IN
        SELECT d.refobjid::regclass AS table_name, a.attname, d.objid::regclass AS sequence
        FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' AND s.relnamespace = 'public'::regnamespace
        WHERE d.deptype IN ('a', 'i')
    LOOP
        EXECUTE format('SELECT max(%I) FROM %s', owned.attname, owned.table_name) INTO highest;
        PERFORM setval(owned.sequence, coalesce(highest, 1), highest IS NOT NULL);
    END LOOP;
    SELECT greatest((SELECT max(id) FROM custody_record), (SELECT max(id) FROM custody_rejudged)) INTO highest;
    PERFORM setval('custody_record_id', coalesce(highest, 1), highest IS NOT NULL);
END
$$
"""


def _migrations(owner: psycopg.Connection[Any]) -> tuple[str, ...]:
    return tuple(name for (name,) in owner.execute("SELECT app || '.' || name FROM django_migrations ORDER BY 1"))


def _stream(owner: psycopg.Connection[Any], select: str, *tables: str) -> Iterator[tuple[Any, ...]]:
    with owner.cursor("portability") as cursor:
        cursor.itersize = AT_ONCE
        yield from cursor.execute(sql.SQL(select).format(*map(sql.Identifier, tables)))


# --- files


@contextmanager
def _writing(path: Path) -> Iterator[TextIOWrapper]:
    with zstandard.open(path, "wb", cctx=zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)) as packed:
        file = TextIOWrapper(packed, encoding="utf-8")
        yield file
        file.flush()


def _reading(path: Path) -> Iterator[dict[str, Any]]:
    with zstandard.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _portions(lines: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    portion: list[dict[str, Any]] = []
    for line in lines:
        portion.append(line)
        if len(portion) == AT_ONCE:
            yield portion
            portion = []
    if portion:
        yield portion


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
