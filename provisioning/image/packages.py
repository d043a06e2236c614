"""Which packages a release takes: with a wrong or missing one apt refuses at the unit, every half minute, forever."""

import re
from collections.abc import Sequence

from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.image.recipe import Release

_NAME = re.compile(
    r"(?P<kind>platepost(-runtime|-service|-simulator|-video)?)_(?P<version>[^_+]+)(\+py(?P<python>\d+))?_(?P<machine>all|arm64)\.deb"
)
_PYTHON = {Release.BOOKWORM: "311", Release.TRIXIE: "313"}
"""Of each release, as `scripts/deb` writes it into the names of packages that are for one Python."""
_NUMBER = {Release.BOOKWORM: 12, Release.TRIXIE: 13}
_COMMAND = {Release.BOOKWORM: "make deb SUITE=bookworm", Release.TRIXIE: "make deb"}
_FOR_ONE_PYTHON = ("platepost-runtime", "platepost-video")
_WANTED = {
    # Release 12 has no web server that the service package could run with: it is not to be installed there.
    Release.BOOKWORM: ("platepost-runtime", "platepost"),
    Release.TRIXIE: ("platepost-runtime", "platepost", "platepost-service"),
}


def check_packages(release: Release, names: Sequence[str]) -> None:
    """See that packages of these file names can be installed on a release, and are all that a post needs.

    Raises:
        ProvisioningError: they cannot, or are not; the message says what to give.

    """
    unit = f"release {_NUMBER[release]} ({release.value})"
    versions: dict[str, str] = {}
    for name in names:
        match = _NAME.fullmatch(name)
        if match is None or (match["kind"] in _FOR_ONE_PYTHON) != (match["machine"] == "arm64"):
            raise ProvisioningError(
                f"package {name!r}: expected platepost_VERSION_all.deb or platepost-runtime_VERSION+pyNNN_arm64.deb"
            )
        kind = match["kind"]
        if kind in versions:
            raise ProvisioningError(f"{name}: only one {kind} can be used")
        versions[kind] = match["version"]
        if kind in _FOR_ONE_PYTHON and match["python"] != _PYTHON[release]:
            raise ProvisioningError(
                f"{name} is not for {unit}: give {kind}_{match['version']}+py{_PYTHON[release]}_arm64.deb, "
                f"as `{_COMMAND[release]}` builds it"
            )
        if kind == "platepost-service" and release is Release.BOOKWORM:
            raise ProvisioningError(
                f"{name} cannot be installed on {unit}, which has no web server for it: leave it out, "
                "or write release 13 to the card, with which the unit can be aimed and accepted"
            )
    missing = [kind for kind in _WANTED[release] if kind not in versions]
    if missing:
        raise ProvisioningError(
            f"{unit} wants {', '.join(_WANTED[release])}: give {' and '.join(missing)} too, by --package, "
            f"as `{_COMMAND[release]}` builds them"
        )
    for kind in ("platepost-service", "platepost-simulator", "platepost-video"):
        if versions.get(kind, versions["platepost"]) != versions["platepost"]:
            raise ProvisioningError(
                f"{kind} {versions[kind]} goes with no other platepost than its own: {versions['platepost']} is given"
            )
