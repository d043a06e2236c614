"""Checks an evidence package, opened (docs/evidence-format.md), without a database or network."""

import json
from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from itertools import pairwise
from typing import Any
from uuid import UUID

from joserfc.jwk import ECKey
from pydantic import ValidationError

from platepost.common.errors import RecordError
from platepost.department.archive.evidence_package import (
    CHAINS,
    KEYS,
    LARGEST,
    LEDGER,
    MANIFEST,
    MANIFEST_TYPE,
    REGISTER,
    EvidenceManifest,
    EvidenceRecord,
    EvidenceRefusedError,
    unpack,
)
from platepost.department.archive.redaction import STATEMENT_FILE, STATEMENTS, redacted_file
from platepost.department.custody.verdict import made_after
from platepost.department.ledger.chain import LedgerLine, commitment, digest_of_line
from platepost.provisioning.fleet.register import PostKeyRegister, RegisterRefusedError, open_register
from platepost.wire.records.canonical import canonical_bytes, digest_of, parse
from platepost.wire.records.jws import read_compact, read_object
from platepost.wire.records.parts import pictures_match
from platepost.wire.records.signing import NOT_JOSE, Keyring, read_key


@dataclass(slots=True)
class EvidenceReport:
    """What a check found."""

    manifest: EvidenceManifest
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What cannot be proved by the package, and is no fault."""
    linked: int = 0
    """Links of chains that hold."""
    left_out: dict[int, dict[str, str]] = field(default_factory=dict)
    """Signed pictures that are not in the package: their kinds by digest, by record."""
    receipted: int = 0
    """Records that are in a range that the custodian gave a receipt for."""
    entries: int = 0
    """Entries of the ledger."""

    @property
    def intact(self) -> bool:
        """Whether all is proved."""
        return not self.problems


def verify_package(package: bytes, keys: Sequence[ECKey]) -> EvidenceReport:
    """Check a package, opened.

    Args:
        package: the zip.
        keys: who is trusted: the custodian's key, and the key that signed the register of the posts' keys.

    Raises:
        EvidenceRefusedError: it is no package, was altered, or no one who is trusted has signed it.

    """
    files = unpack(package)
    try:
        payload, custodian = read_compact(files[MANIFEST], typ=MANIFEST_TYPE).payload_by(keys, largest=LARGEST)
        read_object(payload)
        report = EvidenceReport(EvidenceManifest.model_validate_json(payload))
        register, registrar = open_register(files[REGISTER], keys)
        chains = parse(files[CHAINS])["chains"]
        packaged_keys = parse(files[KEYS])
    except (KeyError, RecordError, RegisterRefusedError, ValidationError) as error:
        raise EvidenceRefusedError(f"the package is refused: {error}") from None
    named = report.manifest.files
    for name in sorted({*named, *files} - {MANIFEST}):
        if name not in files or sha256(files[name]).hexdigest() != named.get(name):
            raise EvidenceRefusedError(f"{name} is not the file that the custodian signed")
    if register.agency != report.manifest.agency:
        report.problems.append("the register of the posts' keys is another agency's")
    if not _are_keys(packaged_keys, custodian=custodian.thumbprint(), register=registrar):
        report.problems.append(f"{KEYS} has other keys than those that signed this package")
    posts = {post.name: Keyring(read_key(key.public_key.encode()) for key in post.keys) for post in register.posts}
    placed = _check_records(report, files, posts, key_ends(register))
    _check_redactions(report, files)
    for chain in chains:
        _check_chain(report, chain, placed.pop((chain["post"], chain["chain"]), {}))
    report.problems += [f"{post}, chain {name}: its links are missing" for post, name in placed]
    _check_ledger(report, files[LEDGER])
    return report


def _are_keys(packaged: Mapping[str, Any], **thumbprints: str) -> bool:
    """Return whether the keys that a package has for its page are those that signed it."""
    try:
        return {name: ECKey.import_key(key).thumbprint() for name, key in packaged.items()} == thumbprints
    except NOT_JOSE:
        return False


def key_ends(register: PostKeyRegister) -> dict[tuple[str, str], datetime]:
    """Return when keys were taken out of use, by post and thumbprint."""
    return {(post.name, key.kid): key.until for post in register.posts for key in post.keys if key.until is not None}


def _check_records(
    report: EvidenceReport,
    files: Mapping[str, bytes],
    posts: Mapping[str, Keyring],
    ends: Mapping[tuple[str, str], datetime],
) -> dict[tuple[str, str], dict[int, str]]:
    """Check each record by itself; return the digests of those in chains, by post and chain, by number."""
    placed: dict[tuple[str, str], dict[int, str]] = {}
    expected = {(record.post, record.digest): record for record in report.manifest.records}
    for name in sorted(files):
        folder, _, rest = name.partition("/")
        post = rest.removesuffix(".jsonl")
        for line in files[name].splitlines() if folder == "records" else ():
            try:
                event = parse(line)
                canonical = canonical_bytes(event)
                digest = digest_of(canonical)
                record = expected.pop((post, digest), None)
                if record is None:
                    report.problems.append(f"a record of {post} is not in the manifest")
                    continue
                where = f"record {record.record}"
                key = posts.get(post, Keyring(())).check(str(event.get("signature")), canonical)
                _check_time(report, record, event, ends.get((post, key)))
                if event.get("source") != f"//alpr/v1/{report.manifest.agency}/{post}":
                    report.problems.append(f"{where} names another source than its post")
                if not pictures_match(event):
                    report.problems.append(f"{where}: a picture is not the one that was signed")
                report.left_out[record.record] = _left_out(event)
                for body in _pictures(event):
                    if files.get(f"pictures/{sha256(body).hexdigest()}.jpg") != body:
                        report.problems.append(f"{where}: a picture is missing among the files")
                if isinstance(event.get("chain"), str):
                    placed.setdefault((post, event["chain"]), {})[event["sequence"]] = digest
            except (RecordError, KeyError, TypeError, ValueError, AttributeError) as error:
                report.problems.append(f"a record of {post}: {error}")
    report.problems += [f"record {record.record} is not in the package" for record in expected.values()]
    return placed


def _check_redactions(report: EvidenceReport, files: Mapping[str, bytes]) -> None:
    """Check that each redacted copy is of a signed picture of its record, and that the original is not there too."""
    try:
        statements = STATEMENTS.validate_json(files.get(STATEMENT_FILE, b"[]"))
    except ValidationError:
        report.problems.append(f"{STATEMENT_FILE} cannot be read")
        return
    for statement in statements:
        where = f"record {statement.record}, {statement.kind}"
        copy = files.get(redacted_file(statement.original_sha256))
        if report.left_out.get(statement.record, {}).get(statement.original_sha256) != statement.kind:
            report.problems.append(f"{where}: the redacted copy is not of a signed picture that was left out")
        elif f"pictures/{statement.original_sha256}.jpg" in files:
            report.problems.append(f"{where}: the original is there next to its redacted copy")
        elif copy is None or sha256(copy).hexdigest() != statement.copy_sha256:
            report.problems.append(f"{where}: the redacted copy is not the one that is stated")
        else:
            report.notes.append(
                f"{where}: a redacted copy, {len(statement.areas)} area(s) covered by {statement.person}; the signed"
                f" original has SHA-256 {statement.original_sha256}"
            )


def _check_time(
    report: EvidenceReport, record: EvidenceRecord, event: Mapping[str, Any], ended: datetime | None
) -> None:
    """Check that a record was not made after its key's end; one that came before that has a wrong clock."""
    if ended is None or not made_after(event, ended):
        return
    line_fields = f"record {record.record}: its time is after the end of its key, {ended:%Y-%m-%d %H:%M:%S} UTC"
    if record.admitted:
        report.notes.append(f"{line_fields}; {record.admitted}")
    elif record.kept_at > ended:
        report.problems.append(line_fields)
    else:
        report.notes.append(f"{line_fields}, and it came before that: its clock was wrong")


