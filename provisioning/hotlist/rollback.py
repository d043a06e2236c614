"""The last good list again, under a higher version: the way back from a list that alarms everyone, or no one."""

from collections.abc import Sequence
from datetime import UTC, datetime

from joserfc.jwk import ECKey

from platepost.provisioning.hotlist.build import check_version, sizes_after
from platepost.provisioning.hotlist.rows import SourceError
from platepost.provisioning.hotlist.sealing import Epoch, seal_package
from platepost.wire.hotlist.errors import WrongKey
from platepost.wire.hotlist.manifest import LONGEST_REASON, Manifest
from platepost.wire.hotlist.package import load_key, open_package


def rolled_back(
    good: bytes,
    newest: Manifest,
    *,
    reason: str,
    issuer_keys: Sequence[ECKey],
    signing_key: bytes,
    post_keys: Sequence[bytes],
    unseal_key: bytes,
    epoch: Epoch | None = None,
) -> bytes:
    """Return an earlier complete list as a package with a version after the newest.

    What it lists is the same, and so is when it was `built`: it is no fresher for being sent again, and posts go on
    saying how old it is.

    Args:
        good: the package of the list.
        newest: the manifest of the newest package.
        reason: why; posts and anyone who reads the manifest see it.
        issuer_keys: those that may have signed the list.
        signing_key: PEM of the issuer's private key.
        post_keys: PEM of each post's public key as they are now.
        unseal_key: PEM of the department's own private key, to which lists are sealed too.
        epoch: under whose key it is sealed, not to each post.

    Raises:
        HotListRefused: the package is damaged, or not the issuer's.
        SourceError: it is not sealed to the department's key, is no complete list, is not older than the newest, or
            has expired.

    """
    own = load_key(unseal_key, private=True)
    try:
        opened = open_package(good, issuer_key=issuer_keys, unseal_key=own)
    except WrongKey as error:
        raise SourceError("the list is not encrypted to the department's own key, and cannot be sent again") from error
    manifest, version = opened.manifest, newest.version + 1
    if manifest.kind != "complete":
        raise SourceError(f"version {manifest.version} is a delta: only a complete list can be sent again")
    check_version(manifest, newest.version)
    if manifest.expired(datetime.now(UTC)):
        raise SourceError(f"version {manifest.version} expired at {manifest.expires.isoformat()}: build a new list")
    shared_fields = {"issuer", "agency", "built", "expires", "entries", "patterns", "false_positive_rate"}
    facts = manifest.model_dump(include=shared_fields) | {
        "version": version,
        "size_override": f"version {manifest.version} again: {reason}"[:LONGEST_REASON],
        "sizes": sizes_after(newest),
    }
    posts = [load_key(key, private=False) for key in post_keys] if epoch is None else []
    signing = load_key(signing_key, private=True)
    return seal_package(bytes(opened.body), facts, signing_key=signing, post_keys=[*posts, own], epoch=epoch)
