"""An evidence package is proved by two programs, opens for its recipient alone, and is refused after any change."""

import json
import random
import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from platepost.department.archive.evidence import EvidenceRequest, EvidenceSources, make_package, sealed_to
from platepost.department.archive.evidence_check import verify_package
from platepost.department.archive.evidence_export import export_evidence
from platepost.department.archive.evidence_package import (
    CHAINS,
    LEDGER,
    MANIFEST,
    MANIFEST_TYPE,
    EvidenceRecipient,
    EvidenceRefusedError,
    open_sealed,
    pack,
    recipient_of,
    unpack,
    write_opened,
)
from platepost.department.custody.reading import ReadFilter, reads
from platepost.department.database.roles import COMMAND, KEEPER
from platepost.department.errors import DepartmentError
from platepost.department.ledger.entries import open_entry
from platepost.department.policy.policy import AccessPurpose
from platepost.provisioning.fleet.register import REGISTER_TYPE, PostKey, PostKeyRegister, PostKeys
from platepost.wire.contract.examples import ExampleSigner
from platepost.wire.jose import sign
from platepost.wire.records import Keyring
from platepost.wire.records.receipt import KeptRange
from platepost.wire.records.signing import read_key
from tests.department.custody.conftest import Open, Rows, clock, database, ended, keys, opened, rows
from tests.department.custody.posts import CHAIN, GROUP, NOW, SIGNER, STRANGER, Post, changed, deliveries
from tests.department.people.persons import new_person
from tests.department.roles import as_role
from tests.verifier.evidence import by_the_second

__all__ = ["clock", "database", "ended", "keys", "opened", "rows"]
CUSTODIAN, REGISTRAR = (ExampleSigner(f"the {who}'s".encode()) for who in ("custodian", "registrar"))
TRUSTED = [read_key(signer.public_pem) for signer in (CUSTODIAN, REGISTRAR)]
WHY = AccessPurpose("criminal investigation", "26-00417")
OTHERS = AccessPurpose("stolen vehicle", "26-00999")
NOBODY = EvidenceRecipient(name="nobody", sha256="0")
Make: TypeAlias = Callable[..., bytes]


def register(until: datetime | None = None) -> bytes:
    pem = SIGNER.public_pem.decode()
    ended: Any = {"until": until, "ended": "revoked"} if until else {}
    known = PostKey(kid=read_key(pem.encode()).thumbprint(), public_key=pem, since=NOW, **ended)
    post_key_register = PostKeyRegister(
        agency="demo", number=1, issued=NOW, posts=(PostKeys(name="post-1", keys=(known,)),)
    )
    return sign(json.dumps(post_key_register.wire()).encode(), REGISTRAR._key, typ=REGISTER_TYPE, kid=REGISTRAR.kid)


@pytest.fixture
def ids(opened: Open, rows: Rows) -> list[int]:
    """Keep 30 reads, a hit, a covert hit, a forged and a foreign record; return the ids in their order."""
    post = Post()
    evidence_package = deliveries(
        *(post.read(text=f"7ABC{number:03}") for number in range(30)), post.hit(), post.hit(GROUP)
    )
    evidence_package += [
        changed(post.read(), time="2026-01-31T18:00:01.000Z"),
        *deliveries(post.enemy(STRANGER).read()),
    ]
    opened().keep(evidence_package)
    return [number for (number,) in rows("SELECT id FROM custody_record ORDER BY id")]


@pytest.fixture
def make(database: str, rows: Rows, ids: list[int]) -> Iterator[Make]:
    """Make a package of records by their place among `ids`."""
    ((last,),) = rows("SELECT encode(digest, 'hex') FROM custody_record WHERE id = %s", ids[29])
    receipted = {CHAIN: [KeptRange(first=1, last=30, digest=last)]}
    with psycopg.connect(f"{database} user={KEEPER}", autocommit=True) as keeper:
        sources = EvidenceSources(keeper, register(), [TRUSTED[1]], receipted, CUSTODIAN._key)

        def evidence_package(*places: int, groups: tuple[str, ...] = (), **more: Any) -> bytes:
            wanted = [ids[place] for place in places]
            order = EvidenceRequest(wanted, "a.rivera", "demo", "records", WHY.purpose, WHY.case or "", NOBODY)
            with (
                as_role(COMMAND),
                open_entry(
                    person="a.rivera", agency="demo", purpose=WHY, query={"export": wanted}, groups=groups
                ) as entry,
            ):
                return make_package(order, replace(sources, **more), entry)[1]

        yield evidence_package