def _left_out(event: Mapping[str, Any]) -> dict[str, str]:
    named = event["data"].get("pictures", ())
    return {picture["sha256"]: picture["kind"] for picture in named if "data" not in picture}


def _pictures(event: Mapping[str, Any]) -> Iterator[bytes]:
    for picture in event["data"].get("pictures", ()):
        if "data" in picture:
            yield b64decode(picture["data"])


def _check_chain(report: EvidenceReport, chain: Mapping[str, Any], placed: Mapping[int, str]) -> None:
    """Check the links of one chain, and that they join the records to it and to the end of their receipt."""
    name = f"{chain['post']}, chain {chain['chain']}"
    links = {number: (digest, previous) for number, digest, previous in chain["links"]}
    for number, (_, previous) in links.items():
        if number - 1 in links:
            report.linked += 1
            if links[number - 1][0] != previous:
                report.problems.append(f"{name}: number {number} does not follow {number - 1}")
    for number, digest in placed.items():
        if links.get(number, ("",))[0] != digest:
            report.problems.append(f"{name}: number {number} is not the record that is linked")
        receipted_span = next((span for span in chain["receipted"] if span[0] <= number <= span[1]), None)
        if receipted_span is None:
            report.notes.append(f"{name}: no receipt for number {number}")
            continue
        report.receipted += 1
        _, last, end = receipted_span
        if last in links and links[last][0] != end:
            report.problems.append(f"{name}: the receipt up to number {last} is for another record")
        elif any(step not in links for step in range(number, last + 1)):
            report.notes.append(f"{name}: number {number} is not linked to the end of its receipt, {last}")


