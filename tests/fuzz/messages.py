"""Messages as an attacker, a bug or a bad line would send them: from bytes to things that are all but right.

Structure-aware: most are signed with a good key, or carry a good certificate, and are wrong somewhere within, for what
is unsigned is refused before anything of it is looked at.
"""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate
from hypothesis import strategies as st

from platepost.device.config import REMOTE_KEYS
from platepost.provisioning.fleet.fleet import Fleet
from platepost.wire.records import COMMAND_TYPE, CONFIGURATION_TYPE, Command
from tests.device.control.world import RUN

TEXT = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from(
    ["", "\ud800", "\x00", "\u2028", "$(reboot)", "../../etc/passwd", "%n%n", "a" * 5000, "NaN", "+", "#", "alpr/v1/x"]
)
NUMBERS = st.sampled_from([0, -1, 1, 2**31, 2**53, 2**64, -(2**70), 1e308, -0.0, 0.5, 3, 10**400]) | st.integers()
SCALARS = st.none() | st.booleans() | NUMBERS | TEXT
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)
MOMENTS = st.sampled_from(
    ["2026-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2099-01-01T00:00:00Z", "now", 0]
)


FITTING: dict[str, list[Any]] = {
    "vision.minimum_confidence": [0, 0.3, 1, 1.1],
    "vision.minimum_characters": [1, 8, 9, 2.5],
    "passages.repeat_seconds": [0, 20, 1e6, -1],
    "passages.agreeing_frames": [2, 50, 1],
    "hotlist.warning_hours": [1, 13, 23],
    "hotlist.stale_hours": [24, 48, 2],
    "hotlist.look_alike_pairs": [[], ["B8"], ["B8", "S5"], ["B"], "B8", [8]],
    "hotlist.near_alternatives": [0, 8, 9],
    "records.read_overview": [True, False, 1],
    "records.patch_bytes": [512, 65536, 1],
    "custody.behind_hours": [1, 168, 0, 169],
}
"""Values that can be, and some that just cannot."""
HEADER_NAMES = st.sampled_from(["alg", "typ", "kid", "x5c", "crit", "b64", "jwk", "jku", "zip", "x5u", "cty"])