def test_a_release_that_is_refused_leaves_no_file_and_is_no_export(
    database: str, rows: Rows, ids: list[int], tmp_path: Path
) -> None:
    def refuse(_manifest: object, _digest: str) -> None:
        assert [path.stat().st_size > 0 for path in tmp_path.iterdir()] == [True], "there is room for it by now"
        raise DepartmentError("another package went")

    exported = "SELECT count(*) FROM ledger_entry WHERE event = 'exported'"
    ((before,),) = rows(exported)
    key, named = recipient_of(CUSTODIAN.public_pem)
    order = EvidenceRequest(ids[:2], new_person("b.lee").login, "demo", "records", WHY.purpose, WHY.case or "", named)
    with psycopg.connect(f"{database} user={KEEPER}", autocommit=True) as keeper:
        sources = EvidenceSources(keeper, register(), [TRUSTED[1]], {}, CUSTODIAN._key)
        with as_role(COMMAND):
            with pytest.raises(DepartmentError, match="another package"):
                export_evidence(order, sources, tmp_path / "package", key, release=refuse)
            assert list(tmp_path.iterdir()) == []
            with pytest.raises(DepartmentError, match="is not in the covert group vice"):
                export_evidence(replace(order, groups=("vice",)), sources, tmp_path / "package", key)
            evidence_package = export_evidence(order, sources, tmp_path / "package", key)
    assert sha256((tmp_path / "package").read_bytes()).hexdigest() == evidence_package.digest
    assert rows(exported) == [(before + 1,)]


def trusted_files(folder: Path) -> list[Path]:
    files = [folder / "custodian.pem", folder / "register.pem"]
    for file, signer in zip(files, (CUSTODIAN, REGISTRAR), strict=True):
        file.write_bytes(signer.public_pem)
    return files


def agree(folder: Path, packages: list[bytes]) -> list[bool]:
    """Return which packages are proved; both programs must say the same."""
    files = [folder / f"{number}.zip" for number, _ in enumerate(packages)]
    ours = []
    for file, package in zip(files, packages, strict=True):
        file.write_bytes(package)
        try:
            ours.append(verify_package(package, TRUSTED).intact)
        except EvidenceRefusedError:
            ours.append(False)
    second = [fields["problem"] is None for fields in by_the_second(files, trusted_files(folder))]
    assert ours == second
    return ours


def signed_anew(package: bytes, change: Callable[[dict[str, bytes], dict[str, Any]], None]) -> bytes:
    """Return a package that the custodian's key vouches for after a change of files, or of what the manifest says."""
    files = unpack(package)
    manifest = verify_package(package, TRUSTED).manifest.model_dump(mode="json")
    files.pop(MANIFEST)
    change(files, manifest)
    manifest["files"] = {name: hashes_of(body) for name, body in files.items()}
    payload = json.dumps(manifest).encode()
    return pack(files | {MANIFEST: sign(payload, CUSTODIAN._key, typ=MANIFEST_TYPE, kid=CUSTODIAN.kid)})


def hashes_of(body: bytes) -> str:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(body)
    return digest.finalize().hex()


