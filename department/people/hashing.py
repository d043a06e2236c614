"""Passwords are hashed by one thread, which gives way to all others: a stranger's guesses take no time from a hit."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from django.contrib.auth.hashers import PBKDF2PasswordHasher, get_hasher

_NICENESS = 10
_CODE_ITERATIONS = 1000


def _give_way() -> None:
    with suppress(OSError):  # then it competes as an equal
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


# A thread of its own: no one may take niceness back, and the rest of a request holds the interpreter.
_THREAD = ThreadPoolExecutor(1, "passwords", initializer=_give_way)


class BackgroundHasher(PBKDF2PasswordHasher):
    """Django's own hash of passwords, computed in the background."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """Hash a password: half a second of a core."""
        return _THREAD.submit(super().encode, password, salt, iterations).result()


def hash_of_code(code: str) -> str:
    """Hash the code of an invitation, fast: no one guesses its 80 random bits, and a list of people has hundreds."""
    hasher = get_hasher()
    if isinstance(hasher, PBKDF2PasswordHasher):
        return PBKDF2PasswordHasher.encode(hasher, code, hasher.salt(), _CODE_ITERATIONS)
    return str(hasher.encode(code, hasher.salt()))
