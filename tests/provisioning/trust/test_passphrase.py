"""Keys that are sealed with a passphrase, or held by a PKCS#11 token or a TPM."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from platepost.common.secrets.held_key import HeldKeyError
from platepost.device.enrollment.keyfiles import read_key_file
from platepost.provisioning.cli import provision
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.trust.authority import Authority
from platepost.provisioning.trust.keys import opened_pem, read_private_key
from platepost.provisioning.trust.passphrase import (
    FILE_VARIABLE,
    FLEET_PASSPHRASE,
    PERSON_FILE_VARIABLE,
    PERSONAL_PASSPHRASE,
    TRIES,
)

SECONDS = 60
PHRASE = "correct horse battery"
MODULES = [Path("/usr/lib/softhsm/libsofthsm2.so"), *Path("/usr/lib").glob("*/softhsm/libsofthsm2.so")]


@pytest.fixture
def phrase_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "phrase"
    path.write_text(PHRASE + "\n")
    path.chmod(0o600)
    monkeypatch.setenv(FILE_VARIABLE, str(path))
    monkeypatch.setenv(PERSON_FILE_VARIABLE, str(path))
    FLEET_PASSPHRASE.forget()
    PERSONAL_PASSPHRASE.forget()
    yield path
    FLEET_PASSPHRASE.forget()
    PERSONAL_PASSPHRASE.forget()


@pytest.fixture
def sealed(tmp_path: Path, phrase_file: Path) -> Fleet:
    arguments = ["fleet", "init", str(tmp_path / "fleet"), "--agency", "riverside", "--administrator", "j-stone"]
    result = CliRunner().invoke(provision, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return Fleet.load(tmp_path / "fleet")


def test_keys_that_sign_are_sealed_and_open_with_the_passphrase(sealed: Fleet) -> None:
    signing = (
        sealed.root / "private_key.pem",
        sealed.authority / "private_key.pem",
        sealed.list_signing_key,
        sealed.list_decryption_key(),
        sealed.configuration_signing_key,
        sealed.operator("j-stone") / "private_key.pem",
    )
    for path in signing:
        assert b"BEGIN ENCRYPTED PRIVATE KEY" in path.read_bytes(), path
        with pytest.raises(TypeError):
            serialization.load_pem_private_key(path.read_bytes(), password=None)
    assert b"BEGIN PRIVATE KEY" in opened_pem(sealed.list_signing_key)
    assert sealed.open_authority().issue_client("post-1", read_private_key(sealed.configuration_signing_key))


def test_wrong_passphrase_is_said_and_asked_for_again(sealed: Fleet, phrase_file: Path) -> None:
    phrase_file.write_text("something else entirely\n")
    FLEET_PASSPHRASE.forget()
    with pytest.raises(ProvisioningError, match="passphrase is wrong"):
        sealed.open_authority()
    phrase_file.write_text(PHRASE)
    assert sealed.open_authority()


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a person at the terminal types, one answer after the other."""
    answers: list[str] = []
    for variable in (FILE_VARIABLE, PERSON_FILE_VARIABLE):
        monkeypatch.delenv(variable)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda _prompt: answers.pop(0))
    FLEET_PASSPHRASE.forget()
    return answers


