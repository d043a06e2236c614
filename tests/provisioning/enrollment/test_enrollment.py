"""A unit is enrolled over a real TLS connection; whatever goes wrong is said and leaves nothing half done."""

import base64
import http.client
import json
import shutil
import stat
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from platepost.device import config
from platepost.device.commands.enroll import enroll
from platepost.device.enrollment.keyfiles import read_key_file
from platepost.device.enrollment.unit import WORK, UnitEnrollment, check_clock
from platepost.provisioning.enrollment.server import SEALED_SECONDS, WRONG_SECONDS
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.register import open_register
from platepost.provisioning.trust.authority import Authority
from platepost.provisioning.trust.keys import private_pem
from platepost.wire.enrollment.code import read_code
from platepost.wire.enrollment.errors import EnrollmentError
from platepost.wire.enrollment.est import CONFIGURATION, POST_HEADER, SEAL_HEADER, trusting
from platepost.wire.enrollment.request import KEYS, make_renewal, make_request, read_request
from platepost.wire.records import Purpose, Role
from platepost.wire.records.signing import read_key
from tests.provisioning.enrollment.conftest import Department, open_office

PRIVATE = ("private_key.pem", "signing_key.pem", "unseal_key.pem", "outbox.key")


def reason(department: Department, unit: UnitEnrollment, post: str, code: str) -> str:
    with pytest.raises(EnrollmentError) as caught:
        department.enroll(unit, post, code)
    return caught.value.reason


def is_untouched(department: Department, unit: UnitEnrollment, post: str) -> bool:
    """Tell whether neither unit nor fleet has anything of a post."""
    return unit.post is None and post not in department.fleet.posts() and department.fleet.certificates.of(post) == []


def test_unit_takes_the_keys_of_its_custodians_and_no_other_file(department: Department) -> None:
    department.fleet.add_custodian("records", groups=["narcotics"], required=True)
    unit, code = department.unit("unit"), department.invite("post-17")
    unit.begin("post-17")
    ca, _ = department.address.authorities("post-17", code)
    unit.take_certificate(department.address.enroll("post-17", code, unit.request, ca=ca), ca=ca)
    answer = json.loads(department.address.configuration("post-17", code, ca=ca))
    for name in ("custody-../records.pem", "custody-records.pem.sh", "authorized_keys"):
        with pytest.raises(EnrollmentError, match="first configuration holds"):
            unit.install(json.dumps({"files": {**answer["files"], name: ""}}).encode())
    unit.install(json.dumps(answer).encode())

    ((terms, key),) = config.load(unit.directory / "post.toml").custody.given

    assert (terms.name, terms.groups, terms.required) == ("records", ("narcotics",), True)
    assert key.read_bytes() == department.fleet.keys(Purpose.CUSTODY, "records").verifying.read_bytes()


