"""Private keys that systemd delivers: `LoadCredential=platepost:FOLDER` of the unit, systemd.exec(5).

On a unit the keys lie where only root may read them, or encrypted to the machine, and this software does not run as
root. systemd hands it copies, in memory that is not swapped if it can have such, in a folder named by
`CREDENTIALS_DIRECTORY`; docs/system.md says what keeps out of swap what this software makes of them. A key that is not
where the configuration says is looked for there by the name of its file.
"""

import os
from pathlib import Path

from pydantic.fields import FieldInfo

PRIVATE = "private key"
"""Marks a path of the configuration that may be delivered so."""
CREDENTIAL = "platepost"
"""Name of the credential in the unit; for a folder, systemd puts it before the name of each file."""


def delivered(path: Path) -> Path:
    """Return where the private key at `path` is to be read: there, or what systemd delivered by its name."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if folder and not os.path.exists(path):  # noqa: PTH110 - Path.exists raises in a folder that is not this user's
        for name in (f"{CREDENTIAL}_{path.name}", path.name):
            if (found := Path(folder) / name).is_file():
                return found
    return path


def is_private(field: FieldInfo) -> bool:
    """Say whether a field of the configuration is the path of a private key."""
    return PRIVATE in field.metadata