def test_two_programs_prove_it(make: Make, ids: list[int], tmp_path: Path) -> None:
    for why in (OTHERS, WHY, OTHERS, OTHERS):
        with (
            as_role(COMMAND),
            open_entry(person="b.ortiz", agency="demo", purpose=why, query={"plate": "7ABC00?"}) as entry,
        ):
            reads(entry, ReadFilter(plates=["7ABC003"]))
    package = make(3, 4, 20, 30)
    report = verify_package(package, TRUSTED)
    assert (report.problems, report.linked, report.receipted) == ([], 27, 3)
    assert report.notes == [f"post-1, chain {CHAIN.chain}: no receipt for number 31"]
    assert report.entries >= 4
    assert [record.record for record in report.manifest.records] == [ids[place] for place in (3, 4, 20, 30)]
    file = tmp_path / "evidence.zip"
    file.write_bytes(package)
    (fields,) = by_the_second([file], trusted_files(tmp_path))
    assert fields == {"problem": None, "records": 4, "links": 27, "entries": report.entries}

    files = unpack(package)
    lines = files["records/post-1.jsonl"].splitlines()
    assert sum(b'"data":"' in line for line in lines) == 4, "the pictures are in the records"
    bodies = [json.loads(line) for line in files[LEDGER].splitlines() if b'"field"' in line]
    assert '"b.ortiz"' in {body["value"] for body in bodies}, "who else saw the records is in it"
    assert {body["field"] for body in bodies} <= {
        "person",
        "agency",
        "purpose",
        "case",
        "on_behalf_of",
        "records",
        "pictures",
        "covert",
    }
    assert b"7ABC00?" not in files[LEDGER], "and what they looked for is not"
    page = files["index.html"].decode()
    assert page.partition("</title>")[0].endswith("Evidence package")
    assert "7ABC003" in page
    assert "<dt>location</dt><dd>Bridge Street</dd>" in page
    assert "<dt>coordinates</dt><dd>37.35410, -121.95520</dd>" in page
    assert "<dt>vehicle</dt><dd>car</dd>" in page
    assert "<dt>color</dt><dd>white or gray</dd>" in page
    views = [cells for cells in re.findall("<tr>(.*)</tr>", page) if "b.ortiz" in cells]
    assert [cells.count("b.ortiz") for cells in views] == [1, 1], "reloads of one search are one line"
    assert ["<td>3</td>" in views[0], "<td>1</td>" in views[1]] == [True, True]
    assert page.count("<th>") == len(re.findall("<td>", views[0]))
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page


