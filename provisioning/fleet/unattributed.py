"""Acts for which no one was named: the system's user is noted, and a key of the log's own keeps the chain whole.

That key proves nothing of who it was. Such an act is logged in the name of `nobody`, so that it cannot be taken for a
person's: a record signed with this key in another's name is foreign to `platepost verify`.
"""

import os
import pwd
import socket

from joserfc.jwk import ECKey

from platepost.provisioning.fleet.layout import NOBODY, Layout
from platepost.provisioning.people.acts import Author
from platepost.provisioning.trust.keys import new_key, private_folder, private_pem, signing_jwk, write_private

KEY_FILE = "nobody.pem"
"""Beside the log."""


def user() -> str:
    """Return the system's user and machine, as `root@office`; an account without a name by its number."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"


def nobody(fleet: Layout) -> Author:
    """Return in whose name acts of a fleet are logged for which no one answers: the system's user stands with them."""
    return Author(fleet.acts, NOBODY, _key(fleet), {"user": user()})


def _key(fleet: Layout) -> ECKey:
    """Return the log's own key; it is made if there is none."""
    path = fleet.acts.path.with_name(KEY_FILE)
    # Two that begin at once would each make one.
    with fleet.locked():
        if not path.exists():
            private_folder(path.parent)
            write_private(path, private_pem(new_key()))
        key = signing_jwk(path)
        fleet.people.keep_key(NOBODY, key.as_pem(private=False))
    return key
