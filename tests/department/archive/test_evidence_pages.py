"""Evidence on the pages: collected from a search, ordered, made by the archive service, handed out, and booked."""

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import psycopg
import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image
from pytest_django.fixtures import Settings

from platepost.department.archive.evidence import EvidenceSources
from platepost.department.archive.evidence_check import verify_package
from platepost.department.archive.evidence_maker import EvidenceMaker
from platepost.department.archive.evidence_package import open_sealed, unpack
from platepost.department.database.queries import rows as sql
from platepost.department.database.roles import COMMAND, KEEPER, WEB
from platepost.department.people.rights import DepartmentRole
from platepost.wire.contract.examples import JPEG
from platepost.wire.records.receipt import KeptRange
from tests.age_keys import new_key
from tests.department.archive.conftest import clock, database, ended, keys, opened, pictures, rows
from tests.department.archive.test_evidence import CUSTODIAN, TRUSTED, agree, ids, register, signed_anew
from tests.department.custody.conftest import Rows
from tests.department.custody.posts import CHAIN
from tests.department.people.persons import fresh_client_of, new_person, page_text
from tests.department.roles import as_role
from tests.department.sharing.pdf_text import PdfText

__all__ = ["clock", "database", "ended", "ids", "keys", "opened", "pictures", "rows"]
WHY = {"purpose": "criminal investigation", "case": "26-00417"}


@pytest.fixture
def investigator(rows: Rows) -> Iterator[Client]:
    """Return a client of someone who may export."""
    client = fresh_client_of(new_person("a.rivera", DepartmentRole.OPERATOR))
    with as_role(COMMAND):
        yield client


@pytest.fixture
def maker(database: str, rows: Rows, ids: list[int], tmp_path: Path, settings: Settings) -> Iterator[EvidenceMaker]:
    """Return the archive service's part, as it works beside the pages."""
    settings.ARCHIVE_EVIDENCE = tmp_path / "evidence"
    ((last,),) = rows("SELECT encode(digest, 'hex') FROM custody_record WHERE id = %s", ids[29])
    receipted = {CHAIN: [KeptRange(first=1, last=30, digest=last)]}
    with psycopg.connect(f"{database} user={KEEPER}", autocommit=True) as keeper:
        sources = EvidenceSources(keeper, register(), [TRUSTED[1]], receipted, CUSTODIAN._key)
        yield EvidenceMaker(sources, "demo", "records", settings.ARCHIVE_EVIDENCE)


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes]:
    """Return a key pair of age, as a recipient makes it: the public line, and the file of the private one."""
    file = tmp_path_factory.mktemp("age") / "key.txt"
    return new_key(file), file.read_bytes()


def made(maker: EvidenceMaker) -> bool:
    with as_role(KEEPER):
        return maker.make_next()


def collected(client: Client, asked: str = "7ABC00?") -> str:
    """Search, choose what is found, and return the address of what is collected."""
    found = client.post("/search/", {**WHY, "plate": asked}).headers["Location"]
    page = client.get(found).content.decode()
    chosen = re.findall('name="record" value="(\\d+)"', page)
    assert chosen
    answer = client.post("/evidence/add/", {"query": found.split("/")[2], "record": chosen})
    assert answer.status_code == 302, page_text(answer)
    return str(answer.headers["Location"])


