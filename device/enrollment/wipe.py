"""Wiping what a post leaves on its unit: keys first, for without them the rest cannot be read.

Flash storage writes elsewhere what is rewritten, so overwriting a file promises nothing. The outbox, the hot list
and recordings are encrypted: their key is what has to go, and it is short. It is overwritten all the same, for that
helps on some disks; on the others a copy may stay in a worn block until the whole disk is erased or destroyed.
"""

import os
import secrets
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from platepost.common.files import flush_folder
from platepost.common.language import Phrase, message
from platepost.common.secrets.credentials import is_delivered
from platepost.common.secrets.held_key import provider_of
from platepost.device.enrollment.tpm import TpmNotClearedError, clear_tpm
from platepost.wire.enrollment.errors import DecommissionError

_FEWEST_PARTS = 3
"""Of the path of a folder that may be emptied: `/` and `/var` have fewer."""


@dataclass(frozen=True, slots=True)
class Leavings:
    """What a post leaves on its unit."""

    keys: tuple[Path, ...]
    """Files of private keys, or that refer to a key that hardware holds."""
    folders: tuple[Path, ...]
    """Folders to empty."""
    files: tuple[Path, ...]
    """Files to delete after them, in order."""


def wipe(leavings: Leavings, *, keep: Path) -> list[str]:
    """Destroy it all; return what a person has still to do. What is gone already is no fault, so it can be repeated.

    Args:
        leavings: what is to go.
        keep: a file that stays, wherever it is.

    Raises:
        DecommissionError: something cannot be deleted, or a folder is none that a post has for itself.

    """
    check(leavings.folders)
    remarks = [remark for path in leavings.keys if (remark := _destroy(path))]
    left = [path for folder in leavings.folders for path in _empty(folder, keep)]
    left += _delete(path for path in leavings.files if path != keep)
    left += [path for path in leavings.keys if os.path.lexists(path) and not is_delivered(path)]
    if left:
        names = ", ".join(str(path) for path in left[:5])
        raise DecommissionError(
            Phrase("could not be deleted: {names}; fix that, and run the same command again", names=names)
        )
    return remarks


def check(folders: Sequence[Path]) -> None:
    """Make sure that none of some folders is the system's or a person's.

    Raises:
        DecommissionError: one is.

    """
    precious = {Path(sys.prefix).resolve(), Path.home().resolve(), Path("/etc"), Path("/usr")}
    for folder in folders:
        resolved = folder.resolve()
        if len(resolved.parts) < _FEWEST_PARTS or any(one.is_relative_to(resolved) for one in precious):
            raise DecommissionError(Phrase("{folder} contains other files; empty it by hand", folder=str(folder)))


def _destroy(path: Path) -> str | None:
    """Overwrite and delete the file of a key; return what it leaves to do."""
    if is_delivered(path):
        return Phrase("{file} is delivered by systemd: delete the file that its unit takes it from", file=path.name)
    remark = None
    try:
        content = path.read_bytes()
        if provider_of(content) == "tpm2":  # before the file goes: interrupted, the same command clears it
            remark = _forget_in_tpm(path)
        with path.open("r+b") as file:
            file.write(secrets.token_bytes(len(content)))
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        content = b""
    _delete([path])
    if provider_of(content) == "pkcs11":
        return Phrase(
            "{file} named a key in a PKCS #11 token: delete it there, with the token's own program", file=path.name
        )
    return remark


def _forget_in_tpm(path: Path) -> str | None:
    try:
        clear_tpm()
    except TpmNotClearedError as error:
        return Phrase(
            "{file} referred to a key in the TPM, which was not cleared ({why}): until tpm2_clear does, or the "
            "firmware, a copy of the file is good on this unit",
            file=path.name,
            why=message(error),
        )
    return None


def _empty(folder: Path, keep: Path) -> list[Path]:
    """Delete what is in a folder; return what cannot be."""
    left = []
    for path in sorted(folder.rglob("*"), reverse=True):  # what is in a folder before the folder
        if path == keep or path in keep.parents:
            continue
        try:
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        except FileNotFoundError:
            continue
        except OSError:
            left.append(path)
    if folder.is_dir():
        flush_folder(folder)
    return left


def _delete(paths: Iterable[Path]) -> list[Path]:
    left = []
    for path in paths:
        try:
            path.unlink(missing_ok=True)
            if path.parent.is_dir():
                flush_folder(path.parent)
        except OSError:
            left.append(path)
    return left
