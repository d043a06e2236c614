"""Makes a package for court and discovery: records with the proof of what they are and of who saw them."""

import json
from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from hashlib import sha256
from importlib.resources import files as resources
from typing import Any
from uuid import UUID, uuid4

import psycopg
from django.template import Context, Engine
from django.utils.safestring import mark_safe
from joserfc.jwk import ECKey

from platepost.common.pages import PAGES
from platepost.department.archive.evidence_check import key_ends, verify_package
from platepost.department.archive.evidence_package import (
    CHAINS,
    CHECK,
    KEYS,
    LARGEST,
    LEDGER,
    MANIFEST,
    MANIFEST_TYPE,
    PAGE,
    REGISTER,
    EvidenceManifest,
    EvidenceRecipient,
    EvidenceRecord,
    RecipientKey,
    pack,
    seal,
)
from platepost.department.archive.redaction import (
    REDACTIONS,
    STATEMENT_FILE,
    STATEMENTS,
    RedactedPicture,
    Redaction,
    redacted,
    redacted_file,
)
from platepost.department.archive.verbatim import as_sent
from platepost.department.custody.bucket import PictureBucket
from platepost.department.custody.holding import ChainName
from platepost.department.custody.pictures import pictures_of
from platepost.department.custody.read_fields import READ_FIELDS
from platepost.department.custody.reading import WholeRecord, links, whole_records
from platepost.department.custody.record import RecordRow, RecordVerdict
from platepost.department.custody.verdict import made_after
from platepost.department.errors import DepartmentError
from platepost.department.ledger.entries import OpenEntry
from platepost.department.ledger.export import BODIES, ENTRIES
from platepost.department.web.moments import second
from platepost.provisioning.fleet.register import open_register
from platepost.wire.jose import sign
from platepost.wire.records.receipt import KeptRange

RECORDS_MOST = 1000
"""Records of one package."""
APART_MOST = 1000
"""Numbers between two records of a chain, or to the end of the receipt, up to which the links between go along."""
LINES_MOST = 10_000
"""Entries of the ledger up to which those between go along too: so the chain of the ledger is whole."""
_WHO = ("person", "agency", "purpose", "case", "on_behalf_of")
DISCLOSED = (*_WHO, "records", "pictures")
"""Fields of the ledger that go along. What else was looked for and found stays behind its commitment."""
_PROVED = ("genuine", "unknown")


@dataclass(frozen=True, slots=True)
class EvidenceRequest:
    """What is wanted, by whom, for whom."""

    records: Sequence[int]
    person: str
    agency: str
    custodian: str
    purpose: str
    case: str
    recipient: EvidenceRecipient
    groups: Sequence[str] = ()
    """Covert groups whose records are among them."""
    redactions: Sequence[Redaction] = ()
    """What is to be covered in their pictures."""


@dataclass(frozen=True, slots=True)
class EvidenceSources:
    """Where the proofs come from."""

    ledger: psycopg.Connection[Any]
    """Of a role that sees all of the ledger."""
    register: bytes
    """The signed register of the posts' keys, as it is."""
    register_keys: Sequence[ECKey]
    receipted: Mapping[ChainName, Sequence[KeptRange]]
    """What the log of receipts says."""
    signing_key: ECKey
    """The custodian's."""

    def keys(self) -> dict[str, ECKey]:
        """Return the two keys by which a package is checked: of the custodian, and of the register of the posts' keys.

        Raises:
            RegisterRefusedError: none of the keys signed the register.

        """
        _, registrar = open_register(self.register, self.register_keys)
        (register_key,) = (key for key in self.register_keys if key.thumbprint() == registrar)
        return {"custodian": self.signing_key, "register": register_key}


def export_query(
    records: Sequence[int], recipient: EvidenceRecipient, redactions: Sequence[Redaction] = ()
) -> dict[str, Any]:
    """Return what an entry of the ledger has as the query of a package."""
    query: dict[str, Any] = {"export": [*records], "recipient": recipient.model_dump()}
    if redactions:
        query["redacted"] = REDACTIONS.dump_python(tuple(redactions), mode="json")
    return query