def test_one_bit_changed_is_refused(make: Make, tmp_path: Path) -> None:
    package = make(3, 4)
    places = [*random.Random(20).sample(range(len(package) * 8), 60), 0, len(package) * 8 - 1]
    altered = []
    for place in places:
        spoiled = bytearray(package)
        spoiled[place // 8] ^= 1 << place % 8
        altered.append(bytes(spoiled))
    assert agree(tmp_path, [package, *altered, package + b"\0", package[:-1]]) == [True, *[False] * (len(places) + 2)]


def test_file_that_the_custodian_did_not_sign_is_refused_however_well_it_is_packed(make: Make, tmp_path: Path) -> None:
    package = make(3, 4)
    files = unpack(package)
    page = {"index.html": files["index.html"].replace(b"7ABC003", b"7ABC008")}
    lost = {name: body for name, body in files.items() if name != "index.html"}
    ways = (files, files | page, files | {"more.html": b"another"}, lost)
    assert agree(tmp_path, [pack(way) for way in ways]) == [True, False, False, False]


NAMES = ("../away.txt", "/away.txt", "pictures/../../away.txt", "pictures//a", ".hidden", "a\\b", "c:a", "evidence.zip")


@pytest.mark.parametrize("name", NAMES)
def test_file_of_a_package_is_written_nowhere_else(make: Make, tmp_path: Path, name: str) -> None:
    package = signed_anew(make(3, 4), lambda files, _: files.update({name: b"another"}))
    assert verify_package(package, TRUSTED).intact, "the custodian has signed it so"
    into = tmp_path / "in" / "opened"
    with pytest.raises(EvidenceRefusedError, match="a name that no package has"):
        write_opened(package, into)
    assert [*tmp_path.rglob("*")] == []


def test_package_is_opened_into_a_folder_that_has_nothing(make: Make, tmp_path: Path) -> None:
    package, other = make(3, 4), make(5)
    write_opened(package, tmp_path / "opened")
    before = {path: path.read_bytes() for path in (tmp_path / "opened").rglob("*") if path.is_file()}
    (tmp_path / "file").write_text("mine")
    for into in ("opened", "file"):
        with pytest.raises(EvidenceRefusedError, match="already exists"):
            write_opened(other, tmp_path / into)
    assert {path: path.read_bytes() for path in (tmp_path / "opened").rglob("*") if path.is_file()} == before
    (tmp_path / "empty").mkdir()
    write_opened(other, tmp_path / "empty")
    assert (tmp_path / "empty" / "index.html").exists()


def test_what_the_custodian_himself_changes_is_refused(make: Make, tmp_path: Path) -> None:
    def plate(files: dict[str, bytes], _: dict[str, Any]) -> None:
        files["records/post-1.jsonl"] = files["records/post-1.jsonl"].replace(b"7ABC003", b"7ABC008")

    def body(files: dict[str, bytes], _: dict[str, Any]) -> None:
        files[LEDGER] = files[LEDGER].replace(b"a.rivera", b"a.nobody")

    def entry(files: dict[str, bytes], _: dict[str, Any]) -> None:
        files[LEDGER] = b"\n".join(line for line in files[LEDGER].splitlines() if b'"shown"' not in line)

    def unsaid(files: dict[str, bytes], _: dict[str, Any]) -> None:
        lines = files[LEDGER].splitlines()
        files[LEDGER] = b"\n".join(line for line in lines if json.loads(line).get("field") != "records")

    def lost(files: dict[str, bytes], _: dict[str, Any]) -> None:
        files["records/post-1.jsonl"] = b"\n".join(files["records/post-1.jsonl"].splitlines()[:-1])

    def record(_: dict[str, bytes], manifest: dict[str, Any]) -> None:
        manifest["records"] = manifest["records"][:1]

    def person(_: dict[str, bytes], manifest: dict[str, Any]) -> None:
        manifest["person"] = "somebody"

    package = make(3, 4)
    ways = (plate, body, entry, unsaid, lost, record, person)
    same = signed_anew(package, lambda _files, _manifest: None)
    assert agree(tmp_path, [same, *(signed_anew(package, way) for way in ways)]) == [True, *[False] * len(ways)]
    with pytest.raises(EvidenceRefusedError, match="expected key"):
        verify_package(package, [read_key(STRANGER.public_pem), TRUSTED[1]])
    with pytest.raises(EvidenceRefusedError, match="expected key"):
        verify_package(package, [TRUSTED[0], read_key(STRANGER.public_pem)])


def test_chain_that_the_custodian_himself_changes_is_refused(make: Make, tmp_path: Path) -> None:
    def link(files: dict[str, bytes], _: dict[str, Any]) -> None:
        payload = json.loads(files[CHAINS])
        payload["chains"][0]["links"][1][1] = "0" * 64
        files[CHAINS] = json.dumps(payload).encode()

    def unlinked(files: dict[str, bytes], _: dict[str, Any]) -> None:
        payload = json.loads(files[CHAINS])
        payload["chains"][0]["links"] = []
        files[CHAINS] = json.dumps(payload).encode()

    def receipt(files: dict[str, bytes], _: dict[str, Any]) -> None:
        payload = json.loads(files[CHAINS])
        payload["chains"][0]["receipted"][0][2] = "0" * 64
        files[CHAINS] = json.dumps(payload).encode()

    package = make(3, 4)
    ways = (link, unlinked, receipt)
    assert agree(tmp_path, [signed_anew(package, way) for way in ways]) == [False] * len(ways)


def test_picture_that_the_custodian_himself_changes_is_refused(make: Make, tmp_path: Path) -> None:
    def picture(files: dict[str, bytes], _: dict[str, Any]) -> None:
        (name,) = (name for name in files if name.startswith("pictures/"))
        before, files[name] = files[name], b"another"
        files["records/post-1.jsonl"] = files["records/post-1.jsonl"].replace(b64encode(before), b64encode(files[name]))

    def picture_beside(files: dict[str, bytes], _: dict[str, Any]) -> None:
        (name,) = (name for name in files if name.startswith("pictures/"))
        files[name] = b"another"

    def picture_by_its_own_name(files: dict[str, bytes], _: dict[str, Any]) -> None:
        (name,) = (name for name in files if name.startswith("pictures/"))
        before, after = b64encode(files.pop(name)), b64encode(b"another")
        files[f"pictures/{hashes_of(b'another')}.jpg"] = b"another"
        files["records/post-1.jsonl"] = files["records/post-1.jsonl"].replace(before, after)

    package = make(3, 4)
    ways = (picture, picture_beside, picture_by_its_own_name)
    assert agree(tmp_path, [signed_anew(package, way) for way in ways]) == [False] * len(ways)


def pem_of(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def certificate(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, *, days: int) -> bytes:
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "District Attorney")]), datetime.now(UTC)
    evidence_package = x509.CertificateBuilder(
        name, name, key.public_key(), 1, now - timedelta(days=9), now + timedelta(days=days)
    )
    return evidence_package.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_only_its_recipient_opens_it(make: Make, kind: str, tmp_path: Path) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    one = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)
    key, named = recipient_of(certificate(one, days=1))
    assert (named.name, len(named.sha256)) == ("CN=District Attorney", 64)
    package = make(3)
    sealed, digest = sealed_to(package, key)
    assert digest == hashes_of(sealed)
    assert open_sealed(sealed, pem_of(one)) == package
    with pytest.raises(EvidenceRefusedError, match="does not open"):
        open_sealed(sealed, pem_of(other))
    files, trusted = [tmp_path / "sealed"], trusted_files(tmp_path)
    files[0].write_bytes(sealed)
    chosen = random.Random(20)
    for number in range(20):
        spoiled = bytearray(sealed)
        # The last character has bits that say nothing.
        at = len(sealed) - 1 if number == 0 else chosen.randrange(len(sealed))
        spoiled[at] ^= 1 << chosen.randrange(7)
        files.append(tmp_path / f"spoiled{number}")
        files[-1].write_bytes(spoiled)
        with pytest.raises(EvidenceRefusedError):
            open_sealed(bytes(spoiled), pem_of(one))
    (tmp_path / "key.pem").write_bytes(pem_of(one))
    (tmp_path / "other.pem").write_bytes(pem_of(other))
    fields = by_the_second(files, trusted, tmp_path / "key.pem")
    assert [one["problem"] is None for one in fields] == [True, *[False] * 20]
    assert by_the_second(files[:1], trusted, tmp_path / "other.pem")[0]["problem"] is not None
    with pytest.raises(DepartmentError, match="not valid today"):
        recipient_of(certificate(one, days=-1))
    bare = one.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert recipient_of(bare)[0].thumbprint() == key.thumbprint() == recipient_of(bare)[1].name


