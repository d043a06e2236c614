"""Building a package: the one call between cleaned rows and the bytes of the file."""

import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from platepost.provisioning.hotlist.carried import CarriedList
from platepost.provisioning.hotlist.columns import ColumnSource, RowSource
from platepost.provisioning.hotlist.rows import HotListRow, SizeJumpError, SourceError
from platepost.provisioning.hotlist.sealing import Epoch, seal_package
from platepost.provisioning.hotlist.table import build_table
from platepost.wire.hotlist.hashing import KEY_BYTES
from platepost.wire.hotlist.layout import MOST_PATTERNS, PatternEntry
from platepost.wire.hotlist.manifest import LONGEST_HISTORY, FormerSize, Manifest
from platepost.wire.hotlist.package import load_key
from platepost.wire.hotlist.settings import SIZE_JUMP
from platepost.wire.hotlist.store import size_jumps

NEAR = 0.05
"""Share within which a size is no step of its own: of hourly deltas, too, the history reaches back for weeks.

A post that has a list which is left out sees steps of at most twice this, far from what posts refuse.
"""


FALSE_POSITIVE_RATE = 1e-9
"""Chance that one probe of a plate that is not listed passes the filter."""

LIFETIME = timedelta(days=7)
"""How long posts may install a list after it was built."""


def build_package(
    rows: Iterable[HotListRow] | ColumnSource,
    *,
    agency: str,
    issuer: str,
    version: int,
    signing_key: bytes,
    post_keys: Sequence[bytes],
    unseal_key: bytes | None = None,
    patterns: Sequence[PatternEntry] = (),
    built: datetime | None = None,
    expires: datetime | None = None,
    false_positive_rate: float = FALSE_POSITIVE_RATE,
    previous: Manifest | None = None,
    size_jump: float = SIZE_JUMP,
    size_override: str | None = None,
    carried: CarriedList | None = None,
    epoch: Epoch | None = None,
    chance: Callable[[int], bytes] = secrets.token_bytes,
) -> bytes:
    """Build a hot-list package and return its bytes; its manifest says how many entries it has.

    Args:
        rows: cleaned rows, consumed some thousands at a time, or a source of their columns such as `ExportSource`.
        agency: whose posts take the list.
        issuer: who answers for it.
        version: greater than that of every list before.
        signing_key: PEM of the issuer's private P-256 key.
        post_keys: PEM of each post's public P-256 key.
        unseal_key: PEM of the department's own private P-256 key. The list is sealed to it too, so that deltas can be
            built to it.
        patterns: partial plates.
        built: when (aware); now, if not given. The list's age counts from here.
        expires: from when no post installs it; seven days after `built`, if not given.
        false_positive_rate: of the filter, for one probe.
        previous: the manifest of the list before, to hold the new one's size and version against; what it says of the
            sizes before is carried on.
        size_jump: share by which the size may differ from the list before; posts have a limit of their own.
        size_override: why it may differ by more; the posts see it too.
        carried: a list of which there are no plates any more, and to which `rows` are added.
        epoch: under whose key it is sealed; `post_keys` is not needed then. Without one, it is sealed to each post.
        chance: draws so many bytes.

    Raises:
        SizeJumpError: the size differs too much from the previous list's, and `size_override` gives no reason.
        SourceError: the version does not go up, there is no one to seal to, or there are too many partial plates.
        RowRefusedError: a row does not fit the table.
        ConfigurationError: a key is not what it should be.

    """
    issuer_key = load_key(signing_key, private=True)
    posts = [load_key(key, private=False) for key in post_keys] if epoch is None else []
    if (posts or epoch) and unseal_key is not None:
        posts.append(load_key(unseal_key, private=True))
    built = built or datetime.now(UTC)
    if previous is not None:
        check_version(previous, version)
    check_patterns(patterns)
    source = rows if isinstance(rows, ColumnSource) else RowSource(rows)
    if carried is not None:
        body, entries = carried.body(source, patterns=patterns, false_positive_rate=false_positive_rate)
    else:
        hash_key = chance(KEY_BYTES)
        body, entries = build_table(
            source.columns(hash_key), patterns=patterns, hash_key=hash_key, false_positive_rate=false_positive_rate
        )
    if previous is not None:
        check_against(previous, version=version, entries=entries, limit=size_jump, override=size_override)
    facts = {
        "issuer": issuer,
        "agency": agency,
        "version": version,
        "built": built,
        "expires": expires or built + LIFETIME,
        "entries": entries,
        "patterns": len(patterns),
        "false_positive_rate": false_positive_rate,
        "size_override": size_override,
        "sizes": None if previous is None else sizes_after(previous),
    }
    return seal_package(body, facts, signing_key=issuer_key, post_keys=posts, epoch=epoch, chance=chance)


def check_version(previous: Manifest, version: int) -> None:
    """Raise SourceError where a version does not go up."""
    if version <= previous.version:
        raise SourceError(f"version {version} is not newer than {previous.version}, that of the previous list")


def check_patterns(patterns: Sequence[PatternEntry]) -> None:
    """Raise SourceError where there are more partial plates than posts carry."""
    if len(patterns) > MOST_PATTERNS:
        raise SourceError(f"{len(patterns)} partial plates, posts carry {MOST_PATTERNS}")


def check_against(previous: Manifest, *, version: int, entries: int, limit: float, override: str | None) -> None:
    """Hold a new list's version and size against the list before.

    Raises:
        SourceError: the version does not go up.
        SizeJumpError: the size differs by more than the share `limit`, and `override` gives no reason.

    """
    check_version(previous, version)
    if not override and size_jumps(before=previous.entries, after=entries, limit=limit):
        raise SizeJumpError(
            f"{entries} entries after {previous.entries} of version {previous.version}: more than {limit:.0%} apart. "
            "Check the sources; if it is right, say why with --override-reason",
            before=previous.entries,
            after=entries,
        )


def sizes_after(previous: Manifest) -> tuple[FormerSize, ...]:
    """Return the sizes of the lists before, the oldest first, for the manifest that follows `previous`.

    A post compares a list with its own last one. If it was offline when the size jumped for a reason, it learns that
    from this history alone: the reason itself stands in the one manifest that made the jump.
    """
    last = FormerSize(version=previous.version, entries=previous.entries, explained=previous.size_override is not None)
    sizes = [*(previous.sizes or ()), last]
    if len(sizes) > 2 and all(_is_near(sizes[-3], later) for later in sizes[-2:]):
        del sizes[-2]
    return tuple(sizes[-LONGEST_HISTORY:])


def _is_near(one: FormerSize, other: FormerSize) -> bool:
    return abs(other.entries - one.entries) <= NEAR * one.entries