def test_from_a_search_to_a_package_that_is_proved(
    investigator: Client, maker: EvidenceMaker, identity: tuple[str, bytes], rows: Rows, ids: list[int]
) -> None:
    cart = collected(investigator)
    collected_page = page_text(investigator.get(cart))
    assert "7ABC001" in collected_page
    assert "Bridge Street" in collected_page
    assert "is not held may be purged" in collected_page
    asked = rows("SELECT value FROM ledger_body WHERE field = 'query' ORDER BY entry DESC")
    assert [value for (value,) in asked if json.loads(value) == {"evidence": ids[:10]}], "a look is an entry"
    poll = page_text(investigator.get(cart, headers={"Platepost-Refresh": "1"}))
    assert "7ABC" not in poll
    investigator.post(f"{cart}records/", {"record": [str(ids[9])]})
    assert not made(maker), "nothing was ordered yet"
    assert investigator.get(f"{cart}package/").status_code == 404
    assert investigator.get(f"{cart}letter.pdf").status_code == 404
    assert investigator.post(f"{cart}order/", {"recipient": identity[0]}).status_code == 302
    assert 'data-state="ordered"' in page_text(investigator.get(cart))
    assert investigator.post(f"{cart}records/", {"record": [str(ids[0])]}).status_code == 409, "it was ordered"
    assert made(maker)
    assert not made(maker)
    page = page_text(investigator.get(cart))
    assert 'data-state="ready"' in page
    sealed = b"".join(investigator.get(f"{cart}package/").streaming_content)  # type: ignore[attr-defined]
    digest = sha256(sealed).hexdigest()
    assert digest in page
    package = open_sealed(sealed, identity[1])
    report = verify_package(package, TRUSTED)
    letter = PdfText(investigator.get(f"{cart}letter.pdf").content)
    assert letter.faults == []
    for stated in (digest, *(key.thumbprint() for key in TRUSTED)):
        assert stated in page
        assert stated in letter.text.replace(" ", "")
    assert f"{report.manifest.package}.zip.age" in letter.text.replace(" ", "")
    assert report.problems == []
    assert [record.record for record in report.manifest.records] == ids[:9]
    assert report.receipted == 9
    assert "7ABC001" in unpack(package)["index.html"].decode()
    entered = (
        "SELECT count(*) FROM ledger_entry JOIN ledger_body USING (entry)"
        " WHERE event = %s AND field = 'digest' AND value = %s"
    )
    for event in ("exported", "evidence_downloaded"):
        assert rows(entered, event, json.dumps(digest)) == [(1,)]
    booking = {"direction": "out", "receipt": "P-7", "medium": "USB drive 17", "by": "M. Stone, DA", "digest": digest}
    assert investigator.post(f"{cart}book/", {**booking, "digest": "0" * 64}).status_code == 409
    assert rows(entered, "evidence_booked", json.dumps(digest)) == [(0,)]
    for direction, saved in (("out", "out: property number P-7, USB drive 17, to"), ("in", "in: property number P-7")):
        shown = investigator.post(f"{cart}book/", booking | {"direction": direction}, follow=True).content.decode()
        assert f"Booked {saved}" in shown
    for event in ("evidence_booked", "evidence_returned"):
        assert rows(entered, event, json.dumps(digest)) == [(1,)]


