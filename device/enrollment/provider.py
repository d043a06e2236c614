"""Having this process's OpenSSL sign with the TPM, where the post's key is held there.

OpenSSL reads its configuration once, when it is first used: the process restarts with it.
"""

import logging
import os
import sys
from pathlib import Path

from platepost.common.secrets.held_key import provider_of

log = logging.getLogger(__name__)

FILE = "openssl.cnf"
"""Beside `post.toml`."""
TEXT = """# Made by `platepost enroll`: TLS with the key that the TPM holds.
openssl_conf = begin
[begin]
providers = both
[both]
default = plain
tpm2 = held
[plain]
activate = 1
[held]
activate = 1
"""


def begin_with_tpm(key: Path, folder: Path) -> None:
    """Restart this process with the TPM's provider where the post's key needs it; else return.

    Args:
        key: file of the post's private key.
        folder: of `post.toml`.

    """
    path = folder / FILE
    if "OPENSSL_CONF" in os.environ or not path.is_file() or not needs_tpm(key):
        return
    log.info("restarting with the TPM")
    os.environ["OPENSSL_CONF"] = str(path)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - this very program


def needs_tpm(key: Path) -> bool:
    """Tell whether a file refers to a key in the TPM."""
    try:
        return provider_of(key.read_bytes()) == "tpm2"
    except OSError:
        return False
