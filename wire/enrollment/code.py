"""The one-time code that an administrator gives out for one post, one technician, one hour.

It does two things: it lets the unit in, and it proves to the unit that it speaks with the department, for each answer
is sealed with a key made of it. Eighty bits, so that anyone who records a sealed answer cannot find it by trying.
"""

import hashlib
import hmac
import re
import secrets

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from platepost.common.language import Phrase
from platepost.wire.enrollment.errors import EnrollmentError

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: without I, L, O and U, which are taken for other characters."""
LENGTH = 16
_MISREAD = str.maketrans("ILO", "110")


def new_code() -> str:
    """Make a code, such as `7K3M-Q9TX-4HWD-2VBN`."""
    return _grouped("".join(secrets.choice(ALPHABET) for _ in range(LENGTH)))


def read_code(text: str) -> str:
    """Return a code as it was given out, however it was typed.

    Raises:
        EnrollmentError: it is none.

    """
    plain = re.sub(r"[\s-]+", "", text.upper()).translate(_MISREAD)
    if len(plain) != LENGTH or any(character not in ALPHABET for character in plain):
        text = Phrase(
            "{given} is not a code: expected {count} letters and digits, such as 7K3M-Q9TX-4HWD-2VBN",
            given=repr(text.strip()),
            count=str(LENGTH),
        )
        raise EnrollmentError(text, reason="code_malformed")
    return _grouped(plain)


def verifier_of(code: str) -> bytes:
    """Return what the office keeps in place of the code."""
    return _derived(code, b"platepost enrolment verifier")


def seal_key_of(code: str) -> bytes:
    """Return the key that seals what passes between unit and office under this code."""
    return _derived(code, b"platepost enrolment seal")


def seal(key: bytes, label: str, *parts: bytes) -> str:
    """Return the seal of a message: HMAC-SHA256 over its label and parts, hexadecimal."""
    digest = hmac.new(key, label.encode(), hashlib.sha256)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def is_sealed(key: bytes, given: str, label: str, *parts: bytes) -> bool:
    """Tell whether a message bears the right seal."""
    return hmac.compare_digest(given.strip().encode(), seal(key, label, *parts).encode())


def _derived(code: str, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose).derive(code.encode())


def _grouped(plain: str) -> str:
    return "-".join(plain[at : at + 4] for at in range(0, LENGTH, 4))