def make_package(order: EvidenceRequest, sources: EvidenceSources, entry: OpenEntry) -> tuple[EvidenceManifest, bytes]:
    """Return a package, signed and not yet encrypted, and what it says of itself; the entry is closed.

    Raises:
        DepartmentError: a record is not there, may not be seen or is not proved by the register; or the package would
            be too large.
        django.db.Error: the database does not answer.

    """
    selected = whole_records(entry, records=order.records)
    require_proved(order.records, {stored.id: stored.verdict for stored, _ in selected})
    chains = _chains(partial(links, entry), selected, sources.receipted)
    entry.shown()
    return _package(order, sources, entry.entry, selected, chains)


def make_ordered_package(
    order: EvidenceRequest, sources: EvidenceSources, opened: UUID, bucket: PictureBucket | None
) -> tuple[EvidenceManifest, bytes]:
    """Return a package of records that the pages have shown to a person under an entry of the ledger, now closed.

    The order is the pages' alone: the entry must be of the same person, purpose, case and recipient, and have shown
    the records. Nothing of a covert group is in it. Errors and the rest are as for `make_package`.
    """
    _require_shown(sources.ledger, order, opened)
    selected = _kept_records(sources.ledger, order.records, bucket)
    require_proved(order.records, {stored.id: stored.verdict for stored, _ in selected})
    chains = _chains(partial(_kept_links, sources.ledger), selected, sources.receipted)
    return _package(order, sources, opened, selected, chains)


def _require_shown(ledger: psycopg.Connection[Any], order: EvidenceRequest, opened: UUID) -> None:
    """Make sure that an entry opened what a package is to have, for whom it is. Raises DepartmentError."""
    entered: dict[str, dict[str, Any]] = defaultdict(dict)
    for event, name, value in ledger.execute(_ORDERED, {"opened": opened}):
        entered[event][name] = json.loads(value)
    asked = export_query(order.records, order.recipient, order.redactions)
    opening = {"person": order.person, "purpose": order.purpose, "case": order.case, "query": asked}
    if entered["intent"] != opening or not {*order.records} <= {*entered["shown"].get("records", ())}:
        raise DepartmentError("the access log does not have that these records were shown for this package")


_ORDERED = """
SELECT line.event, body.field, body.value FROM ledger_entry AS line JOIN ledger_body AS body USING (entry)
WHERE line.entry = %(opened)s AND line.event = 'intent' AND body.field IN ('person', 'purpose', 'case', 'query')
OR line.refers_to = %(opened)s AND line.event = 'shown' AND body.field = 'records'
"""


def require_proved(records: Sequence[int], verdicts: Mapping[int, str]) -> None:
    """Make sure that a package can have some records, of which the verdicts are known. Raises DepartmentError."""
    if not 0 < len(set(records)) <= RECORDS_MOST:
        raise DepartmentError(f"a package has 1 to {RECORDS_MOST} records")
    missing = sorted({*records} - verdicts.keys())
    if missing:
        raise DepartmentError(f"there is no record {', '.join(map(str, missing))} that this entry may see")
    unproved = [record for record, verdict in verdicts.items() if verdict not in _PROVED]
    if unproved:
        raise DepartmentError(f"not proved to be a post's: record {', '.join(map(str, unproved))}")


def _kept_records(
    connection: psycopg.Connection[Any], records: Sequence[int], bucket: PictureBucket | None
) -> list[WholeRecord]:
    """Return records as the archive service reads them: no covert ones."""
    rows = connection.execute(
        "SELECT * FROM custody_judged WHERE id = ANY (%s) AND covert_group IS NULL ORDER BY id", [list(records)]
    ).fetchall()
    pictures = pictures_of(connection, [row[0] for row in rows], bucket)
    return [(stored, pictures.get(stored.id, ())) for stored in map(RecordRow._make, map(_padded, rows))]


