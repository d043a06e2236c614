"""The test vectors of format 2: packages under the key of an epoch, the message that brings it, and hostile ones.

::

    python -m tests.provisioning.hotlist.epoch_vectors        writes docs/hotlist-vectors/epochs/ again

They have the keys, rows and bodies of the vectors of format 1.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from joserfc import jwe
from joserfc.jwk import ECKey, OctKey
from joserfc.util import json_b64encode, urlsafe_b64encode

from platepost.provisioning.hotlist.sealing import Epoch, seal_keys, seal_package
from platepost.wire.hotlist import epochs
from platepost.wire.hotlist.epochs import verify_keys
from platepost.wire.hotlist.manifest import Base
from platepost.wire.hotlist.package import open_package
from tests.provisioning.hotlist import vectors
from tests.provisioning.hotlist.hostile import Forge, Hostile

NAME = "epochs"
NUMBER = 7
"""Of the message."""


def write(folder: Path) -> None:
    """Write all into a folder in that of the vectors of format 1."""
    keys = json.loads((folder / "vectors.json").read_text("utf-8"))["keys"]
    issuer, post = (ECKey.import_key(keys[name]) for name in ("issuer", "post"))
    own, first, second = ECKey.generate_key("P-256"), Epoch(), Epoch()
    facts: dict[str, Any] = {"issuer": "Test vectors", "agency": "vectors"}
    facts |= {"built": vectors.BUILT, "expires": vectors.EXPIRES, "patterns": len(vectors.PATTERNS)}
    complete = seal_package(
        vectors.complete_body(),
        facts | {"version": 1, "entries": len(vectors.ROWS), "false_positive_rate": vectors.RATE},
        signing_key=issuer,
        post_keys=[own],
        epoch=first,
    )
    opened = open_package(complete, issuer_key=issuer, unseal_key=own)
    base = Base(version=1, digest=opened.manifest.digest)
    delta = seal_package(
        vectors.changed_body(),
        facts | {"kind": "delta", "base": base, "version": 2, "entries": len(vectors.ROWS)} | _CHANGES,
        signing_key=issuer,
        post_keys=[own],
        epoch=second,
    )
    known = (first, second)
    message = seal_keys(known, agency="vectors", number=NUMBER, signing_key=issuer, post_key=post)
    into = folder / NAME
    (into / "hostile").mkdir(parents=True, exist_ok=True)
    for name, content in {"complete.package": complete, "delta.package": delta, "post.keys": message}.items():
        (into / name).write_bytes(content)
    described = []
    for one in hostile(Forge(complete, issuer, own), message, post, first):
        (into / "hostile" / one.name).write_bytes(one.package)
        described.append({"file": one.name, "reason": one.reason, "wrong": one.wrong})
    whole = {
        "department": own.as_dict(private=True),
        "epochs": {"complete": first.jwk, "delta": second.jwk},
        "message": verify_keys(message, issuer).model_dump(mode="json"),
        "hostile": described,
    }
    (into / "vectors.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")


_CHANGES = {"additions": len(vectors.ADDED), "removals": len(vectors.REMOVED)}


def hostile(forge: Forge, message: bytes, post: ECKey, epoch: Epoch) -> Iterator[Hostile]:
    """Yield packages that a post with the good message refuses, and messages."""

    def sealed(by: Epoch | None, **facts: object) -> bytes:
        """Seal the body again, to the post too; the manifest states the epoch of the good package."""
        kept = {name: value for name, value in forge.facts.items() if name not in {"format", "epoch"}}
        again = seal_package(forge.body, kept, signing_key=forge.issuer, post_keys=[post], epoch=by)
        return forge.follow(again.partition(b"\n")[2], **facts)

    bare = {name: value for name, value in forge.facts.items() if name != "epoch"}
    for name, reason, wrong, made in (
        ("no-such-epoch", "wrong_key", "an epoch whose key did not come", forge.manifest(epoch="A" * 22)),
        ("no-epoch", "malformed", "format 2 without an epoch", forge.line(bare) + b"\n" + forge.following),
        ("epoch-in-format-1", "malformed", "format 1 with an epoch", forge.manifest(format="platepost-hotlist/1")),
        ("epoch-short", "malformed", "an epoch of another form", forge.manifest(epoch="A")),
        ("format-3", "unsupported_format", "a format that is not known", forge.manifest(format="platepost-hotlist/3")),
        ("other-key", "wrong_key", "the content key is wrapped by another key under the epoch's identifier",
         sealed(Epoch(epoch.identifier))),
        ("no-recipient", "wrong_key", "the seal has no recipient of its epoch", sealed(Epoch())),
        ("bound-to-format-1", "malformed", "the body was encrypted for format 1", _bound_to_format_1(forge, epoch)),
    ):  # fmt: skip
        yield Hostile(f"{name}.package", reason, wrong, made)
    yield from _messages(forge, message, post, epoch)


def _bound_to_format_1(forge: Forge, epoch: Epoch) -> bytes:
    def reseal(seal: dict[str, Any]) -> dict[str, Any]:
        key = {"kty": "oct", "alg": "A256GCM", "k": urlsafe_b64encode(bytes(range(32))).decode()}
        message = jwe.GeneralJSONEncryption({"enc": "A256GCM"}, json.dumps(key).encode())
        message.add_recipient({"alg": "A256KW", "kid": epoch.identifier}, OctKey.import_key(epoch.key))
        return dict(jwe.encrypt_json(message, None, algorithms=["A256KW", "A256GCM"]))

    return forge.sealed(forge.body, seal=reseal)


def _messages(forge: Forge, message: bytes, post: ECKey, epoch: Epoch) -> Iterator[Hostile]:
    facts = verify_keys(message, forge.issuer).model_dump(mode="json") | {"number": NUMBER + 1}
    stranger = Forge(forge.package, forge.issuer, forge.post)
    stranger.issuer = ECKey.generate_key("P-256")
    header = {"alg": "ECDH-ES+A256KW", "enc": "A256GCM"}

    def line(typ: str = epochs.TYPE, by: Forge = forge, **changed: object) -> bytes:
        return by.line(facts | changed, typ=typ)

    def holding(*keys: dict[str, str], to: ECKey = post, more: dict[str, str] | None = None) -> bytes:
        text = json.dumps({"keys": keys}).encode()
        sealed = jwe.encrypt_compact(header | (more or {}), text, to, algorithms=[*header.values(), "DEF"])
        return line(sealed=sealed, epochs=[epoch.identifier])

    short = epoch.jwk | {"k": urlsafe_b64encode(bytes(16)).decode()}
    unsigned = json_b64encode({"alg": "none", "typ": epochs.TYPE}) + b"." + message.split(b".")[1] + b"."
    for name, reason, wrong, made in (
        ("unsigned", "unsigned", "`alg` is none", unsigned),
        ("stranger", "bad_signature", "another key signed it", line(by=stranger)),
        ("manifest-typ", "malformed", "a key message under the type of a manifest", line("platepost-hotlist+jws")),
        ("other-agency", "foreign_agency", "for another agency", line(agency="other")),
        ("recipient", "wrong_key", "for another post", line(recipient="A" * 43)),
        ("other-post", "wrong_key", "encrypted to another post's key",
         holding(epoch.jwk, to=ECKey.generate_key("P-256"))),
        ("older", "older", "its number is below that of the message before", line(number=NUMBER - 1)),
        ("number-huge", "malformed", "`number` is beyond 2^53", line(number=2**60)),
        ("member", "unsupported_format", "a member that is not known", line(more=1)),
        ("no-epochs", "malformed", "it brings the key of no epoch", line(epochs=[])),
        ("other-epochs", "malformed", "the epochs are not those of the keys",
         line(epochs=["A" * 22, *facts["epochs"][1:]])),
        ("zip", "malformed", "the header of the keys has `zip`", holding(epoch.jwk, more={"zip": "DEF"})),
        ("short-key", "malformed", "a key has 128 bits", holding(short)),
        ("key-member", "malformed", "a key has a member that is not known", holding(epoch.jwk | {"use": "enc"})),
        ("key-algorithm", "malformed", "a key is for another algorithm", holding(epoch.jwk | {"alg": "A256GCM"})),
    ):  # fmt: skip
        yield Hostile(f"{name}.keys", reason, wrong, made)


if __name__ == "__main__":
    write(vectors.FOLDER)
