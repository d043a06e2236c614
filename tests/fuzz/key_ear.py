"""A post's belief in keys, and what must be true of it whatever it hears about them."""

import base64
import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from platepost.device.control import Rejection, SigningKeys
from platepost.device.control.keys.store import KeyStore
from platepost.wire.contract.schema import payload_schema
from platepost.wire.keys.history import KeyHistory
from platepost.wire.keys.statement import Key
from platepost.wire.records import KEYS_TYPE, Purpose
from tests.device.control.keys.clerk import Clerk, named, pem
from tests.fuzz.messages import HEADER_NAMES, TEXT, b64, broken, mangle, mostly, payloads, text_of

STATEMENT = Draft202012Validator(payload_schema("keys"))
REASONS = {reason.value for reason in Rejection}
NAMES = ("first", "second", "third", "fourth")
SPEAKERS = (*NAMES, "root", "thief")
NOW = datetime.now(UTC)


@dataclass
class KeyEar:
    """Hears messages about keys; belief goes on from message to message, and over restarts."""

    directory: Path
    outcomes: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.clerk = Clerk(self.directory)
        self.keys = self.start()

    def start(self) -> SigningKeys:
        made = SigningKeys(
            Purpose.LISTS,
            Key.of(pem(self.clerk.key("first"))),
            agency="riverside",
            roots=(Key.of(pem(self.clerk.root)),),
            store=KeyStore(self.directory, Purpose.LISTS),
        )
        made.load()
        return made

    def hear(self, message: bytes) -> None:
        before = self.keys.history
        changed = self.keys.receive(message, at=NOW)
        events = self.keys.take_events()
        after = self.keys.history
        for event in events:
            assert event.reason is None or str(event.reason) in REASONS
            assert len(str(event.details.get("message", ""))) <= 1000
        if changed:
            digests = [str(event.details["digest"]) for event in events if event.action == "trusted_keys_changed"]
            self._allowed(message, before, after, digests)
            self.outcomes["keys changed"] += 1
        else:
            assert after == before
            assert len(events) <= 1
            self.outcomes[f"keys {events[0].reason}" if events else "keys known"] += 1
        assert self.start().history == after, "what is believed is on the disk"
        self.keys.state(NOW).wire()

    def _allowed(self, message: bytes, before: KeyHistory, after: KeyHistory, digests: list[str]) -> None:
        """Follow the steps that were taken, by nothing but the definitions."""
        told = {_digest(line): line for line in reversed(message.split(b"\n"))}
        speaking, era, number = pem(before.present.public), before.era, before.number
        revoked = {gone.key.thumbprint for gone in before.withdrawn if gone.revoked}
        for digest in digests:
            line = told[digest]
            by_root = verifies(line, pem(self.clerk.root))
            assert by_root or verifies(line, speaking)
            said = json.loads(base64.urlsafe_b64decode(line.split(b".")[1] + b"=="))
            assert list(STATEMENT.iter_errors(said)) == []
            assert (said["agency"], said["purpose"]) == ("riverside", "lists")
            assert said["era"] > era if by_root else (said["era"] == era and said["number"] > number)
            named_keys = {said["key"]["thumbprint"], *(each["thumbprint"] for each in said["former"])}
            assert not named_keys & revoked
            speaking, era, number = said["key"]["public_key"], said["era"], said["number"]
        assert (after.era, after.number) == (era, number)
        assert after.present.public.thumbprint() == Key.of(speaking).thumbprint


def _digest(line: bytes) -> str:
    try:
        return hashlib.sha256(base64.urlsafe_b64decode(line.split(b".")[1] + b"==")).hexdigest()
    except (ValueError, IndexError):
        return ""


def verifies(line: bytes, key: str) -> bool:
    try:
        head, body, tail = line.split(b".")
        raw = base64.urlsafe_b64decode(tail + b"==")
        public = load_pem_public_key(key.encode())
        assert isinstance(public, ec.EllipticCurvePublicKey)
        signature = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
        public.verify(signature, head + b"." + body, ec.ECDSA(hashes.SHA256()))
    except (ValueError, InvalidSignature):
        return False
    return True


def messages(ear: KeyEar) -> st.SearchStrategy[bytes]:
    """Return messages of some lines, most of them signed by someone who may speak now and then."""
    line = mostly(lines(ear), lines(ear).flatmap(mangle), st.binary(max_size=200))
    return st.lists(line, min_size=1, max_size=4).map(b"\n".join)


@st.composite
def lines(draw: Any, ear: KeyEar) -> bytes:
    history, clerk = ear.keys.history, ear.clerk
    by_thumbprint = {clerk.key(name).thumbprint(): name for name in (*NAMES, "thief")}
    present = by_thumbprint.get(history.present.thumbprint, "first")
    by = draw(mostly(st.just(present), st.sampled_from(SPEAKERS)))
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
    more = 1 if by == "root" else 0
    good = st.fixed_dictionaries(
        {
            "purpose": st.just("lists"),
            "agency": st.just("riverside"),
            "era": st.integers(-1, 1).map(lambda ahead: max(0, history.era + ahead * more)),
            "number": st.integers(-1, 3).map(lambda ahead: max(0, history.number + ahead)),
            "issued": st.just("2026-01-01T00:00:00.000Z"),
            "who": st.just("j-stone"),
            "key": st.just(named(clerk.key(names[0]))),
            "former": st.just([named(clerk.key(name)) for name in names[1:]]),
            "withdrawn": st.sampled_from(["retired"] * 5 + ["revoked"]),
        }
    )
    header: Any = {"alg": "ES256", "typ": KEYS_TYPE}
    if draw(st.integers(0, 11)) == 11:
        header = draw(broken(header, HEADER_NAMES | TEXT))
    return signed_by(clerk, header, draw(payloads(good)), by)


def signed_by(clerk: Clerk, header: Any, payload: bytes, by: str) -> bytes:
    signed = b64(text_of(header)) + b"." + b64(payload)
    private = clerk.key(by).private_key
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    r, s = decode_dss_signature(private.sign(signed, ec.ECDSA(hashes.SHA256())))
    return signed + b"." + b64(r.to_bytes(32) + s.to_bytes(32))