def test_covert_record_goes_with_its_group_alone(make: Make) -> None:
    with pytest.raises(DepartmentError, match="there is no record"):
        make(31)
    report = verify_package(make(31, groups=(GROUP,)), TRUSTED)
    assert report.intact


def test_record_that_was_made_after_its_key_s_end_is_not_proved(make: Make, rows: Rows, tmp_path: Path) -> None:
    end = NOW - timedelta(seconds=1)

    def revoked(files: dict[str, bytes], _: dict[str, Any]) -> None:
        files["register.jws"] = register(end)

    def came_before(files: dict[str, bytes], manifest: dict[str, Any]) -> None:
        revoked(files, manifest)
        for record in manifest["records"]:
            record["kept_at"] = end.isoformat()

    def admitted(files: dict[str, bytes], manifest: dict[str, Any]) -> None:
        revoked(files, manifest)
        for record in manifest["records"]:
            record["admitted"] = "admitted by m.admin and s.super"

    package = make(3)
    late, before, by_two = (signed_anew(package, change) for change in (revoked, came_before, admitted))
    assert agree(tmp_path, [package, late, before, by_two]) == [True, False, True, True]
    assert "admitted by m.admin and s.super" in verify_package(by_two, TRUSTED).notes[0]
    assert "its time is after the end of its key" in verify_package(late, TRUSTED).problems[0]
    assert "its clock was wrong" in verify_package(before, TRUSTED).notes[0]
    with pytest.raises(DepartmentError, match=r"it cannot be proved: .*after the end of its key"):
        make(3, register=register(end))
    rows("UPDATE custody_record SET kept_at = kept_at - interval '1 minute' RETURNING 1")
    page = unpack(make(3, register=register(end)))["index.html"].decode()
    assert "before the time that this record states" in page
    rows(
        "UPDATE custody_record SET kept_at = kept_at + interval '1 minute', reason = 'admitted by a and b' RETURNING 1"
    )
    exported = make(3, register=register(end))
    assert "admitted by a and b" in unpack(exported)["index.html"].decode()
    assert verify_package(exported, TRUSTED).manifest.records[0].admitted == "admitted by a and b"


def test_what_is_not_proved_is_not_exported(make: Make, keys: dict[str, Keyring]) -> None:
    for place in (32, 33):
        with pytest.raises(DepartmentError, match="not proved to be a post's"):
            make(place)
    with pytest.raises(DepartmentError, match="1 to 1000 records"):
        make()
    other = PostKeyRegister(agency="demo", number=1, issued=NOW, posts=())
    signed = sign(json.dumps(other.wire()).encode(), REGISTRAR._key, typ=REGISTER_TYPE, kid=REGISTRAR.kid)
    with pytest.raises(DepartmentError, match="it cannot be proved"):
        make(3, register=signed)
