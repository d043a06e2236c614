"""Where the passphrase of private keys comes from: a file, a systemd credential, or the person at the terminal.

Never from the command line or the environment itself, which other processes can read.
"""

import getpass
import os
import sys
from pathlib import Path

from platepost.common.language import Phrase, spoken
from platepost.common.signals import current
from platepost.provisioning.errors import ProvisioningError

FILE_VARIABLE = "PLATEPOST_PASSPHRASE_FILE"
"""Environment variable that names a file with the fleet's passphrase in its first line, readable by its owner only."""
PERSON_FILE_VARIABLE = "PLATEPOST_PERSON_PASSPHRASE_FILE"
"""The same for the key of the person who acts."""
CREDENTIAL = "platepost-passphrase"
"""Name of the systemd credential (`LoadCredential=`) that is taken where the fleet's variable is not set."""
TRIES = 3
"""How often a person at the terminal is asked for one passphrase."""
SHORTEST = 12
"""Characters of a passphrase: PKCS#8 slows a guess down, but not enough for a short word."""


class PassphraseSource:
    """Gives the passphrase that opens sealed keys, and asks for it once at most.

    Args:
        variable: the environment variable that names a file with it.
        credential: the systemd credential that holds it.

    """

    def __init__(self, variable: str, credential: str | None = None) -> None:
        self._variable = variable
        self._credential = credential
        self._known: bytes | None = None

    def passphrase(self, what: str) -> bytes:
        """Return the passphrase of `what`.

        Raises:
            ProvisioningError: none is given, and there is no one to ask.

        """
        if self._known is None:
            self._known = self._from_file() or self._asked(Phrase("Passphrase of {what}", what=what), confirm=False)
        return self._known

    def new_passphrase(self, what: str) -> bytes:
        """Return a passphrase for keys that are made; it is asked for twice.

        Raises:
            ProvisioningError: it is too short, or none is given and there is no one to ask.

        """
        phrase = self._from_file() or self._asked(
            Phrase("New passphrase of {what}, at least {count} characters", what=what, count=str(SHORTEST)),
            confirm=True,
            shortest=SHORTEST,
        )
        if len(phrase) < SHORTEST:
            raise ProvisioningError(Phrase("a passphrase of at least {count} characters, please", count=str(SHORTEST)))
        self._known = phrase
        return phrase

    @property
    def asks(self) -> bool:
        """Whether a person at the terminal gives it, who may have mistyped it."""
        return self._path() is None and sys.stdin.isatty()

    def forget(self) -> None:
        """Ask again the next time: it was wrong."""
        self._known = None

    def _from_file(self) -> bytes | None:
        path = self._path()
        if path is None:
            return None
        try:
            if path.stat().st_mode & 0o077:
                raise ProvisioningError(Phrase("{path}: others can read this passphrase: chmod 600", path=str(path)))
            first = path.read_bytes().partition(b"\n")[0].rstrip(b"\r")
        except OSError as error:
            raise ProvisioningError(
                Phrase("{path}: the passphrase cannot be read: {why}", path=str(path), why=str(error.strerror))
            ) from error
        if not first:
            raise ProvisioningError(Phrase("{path}: no passphrase in its first line", path=str(path)))
        return first

    def _path(self) -> Path | None:
        named = os.environ.get(self._variable)
        if named:
            return Path(named)
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        path = Path(folder) / self._credential if folder and self._credential else None
        return path if path is not None and path.is_file() else None

    def _asked(self, prompt: Phrase, *, confirm: bool, shortest: int = 1) -> bytes:
        if not sys.stdin.isatty():
            raise ProvisioningError(
                Phrase(
                    "{prompt}: no terminal to ask at; set a file that contains it in {variable}",
                    prompt=prompt,
                    variable=self._variable,
                )
            )
        while True:
            answer = _typed(f"{spoken(prompt)}: ")
            if len(answer) < shortest:
                text = Phrase("At least {count} characters, please.", count=str(shortest))
                sys.stderr.write(f"{spoken(text)}\n" if shortest > 1 else "")
                continue
            if not confirm or _typed(f"{spoken(Phrase('Repeat it'))}: ") == answer:
                return answer.encode()
            sys.stderr.write(f"{spoken(Phrase('The two are not the same.'))}\n")


FLEET_PASSPHRASE = PassphraseSource(FILE_VARIABLE, CREDENTIAL)
"""Opens the fleet's keys; one a process."""
PERSONAL_PASSPHRASE = PassphraseSource(PERSON_FILE_VARIABLE)
"""Opens the key of the person who acts."""
NEW_PERSON_PASSPHRASE = PassphraseSource("PLATEPOST_NEW_PERSON_PASSPHRASE_FILE")
"""Seals the key of someone else, who is asked at the terminal."""


def _typed(prompt: str) -> str:
    with current().raising():
        return getpass.getpass(prompt)