def test_a_post_beside_others_has_its_state_where_its_own_service_may_write(
    department: Department, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    posts, states = tmp_path / "posts", tmp_path / "states"
    monkeypatch.setattr("platepost.device.enrollment.unit.POSTS", posts)
    monkeypatch.setattr("platepost.device.enrollment.unit.STATES", states)
    states.mkdir()
    unit = UnitEnrollment(posts / "south")
    department.enroll(unit, "south", department.invite("south"))
    assert (posts / "south/state").readlink() == states / "south"
    assert (states / "south/certificate.pem").exists()
    command = ["north", "localhost:1", "--key", "tpm", "--directory", str(posts / "north")]
    refused = CliRunner().invoke(enroll, command)
    assert "cannot use the TPM" in refused.output
    assert not (posts / "north").exists()


def test_unit_becomes_a_post_with_a_configuration_that_runs(department: Department) -> None:
    unit = department.unit("unit")
    department.enroll(unit, "post-17", department.invite("post-17"))

    read = config.load(unit.directory / "post.toml")

    assert unit.post == "post-17"
    assert unit.pending() is None
    assert read.post.name == "post-17"
    assert read.enrollment is not None
    assert read.enrollment.office == f"localhost:{department.port}"
    for path in (read.uplink.ca, read.uplink.certificate, read.uplink.private_key, read.records.signing_key):
        assert path.is_file()
    leaf = x509.load_pem_x509_certificate(read.uplink.certificate.read_bytes())
    assert leaf.public_key() == read_key_file(read.uplink.private_key).public_key()
    assert "post-17" in department.fleet.posts()
    assert department.acts()[-1] == ("post_enrolled", "post-17", None)


def test_a_packaged_unit_that_never_started_has_a_link_for_its_state(department: Department, tmp_path: Path) -> None:
    unit, state = department.unit("unit"), tmp_path / "var-lib"
    unit.directory.mkdir()
    (unit.directory / "state").symlink_to(state)
    department.enroll(unit, "post-17", department.invite("post-17"))
    assert unit.post == "post-17"
    assert (state / "certificate.pem").is_file()
    assert state.stat().st_mode & 0o777 == 0o700


def test_private_keys_never_leave_and_are_their_owner_s_alone(department: Department) -> None:
    unit = department.unit("unit")
    department.enroll(unit, "post-17", department.invite("post-17"))
    for name in PRIVATE:
        path = unit.directory / "keys" / name
        secret = path.read_bytes()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        held = [file for file in department.fleet.directory.rglob("*") if file.is_file()]
        assert not any(secret.strip() in file.read_bytes() for file in held)


@pytest.mark.parametrize("typed", ["lower case", "without hyphens", "with spaces"])
def test_code_is_taken_however_it_is_typed(department: Department, typed: str) -> None:
    code = department.invite("post-17")
    changed = {"lower case": code.lower(), "without hyphens": code.replace("-", ""), "with spaces": f" {code} "}[typed]
    assert read_code(changed) == code


def test_a_code_file_that_is_no_utf_8_is_refused_in_words(tmp_path: Path) -> None:
    written = tmp_path / "code.txt"
    written.write_text("7K3M-Q9TX-4HWD-2VBN\r\n", "utf-16")  # as PowerShell writes what is redirected
    words = ["post-17", "office:1", "--directory", str(tmp_path / "unit"), "--code-file", str(written)]
    with pytest.raises(EnrollmentError, match="is not a code"):
        CliRunner().invoke(enroll, words, catch_exceptions=False)


def test_wrong_code_is_noticed_before_anything_is_sent(department: Department) -> None:
    department.invite("post-17")
    unit = department.unit("unit")
    assert reason(department, unit, "post-17", "0000-0000-0000-0000") == "code_wrong"
    assert is_untouched(department, unit, "post-17")


def test_guessing_at_the_office_keeps_nobody_from_enrolling(
    department: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platepost.provisioning.enrollment.server.WRONG_SECONDS", 60.0)
    code = department.invite("post-17")
    unit = department.unit("unit")
    unit.begin("post-17")
    ca, _ = department.address.authorities("post-17", code)
    for _ in range(6):
        with pytest.raises(EnrollmentError, match="not the code"):
            department.registration.enroll("post-17", "0000-0000-0000-0000", base64.b64encode(unit.request))
    assert is_untouched(department, unit, "post-17")
    begun = time.monotonic()
    department.address.enroll("post-17", code, unit.request, ca=ca)
    assert time.monotonic() - begun < 60.0, "who has the right code waits for nobody's wrong ones"


def test_post_without_a_code_says_who_issues_one(department: Department) -> None:
    with pytest.raises(EnrollmentError, match=r"none open for a post of this name.*post invite"):
        department.enroll(department.unit("unit"), "post-18", department.invite("post-17"))


@pytest.mark.parametrize(
    "post", ["post-17", "post-18", "../post-17", "x" * 300], ids=["has one", "none", "path", "long"]
)
def test_no_answer_tells_which_post_has_a_code(department: Department, post: str) -> None:
    code = department.invite("post-17")
    ca, _ = department.address.authorities("post-17", code)

    def asked(method: str, path: str, **headers: str) -> tuple[float, int, bytes, http.client.HTTPMessage]:
        connection = http.client.HTTPSConnection("localhost", department.port, context=trusting(ca))
        begun = time.monotonic()
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        body, seconds = answer.read(), time.monotonic() - begun
        connection.close()
        return seconds, answer.status, body, answer.headers

    seconds, status, _, headers = asked("GET", "/.well-known/est/cacerts", **{POST_HEADER: post})
    assert (status, len(headers[SEAL_HEADER])) == (200, 64)
    assert seconds >= SEALED_SECONDS
    wrong = "Basic " + base64.b64encode(f"{post}:0000-0000-0000-0000".encode()).decode()
    for method, path in (("GET", CONFIGURATION), ("POST", "/.well-known/est/simpleenroll")):
        seconds, status, body, _ = asked(method, path, Authorization=wrong)
        assert (status, json.loads(body)["reason"]) == (401, "code_wrong")
        assert "post-1" not in json.loads(body)["message"]
        assert seconds >= WRONG_SECONDS


def test_late_code_is_refused(department: Department) -> None:
    code = department.invite("post-17", now=datetime.now(UTC) - timedelta(hours=2))
    unit = department.unit("unit")
    assert reason(department, unit, "post-17", code) == "code_late"
    assert is_untouched(department, unit, "post-17")


def test_code_is_good_for_one_unit_only(department: Department) -> None:
    code = department.invite("post-17")
    department.enroll(department.unit("first"), "post-17", code)
    second = department.unit("second")
    assert reason(department, second, "post-17", code) == "code_used"
    assert second.post is None
    assert len(department.fleet.certificates.of("post-17")) == 1
    assert department.acts()[-1] == ("enrollment_refused", "post-17", "code_used")


def test_code_of_one_post_enrolls_no_other(department: Department) -> None:
    code = department.invite("post-17")
    department.invite("post-18")
    unit = department.unit("unit")
    assert reason(department, unit, "post-18", code) == "code_wrong"
    unit.abandon()
    unit.begin("post-18")
    ca, _ = department.address.authorities("post-17", code)
    with pytest.raises(EnrollmentError, match="the code is for post-17, the request for post-18"):
        department.address.enroll("post-17", code, unit.request, ca=ca)


def test_expired_technician_enrolls_nothing(department: Department) -> None:
    code = department.invite("post-17")
    department.fleet.remove_operator("r-alvarez")
    unit = department.unit("unit")
    assert reason(department, unit, "post-17", code) == "technician_expired"
    assert is_untouched(department, unit, "post-17")


def test_copied_disk_is_noticed_and_named(department: Department) -> None:
    original = department.unit("original")
    original.begin("post-17")
    shutil.copytree(original.directory, department.directory / "copy")
    department.enroll(original, "post-17", department.invite("post-17"))
    copy = department.unit("copy")
    assert copy.pending() is not None
    # The copy is to be another post: its keys are the first one's.
    (copy.directory / WORK / "plan.json").write_text(json.dumps({"post": "post-18"}))
    work = copy.directory / WORK
    keys = {name: read_key_file(work / name) for name in ("private_key.pem", "unseal_key.pem")}
    request = make_request(
        "post-18",
        keys["private_key.pem"],
        record_key=(work / "signing_key.pem").read_bytes(),
        unseal_key=keys["unseal_key.pem"],
    )
    (work / "request.p10").write_bytes(request)

    with pytest.raises(EnrollmentError, match="a key of this unit is that of post-17: its disk was copied") as caught:
        department.enroll(copy, "post-18", department.invite("post-18"))

    assert caught.value.reason == "cloned"
    assert is_untouched(department, copy, "post-18")
    assert department.acts()[-1] == ("enrollment_refused", "post-18", "cloned")


@pytest.mark.parametrize("shared", range(3))
def test_a_unit_with_any_one_key_of_another_post_is_a_copy(department: Department, shared: int) -> None:
    first, own = ([ec.generate_private_key(ec.SECP256R1()) for _ in range(3)] for _ in range(2))
    own[shared] = first[shared]
    ask(department, "post-17", department.invite("post-17"), *first)
    with pytest.raises(EnrollmentError) as caught:
        ask(department, "post-18", department.invite("post-18"), *own)
    assert caught.value.reason == "cloned"


def test_a_key_that_was_revoked_comes_back_by_no_new_code(department: Department) -> None:
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
    ask(department, "post-17", department.invite("post-17"), *keys)
    department.fleet.revoke_certificates("post-17", "stolen")
    with pytest.raises(EnrollmentError) as caught:
        ask(department, "post-17", department.invite("post-17", replaces=True), *keys)
    assert caught.value.reason == "revoked"


def test_configuration_is_for_who_was_enrolled_by_this_very_code(department: Department) -> None:
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
    ask(department, "post-17", department.invite("post-17"), *keys)
    assert department.registration.configuration("post-17")
    department.invite("post-17", replaces=True)
    with pytest.raises(EnrollmentError) as caught:
        department.registration.configuration("post-17")
    assert caught.value.reason == "not_enrolled"


def test_code_that_was_issued_meanwhile_is_not_finished_with_the_former(department: Department) -> None:
    codes = department.registration.codes
    department.invite("post-17")
    former = codes.of("post-17")
    department.invite("post-17")
    assert former is not None
    codes.finish(former)
    present = codes.of("post-17")
    assert present is not None
    assert not present.finished


def ask(department: Department, post: str, code: str, *keys: ec.EllipticCurvePrivateKey) -> None:
    """Ask for a certificate, as a unit does that has these keys."""
    key, record_key, unseal_key = keys
    request = make_request(post, key, record_key=private_pem(record_key), unseal_key=unseal_key)
    department.registration.enroll(post, read_code(code), base64.b64encode(request))


def test_a_request_whose_other_keys_are_nonsense_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "post-17")])
    for nonsense in (b"", b"{}", b"[1]", b'{"record_key": 1}', b"[" * 15_000):
        builder = x509.CertificateSigningRequestBuilder().subject_name(subject).add_attribute(KEYS, nonsense)
        with pytest.raises(EnrollmentError, match="request refused"):
            read_request(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER))


