"""The manifest: what a package says of itself in clear, under the issuer's signature."""

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Literal, Self, TypeVar

from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64decode
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from platepost.wire.hotlist.errors import BadSignature, Malformed, Unsigned, signed_by_issuer
from platepost.wire.hotlist.layout import parse
from platepost.wire.records.base import Line
from platepost.wire.records.jws import JwsMalformedError, JwsSignatureError, JwsUnsignedError, read_compact

TYPE = "platepost-hotlist+jws"
FORMAT_1: Literal["platepost-hotlist/1"] = "platepost-hotlist/1"
"""Encrypted to each post."""
FORMAT_2: Literal["platepost-hotlist/2"] = "platepost-hotlist/2"
"""Encrypted under the key of an epoch (`platepost.wire.hotlist.epochs`)."""
EpochIdentifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{22}$")]
"""128 random bits in base64url."""
_Model = TypeVar("_Model", bound=BaseModel)
FILE_NAME = re.compile(r"hotlist-(\d{16})\.(?:package|delta)")
LONGEST_LINE = 64 * 1024
LARGEST_BODY = 1 << 28
"""Bytes of an unsealed body that a post will take: its memory holds two while one takes the place of the other."""

LONGEST_REASON = 500
"""Characters of `size_override`."""
LONGEST_HISTORY = 30
"""Sizes of lists before that a manifest names at most."""


class Base(BaseModel):
    """The list that a delta applies to, and to no other."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    version: int = Field(ge=1, lt=2**53)
    digest: str = Field(pattern=r"^[0-9a-f]{64}$", description="As in the manifest of that list.")


class FormerSize(BaseModel):
    """The size of a list before: a step by which a post that missed it can follow how the department's lists grew."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    version: int = Field(ge=1, lt=2**53)
    entries: int = Field(ge=0, lt=2**53, description="As in the manifest of that list.")
    explained: bool = Field(description="Whether its issuer gave a reason for its size.")


class Manifest(BaseModel):
    """The facts of a package; unknown members are refused, because one might change what the list means."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    format: Literal["platepost-hotlist/1", "platepost-hotlist/2"] = FORMAT_1
    epoch: EpochIdentifier | None = Field(
        default=None, description="Of format 2 only: the epoch whose key opens the package."
    )
    kind: Literal["complete", "delta"] = "complete"
    issuer: Annotated[str, Line] = Field(min_length=1, max_length=120, description="Who built and signed the list.")
    agency: Annotated[str, Line] = Field(min_length=1, max_length=64, description="Whose posts it is for.")
    version: int = Field(ge=1, lt=2**53, description="Only goes up.")
    built: AwareDatetime = Field(description="When the list was built; its age counts from here.")
    expires: AwareDatetime = Field(description="From when no post installs it any more.")
    entries: int = Field(ge=0, description="Entries of the list; of a delta, once it is applied.")
    patterns: int = Field(ge=0, description="Partial plates.")
    false_positive_rate: float | None = Field(
        default=None, gt=0, lt=1, description="What the filter promises for one probe; a delta has no filter."
    )
    base: Base | None = Field(default=None, description="Of a delta only: what it applies to.")
    additions: int | None = Field(default=None, ge=0, description="Of a delta only: entries that come.")
    removals: int | None = Field(default=None, ge=0, description="Of a delta only: entries that go.")
    length: int = Field(gt=0, description="Bytes that follow the manifest's line.")
    digest: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of them, hexadecimal.")
    body_length: int = Field(gt=0, le=LARGEST_BODY, description="Bytes of the body, decrypted and inflated.")
    size_override: Annotated[str, Line] | None = Field(
        default=None,
        min_length=1,
        max_length=LONGEST_REASON,
        description="Why the list may differ much in size from the last.",
    )
    sizes: tuple[FormerSize, ...] | None = Field(
        default=None, min_length=1, max_length=LONGEST_HISTORY, description="Sizes of lists before, the oldest first."
    )

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.expires <= self.built:
            raise ValueError("expires before it was built")
        return self

    @model_validator(mode="after")
    def _has_an_epoch_if_its_format_has(self) -> Self:
        if (self.epoch is None) is (self.format == FORMAT_2):
            raise ValueError("an epoch belongs to format 2")
        return self

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        delta = self.kind == "delta"
        if any((member is None) is delta for member in (self.base, self.additions, self.removals)):
            raise ValueError("base, additions and removals belong to a delta, all of them")
        if (self.false_positive_rate is None) is not delta:
            raise ValueError("a complete list promises a rate, a delta does not")
        if self.base is not None and self.base.version >= self.version:
            raise ValueError("a delta is newer than its base")
        return self

    @model_validator(mode="after")
    def _follows_what_was_before(self) -> Self:
        versions = [*(former.version for former in self.sizes or ()), self.version]
        if any(later <= earlier for earlier, later in pairwise(versions)):
            raise ValueError("the lists before are older, each than the next")
        return self

    def is_base_of(self, delta: "Manifest") -> bool:
        """Say whether a delta applies to this very list."""
        return delta.base == Base(version=self.version, digest=self.digest)

    @property
    def file_name(self) -> str:
        """The package's file name, on a post and elsewhere: names sort by version."""
        return f"hotlist-{self.version:016d}.{'package' if self.kind == 'complete' else 'delta'}"

    def expired(self, at: datetime) -> bool:
        """Say whether the list may no longer be installed at a moment."""
        return at >= self.expires


def verify(line: bytes, issuer_key: ECKey | Sequence[ECKey]) -> Manifest:
    """Check a manifest's signature (compact JWS, ES256), by one key or any of several, and return what it says.

    Raises Unsigned, BadSignature, Malformed or UnsupportedFormat.
    """
    return signed_facts(Manifest, line, issuer_key, typ=TYPE, what="the manifest")


def signed_facts(
    model: type[_Model], line: bytes, issuer_key: ECKey | Sequence[ECKey], *, typ: str, what: str
) -> _Model:
    """Check the signature of anything of a hot list that its issuer signs, and return what it says.

    Raises as `verify` does; `what` it is begins the message.
    """
    keys = [issuer_key] if isinstance(issuer_key, ECKey) else issuer_key
    try:
        payload, _ = read_compact(line, typ=typ).payload_by(keys)
    except JwsUnsignedError as error:
        raise Unsigned(f"{what}: {error}") from None
    except JwsSignatureError as error:
        raise BadSignature(f"{what}: {error}") from None
    except JwsMalformedError as error:
        raise Malformed(f"{what}: {error}") from None
    with signed_by_issuer():
        return parse(model, payload, what)


def read_unverified(line: bytes) -> Manifest:
    """Return what a manifest says without checking who says it: for people to look at, never to act on."""
    try:
        payload = urlsafe_b64decode(line.split(b".")[1])
    except (ValueError, IndexError):
        raise Malformed("the manifest is not a compact JWS") from None
    return parse(Manifest, payload, "the manifest")
