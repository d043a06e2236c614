"""The format's page against the code: its vectors, and a reader written from the page alone."""

import base64
import hashlib
import hmac
import json
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap

from platepost.provisioning.hotlist.table import filter_bits
from platepost.wire.hotlist.hashing import PlateHash
from platepost.wire.hotlist.keys import normalize, plate_key
from tests.device.hotlist.department import Department

PAGE = Path(__file__).parents[3] / "docs" / "hotlist-package.md"


def test_the_pages_vectors_are_true() -> None:
    page = PAGE.read_text("utf-8")
    vectors = re.findall(r"^\| `(\S+)` \| `(\w+)` \| `(\w+)` \| `([0-9a-f]{64})` \| `(\d+)` \|$", page, re.MULTILINE)
    assert len(vectors) == 3
    plate_hash = PlateHash(bytes(range(32)))
    for read, text, key, digest, text_fingerprint in vectors:
        assert normalize(read) == text
        assert plate_key(read) == key
        assert plate_hash.digest(plate_key(read)).hex() == digest
        assert plate_hash.text_fingerprint(normalize(read)) == int(text_fingerprint)
    (positions,) = re.findall(r"`probes` 5:\s+([\d,\s]+)\.", page)
    words = np.frombuffer(bytes.fromhex(vectors[0][3]), "<u8").reshape(1, 4)
    bits = filter_bits(words, 18, 5)
    assert {int(position) for position in positions.split(",")} == {
        index for index in range(1 << 18) if bits[index >> 3] >> (index & 7) & 1
    }


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def content_key(seal: dict[str, Any], private: ec.EllipticCurvePrivateKey) -> bytes:
    """Unwrap as RFC 7518, section 4.6, has it."""
    (recipient,) = seal["recipients"]
    x, y = (int.from_bytes(unpadded(recipient["header"]["epk"][name]), "big") for name in "xy")
    ephemeral = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    algorithm = b"ECDH-ES+A256KW"
    info = struct.pack(">I", len(algorithm)) + algorithm + bytes(8) + struct.pack(">I", 256)
    agreed = ConcatKDFHash(hashes.SHA256(), 32, info).derive(private.exchange(ec.ECDH(), ephemeral))
    sealing = aes_key_unwrap(agreed, unpadded(recipient["encrypted_key"]))
    encrypted = unpadded(seal["ciphertext"]) + unpadded(seal["tag"])
    jwk = json.loads(AESGCM(sealing).decrypt(unpadded(seal["iv"]), encrypted, seal["protected"].encode()))
    return unpadded(jwk["k"])


def test_a_reader_written_from_the_page_alone_finds_the_plates(department: Department) -> None:
    package = department.package(version=12)
    line, _, following = package.partition(b"\n")
    header, payload, signature = line.decode().split(".")
    issuer, post = (
        serialization.load_pem_public_key(department.issuer_key),
        serialization.load_pem_private_key(department.unseal_key, password=None),
    )
    assert isinstance(issuer, ec.EllipticCurvePublicKey)
    assert isinstance(post, ec.EllipticCurvePrivateKey)
    raw = unpadded(signature)
    pair = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    issuer.verify(pair, f"{header}.{payload}".encode(), ec.ECDSA(hashes.SHA256()))
    manifest = json.loads(unpadded(payload))
    assert manifest["length"] == len(following)
    assert manifest["digest"] == hashlib.sha256(following).hexdigest()
    seal, _, sealed = following.partition(b"\n")
    key = content_key(json.loads(seal), post)
    bound = f"platepost-hotlist/1\n{manifest['agency']}\n{manifest['version']}".encode()
    body = zlib.decompress(AESGCM(key).decrypt(sealed[:12], sealed[12:], bound))
    assert len(body) == manifest["body_length"]
    assert body[:8] == b"PPHOTL1\n"
    first = 12 + int.from_bytes(body[8:12], "little")
    facts = json.loads(body[12:first])
    assert first % 8 == 0

    def column(name: str) -> tuple[int, ...]:
        section = facts["sections"][name]
        letter = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q"}[section["type"]]
        return struct.unpack_from(f"<{section['count']}{letter}", body, first + section["offset"])

    digest = hmac.digest(bytes.fromhex(facts["hash_key"]), b"platepost-hotlist-key\x0080DE456", "sha256")
    text = hmac.digest(bytes.fromhex(facts["hash_key"]), b"platepost-hotlist-text\x008ODE456", "sha256")
    fingerprint, a, b, c = struct.unpack("<4Q", digest)
    filter_bytes, size = column("filter"), 1 << facts["filter"]["log2_bits"]
    for step in range(facts["filter"]["probes"]):
        position = (a + step * b + step * (step - 1) // 2 * c) % size
        assert filter_bytes[position >> 3] >> (position & 7) & 1
    index = column("fingerprints").index(fingerprint)
    assert column("texts")[index] == int.from_bytes(text[:4], "little")
    assert facts["details"][column("details")[index]] == {"category": "stolen_plate", "priority": 3, "state": "CA"}
    assert column("expires")[index] == int(department.built.timestamp()) + 6 * 3600