def test_somebody_else_s_office_is_not_believed(department: Department, tmp_path: Path) -> None:
    code = department.invite("post-17")
    other = Fleet.create(tmp_path / "other", agency="riverside")
    other.add_operator("j-stone", Role.ADMINISTRATOR)
    with open_office(other, tmp_path) as impostor:
        impostor.invite("post-17")
        unit = department.unit("unit")
        assert reason(impostor, unit, "post-17", code) == "code_wrong"
        unit.begin("post-17")
        ca, _ = department.address.authorities("post-17", code)
        with pytest.raises(EnrollmentError, match="not the department's server"):
            impostor.address.enroll("post-17", code, unit.request, ca=ca)
    assert is_untouched(department, unit, "post-17")


def test_certificate_of_somebody_else_s_authority_is_not_installed(department: Department) -> None:
    unit = department.unit("unit")
    unit.begin("post-17")
    ca, _ = department.address.authorities("post-17", department.invite("post-17"))
    foreign = Authority.create("riverside")
    key = read_key_file(unit.directory / WORK / "private_key.pem").public_key()
    with pytest.raises(EnrollmentError, match="another department's authority"):
        unit.take_certificate(foreign.issue_client("post-17", key), ca=ca)
    with pytest.raises(EnrollmentError, match="another unit's key"):
        unit.take_certificate(foreign.issue_client("post-17", foreign.key), ca=ca)
    assert unit.post is None


