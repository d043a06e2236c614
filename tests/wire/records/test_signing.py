from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jws
from joserfc.jwk import ECKey
from joserfc.util import json_b64encode

from platepost.wire.records.signing import (
    ForeignKeyError,
    KeyRefusedError,
    Keyring,
    SignatureRefusedError,
    Signer,
    read_key,
)


@pytest.fixture
def signer() -> Signer:
    return Signer(ECKey.generate_key("P-256"))


def test_a_signature_fits_its_bytes_only(signer: Signer) -> None:
    ring = Keyring.from_pem(signer.public_pem)
    signature = signer.sign(b"payload")
    assert ring.check(signature, b"payload") == signer.kid
    with pytest.raises(SignatureRefusedError):
        ring.check(signature, b"payloaD")


def test_any_jose_library_can_check_it(signer: Signer) -> None:
    head, tail = signer.sign(b"abc").split("..")
    key = ECKey.import_key(signer.public_pem)
    assert jws.deserialize_compact(f"{head}.YWJj.{tail}", key).payload == b"abc"


def test_a_key_outside_the_ring_is_foreign(signer: Signer) -> None:
    other = Signer(ECKey.generate_key("P-256"))
    with pytest.raises(ForeignKeyError):
        Keyring.from_pem(signer.public_pem).check(other.sign(b"x"), b"x")


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "..",
        "a..b",
        "a.b.c",
        "a...b",
        "eyJhbGciOiJub25lIn0..",
        "eyJhbGciOiJIUzI1NiIsImtpZCI6ImEifQ..AAAA",
        "é..é",
        "bnVsbA..AAAA",
        "W10..AAAA",
        "eyJhbGciOjF9..AAAA",
    ],
)
def test_what_is_no_signature_is_refused(signer: Signer, signature: str) -> None:
    with pytest.raises((SignatureRefusedError, ForeignKeyError)):
        Keyring.from_pem(signer.public_pem).check(signature, b"x")


def test_another_algorithm_under_a_known_kid_is_refused(signer: Signer) -> None:
    for head in ({"alg": "none"}, {"alg": "HS256"}, {"alg": "ES384"}):
        forged = Signer(ECKey.generate_key("P-256")).sign(b"x").partition("..")[2]
        encoded = json_b64encode(head | {"kid": signer.kid}).decode()
        with pytest.raises(SignatureRefusedError):
            Keyring.from_pem(signer.public_pem).check(f"{encoded}..{forged}", b"x")


@pytest.mark.parametrize(
    "more", [{"crit": 1}, {"crit": [{}]}, {"crit": None}, {"b64": False}, {"kid": []}, {"x5c": 1}, {"alg": ["ES256"]}]
)
def test_a_header_that_the_library_falls_over_is_refused(signer: Signer, more: dict[str, object]) -> None:
    header = json_b64encode({"alg": "ES256", "kid": signer.kid} | more).decode()
    with pytest.raises((SignatureRefusedError, ForeignKeyError)):
        Keyring.from_pem(signer.public_pem).check(f"{header}..{signer.sign(b'x').partition('..')[2]}", b"x")


def test_keys_of_other_kinds_are_refused(tmp_path: Path) -> None:
    keys = [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)]
    pems = [key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) for key in keys]
    for pem in [*pems, b"", b"nonsense"]:
        with pytest.raises(KeyRefusedError):
            Signer.from_pem(pem)
    with pytest.raises(KeyRefusedError, match="cannot read"):
        Signer.from_file(tmp_path / "absent.pem")


def test_a_key_on_a_curve_that_there_is_not_is_refused(signer: Signer) -> None:
    head, *body, tail = signer.public_pem.decode().strip().splitlines()
    der = b64decode("".join(body)).replace(bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2a8647ce3d030107"))
    with pytest.raises(KeyRefusedError):
        read_key("\n".join([head, b64encode(der).decode(), tail, ""]).encode())


def test_a_public_key_cannot_sign(signer: Signer) -> None:
    with pytest.raises(KeyRefusedError, match="private"):
        Signer.from_pem(signer.public_pem)
