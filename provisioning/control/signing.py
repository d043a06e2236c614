"""Signing configurations and commands."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue, ValidationError

from platepost.device.config import REMOTE_KEYS
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.ssh import SshAuthority
from platepost.provisioning.people.person import Person
from platepost.provisioning.trust.keys import replace_private, signing_jwk
from platepost.wire.jose import sign
from platepost.wire.records import (
    COMMAND_TYPE,
    CONFIGURATION_TYPE,
    CommandRequest,
    DesiredConfiguration,
    new_identifier,
)

LIFETIME = timedelta(days=7)
"""How long a post that was away may still apply a configuration."""

Settings = Mapping[str, Mapping[str, JsonValue]]


def sign_configuration(
    fleet: Fleet,
    post: str,
    settings: Settings,
    *,
    version: int,
    who: str,
    lifetime: timedelta = LIFETIME,
) -> bytes:
    """Return a configuration for one post as a compact JWS; it carries which ssh certificates are revoked.

    Raises:
        ProvisioningError: the fleet has no such post, or a key may not be set remotely. Values are the post's to
            judge, for it knows the software that it runs.

    """
    if post not in fleet.posts():
        raise ProvisioningError(f"{post!r} is not a post of this fleet; it has: {', '.join(fleet.posts()) or 'none'}")
    if revoked := SshAuthority(fleet).revoked():
        settings = {**settings, "service": {**settings.get("service", {}), "revoked_ssh": list(revoked)}}
    foreign = [f"{section}.{key}" for section, keys in settings.items() for key in keys]
    foreign = sorted(name for name in foreign if name not in REMOTE_KEYS)
    if foreign:
        raise ProvisioningError(
            f"{', '.join(foreign)}: may not be set remotely; allowed are {', '.join(sorted(REMOTE_KEYS))}"
        )
    begin = datetime.now(UTC)
    try:
        desired = DesiredConfiguration(
            version=version,
            agency=fleet.agency,
            post=post,
            issued=begin,
            expires=begin + lifetime,
            who=who,
            settings={section: dict(keys) for section, keys in settings.items()},
        )
    except ValidationError as error:
        raise ProvisioningError(f"the configuration cannot be signed: {error.errors()[0]['msg']}") from error
    key = signing_jwk(fleet.configuration_signing_key)
    return sign(_payload(desired.wire()), key, typ=CONFIGURATION_TYPE, kid=key.thumbprint())


def sign_command(
    identity: Person, post: str, command: str, *, purpose: str, boot: str | None, issued: datetime | None = None
) -> tuple[CommandRequest, bytes]:
    """Return a command to one post, and the same as a compact JWS with the asker's certificate.

    Args:
        identity: who asks.
        post: which post.
        command: what is asked.
        purpose: why.
        boot: the run of the post's software that is meant, as its status says.
        issued: when; now, if None.

    Raises:
        ProvisioningError: the purpose is too short or too long.

    """
    try:
        request = CommandRequest(
            id=new_identifier(),
            agency=identity.agency,
            post=post,
            command=command,
            asked_by=identity.name,
            issued=issued or datetime.now(UTC),
            purpose=purpose,
            boot=boot,
        )
    except ValidationError as error:
        fault = error.errors()[0]
        raise ProvisioningError(f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}") from error
    return request, sign(_payload(request.wire()), identity.key, typ=COMMAND_TYPE, x5c=identity.x5c)


def digest_of(jws: bytes) -> str:
    """Return the digest by which a post's status names a configuration."""
    return hashlib.sha256(jws).hexdigest()


def _payload(members: Mapping[str, object]) -> bytes:
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode()


def next_version(fleet: Fleet, post: str) -> int:
    """Return one more than the last version given for a post, 1 if none was; no one else is given it.

    Raises:
        ProvisioningError: the file is damaged; give the version by hand.

    """
    with fleet.locked():
        version = _versions(fleet).get(post, 0) + 1
        note_version(fleet, post, version)
    return version


def note_version(fleet: Fleet, post: str, version: int) -> None:
    """Remember a version that was signed for a post.

    Raises:
        ProvisioningError: the file is damaged.

    """
    with fleet.locked():
        versions = _versions(fleet)
        if versions.get(post, 0) >= version:
            return
        versions[post] = version
        path = fleet.configuration_signing_key.with_name("versions.json")
        replace_private(path, json.dumps(versions, indent=2).encode("ascii") + b"\n")


def _versions(fleet: Fleet) -> dict[str, int]:
    path = fleet.configuration_signing_key.with_name("versions.json")
    try:
        return {str(post): int(version) for post, version in json.loads(path.read_bytes()).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ProvisioningError(f"{path}: damaged ({error}); give --version, higher than any before") from error