def test_picture_is_redacted_in_the_package_and_its_original_stays(
    investigator: Client, maker: EvidenceMaker, identity: tuple[str, bytes], rows: Rows, tmp_path: Path
) -> None:
    cart = collected(investigator, "7ABC001")
    ((record,), (other,)) = rows("SELECT id FROM custody_record ORDER BY id LIMIT 2 OFFSET 1")
    page = f"{cart}redact/{record}/"
    opened = page_text(investigator.get(page))
    assert "The plate" in opened
    assert "7ABC" not in opened
    area = {"what": "face", "x": 17, "y": 2, "width": 4, "height": 4}
    for wrong in ("[", json.dumps([area | {"width": 0}]), json.dumps([area] * 51)):
        assert investigator.post(page, {"kind": "patch", "areas": wrong}).status_code == 422
    assert investigator.post(f"{cart}redact/{other}/", {"kind": "patch"}).status_code == 404, "not collected"
    assert investigator.post(page, {"kind": "patch", "areas": json.dumps([area])}).status_code == 302
    assert "covers 1 area of this picture" in page_text(investigator.get(page))
    entered = "SELECT value::jsonb FROM ledger_entry JOIN ledger_body USING (entry) WHERE event = %s AND field = %s"
    assert rows(entered, "evidence_redacted", "areas")[-1] == ([area],)
    assert investigator.post(f"{cart}order/", {"recipient": identity[0]}).status_code == 302
    assert investigator.get(page).status_code == 404, "it was ordered"
    assert made(maker)
    sealed = b"".join(investigator.get(f"{cart}package/").streaming_content)  # type: ignore[attr-defined]
    package = open_sealed(sealed, identity[1])
    report, files = verify_package(package, TRUSTED), unpack(package)
    assert report.problems == []
    original = sha256(JPEG).hexdigest()
    stated = f"1 area(s) covered by a.rivera; the signed original has SHA-256 {original}"
    assert f"record {record}, patch: a redacted copy, {stated}" in report.notes
    assert JPEG not in package
    assert b64encode(JPEG) not in package
    copy = files[f"redacted/{original}.jpg"]
    with Image.open(BytesIO(copy)) as picture:
        assert picture.size == (24, 12)
        assert picture.crop((16, 0, 24, 12)).getextrema() == ((0, 0),) * 3, "whole blocks are black"
        assert max(high for _, high in picture.crop((0, 0, 14, 12)).getextrema()) > 80, "the rest is as it was"
    shown = files["index.html"].decode()
    assert "a.rivera covered 1 area (face)" in shown
    assert original in shown
    assert rows("SELECT body FROM custody_picture WHERE record_id = %s", record) == [(JPEG,)]

    def another_copy(files: dict[str, bytes], _: object) -> None:
        files[f"redacted/{original}.jpg"] = b"another"

    def of_another(files: dict[str, bytes], _: object) -> None:
        files["redactions.json"] = files["redactions.json"].replace(original.encode(), b"0" * 64)

    def original_beside(files: dict[str, bytes], _: object) -> None:
        files[f"pictures/{original}.jpg"] = JPEG

    ways = (another_copy, of_another, original_beside)
    assert agree(tmp_path, [package, *(signed_anew(package, way) for way in ways)]) == [True, *[False] * len(ways)]


def test_what_cannot_be_made_says_so_and_can_be_ordered_again(
    investigator: Client, maker: EvidenceMaker, identity: tuple[str, bytes]
) -> None:
    cart = collected(investigator)
    wrong = investigator.post(f"{cart}order/", {"recipient": "age1nonsense"})
    assert wrong.status_code == 409
    assert investigator.post(f"{cart}order/", {"recipient": identity[0]}).status_code == 302
    broken = replace(maker, agency="another")
    assert made(broken)
    page = page_text(investigator.get(cart))
    assert 'data-state="failed"' in page
    assert investigator.post(f"{cart}order/", {"recipient": identity[0]}).status_code == 302
    assert made(maker)
    assert 'data-state="ready"' in page_text(investigator.get(cart))


def test_order_that_the_log_does_not_have_is_not_made(
    investigator: Client, maker: EvidenceMaker, identity: tuple[str, bytes], ids: list[int], tmp_path: Path
) -> None:
    """By SQL as the pages' role: a package has what was shown to that person for that key, and no more."""
    cart = collected(investigator, "7ABC001")
    investigator.post(f"{cart}order/", {"recipient": identity[0]})
    assert made(maker)
    files = [*maker.folder.iterdir()]
    other_key = new_key(tmp_path / "other")
    for person, case, records, recipient, entry in (
        ("person", "case_number", f"records || '{{{ids[3]}}}'", "recipient", "entry"),
        ("person", "case_number", f"'{{{ids[3]}}}'", "recipient", "entry"),
        ("person", "case_number", "records", f"'{other_key}'", "entry"),
        ("'b.lee'", "case_number", "records", "recipient", "entry"),
        ("person", "'26-00999'", "records", "recipient", "entry"),
        ("person", "case_number", "records", "recipient", "gen_random_uuid()"),
    ):
        forged = (
            "INSERT INTO archive_evidence (person, purpose, case_number, records, recipient, entry, ordered_at)"
            f" SELECT {person}, purpose, {case}, {records}, {recipient}, {entry}, now()"
            " FROM archive_evidence WHERE done_at IS NOT NULL RETURNING id"
        )
        with as_role(WEB):
            ((order,),) = sql(forged)
        assert made(maker)
        ((problem, package),) = sql("SELECT problem, package FROM archive_evidence WHERE id = %s", [order])
        assert "the access log does not have" in str(problem)
        assert package is None
    assert [*maker.folder.iterdir()] == files
    (field,) = re.findall("<textarea[^>]*>\\s*age1", investigator.get(f"/evidence/{order}/").content.decode())
    assert "autocomplete" not in field, "the key stays for another try, also by Back"


