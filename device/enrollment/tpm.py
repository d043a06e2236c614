"""Clearing the unit's TPM, so that no file that refers to a key in it is good for anything any more.

What refers to a key is a form of it that only this TPM unwraps. TPM2_Clear changes the seed by which it does (TPM 2.0
Library, part 3, 24.6). It is one command of fixed bytes, so no TPM software has to be on the unit.
"""

import os
import struct

from platepost.common.errors import PlatepostError
from platepost.common.language import Phrase
from platepost.device.enrollment.keyfiles import TPM

_SESSIONS, _CLEAR, _LOCKOUT, _PASSWORD = 0x8002, 0x126, 0x4000000A, 0x40000009
CLEAR = struct.pack(">HIIIIIHBH", _SESSIONS, 27, _CLEAR, _LOCKOUT, 9, _PASSWORD, 0, 0, 0)
"""TPM2_Clear, authorized by the lockout hierarchy's password, which is empty unless someone set one."""
_ANSWER = struct.Struct(">HII")
_PASSWORD_SET = Phrase("its lockout hierarchy has a password")
_WHY = {
    0x98E: _PASSWORD_SET,
    0x9A2: _PASSWORD_SET,
    0x921: Phrase("it is locked out"),
    0x120: Phrase("clearing it is disabled"),
}


class TpmNotClearedError(PlatepostError, OSError):
    """The TPM is not there, or refuses to be cleared; the message says why."""


def clear_tpm() -> None:
    """Have the TPM forget every key of its owner; may be repeated.

    Raises:
        TpmNotClearedError: it is as it was.

    """
    try:
        answer = _ask_device(CLEAR)
    except OSError as error:
        raise TpmNotClearedError(f"{TPM}: {error.strerror or error}") from error
    if len(answer) < _ANSWER.size:
        raise TpmNotClearedError(Phrase("the TPM does not respond"))
    _, _, code = _ANSWER.unpack_from(answer)
    if code:
        why = _WHY.get(code, Phrase("code {code}", code=f"{code:#x}"))
        raise TpmNotClearedError(Phrase("the TPM refused: {why}", why=why))


def _ask_device(command: bytes) -> bytes:
    descriptor = os.open(TPM, os.O_RDWR)
    try:
        os.write(descriptor, command)
        return os.read(descriptor, 4096)
    finally:
        os.close(descriptor)
