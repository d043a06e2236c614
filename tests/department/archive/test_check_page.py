"""A package is checked in a browser, from the disk alone: what holds is green, each change is red, in true words."""

import json
import random
from base64 import b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey
from playwright.sync_api import FilePayload, Page, expect

from platepost.department.archive.evidence import check_page
from platepost.department.archive.evidence_check import verify_package
from platepost.department.archive.evidence_package import (
    CHAINS,
    CHECK,
    KEYS,
    LEDGER,
    MANIFEST,
    MANIFEST_TYPE,
    EvidenceRefusedError,
    pack,
    recipient_of,
    seal,
    unpack,
    write_opened,
)
from platepost.wire.jose import sign
from tests.age_keys import new_key
from tests.browser import Visitor, page_faults, running_chromium
from tests.department.archive.test_evidence import (
    TRUSTED,
    Make,
    ids,
    make,
    register,
    signed_anew,
)
from tests.department.custody.conftest import clock, database, ended, keys, opened, rows
from tests.department.custody.posts import NOW, STRANGER

__all__ = ["clock", "database", "ended", "ids", "keys", "make", "opened", "rows"]
pytestmark = pytest.mark.end_to_end
Files: TypeAlias = dict[str, bytes]
RECORDS = "records/post-1.jsonl"
CUSTODIAN_KEY, REGISTER_KEY = (key.thumbprint() for key in TRUSTED)
NOT_AS_SIGNED = "This record is not as it was signed: it was changed, or put into the package later."
ALTERED = "This is not an evidence package as it was made"


@pytest.fixture
def visitor() -> Iterator[Visitor]:
    """Open pages in a Chromium that runs for one test, since none may run while packages are made."""
    with running_chromium() as browser:
        visitor = Visitor(browser)
        yield visitor
        visitor.close()
        assert visitor.complaints == []


def picture_of(files: Files) -> str:
    (name,) = (name for name in files if name.startswith("pictures/"))
    return name


# What a stranger changes, without the keys.


def change_record(files: Files) -> None:
    files[RECORDS] = files[RECORDS].replace(b"7ABC003", b"7ABC008")


def change_picture(files: Files) -> None:
    name = picture_of(files)
    files[RECORDS] = files[RECORDS].replace(b64encode(files[name]), b64encode(b"another"), 1)
    files[name] = b"another"


def add_file(files: Files) -> None:
    files["more.html"] = b"another"


def remove_file(files: Files) -> None:
    del files["index.html"]


def change_log(files: Files) -> None:
    files[LEDGER] = files[LEDGER].replace(b"a.rivera", b"a.nobody")


def change_keys(files: Files) -> None:
    files[KEYS] = files[KEYS].replace(b'"crv":"P-256"', b'"crv":"P-384"', 1)


BY_A_STRANGER: dict[str, tuple[Callable[[Files], None], tuple[str, ...]]] = {
    "record": (change_record, (f"The file {RECORDS} was changed since it was signed.", NOT_AS_SIGNED)),
    "picture": (
        change_picture,
        (
            "was changed since it was signed.",
            "This picture was changed: it is not the one that the camera post signed.",
        ),
    ),
    "file added": (add_file, ("The file more.html was added.",)),
    "file missing": (remove_file, ("The file index.html is missing.",)),
    "access log": (change_log, ("The access log was changed: person of entry",)),
    "keys": (change_keys, ("a key is not a P-256 key",)),
}


# What the archive service itself, or who has its key, changes and signs.


def sign_changed_record(files: Files, _: Any) -> None:
    change_record(files)


def sign_fewer_records(files: Files, _: Any) -> None:
    files[RECORDS] = b"\n".join(files[RECORDS].splitlines()[:-1])


def sign_unlisted_record(_: Files, manifest: Any) -> None:
    manifest["records"] = manifest["records"][:1]


def sign_other_person(_: Files, manifest: Any) -> None:
    manifest["person"] = "somebody"


def sign_late_record(files: Files, _: Any) -> None:
    files["register.jws"] = register(NOW.replace(year=NOW.year - 1))


def sign_other_link(files: Files, _: Any) -> None:
    chains = json.loads(files[CHAINS])
    chains["chains"][0]["links"][1][1] = "0" * 64
    files[CHAINS] = json.dumps(chains).encode()


def sign_other_receipt(files: Files, _: Any) -> None:
    chains = json.loads(files[CHAINS])
    chains["chains"][0]["receipted"][0][2] = "0" * 64
    files[CHAINS] = json.dumps(chains).encode()


BY_THE_CUSTODIAN: dict[str, tuple[Callable[[Files, Any], None], str]] = {
    "record": (sign_changed_record, "The signature of the camera post does not fit: the record was changed."),
    "fewer": (sign_fewer_records, "This record is missing from the package."),
    "unlisted": (sign_unlisted_record, NOT_AS_SIGNED),
    "person": (sign_other_person, "The access log has no entry for this package."),
    "late": (sign_late_record, "when its key was taken out of use."),
    "link": (sign_other_link, "does not follow number"),
    "receipt": (sign_other_receipt, "The receipt of the archive service is for another record."),
}


