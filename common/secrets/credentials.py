"""Private keys that systemd delivers: `LoadCredential=platepost:FOLDER` of the unit, systemd.exec(5).

On a unit the keys are where only root may read them, or encrypted to the machine, and this software does not run as
root. systemd hands it copies, in memory that is not swapped if it can have such, in a folder named by
`CREDENTIALS_DIRECTORY`; docs/system.md says what keeps out of swap what this software makes of them. A key that is not
where the configuration has it is read from there by the name of its file, and for a technician, who works as root and
gets no copies, from the folder `keys` beside it, which systemd takes the copies from.
"""

import os
from pathlib import Path

from pydantic.fields import FieldInfo

PRIVATE = "private key"
"""Marks a path of the configuration that may be delivered so."""
CREDENTIAL = "platepost"
"""Name of the credential in the unit; for a folder, systemd puts it before the name of each file."""
KEYS = "keys"
"""The folder of a post's private keys, beside its configuration."""


def delivered(path: Path) -> Path:
    """Return where the private key at `path` is to be read: there, as systemd delivered it, or in the folder `keys`."""
    files = [path]
    if folder := os.environ.get("CREDENTIALS_DIRECTORY"):
        files += [Path(folder) / f"{CREDENTIAL}_{path.name}", Path(folder) / path.name]
    files.append(path.parent / KEYS / path.name)
    # Path.exists raises in a folder that is not this user's.
    return next((file for file in files if os.path.exists(file)), path)  # noqa: PTH110


def is_delivered(path: Path) -> bool:
    """Report whether a private key is systemd's copy, whose original is elsewhere."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return bool(folder) and path.is_relative_to(Path(folder or ""))


def is_private(field: FieldInfo) -> bool:
    """Say whether a field of the configuration is the path of a private key."""
    return PRIVATE in field.metadata