@pytest.mark.parametrize("years", [-3, 3])
def test_clock_three_years_off_is_said_with_how_to_set_it(department: Department, years: int) -> None:
    unit = department.unit("unit")
    unit.begin("post-17")
    _, theirs = department.address.authorities("post-17", department.invite("post-17"))
    wrong = theirs + timedelta(days=365 * years)
    with pytest.raises(EnrollmentError, match=r"1095 days .* --set-clock, or set it: sudo date -u -s") as caught:
        check_clock(theirs, now=wrong)
    assert caught.value.reason == "clock"
    assert is_untouched(department, unit, "post-17")
    check_clock(theirs, now=theirs + timedelta(minutes=4))


def test_replaced_unit_s_keys_are_revoked_and_the_new_ones_are_not(department: Department) -> None:
    old = department.unit("old")
    department.enroll(old, "post-17", department.invite("post-17"))
    (before,) = department.fleet.certificates.of("post-17")
    record_key = department.fleet.record_key("post-17").read_bytes()
    with pytest.raises(EnrollmentError, match="--replace"):
        department.enroll(department.unit("unasked"), "post-17", department.invite("post-17"))

    new = department.unit("new")
    department.enroll(new, "post-17", department.invite("post-17", replaces=True))

    (after,) = department.fleet.certificates.of("post-17")
    assert after.serial != before.serial
    revoked = x509.load_pem_x509_crl((department.fleet.directory / "broker" / "revoked.pem").read_bytes())
    assert [entry.serial_number for entry in revoked] == [before.serial]
    former = list((department.fleet.directory / "records" / "former").iterdir())
    assert [path.read_bytes() for path in former] == [record_key], "what it signed can still be verified"
    verifying = read_key(department.fleet.configuration_verifying_key.read_bytes())
    register, _ = open_register(department.fleet.register.read_bytes(), [verifying])
    assert [(key.public_key.encode(), key.ended) for key in register.posts[0].keys] == [
        (record_key, "replaced"),
        (department.fleet.record_key("post-17").read_bytes(), None),
    ]
    with pytest.raises(EnrollmentError, match="was revoked"):
        department.address.renew(
            renewal_of(old),
            ca=(old.directory / "ca.pem").read_bytes(),
            certificate=old.certificate_path,
            key=old.directory / "keys" / "private_key.pem",
        )