def _padded(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return row + (None,) * (len(RecordRow._fields) - len(row))


def _kept_links(
    connection: psycopg.Connection[Any], chain: ChainName, first: int, last: int
) -> list[tuple[int, str, str]]:
    """Return links as `custody.reading.links` does, as the archive service reads them."""
    return connection.execute(
        "SELECT sequence, encode(digest, 'hex'), encode(previous, 'hex') FROM custody_judged"
        " WHERE chain = %(chain)s AND post = %(post)s AND custody_line(chain, sequence)"
        " BETWEEN custody_line(%(chain)s, %(first)s) AND custody_line(%(chain)s, %(last)s)"
        " AND covert_group IS NULL AND verdict IN ('genuine', 'unknown') ORDER BY sequence",
        {"chain": chain.chain, "post": chain.post, "first": first, "last": last},
    ).fetchall()


def _package(
    order: EvidenceRequest,
    sources: EvidenceSources,
    opened: UUID,
    selected: Sequence[WholeRecord],
    chains: Sequence[Mapping[str, Any]],
) -> tuple[EvidenceManifest, bytes]:
    files: dict[str, bytes] = {REGISTER: sources.register, CHAINS: _json({"chains": chains})}
    selected, covered, copies = redacted(selected, order.redactions)
    if covered:
        files |= copies | {STATEMENT_FILE: STATEMENTS.dump_json(tuple(covered))}
    sent: dict[str, list[bytes]] = defaultdict(list)
    for whole in selected:
        stored, pictures = whole
        sent[stored.post].append(as_sent(whole) or b"")
        files |= {f"pictures/{picture.sha256.hex()}.jpg": picture.body for picture in pictures}
    files |= {f"records/{post}.jsonl": b"\n".join(lines) + b"\n" for post, lines in sent.items()}
    ledger = list(_ledger(sources.ledger, opened, order.records))
    files[LEDGER] = b"".join(_json(line) + b"\n" for line in ledger)
    manifest = _manifest(order, opened, selected)
    files[KEYS] = _json({name: key.as_dict(private=False) for name, key in sources.keys().items()})
    files[CHECK] = check_page()
    register, _ = open_register(sources.register, sources.register_keys)
    accesses, ends = _accesses(ledger), key_ends(register)
    files[PAGE] = _page(manifest, selected, accesses, ends, chains=chains, covered=covered)
    digests = {name: sha256(body).hexdigest() for name, body in files.items()}
    manifest = manifest.model_copy(update={"files": digests})
    signed = manifest.model_dump_json().encode()
    key = sources.signing_key
    package = pack(files | {MANIFEST: sign(signed, key, typ=MANIFEST_TYPE, kid=key.thumbprint())})
    if len(package) > LARGEST:
        raise DepartmentError(f"the package would have more than {LARGEST // 1_000_000} MB: make several")
    # What the recipient will find wrong is found here first: a key that the register lacks, say.
    report = verify_package(package, [key, *sources.register_keys])
    if not report.intact:
        raise DepartmentError(f"it cannot be proved: {report.problems[0]}")
    return manifest, package


def sealed_to(package: bytes, recipient: RecipientKey) -> tuple[bytes, str]:
    """Return a package encrypted to its recipient, and the SHA-256 by which it is booked."""
    sealed = seal(package, recipient)
    return sealed, sha256(sealed).hexdigest()


def _manifest(order: EvidenceRequest, entry: UUID, selected: Sequence[WholeRecord]) -> EvidenceManifest:
    records = tuple(
        EvidenceRecord(
            record=stored.id,
            post=stored.post,
            digest=stored.digest,
            topic=stored.topic,
            kept_at=stored.kept_at,
            verdict=stored.verdict,
            admitted=stored.reason if stored.verdict == RecordVerdict.GENUINE else "",
        )
        for stored, _ in selected
    )
    return EvidenceManifest(
        package=uuid4(),
        agency=order.agency,
        custodian=order.custodian,
        made=datetime.now(UTC),
        person=order.person,
        purpose=order.purpose,
        case=order.case,
        entry=entry,
        recipient=order.recipient,
        records=records,
        files={},
    )


def _chains(
    linked_by: Callable[[ChainName, int, int], Sequence[tuple[int, str, str]]],
    selected: Sequence[WholeRecord],
    receipted: Mapping[ChainName, Sequence[KeptRange]],
) -> list[dict[str, Any]]:
    """Return the links that join records to one another and to the end of what was receipted."""
    numbers: dict[ChainName, set[int]] = defaultdict(set)
    for stored, _ in selected:
        if stored.place is not None:
            numbers[stored.place.chain].add(stored.place.number)
    entries = []
    for chain, exported in sorted(numbers.items()):
        receipted_spans = [
            span for span in receipted.get(chain, ()) if any(span.first <= one <= span.last for one in exported)
        ]
        spans: list[list[int]] = []
        for number in sorted({*exported, *(span.last for span in receipted_spans)}):
            if spans and number - spans[-1][1] <= APART_MOST:
                spans[-1][1] = number
            elif number in exported:
                spans.append([number, number])
        linked = [link for first, last in spans for link in linked_by(chain, first, last)]
        ranges = [[span.first, span.last, span.digest] for span in receipted_spans]
        entries.append({"post": chain.post, "chain": chain.chain, "links": linked, "receipted": ranges})
    return entries


def _ledger(connection: psycopg.Connection[Any], own: UUID, records: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Yield the ledger entries under which these records were seen, as far as they may be known, and those between."""
    seen = connection.execute(_SEEN, {"records": list(records), "own": own}).fetchall()
    numbers, entries = [number for number, _ in seen], [entry for _, entry in seen]
    if numbers[-1] - numbers[0] < LINES_MOST:
        numbers = [*range(numbers[0], numbers[-1] + 1)]
    disclosed = "entry = ANY (%s) AND (field = ANY (%s) OR refers_to = %s AND field = 'covert')"
    yield from (line for (line,) in connection.execute(ENTRIES.format("number = ANY (%s)"), [numbers]))
    yield from (line for (line,) in connection.execute(BODIES.format(disclosed), [entries, list(DISCLOSED), own]))


_SEEN = """
WITH saw AS (
    SELECT entry, refers_to FROM ledger_entry WHERE refers_to = %(own)s
    UNION
    SELECT e.entry, e.refers_to FROM ledger_body b JOIN ledger_entry e USING (entry)
    WHERE e.event IN ('shown', 'failed') AND b.field IN ('records', 'covert') AND EXISTS (
        SELECT FROM jsonb_path_query(b.value::jsonb, 'strict $.**') AS one
        WHERE one IN (SELECT to_jsonb(wanted) FROM unnest(%(records)s::bigint[]) AS wanted)
    )
)
SELECT number, entry FROM ledger_entry
WHERE entry IN (SELECT entry FROM saw UNION SELECT refers_to FROM saw) ORDER BY number
"""


def _accesses(ledger: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return who saw the records, for people to read: all views by a person for one purpose and case together."""
    values: dict[str, dict[str, Any]] = defaultdict(dict)
    for line in ledger:
        if "field" in line:
            values[line["entry"]][line["field"]] = json.loads(line["value"])
    times = {line["entry"]: datetime.fromisoformat(line["at"]) for line in ledger if "number" in line}
    views: dict[tuple[Any, ...], list[datetime]] = defaultdict(list)
    for entry, fields in values.items():
        if "person" in fields:
            views[tuple(fields.get(name) for name in _WHO)].append(times[entry])
    accesses = [
        {"first": min(view), "last": max(view), "count": len(view), **dict(zip(_WHO, who, strict=True))}
        for who, view in views.items()
    ]
    return sorted(accesses, key=lambda access: access["first"])


def _page(
    manifest: EvidenceManifest,
    selected: Sequence[WholeRecord],
    accesses: Sequence[Mapping[str, Any]],
    ends: Mapping[tuple[str, str], datetime],
    *,
    chains: Sequence[Mapping[str, Any]],
    covered: Sequence[RedactedPicture],
) -> bytes:
    shown = []
    for stored, pictures in selected:
        event = json.loads(stored.json_bytes())
        data = event.get("data") if isinstance(event.get("data"), dict) else {}
        facts = {label: data[name] for name, label in _SHOWN.items() if data.get(name) is not None}
        if captured := _moment(facts.get("captured")):
            facts["captured"] = second(captured)
        facts |= _location(data.get("place"))
        fields = {name: field.value_in(data) for name, field in READ_FIELDS.items()}
        known = [field for name, field in READ_FIELDS.items() if fields[name]]
        facts |= {str(field.label).lower(): field.shown(fields) for field in known}
        ended = ends.get((stored.post, stored.key or ""))
        if ended is not None and made_after(event, ended):
            facts["its key"] = f"taken out of use on {second(ended)}, before the time that this record states"
            if stored.verdict == RecordVerdict.GENUINE and stored.reason:
                facts["admission"] = stored.reason
        shown.append(
            {
                "stored": stored,
                "title": _TITLES.get(stored.type, stored.type),
                "at": _moment(event.get("time")),
                "facts": facts,
                "pictures": [(_picture(picture.kind), picture.sha256.hex()) for picture in pictures],
                "redacted": [
                    (redacted_file(redaction.original_sha256), _picture(redaction.kind), redaction)
                    for redaction in covered
                    if redaction.record == stored.id
                ],
                "receipted": _receipted(stored, chains),
            }
        )
    given = {"manifest": manifest, "records": shown, "accesses": accesses}
    return rendered("evidence.html", given)


@cache
def check_page() -> bytes:
    """Return the page that checks a package in a browser, without the internet; it is the same in every package."""
    scripts = {name: _text(f"check/{name}.js") for name in ("check", "page")}
    digests = (b64encode(sha256(script.encode()).digest()).decode() for script in scripts.values())
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    own = {name: mark_safe(text) for name, text in {**scripts, "scripts": allowed}.items()}  # noqa: S308 - our own
    return rendered("check/check.html", own)


def rendered(name: str, given: Mapping[str, Any]) -> bytes:
    """Return a document of this package, in English as records are, with what is given."""
    design = mark_safe((PAGES / "design.css").read_text("utf-8"))  # noqa: S308 - our own sheet
    return Engine().from_string(_text(name)).render(Context({**given, "design": design})).encode()


def _text(name: str) -> str:
    return resources("platepost.department.archive").joinpath(name).read_text("utf-8")


def _moment(text: object) -> datetime | None:
    """Return a time of a record; None where it is none."""
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _receipted(stored: RecordRow, chains: Sequence[Mapping[str, Any]]) -> tuple[int, int] | None:
    """Return the first and the last number of the receipt that a record is in, if any."""
    spans = (
        (first, last)
        for chain in chains
        if (chain["post"], chain["chain"]) == (stored.post, stored.chain)
        for first, last, _ in chain["receipted"]
    )
    return next((span for span in spans if stored.number is not None and span[0] <= stored.number <= span[1]), None)


def _location(place: object) -> dict[str, str]:
    """Return where the camera stands, as far as a record states it; one that is not genuine may state anything."""
    if not isinstance(place, dict):
        return {}
    location = {}
    if isinstance(place.get("site"), str):
        location["location"] = place["site"]
    latitude, longitude = place.get("latitude"), place.get("longitude")
    if isinstance(latitude, float) and isinstance(longitude, float):
        location["coordinates"] = f"{latitude:.5f}, {longitude:.5f}"
    return location


_SHOWN = {
    "plate_read": "plate as read",
    "confidence": "confidence",
    "captured": "captured",
    "camera": "camera",
    "plate_matched": "plate on the list",
    "match": "match",
    "category": "category",
    "wording": "wording",
    "verification": "verification",
    "hotlist_stale": "list was out of date",
    "synthetic": "made for a test",
    "held": "held back",
    "hit": "hit",
    "passage": "passage",
    "action": "action",
    "state": "state",
}
"""What is shown of a record's data, and how it is called."""
_TITLES = {
    "platepost.read.v1": "a read of a plate",
    "platepost.hit.v1": "a hit on the list of wanted plates",
    "platepost.hit.withdrawn.v1": "a hit that was withdrawn",
}


def _picture(kind: str) -> str:
    return {"patch": "Picture of the plate", "overview": "Picture of the scene"}.get(kind, kind)


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), default=str).encode("ascii")
