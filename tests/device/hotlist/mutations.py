"""Mutated packages: by a stranger, who has every package but no key; and by the issuer, who signs whatever he made.

A stranger's never has an effect. The issuer's own may be a list after all, if an odd one; what cannot be one is refused
by name too, since a post must outlive a defect in the builder.
"""

import hashlib
import json
import random
import zlib
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwe, jws

from platepost.wire.hotlist.manifest import TYPE
from platepost.wire.hotlist.package import associated_data, load_key, open_package
from tests.device.hotlist import junk
from tests.device.hotlist.department import Department

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of P-256: with s, a signature's n - s is good, too."""


class Mutator:
    """Makes mutated packages of genuine ones: the same numbers, the same mutations."""

    def __init__(self, department: Department, genuine: list[bytes]) -> None:
        self._genuine = genuine
        self._signing = load_key(department.signing_key, private=True)
        self._post = load_key(department.unseal_key, private=True)
        self._bodies = [
            bytes(open_package(one, issuer_key=self._signing, unseal_key=self._post).body) for one in genuine
        ]

    def stranger(self, draw: random.Random) -> tuple[str, bytes]:
        """Return a package changed without the issuer's key, and what was done to it."""
        package = draw.choice(self._genuine)
        line, _, following = package.partition(b"\n")
        header, payload, signature = line.split(b".")
        kinds: dict[str, Callable[[], bytes]] = {
            "bytes": lambda: junk.damaged(package, draw),
            "head": lambda: junk.damaged(package[:900], draw) + package[900:],
            "header": lambda: b".".join((self._twisted(header, draw), payload, signature)) + b"\n" + following,
            "payload": lambda: b".".join((header, self._twisted(payload, draw), signature)) + b"\n" + following,
            "signature": lambda: b".".join((header, payload, self._signature(signature, draw))) + b"\n" + following,
            "splice": lambda: self._spliced(package, draw),
            "alone": lambda: draw.choice((line, following, payload, b"", b"\n", draw.randbytes(999), line + b"\n")),
        }
        kind = draw.choice(list(kinds))
        return kind, kinds[kind]()

    @staticmethod
    def _twisted(part: bytes, draw: random.Random) -> bytes:
        return junk.base64url(junk.text(junk.twisted(json.loads(junk.unpadded(part)), draw), draw))

    def _spliced(self, package: bytes, draw: random.Random) -> bytes:
        other = draw.choice(self._genuine)
        cut, paste = draw.choice(
            (
                (draw.randrange(len(package)), draw.randrange(len(other))),
                (package.find(b"\n") + 1, other.find(b"\n") + 1),
                (package.find(b"\n", 2000) + 1, other.find(b"\n", 2000) + 1),
            )
        )
        return package[:cut] + other[paste:]

    def issuer(self, draw: random.Random) -> tuple[str, bytes]:
        """Return a package that the issuer signed, whatever is in it."""
        index = draw.randrange(len(self._genuine))
        line, _, following = self._genuine[index].partition(b"\n")
        facts = json.loads(junk.unpadded(line.split(b".")[1]))
        seal, _, sealed = following.partition(b"\n")
        kinds: dict[str, Callable[[], bytes]] = {
            "facts": lambda: self._signed(junk.twisted(facts, draw), following, draw),
            "seal": lambda: self._whole(facts, junk.text(junk.twisted(json.loads(seal), draw), draw) + b"\n" + sealed),
            "key": lambda: self._whole(facts, self._sealed(facts, self._bodies[index], draw, odd_key=True)),
            "sealed": lambda: self._whole(facts, junk.damaged(following, draw)),
            "body": lambda: self._rebuilt(facts, self._body(self._bodies[index], draw), draw),
            "layout": lambda: self._rebuilt(facts, self._layout(self._bodies[index], draw), draw),
            "columns": lambda: self._rebuilt(facts, self._columns(self._bodies[index], draw), draw),
        }
        kind = draw.choice(("facts", "seal", "key", "sealed", "body", "layout", "layout", "columns"))
        return kind, kinds[kind]()

    def _signature(self, part: bytes, draw: random.Random) -> bytes:
        genuine = junk.unpadded(part)
        r, s = genuine[:32], genuine[32:]
        turned = (ORDER - int.from_bytes(s, "big")).to_bytes(32, "big")
        other = junk.unpadded(draw.choice(self._genuine).partition(b"\n")[0].split(b".")[2])
        edge = ORDER.to_bytes(32, "big")
        odd = (b"", bytes(64), s + r, r, r + turned, other, edge + s, r + edge, genuine + b"\0", s + s)
        return junk.base64url(draw.choice(odd))

    def _signed(self, facts: Any, following: bytes, draw: random.Random) -> bytes:
        return self._sign(junk.text(facts, draw)) + b"\n" + following

    def _sign(self, payload: bytes) -> bytes:
        return jws.serialize_compact(
            {"alg": "ES256", "typ": TYPE}, payload, self._signing, algorithms=["ES256"]
        ).encode()

    def _whole(self, facts: dict[str, Any], following: bytes) -> bytes:
        """Sign what follows with its true length and digest."""
        true = {"length": max(1, len(following)), "digest": hashlib.sha256(following).hexdigest()}
        return self._sign(json.dumps(facts | true).encode()) + b"\n" + following

    def _rebuilt(self, facts: dict[str, Any], body: bytes, draw: random.Random) -> bytes:
        return self._whole(facts | {"body_length": max(1, len(body))}, self._sealed(facts, body, draw))

    def _sealed(self, facts: dict[str, Any], body: bytes, draw: random.Random, *, odd_key: bool = False) -> bytes:
        content_key, nonce = draw.randbytes(32), draw.randbytes(12)
        key: Any = {"kty": "oct", "alg": "A256GCM", "k": junk.base64url(content_key).decode()}
        protected: dict[str, Any] = {"enc": "A256GCM"}
        plain = json.dumps(key).encode()
        if odd_key:
            plain = junk.text(junk.twisted(key, draw), draw)
            protected |= draw.choice(({}, {"zip": "DEF"}, {"zip": "DEF"}, {"typ": "x"}))
        message = jwe.GeneralJSONEncryption(protected, plain)
        message.add_recipient({"alg": "ECDH-ES+A256KW", "kid": self._post.thumbprint()}, self._post)
        seal = json.dumps(jwe.encrypt_json(message, None, algorithms=["ECDH-ES+A256KW", "A256GCM", "DEF"])).encode()
        packed = zlib.compress(body, 1)
        if not draw.randrange(20):
            packed = junk.damaged(packed, draw)
        bound = associated_data(str(facts["agency"]), int(facts["version"]))
        return seal + b"\n" + nonce + AESGCM(content_key).encrypt(nonce, packed, bound)

    def _body(self, body: bytes, draw: random.Random) -> bytes:
        # The filter is most of a body, and harmless: what stands before and behind it is where a parser can fall.
        head, tail = body[:1500], body[max(1500, len(body) - 300) :]
        middle = body[1500 : len(body) - len(tail)]
        return junk.damaged(head, draw) + middle + (junk.damaged(tail, draw) if draw.randrange(2) else tail)

    def _layout(self, body: bytes, draw: random.Random) -> bytes:
        first = 12 + int.from_bytes(body[8:12], "little")
        header = json.loads(body[12:first])
        if draw.randrange(2) and header["sections"]:
            name = draw.choice(list(header["sections"]))
            header["sections"][name] = junk.twisted(header["sections"][name], draw)
        else:
            header = junk.twisted(header, draw)
        text = junk.text(header, draw)
        text += b" " * (-(12 + len(text)) % 8)
        return body[:8] + len(text).to_bytes(4, "little") + text + body[first:]

    def _columns(self, body: bytes, draw: random.Random) -> bytes:
        first = 12 + int.from_bytes(body[8:12], "little")
        sections = json.loads(body[12:first])["sections"]
        changed = bytearray(body)
        for _ in range(draw.randrange(1, 4)):
            section = sections[draw.choice([name for name in sections if name != "filter"] or list(sections))]
            width = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}[section["type"]]
            if section["count"]:
                at = first + section["offset"] + width * draw.randrange(section["count"])
                odd = draw.choice((b"\0", b"\xff", b"\1\0\0\0\0\0\0\0", draw.randbytes(width)))
                changed[at : at + width] = odd.ljust(width, odd[:1])[:width]
        return bytes(changed)