def signed_by_a_stranger(package: bytes) -> bytes:
    """Return a package that someone made anew with their own key, and says so."""
    files = unpack(package)
    manifest = verify_package(package, TRUSTED).manifest.model_dump(mode="json")
    files.pop(MANIFEST)
    change_record(files)
    named = json.loads(files[KEYS])
    named["custodian"] = ECKey.import_key(STRANGER.public_pem).as_dict(private=False)
    files[KEYS] = json.dumps(named).encode()
    manifest["files"] = {name: sha256(body).hexdigest() for name, body in files.items()}
    signed = sign(json.dumps(manifest).encode(), STRANGER._key, typ=MANIFEST_TYPE, kid=STRANGER.kid)
    return pack(files | {MANIFEST: signed})


def check(page: Page, package: bytes, custodian: str = CUSTODIAN_KEY, registrar: str = REGISTER_KEY) -> str:
    """Have the page check a package, and return the color and all words of its result."""
    file = FilePayload(name="evidence.zip", mimeType="application/zip", buffer=package)
    page.get_by_label("The opened package").set_input_files(file)
    page.get_by_label("Thumbprint of the archive service's key").fill(custodian)
    page.get_by_label("Thumbprint of the key of the register of cameras").fill(registrar)
    page.get_by_role("button", name="Check").click()
    overall = page.locator("#result .overall")
    expect(overall).to_be_visible()
    return f"{overall.get_attribute('data-result')}: {page.locator('#result').inner_text()}"


def cards(page: Page) -> list[str | None]:
    return [card.get_attribute("data-result") for card in page.locator("#result article").all()]


def is_proved(package: bytes) -> bool:
    try:
        return verify_package(package, TRUSTED).intact
    except EvidenceRefusedError:
        return False


def test_a_browser_checks_a_package_without_the_internet(
    make: Make, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    package = make(3, 4)
    changed = {}
    for name, (change, _) in BY_A_STRANGER.items():
        files = unpack(package)
        change(files)
        changed[name] = pack(files)
    anew = {name: signed_anew(package, change) for name, (change, _) in BY_THE_CUSTODIAN.items()}
    foreign = signed_by_a_stranger(package)
    age = seal(package, recipient_of(new_key(tmp_path / "age").encode())[0])
    bare = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = bare.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    jwe = seal(package, recipient_of(pem)[0])
    write_opened(package, tmp_path / "opened")
    assert not any(map(is_proved, [*changed.values(), *anew.values(), foreign]))

    visitor: Visitor = request.getfixturevalue("visitor")
    page = visitor.open((tmp_path / "opened" / CHECK).as_uri())
    shown = check(page, package)
    assert shown.startswith("good: "), shown
    assert "✓ Nothing was changed. The package is signed with the keys of your letter." in shown
    assert CUSTODIAN_KEY in shown
    assert REGISTER_KEY in shown
    assert "Records proved: 2 of 2." in shown
    assert "7ABC003" in shown
    assert "Bridge Street" in shown
    assert "white or gray car" in shown
    assert shown.count("Picture of the plate: unchanged.") == 2
    assert cards(page) == ["good", "good"]
    assert page.locator("#result img").count() == 2
    assert page_faults(page, "check-page-good") == []
    page.get_by_label("The opened package").set_input_files(FilePayload(name="b.zip", mimeType="", buffer=foreign))
    expect(page.locator("#result")).to_be_empty()  # what was proved was another file
    spaced = f" {CUSTODIAN_KEY[:20]} {CUSTODIAN_KEY[20:]}\n"
    assert check(page, package, custodian=spaced).startswith("good: "), "as people copy it from paper"
    shown = check(page, package, custodian="", registrar="")
    assert shown.startswith("open: "), "unchanged, and who signed it is not known"
    assert "Nothing was changed since this package was signed. But who signed it is open" in shown
    assert "✓" not in shown

    for name, (_, texts) in BY_A_STRANGER.items():
        shown = check(page, changed[name])
        assert shown.startswith("wrong: "), name
        for text in texts:
            assert text in shown, name
        if name == "record":
            assert cards(page) == ["wrong", "good"], "the other one holds"
            assert page_faults(page, "check-page-wrong") == []
    for name, (_, text) in BY_THE_CUSTODIAN.items():
        shown = check(page, anew[name])
        assert shown.startswith("wrong: "), name
        assert text in shown, name
    shown = check(page, foreign)
    assert shown.startswith("wrong: ")
    assert f"not the one that the agency gave you: its thumbprint is {STRANGER.kid}" in shown
    shown = check(page, package, registrar=STRANGER.kid)
    assert "The key of the register of cameras is not the one that the agency gave you" in shown
    assert "Records unchanged: 2 of 2." in shown
    assert cards(page) == ["open", "open"], "nothing is proved by keys that anyone may have made"
    assert "✓" not in shown
    for sealed in (age, jwe):
        assert "This file is still encrypted." in check(page, sealed)
    for other in (b"", b"a letter", package[:-1], package + b"\0"):
        assert ALTERED in check(page, other)
    for place in random.Random(40).sample(range(len(package) * 8), 20):
        spoiled = bytearray(package)
        spoiled[place // 8] ^= 1 << place % 8
        assert check(page, bytes(spoiled)).startswith("wrong: ")


def test_the_page_runs_its_own_programs_and_nothing_else() -> None:
    text = check_page().decode()
    assert "connect-src" not in text
    assert "default-src 'none'" in text
    assert text.count("'sha256-") == text.count("<script>") == 2
    assert "http://" not in text
    assert "https://" not in text
