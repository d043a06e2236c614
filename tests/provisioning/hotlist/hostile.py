"""Packages that no post may take, each with the name of its refusal: the hostile ones beside the good vectors.

::

    python -m tests.provisioning.hotlist.hostile        writes docs/hotlist-vectors/hostile/ again

Each is the good complete list with one thing changed. All but the forged ones are signed by the vectors' own issuer: a
post must outlive a defect of the program that builds its lists.
"""

import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwe, jws
from joserfc.jwk import ECKey
from joserfc.util import json_b64encode, urlsafe_b64encode

from platepost.wire.hotlist.layout import MAGIC
from platepost.wire.hotlist.manifest import TYPE
from platepost.wire.hotlist.package import associated_data, open_package

NAME = "hostile"
_WIDTHS = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}
_REGISTRY = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)


@dataclass(frozen=True)
class Hostile:
    """One package: what is wrong with it, and by which name a post refuses it."""

    name: str
    reason: str
    wrong: str
    package: bytes


class Body:
    """A body taken apart, so that what `encode` would not write can be written."""

    def __init__(self, body: bytes) -> None:
        first = 12 + int.from_bytes(body[8:12], "little")
        self.header: dict[str, Any] = json.loads(body[12:first])
        self.tail, self.padding, self.gap, self.text = b"", b"\0", 0, ""
        self.columns = {
            name: bytearray(body[first + one["offset"] :][: one["count"] * _WIDTHS[one["type"]]])
            for name, one in self.header["sections"].items()
        }

    def written(self) -> bytes:
        sections, at, data = {}, 0, b""
        for name, column in self.columns.items():
            kind = self.header["sections"][name]["type"]
            sections[name] = {"type": kind, "offset": at, "count": len(column) // _WIDTHS[kind]}
            data += bytes(column) + self.padding * (-len(column) % 8) + bytes(self.gap)
            at = len(data)
        text = (self.text or json.dumps(self.header | {"sections": sections}, separators=(",", ":"))).encode()
        text += b" " * (-(12 + len(text)) % 8)
        return MAGIC + len(text).to_bytes(4, "little") + text + data + self.tail


class Forge:
    """Makes packages of a good one, its issuer and its post."""

    def __init__(self, package: bytes, issuer: ECKey, post: ECKey) -> None:
        self.issuer, self.post, self.package = issuer, post, package
        opened = open_package(package, issuer_key=issuer, unseal_key=post)
        self.facts: dict[str, Any] = opened.manifest.model_dump(mode="json", exclude_none=True)
        self.body = bytes(opened.body)
        self.following = package.partition(b"\n")[2]

    def line(self, payload: dict[str, Any] | str, **header: object) -> bytes:
        text = payload if isinstance(payload, str) else json.dumps(payload, separators=(",", ":"))
        whole = {"alg": "ES256", "kid": self.issuer.thumbprint(), "typ": TYPE} | header
        members = {name: value for name, value in whole.items() if value is not None}
        head = json_b64encode(members)
        return self.signed(head, urlsafe_b64encode(text.encode()))

    def signed(self, head: bytes, payload: bytes) -> bytes:
        """Sign whatever a header says, as no library would."""
        algorithm = jws.JWSRegistry.algorithms["ES256"]
        signature = algorithm.sign(head + b"." + payload, self.issuer)
        return head + b"." + payload + b"." + urlsafe_b64encode(signature)

    def manifest(self, text: str | None = None, header: dict[str, object] | None = None, **facts: object) -> bytes:
        return self.line(text or self.facts | facts, **(header or {})) + b"\n" + self.following

    def follow(self, following: bytes, **facts: object) -> bytes:
        true = {"length": len(following), "digest": hashlib.sha256(following).hexdigest()}
        return self.line(self.facts | true | facts) + b"\n" + following

    def sealed(
        self,
        body: bytes,
        *,
        key: Any = None,
        seal: Callable[[dict[str, Any]], dict[str, Any]] = dict,
        version: int | None = None,
        deflated: bytes = b"",
        post: ECKey | None = None,
        length: int | None = None,
    ) -> bytes:
        content_key, nonce, reader = bytes(range(32)), bytes(range(12)), post or self.post
        jwk = {"kty": "oct", "alg": "A256GCM", "k": urlsafe_b64encode(content_key).decode()} if key is None else key
        message = jwe.GeneralJSONEncryption({"enc": "A256GCM"}, json.dumps(jwk).encode())
        message.add_recipient({"alg": "ECDH-ES+A256KW", "kid": reader.thumbprint()}, reader)
        found: dict[str, Any] = dict(jwe.encrypt_json(message, None, algorithms=["ECDH-ES+A256KW", "A256GCM"]))
        bound = associated_data(self.facts["agency"], version or self.facts["version"])
        encrypted = AESGCM(content_key).encrypt(nonce, zlib.compress(body, 9) + deflated, bound)
        line = json.dumps(seal(found), separators=(",", ":")).encode()
        return self.follow(line + b"\n" + nonce + encrypted, body_length=length or len(body))

    def changed(self, change: Callable[[Body], object]) -> bytes:
        body = Body(self.body)
        change(body)
        return self.sealed(body.written())


def hostile(package: bytes, issuer: ECKey, post: ECKey) -> Iterator[Hostile]:
    """Yield every hostile package."""
    forge = Forge(package, issuer, post)
    text = json.dumps(forge.facts, separators=(",", ":"))
    yield from _signatures(forge, text)
    yield from _manifests(forge, text)
    yield from _seals(forge)
    yield from _bodies(forge)


def _signatures(forge: Forge, text: str) -> Iterator[Hostile]:
    line = forge.line(forge.facts)
    head, payload, signature = line.split(b".")
    end = b"\n" + forge.following
    other = ECKey.generate_key("P-256")
    twice = urlsafe_b64encode(f'{{"alg":"none","alg":"ES256","typ":"{TYPE}"}}'.encode())
    stranger = Forge(forge.package, forge.issuer, forge.post)
    stranger.issuer = other
    none = json_b64encode({"alg": "none", "typ": TYPE})
    symmetric = json_b64encode({"alg": "HS256", "typ": TYPE})
    for name, reason, wrong, manifest in (
        ("none", "unsigned", "`alg` is none", none + b"." + payload + b"."),
        ("no-signature", "unsigned", "the signature is empty", head + b"." + payload + b"."),
        ("symmetric", "bad_signature", "`alg` is HS256", symmetric + b"." + payload + b"." + signature),
        ("stranger", "bad_signature", "another key signed it", stranger.line(text, kid=None)),
        ("stranger-named-issuer", "bad_signature", "another key signed it under the issuer's `kid`",
         stranger.line(text, kid=forge.issuer.thumbprint())),
        ("kid-of-another", "bad_signature", "`kid` names another key than the one that signed",
         forge.line(text, kid=other.thumbprint())),
        ("no-typ", "malformed", "the header has no `typ`", forge.line(text, typ=None)),
        ("other-typ", "malformed", "a signed list under the type of a configuration",
         forge.line(text, typ="platepost-configuration+jws")),
        ("crit", "malformed", "the header has `crit`", forge.line(text, crit=["exp"], exp=1)),
        ("embedded-key", "malformed", "the header has `jwk`", forge.line(text, jwk=other.as_dict(private=False))),
        ("unencoded", "malformed", "the header has `b64`", forge.line(text, b64=False)),
        ("header-member-twice", "malformed", "the header names `alg` twice", forge.signed(twice, payload)),
        ("padded-signature", "malformed", "the signature is padded, which is another form of it", line + b"=="),
        ("four-parts", "malformed", "four parts are no compact JWS", line + b"."),
    ):  # fmt: skip
        yield Hostile(name, reason, wrong, manifest + end)


def _manifests(forge: Forge, text: str) -> Iterator[Hostile]:
    version = f'"version":{forge.facts["version"]}'
    for name, reason, wrong, package in (
        ("member-twice", "malformed", "the manifest names `version` twice",
         forge.manifest(text.replace(version, f"{version},{version}"))),
        ("version-fraction", "malformed", "`version` is 1.0", forge.manifest(text.replace(version, '"version":1.0'))),
        ("version-text", "malformed", "`version` is a text", forge.manifest(text.replace(version, '"version":"1"'))),
        ("version-huge", "malformed", "`version` is beyond 2^53", forge.manifest(version=2**60)),
        ("null", "malformed", "`size_override` is null", forge.manifest(size_override=None)),
        ("unknown-member", "unsupported_format", "a member that is not known", forge.manifest(covert=True)),
        ("issuer-escape", "malformed", "`issuer` has an escape character", forge.manifest(issuer="Test\x1b[2J")),
        ("utf-16", "malformed", "the manifest is UTF-16",
         forge.signed(json_b64encode({"alg": "ES256", "typ": TYPE}), urlsafe_b64encode(text.encode("utf-16")))
         + b"\n" + forge.following),
        ("truncated", "truncated", "the package ends early", forge.package[:-1]),
        ("bytes-after-the-end", "malformed", "the package continues after its end", forge.package + b"\0"),
        ("other-following", "bad_signature", "what follows the manifest is not what was signed",
         forge.package[:-1] + bytes([forge.package[-1] ^ 1])),
        ("entries", "malformed", "`entries` is not the number of entries", forge.manifest(entries=7)),
    ):  # fmt: skip
        yield Hostile(name, reason, wrong, package)


def _seals(forge: Forge) -> Iterator[Hostile]:
    body = forge.body
    short = {"kty": "oct", "alg": "A256GCM", "k": urlsafe_b64encode(bytes(16)).decode()}
    zipped = json_b64encode({"enc": "A256GCM", "zip": "DEF"}).decode()
    for name, reason, wrong, package in (
        ("other-post", "wrong_key", "sealed to another post", forge.sealed(body, post=ECKey.generate_key("P-256"))),
        ("seal-member", "malformed", "the seal has `aad`", forge.sealed(body, seal=lambda seal: seal | {"aad": "eA"})),
        ("seal-zip", "malformed", "the seal's protected header has `zip`",
         forge.sealed(body, seal=lambda seal: seal | {"protected": zipped})),
        ("short-key", "malformed", "the content key has 128 bits", forge.sealed(body, key=short)),
        ("key-member", "malformed", "the content key has a member that is not known",
         forge.sealed(body, key=short | {"k": urlsafe_b64encode(bytes(range(32))).decode(), "use": "enc"})),
        ("other-version", "malformed", "the body was encrypted for another version", forge.sealed(body, version=9)),
        ("after-deflate", "malformed", "bytes follow the deflated body", forge.sealed(body, deflated=b"more")),
        ("body-shorter", "malformed", "the body is shorter than the manifest states",
         forge.sealed(body, length=len(body) + 8)),
        ("body-longer", "malformed", "the body is longer than the manifest states",
         forge.sealed(body, length=len(body) - 8)),
    ):  # fmt: skip
        yield Hostile(name, reason, wrong, package)


def _bodies(forge: Forge) -> Iterator[Hostile]:
    def filled(byte: int) -> Callable[[Body], object]:
        return lambda body: body.columns["filter"].__setitem__(slice(None), bytes([byte]) * len(body.columns["filter"]))

    def heap(change: Callable[[bytearray], object]) -> Callable[[Body], object]:
        return lambda body: change(body.columns["reference_heap"])

    def column(name: str, change: Callable[[bytearray], object]) -> Callable[[Body], object]:
        return lambda body: change(body.columns[name])

    def header(**members: object) -> Callable[[Body], object]:
        return lambda body: body.header.update(members)

    def pattern(**members: object) -> Callable[[Body], object]:
        return lambda body: body.header["patterns"][0].update(members)

    def twice(body: Body) -> None:
        body.text = json.dumps(json.loads(Body(forge.body).written()[12:][: _header_length(forge.body)]))
        body.text = body.text.replace('"folding"', '"folding": {"O": "0"}, "folding"', 1)

    heap_length = len(Body(forge.body).columns["reference_heap"])
    for name, reason, wrong, change in (
        ("filter-of-zeros", "malformed", "the filter holds none of the list's plates", filled(0)),
        ("filter-of-ones", "malformed", "the filter lets every plate through", filled(255)),
        ("filter-of-another", "malformed", "the filter holds fewer plates than the list",
         column("filter", lambda bits: bits.__setitem__(slice(0, 16384), bytes(16384)))),
        ("after-the-last-section", "malformed", "bytes follow the last section",
         lambda body: setattr(body, "tail", bytes(8))),
        ("gap-between-sections", "malformed", "bytes between two sections", lambda body: setattr(body, "gap", 8)),
        ("padding", "malformed", "a section is not padded with zeros", lambda body: setattr(body, "padding", b"\1")),
        ("reference-spills", "malformed", "a reference's length reaches over the references after it",
         heap(lambda heap: heap.__setitem__(0, heap_length - 1))),
        ("reference-behind-the-heap", "malformed", "a reference's length reaches behind the heap",
         heap(lambda heap: heap.__setitem__(0, 120))),
        ("reference-empty", "malformed", "a reference of no length", heap(lambda heap: heap.insert(0, 0))),
        ("reference-utf-8", "malformed", "a reference is not UTF-8", heap(lambda heap: heap.__setitem__(1, 0xFF))),
        ("reference-nul", "malformed", "a reference has a zero byte", heap(lambda heap: heap.__setitem__(1, 0))),
        ("reference-escape", "malformed", "a reference has an escape character",
         heap(lambda heap: heap.__setitem__(1, 0x1B))),
        ("reference-between", "malformed", "an entry points into the middle of a reference",
         column("references", lambda places: places.__setitem__(slice(0, 4), (2).to_bytes(4, "little")))),
        ("pattern-of-all", "malformed", "the pattern * makes a hit of every read", pattern(pattern="*")),
        ("pattern-of-two", "malformed", "a pattern with two known characters", pattern(pattern="6X*")),
        ("pattern-never", "malformed", "a pattern that no plate of its length fits",
         pattern(characters=3, pattern="6XYZ*")),
        ("pattern-author", "malformed", "a pattern's author turns the direction of what follows",
         pattern(author="Sample\u202e")),
        ("patterns-many", "malformed", "more than 500 patterns",
         lambda body: body.header["patterns"].extend(body.header["patterns"] * 500)),
        ("not-in-order", "malformed", "the fingerprints are not in order",
         column("fingerprints", lambda marks: marks.__setitem__(slice(0, 8), b"\xff" * 8))),
        ("no-such-detail", "malformed", "an entry points at no detail",
         column("details", lambda details: details.__setitem__(0, 200))),
        ("covert-and-safe", "malformed", "an entry of the department's own vehicle is covert",
         header(details=[*Body(forge.body).header["details"][:-1],
                         {"category": "safe", "priority": 9, "safe": True, "distribution": "narcotics"}])),
        ("priority-fraction", "malformed", "a priority is 2.0", pattern(priority=1.0)),
        ("body-member-twice", "malformed", "the body's header names `folding` twice", twice),
        ("body-member", "unsupported_format", "the body's header has a member that is not known", header(more=1)),
        ("other-folding", "unsupported_format", "a folding that posts do not know", header(folding={"O": "0"})),
    ):  # fmt: skip
        yield Hostile(name, reason, wrong, forge.changed(change))


def _header_length(body: bytes) -> int:
    return int.from_bytes(body[8:12], "little")


def write(folder: Path) -> None:
    """Write all, made of the good vectors in a folder, into a folder in it."""
    keys = json.loads((folder / "vectors.json").read_text("utf-8"))["keys"]
    issuer, post = (ECKey.import_key(keys[name]) for name in ("issuer", "post"))
    into = folder / NAME
    into.mkdir(exist_ok=True)
    described = []
    for one in hostile((folder / "complete.package").read_bytes(), issuer, post):
        (into / f"{one.name}.package").write_bytes(one.package)
        described.append({"file": f"{one.name}.package", "reason": one.reason, "wrong": one.wrong})
    text = json.dumps(described, indent=1, ensure_ascii=False)
    (into / "hostile.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).parents[3] / "docs" / "hotlist-vectors")
