"""The register of the posts' keys: which keys sign the records of each post, signed, for anyone who keeps the records.

It names besides who hears every read at the broker, so that the department sees who passes its pages by.

::

    records/register.jws             the register in force
    records/NAME.pem                 the key of each post that is or was
    records/former/NAME.KID.pem      those of units that were replaced

It is signed with the key for configurations: what that key says of posts is believed already, and it lies where posts
are added. The key for lists may be elsewhere, with a service that must not vouch for posts; a custodian's own key lies
on the machine that is to believe the register; the root's is offline; the authority's signs certificates alone.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from joserfc.jwk import ECKey
from pydantic import Field, ValidationError, model_validator

from platepost.common.errors import RecordError
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.layout import Layout
from platepost.provisioning.trust.keys import private_folder, replace_private, signing_jwk
from platepost.wire.jose import sign
from platepost.wire.records import Purpose
from platepost.wire.records.base import Thumbprint, UtcTime, WireModel, milliseconds
from platepost.wire.records.jws import read_compact, read_object
from platepost.wire.records.receipt import ClientName
from platepost.wire.records.signing import read_key

REGISTER_TYPE = "platepost-register+jws"
"""The JWS header's `typ`, so that nothing else signed with the same key is taken for a register."""
LARGEST_REGISTER = 32 * 1024 * 1024
"""Bytes; 10,000 posts with two keys each take 8 million."""


class PostKey(WireModel):
    """A key that signs or signed the records of a post."""

    kid: Thumbprint
    """RFC 7638 thumbprint."""
    public_key: Annotated[str, Field(max_length=400)]
    """P-256, PEM."""
    since: UtcTime
    """From when the fleet has known it; of a key older than the first register, when that was written."""
    until: UtcTime | None = None
    """When it was replaced or revoked, by the fleet's clock: nothing that was made later is the post's."""
    ended: Literal["replaced", "revoked"] | None = None
    """Whether the unit was replaced, or the post locked out; None of a key in force."""

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.until is None) != (self.ended is None):
            raise ValueError("a key that ended has a time, and no other")
        return self