def test_nobody_else_sees_what_a_person_collects_and_no_case_is_no_evidence(
    investigator: Client, maker: EvidenceMaker
) -> None:
    del maker
    cart = collected(investigator)
    with as_role("platepost_owner"):
        other = fresh_client_of(new_person("b.lee", DepartmentRole.OPERATOR))
    for path in ("", "package/"):
        assert other.get(cart + path).status_code == 404
    assert other.post(f"{cart}order/", {"recipient": "x"}).status_code == 404
    found = investigator.post("/search/", {"purpose": "patrol", "plate": "7ABC001"}).headers["Location"]
    (record,) = set(re.findall('name="record" value="(\\d+)"', investigator.get(found).content.decode()))
    refused = investigator.post("/evidence/add/", {"query": found.split("/")[2], "record": record})
    assert (refused.status_code, "needs a case number" in page_text(refused)) == (409, True)
    assert other.post("/evidence/add/", {"query": found.split("/")[2], "record": record}).status_code == 404


def test_chosen_reads_are_held_and_a_case_number_is_corrected(
    investigator: Client, maker: EvidenceMaker, rows: Rows
) -> None:
    del maker
    found = investigator.post("/search/", {**WHY, "plate": "7ABC001"}).headers["Location"]
    (record,) = set(re.findall('name="record" value="(\\d+)"', investigator.get(found).content.decode()))
    form = investigator.post(
        "/holds/chosen/", {"query": found.split("/")[2], "record": [record, "999999"]}, follow=True
    )
    text = page_text(form)
    assert (f'name="records" value="{record}"' in text, 'value="26-00417"' in text) == (True, True)
    (review_on,) = re.findall('name="review_on" value="([^"]+)"', text)
    assert date.fromisoformat(review_on) > timezone.localdate()
    (action,) = re.findall('action="(/holds/[?]query=[^"]+)"', text)
    fields = {"kind": "evidence", "case": "26-00417", "reason": "a robbery", "review_on": review_on}
    placed = page_text(investigator.post(action, fields | {"records": record}, follow=True))
    assert "was placed. It is to be reviewed on" in placed
    assert f'href="{found}"' in placed, "back to the search"
    assert re.search(r"hold \d+: evidence, 26-00417", page_text(investigator.get(f"{found}read/{record}/")))
    assert ">held<" in page_text(investigator.get(f"{found}plate/{record}/"))
    added = investigator.post("/evidence/add/", {"query": found.split("/")[2], "record": record}, follow=True)
    assert ">held<" in page_text(added)
    assert "is not held may be purged" not in page_text(added)
    page = investigator.get(f"{found}read/{record}/").content.decode()
    assert "valid: this post signed the record" in page
    assert "no match" in page, "the hot list at that time"
    (address,) = re.findall('action="([^"]*/case/[^"]*)"', page)
    moved = investigator.post(address, {"case": "26-00471", "because": "transposed digits"})
    assert moved.status_code == 302
    assert "case 26-00471" in page_text(investigator.get(moved.headers["Location"]))
    corrected = rows(
        "SELECT field, value FROM ledger_entry JOIN ledger_body USING (entry) WHERE event = 'case_corrected'"
        " AND field IN ('former', 'case') ORDER BY field"
    )
    assert corrected[-2:] == [("case", '"26-00471"'), ("former", '"26-00417"')]
    assert investigator.post(address, {"case": "26-1", "because": "x"}).status_code == 404, "it works once"