def test_mistyped_passphrase_is_asked_for_again_at_once(
    sealed: Fleet, typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    typed += ["something else entirely", "corect horse battery", PHRASE]
    assert sealed.open_authority()
    assert typed == []
    assert capsys.readouterr().err.count("passphrase is wrong") == 2


def test_new_passphrase_is_asked_for_until_it_is_typed_twice_alike(phrase_file: Path, typed: list[str]) -> None:
    typed += ["", PHRASE, "corect horse battery", PHRASE, PHRASE]
    assert FLEET_PASSPHRASE.new_passphrase("the fleet") == PHRASE.encode()
    assert typed == []


def test_a_passphrase_that_is_too_short_is_not_asked_for_twice(
    phrase_file: Path, typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    typed += ["secret", PHRASE, PHRASE]
    assert FLEET_PASSPHRASE.new_passphrase("the fleet") == PHRASE.encode()
    assert "At least 12 characters" in capsys.readouterr().err


def test_who_does_not_know_the_passphrase_is_asked_three_times(sealed: Fleet, typed: list[str]) -> None:
    typed += ["something else entirely"] * TRIES + [PHRASE]
    with pytest.raises(ProvisioningError, match="passphrase is wrong"):
        sealed.open_authority()
    assert typed == [PHRASE]


@pytest.mark.parametrize("fault", ["open to others", "missing", "empty", "short"])
def test_unfit_passphrase_makes_no_fleet(tmp_path: Path, phrase_file: Path, fault: str) -> None:
    if fault == "missing":
        phrase_file.unlink()
    else:
        phrase_file.write_text({"empty": "", "short": "secret"}.get(fault, PHRASE))
        phrase_file.chmod(0o644 if fault == "open to others" else 0o600)
    with pytest.raises(ProvisioningError, match="passphrase"):
        CliRunner().invoke(provision, ["fleet", "init", str(tmp_path / "f"), "--agency", "a"], catch_exceptions=False)
    assert not (tmp_path / "f").exists()


def test_without_a_file_or_a_terminal_it_says_what_to_do(sealed: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FILE_VARIABLE)
    FLEET_PASSPHRASE.forget()
    with pytest.raises(ProvisioningError, match=FILE_VARIABLE):
        sealed.open_authority()


def test_passphrase_comes_as_a_systemd_credential(
    sealed: Fleet, phrase_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(FILE_VARIABLE)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(phrase_file.parent))
    phrase_file.rename(phrase_file.with_name("platepost-passphrase"))
    FLEET_PASSPHRASE.forget()
    assert sealed.open_authority()


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a file that refers to a key in a software token."""
    module = next((path for path in MODULES if path.exists()), None)
    if module is None or not list(Path("/usr/lib").glob("*/ossl-modules/pkcs11.so")):
        pytest.skip("softhsm2 or pkcs11-provider is missing: make tools")
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n")
    (tmp_path / "pin").write_text("123456")
    # The quirks are SoftHSM's, which uses OpenSSL itself and would wait for itself at the end.
    (tmp_path / "openssl.cnf").write_text(f"""
openssl_conf = begin
[begin]
providers = both
[both]
default = plain
pkcs11 = token
[plain]
activate = 1
[token]
pkcs11-module-path = {module}
pkcs11-module-quirks = no-deinit no-operation-state
pkcs11-module-token-pin = file:{tmp_path / "pin"}
activate = 1
""")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    tool = ["softhsm2-util", "--init-token", "--free", "--label", "fleet", "--pin", "123456", "--so-pin", "12345678"]
    subprocess.run(tool, check=True, capture_output=True, timeout=SECONDS)
    monkeypatch.setenv("OPENSSL_CONF", str(tmp_path / "openssl.cnf"))
    uri = "pkcs11:token=fleet;object=root"
    options = ["-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", f"pkcs11_uri:{uri}"]
    command = ["openssl", "genpkey", "-propquery", "provider=pkcs11", "-algorithm", "EC", *options]
    # It makes the key and cannot write it, which is the point of a token.
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=SECONDS)
    reference = tmp_path / "held" / "private_key.pem"
    reference.parent.mkdir()
    reference.write_text(uri + "\n")
    return reference


def test_root_held_by_a_pkcs11_token_vouches_for_a_fleet(token: Path, tmp_path: Path) -> None:
    held_root_vouches(token, tmp_path)


@pytest.mark.parametrize("read", [read_private_key, read_key_file], ids=["department", "unit"])
def test_pin_in_a_uri_is_refused(tmp_path: Path, read: Callable[[Path], object]) -> None:
    (tmp_path / "private_key.pem").write_text("pkcs11:token=fleet;object=root?pin-value=123456")
    with pytest.raises(HeldKeyError, match="pin-source"):
        read(tmp_path / "private_key.pem")


def held_root_vouches(reference: Path, tmp_path: Path) -> None:
    """Make a fleet under a root whose key cannot be read."""
    key = read_private_key(reference)
    with pytest.raises(HeldKeyError, match="cannot be read"):
        opened_pem(reference)
    Authority.create_root("riverside", key).save_certificates(reference.parent)

    arguments = ["fleet", "init", str(tmp_path / "fleet"), "--agency", "riverside", "--no-passphrase"]
    result = CliRunner().invoke(provision, [*arguments, "--root", str(reference.parent)], catch_exceptions=False)

    assert result.exit_code == 0, result.output
    fleet = Fleet.load(tmp_path / "fleet")
    root = x509.load_pem_x509_certificate((reference.parent / "certificate.pem").read_bytes())
    authority = fleet.open_authority()
    authority.certificate.verify_directly_issued_by(root)
    assert not fleet.root.exists(), "the root's key is not the fleet's to keep"
    assert authority.above == (root,)


def test_root_held_by_a_tpm_vouches_for_a_fleet(tpm: Callable[[Path], None], tmp_path: Path) -> None:
    reference = tmp_path / "held" / "private_key.pem"
    reference.parent.mkdir()
    tpm(reference)
    held_root_vouches(reference, tmp_path)