def renewal_of(unit: UnitEnrollment) -> bytes:
    return make_renewal("post-17", read_key_file(unit.directory / "keys" / "private_key.pem"))


def test_enrolled_unit_is_not_enrolled_again_by_mistake(department: Department) -> None:
    unit = department.unit("unit")
    department.enroll(unit, "post-17", department.invite("post-17"))
    with pytest.raises(EnrollmentError, match="this unit is post-17 already"):
        unit.begin("post-18")
    other = department.unit("other")
    other.begin("post-18")
    with pytest.raises(EnrollmentError, match="being enrolled as post-18"):
        other.begin("post-19")
    assert other.abandon()
    assert not other.abandon()
    other.begin("post-19")


def test_curl_speaks_with_the_server_too(department: Department, tmp_path: Path) -> None:
    """EST is a standard: a client that is not ours, with OpenSSL's own reading of the answer."""
    if shutil.which("curl") is None:
        pytest.skip("curl is missing: make tools")
    code = department.invite("post-17")
    unit = department.unit("unit")
    unit.begin("post-17")
    (tmp_path / "request").write_bytes(base64.encodebytes(unit.request))
    (tmp_path / "ca.pem").write_bytes(department.fleet.open_authority().pem)
    command = ["curl", "-sS", "--fail", "--cacert", str(tmp_path / "ca.pem"), "-u", f"post-17:{code}"]
    command += ["-H", "Content-Type: application/pkcs10", "--data-binary", f"@{tmp_path / 'request'}"]
    command.append(f"https://localhost:{department.port}/.well-known/est/simpleenroll")
    answer = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    der = base64.b64decode(answer)
    shown = subprocess.run(
        ["openssl", "pkcs7", "-inform", "DER", "-print_certs", "-noout"], input=der, capture_output=True, check=True
    )
    assert b"CN=post-17" in shown.stdout.replace(b" ", b"")