def _check_ledger(report: EvidenceReport, text: bytes) -> None:
    try:
        lines, said_of = _ledger(report, text)
    except (KeyError, TypeError, ValueError) as error:
        report.problems.append(f"the ledger cannot be read: {type(error).__name__}")
        return
    for before, after in pairwise(lines):
        if after.number == before.number + 1 and after.previous != before.digest:
            report.problems.append(f"the ledger, entry {after.number}: it does not follow the one before")
    report.entries = len(lines)
    manifest = report.manifest
    own = said_of[manifest.entry]
    if any(own.get(name) != getattr(manifest, name) for name in ("person", "purpose", "case")):
        report.problems.append("the ledger has no entry of this export")
    exported: set[int] = set()
    for line in lines:
        if line.refers_to == manifest.entry and line.event == "shown":
            line_fields = said_of[line.entry]
            exported.update(
                *(part.get("records", ()) for part in (line_fields, *line_fields.get("covert", {}).values()))
            )
    if not {record.record for record in manifest.records} <= exported:
        report.problems.append("the ledger does not say that these records were exported")
    gaps = sum(after.number - before.number - 1 for before, after in pairwise(lines))
    if gaps:
        report.notes.append(f"the ledger: {gaps} entries between these are left out")


def _ledger(report: EvidenceReport, text: bytes) -> tuple[list[LedgerLine], dict[UUID, dict[str, Any]]]:
    """Return the entries by number, each as it was digested, and what their bodies say, each as it was committed to."""
    lines: dict[UUID, LedgerLine] = {}
    said_of: dict[UUID, dict[str, Any]] = defaultdict(dict)
    for line_fields in map(json.loads, text.splitlines()):
        entry = UUID(line_fields["entry"])
        if "field" in line_fields:
            commitment_made = commitment(bytes.fromhex(line_fields["salt"]), line_fields["field"], line_fields["value"])
            if lines[entry].commitments.get(line_fields["field"]) != commitment_made:
                report.problems.append(f"the ledger, entry {lines[entry].number}: {line_fields['field']} was altered")
            said_of[entry][line_fields["field"]] = json.loads(line_fields["value"])
            continue
        line = lines[entry] = LedgerLine(
            number=line_fields["number"],
            entry=entry,
            at=datetime.fromisoformat(line_fields["at"]),
            event=line_fields["event"],
            retention=line_fields["class"],
            refers_to=UUID(line_fields["refers_to"]) if line_fields["refers_to"] else None,
            commitments=line_fields["commitments"],
            previous=bytes.fromhex(line_fields["previous"]),
            digest=bytes.fromhex(line_fields["digest"]),
        )
        if digest_of_line(line) != line.digest:
            report.problems.append(f"the ledger, entry {line.number}: it was altered")
    return sorted(lines.values(), key=lambda line: line.number), said_of
