"""Which version of its configuration each post was given last, in `configuration/versions.json` of the fleet."""

import json

from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.trust.keys import replace_private


def next_version(fleet: Fleet, post: str) -> int:
    """Return one more than the last version given for a post, 1 if none was; nobody else is given it.

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