def shown(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def text_of(value: Any) -> bytes:
    """Write JSON, half surrogates and huge numbers included."""
    return json.dumps(value).encode("ascii")


@dataclass(frozen=True)
class Keys:
    """All keys and certificates that an attacker could have, and the good ones."""

    fleet: Fleet
    other: Fleet

    def private(self, name: str) -> ec.EllipticCurvePrivateKey:
        paths = {
            "configuration": self.fleet.configuration_signing_key,
            "hotlist": self.fleet.list_signing_key,
            "operator": self.fleet.operator("a-operator") / "private_key.pem",
            "technician": self.fleet.operator("a-technician") / "private_key.pem",
            "administrator": self.fleet.operator("a-administrator") / "private_key.pem",
            "post": self.fleet.post("post-1") / "private_key.pem",
            "foreign": self.other.operator("a-technician") / "private_key.pem",
        }
        key = load_pem_private_key(paths[name].read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key

    def certificate(self, name: str) -> bytes:
        folders = {
            "operator": self.fleet.operator("a-operator"),
            "technician": self.fleet.operator("a-technician"),
            "administrator": self.fleet.operator("a-administrator"),
            "post": self.fleet.post("post-1"),
            "foreign": self.other.operator("a-technician"),
            "department": self.fleet.publisher,
        }
        path = (folders.get(name) or self.fleet.directory / name) / "certificate.pem"
        return load_pem_x509_certificate(path.read_bytes()).public_bytes(Encoding.DER)


class Forge:
    """Strategies over one fleet's keys."""

    def __init__(self, keys: Keys) -> None:
        self.fleet = keys.fleet
        self.now = datetime.now(UTC)
        self.highest = 0
        names = ("configuration", "hotlist", "operator", "technician", "administrator", "post", "foreign")
        self.privates = {name: keys.private(name) for name in names}
        people = ("operator", "technician", "administrator", "post", "foreign", "department", "authority", "broker")
        self.certificates = {name: keys.certificate(name) for name in people}
        # Made once: hypothesis looks at each strategy that is new to it, which takes longer than to draw from it.
        self.x5c = {name: self._x5c(name) for name in names}
        self.commands = self._all_commands()
        self.configurations = self._all_configurations()

    # --- tokens

    def sign(self, header: Any, payload: bytes, key: str) -> bytes:
        signed = b64(text_of(header)) + b"." + b64(payload)
        r, s = decode_dss_signature(self.privates[key].sign(signed, ec.ECDSA(hashes.SHA256())))
        return signed + b"." + b64(r.to_bytes(32) + s.to_bytes(32))

    def _all_commands(self) -> st.SearchStrategy[bytes]:
        people = ("technician", "administrator", "operator")
        payloads = {who: self._command_payloads(who) for who in people}
        own = {who: tokens(self, st.just(who), COMMAND_TYPE, payloads[who]) for who in people}
        right = st.sampled_from(people).flatmap(own.__getitem__)
        wrong = tokens(self, st.sampled_from(sorted(self.privates)), COMMAND_TYPE, payloads["technician"])
        return mostly(right, wrong, right.flatmap(mangle), st.binary(max_size=200))

    def _all_configurations(self) -> st.SearchStrategy[bytes]:
        payload = self._configuration_payloads()
        right = tokens(self, st.just("configuration"), CONFIGURATION_TYPE, payload)
        wrong = tokens(self, st.sampled_from(sorted(self.privates)), CONFIGURATION_TYPE, payload)
        return mostly(right, wrong, right.flatmap(mangle), st.binary(max_size=200))

    def _x5c(self, key: str) -> st.SearchStrategy[Any]:
        own = base64.b64encode(self.certificates.get(key, self.certificates["technician"])).decode()
        others = st.sampled_from(sorted(self.certificates)).map(
            lambda name: [base64.b64encode(self.certificates[name]).decode()]
        )
        mangled = mangle(self.certificates["technician"]).map(lambda der: [base64.b64encode(der).decode()])
        odd = st.sampled_from([[], [own, own], own, None, [1], [""], ["é"], [own[:-8]], ["A" * 9000], {"0": own}])
        # Mostly the right one, so that what follows is looked at too.
        return mostly(st.just([own]), others, mangled, odd)

    # --- payloads

    def _command_payloads(self, who: str) -> st.SearchStrategy[bytes]:
        good = st.fixed_dictionaries(
            {
                "id": st.integers(0, 2**48 - 1).map(lambda n: f"019c1503-fe00-7000-8000-{n:012x}"),
                "agency": st.just("riverside"),
                "post": st.just("post-1"),
                "command": st.sampled_from([command.value for command in Command]),
                "asked_by": st.just(f"a-{who}"),
                "issued": st.integers(-130, 40).map(lambda ahead: shown(self.now + timedelta(seconds=ahead))),
                "purpose": st.just("a fuzzed purpose"),
                "boot": st.just(RUN),
            }
        )
        return payloads(good)

    def _configuration_payloads(self) -> st.SearchStrategy[bytes]:
        fitting = st.one_of(*(st.tuples(st.just(name), st.sampled_from(values)) for name, values in FITTING.items()))
        others = ["uplink.brokers", "records.signing_key", "post.name", "a.b", "vision.x", *sorted(REMOTE_KEYS)]
        unfit = st.tuples(st.sampled_from(others), ANYTHING)
        pairs = st.lists(fitting, max_size=4) | st.lists(fitting, max_size=4) | st.lists(fitting | unfit, max_size=4)
        good = st.fixed_dictionaries(
            {
                "version": st.integers(-1, 4).map(lambda more: self.highest + more),
                "agency": st.just("riverside"),
                "post": st.just("post-1"),
                "issued": st.just("2026-01-01T00:00:00Z"),
                "expires": st.just("2099-01-01T00:00:00Z"),
                "who": st.just("j-stone"),
                "settings": pairs.map(nested),
            }
        )
        return payloads(good)


@st.composite
def tokens(draw: Any, forge: Forge, keys: Any, typ: str, payloads: Any) -> bytes:
    """Return a compact JWS, its header as it should be or broken."""
    key = draw(keys)
    header: Any = {"alg": "ES256", "typ": typ}
    if typ == COMMAND_TYPE:
        header["x5c"] = draw(forge.x5c[key])
    if draw(st.integers(0, 11)) == 11:
        header = draw(broken(header, HEADER_NAMES))
    return forge.sign(header, draw(payloads), key)


@st.composite
def mostly(draw: Any, usual: Any, *others: Any) -> Any:
    """Draw from the usual two times in three, from one of the others else."""
    return draw(usual) if draw(st.integers(0, 5)) < 4 else draw(st.one_of(*others))


def nested(pairs: list[tuple[str, Any]]) -> dict[str, dict[str, Any]]:
    settings: dict[str, dict[str, Any]] = {}
    for name, value in pairs:
        section, _, key = name.partition(".")
        settings.setdefault(section, {})[key] = value
    return settings


@st.composite
def broken(draw: Any, members: dict[str, Any], names: Any) -> Any:
    """Return an object with a member missing, changed, or added; or something else altogether."""
    members = dict(members)
    how = draw(st.integers(0, 9))
    if how < 3 and members:
        del members[draw(st.sampled_from(sorted(members)))]
    elif how < 6 and members:
        members[draw(st.sampled_from(sorted(members)))] = draw(ANYTHING | MOMENTS)
    elif how < 9:
        members[draw(names)] = draw(ANYTHING)
    else:
        return draw(ANYTHING)
    return members


@st.composite
def payloads(draw: Any, good: st.SearchStrategy[dict[str, Any]]) -> bytes:
    """Return a payload: as it should be, broken once or twice, with a member twice, with NaN, cut off, or no JSON."""
    members: Any = draw(good)
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 2]))):
        if isinstance(members, dict):
            members = draw(broken(members, TEXT))
    text = text_of(members)
    how = draw(st.integers(0, 29))
    if how == 29 and isinstance(members, dict) and members:
        # As good as the first: only that it is there twice is wrong.
        name = draw(st.sampled_from(sorted(members)))
        text = text[:-1] + b"," + text_of({name: members[name]})[1:]
    elif how == 28:
        text = text.replace(b":", b":NaN,", 1)
    elif how == 27:
        text = draw(mangle(text))
    elif how == 26:
        text = b"[" * draw(st.integers(0, 30_000))
    return bytes(text)


@st.composite
def mangle(draw: Any, data: bytes) -> bytes:
    """Return bytes with some changed, cut out, doubled or put in."""
    content = bytearray(data)
    for _ in range(draw(st.integers(1, 3))):
        # Not bound by the length, which hangs on what was heard before: hypothesis takes that for a fault of its own.
        place = draw(st.integers(0, 2**24 - 1)) % max(1, len(content))
        how = draw(st.integers(0, 4))
        if how == 0:
            bit = 1 << draw(st.integers(0, 7))
            content[place : place + 1] = bytes(byte ^ bit for byte in content[place : place + 1])
        elif how == 1:
            del content[place : place + draw(st.integers(1, 64))]
        elif how == 2:
            content[place:place] = content[place : place + draw(st.integers(1, 64))]
        elif how == 3:
            content[place:place] = draw(st.binary(max_size=16))
        else:
            content = content[:place]
    return bytes(content)