class PostKeys(WireModel):
    """The keys of one post, at most one of them in force."""

    name: ClientName
    keys: Annotated[tuple[PostKey, ...], Field(min_length=1, max_length=256)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({key.kid for key in self.keys}) != len(self.keys):
            raise ValueError("a key is named twice")
        return self


class FeedHolder(WireModel):
    """A subscriber who hears every read."""

    name: ClientName
    reason: Annotated[str, Field(max_length=1000)] = ""
    until: date | None = None
    """The last day, UTC; None of a subscriber whom no one has asked yet."""


class PostKeyRegister(WireModel):
    """The payload of a register: a compact JWS, ES256. It says all: a post that it does not name is none."""

    agency: ClientName
    number: Annotated[int, Field(ge=1, lt=2**53)]
    """Only goes up; the millisecond at which it was made at least, so that a fleet from a backup goes on above."""
    issued: UtcTime
    posts: Annotated[tuple[PostKeys, ...], Field(max_length=100_000)]
    readers: tuple[FeedHolder, ...] | None = None
    """Who hears every read; None where no one does."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({post.name for post in self.posts}) != len(self.posts):
            raise ValueError("a post is named twice")
        return self


class RegisterRefusedError(ProvisioningError):
    """What is to be a register of posts' keys is none, or no one signed it who may."""


def open_register(message: bytes, keys: Sequence[ECKey], *, own: bool = False) -> tuple[PostKeyRegister, str]:
    """Read a register that one of several keys signed; return it with the thumbprint of that key.

    Of the fleet's `own`, the signature answers for the thumbprints in it, which take a fifth of a second for each
    thousand posts.

    Raises:
        RegisterRefusedError: too large, no JWS of this type, not signed with these keys, or no register.

    """
    if len(message) > LARGEST_REGISTER:
        raise RegisterRefusedError(f"{len(message)} bytes are more than {LARGEST_REGISTER}")
    try:
        payload, key = read_compact(message, typ=REGISTER_TYPE).payload_by(keys, largest=LARGEST_REGISTER)
        read_object(payload)
        register = PostKeyRegister.model_validate_json(payload, strict=True)
        to_check = () if own else register.posts
        for post in to_check:
            for post_key in post.keys:
                if read_key(post_key.public_key.encode()).thumbprint() != post_key.kid:
                    raise RegisterRefusedError(f"the register names a key of {post.name} by another's thumbprint")
    except ValidationError as error:
        places = sorted({".".join(str(part) for part in fault["loc"]) or "all of it" for fault in error.errors()})
        raise RegisterRefusedError(f"the signed content is not a register: {', '.join(places)[:200]}") from None
    except RecordError as error:
        raise RegisterRefusedError(str(error)) from None
    return register, key.thumbprint()


def write_register(fleet: Layout, *, only: str | None = None) -> tuple[Path, PostKeyRegister]:
    """Write a fleet's register where it says something new, or another key signs by now; return where it lies, and it.

    With `only`, the keys of that post alone are read again; those of all others stay as the register has them.

    Raises:
        ProvisioningError: the key that signs it is not here, or does not open; a file of the fleet is damaged.

    """
    keys = fleet.keys(Purpose.CONFIGURATION)
    signing = signing_jwk(keys.signing)  # opened before the fleet is locked: a passphrase may be asked for
    kid = signing.thumbprint()
    with fleet.locked():
        path, before = fleet.register, None
        if path.exists():
            try:
                # By any key that ever signed: it is a file of this fleet, and only its being whole is looked at.
                before, signer = open_register(path.read_bytes(), [*keys.readable(), *keys.revoked()], own=True)
            except RegisterRefusedError as error:
                raise ProvisioningError(f"{path}: {error}. Delete it: the next command makes it again") from error
        now = datetime.now(UTC)
        posts = _posts(fleet, {} if before is None else {post.name: post for post in before.posts}, now, only)
        readers = _readers(fleet) or None
        if before is not None and (before.posts, before.readers, signer) == (posts, readers, kid):
            return path, before
        number = max(int(now.timestamp() * 1000), 0 if before is None else before.number + 1)
        register = PostKeyRegister(agency=fleet.agency, number=number, issued=now, posts=posts, readers=readers)
        payload = json.dumps(register.wire(), separators=(",", ":")).encode()
        private_folder(path.parent)
        replace_private(path, sign(payload, signing, typ=REGISTER_TYPE, kid=kid))
    return path, register


def keep_former(path: Path) -> None:
    """Keep a former unit's public key, if there was one: what it signed can still be verified.

    Raises:
        ProvisioningError: it is damaged.

    """
    if not path.exists():
        return
    try:
        name = read_key(path.read_bytes()).thumbprint()[:12]
    except ValueError as error:
        raise ProvisioningError(f"{path}: damaged") from error
    former = private_folder(path.parent / "former")
    replace_private(former / f"{path.stem}.{name}.pem", path.read_bytes())


def _readers(fleet: Layout) -> tuple[FeedHolder, ...]:
    granted = fleet.reads()
    unasked = (FeedHolder(name=name) for name in fleet.subscribers() if name not in granted)
    held = (FeedHolder(name=name, reason=grant.reason, until=grant.until) for name, grant in granted.items() if grant)
    return tuple(sorted((*unasked, *held), key=lambda holder: holder.name))


def _posts(fleet: Layout, before: Mapping[str, PostKeys], now: datetime, only: str | None) -> tuple[PostKeys, ...]:
    present = set(fleet.posts())
    files = {path.stem: path for path in fleet.register.parent.glob("*.pem")}

    def keys_of(name: str) -> PostKeys:
        known = before.get(name)
        if known is not None and only not in {None, name}:
            return known
        pem = _pem(files[name]) if name in files else None
        return PostKeys(name=name, keys=_keys(fleet, name, pem, known, in_use=name in present, now=now))

    return tuple(keys_of(name) for name in sorted({*files, *before}))


def _keys(
    fleet: Layout, name: str, pem: str | None, before: PostKeys | None, *, in_use: bool, now: datetime
) -> tuple[PostKey, ...]:
    """Return the keys of a post, as they were known and as its files are now."""
    known = {key.kid: key for key in before.keys} if before is not None else {}
    former = [_pem(path) for path in sorted((fleet.register.parent / "former").glob(f"{name}.*.pem"))]
    for pem_key in [*former, *([] if pem is None else [pem])]:
        kid = read_key(pem_key.encode()).thumbprint()
        known.setdefault(kid, PostKey(kid=kid, public_key=pem_key, since=now))
    in_force = read_key(pem.encode()).thumbprint() if pem is not None and in_use else None
    return tuple(
        key if key.until is not None or kid == in_force else _ended(fleet, name, key, replaced=in_use, now=now)
        for kid, key in known.items()
    )


def _ended(fleet: Layout, name: str, key: PostKey, *, replaced: bool, now: datetime) -> PostKey:
    """Return a key that is no longer valid, since now, or since its post's certificate was revoked if that was before.

    The latter is of a fleet that has had no register so far.
    """
    at = now
    if key.since == milliseconds(now):
        serials = {one.serial for one in fleet.certificates.all() if one.name == name}
        at = max((moment for serial, _, moment in fleet.certificates.revocations() if serial in serials), default=now)
    return key.model_copy(update={"until": milliseconds(at), "ended": "replaced" if replaced else "revoked"})


def _pem(path: Path) -> str:
    try:
        pem = path.read_text("ascii")
        read_key(pem.encode())
    except (OSError, ValueError) as error:
        raise ProvisioningError(f"{path}: damaged") from error
    return pem
