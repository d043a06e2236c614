"""The codes that were given out: each for one post, one technician, a short time, and one use.

The code itself is not kept, only what tells it and what seals with it; in one file for each post, so that a new code
takes the place of the one before.
"""

import hmac
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from platepost.common.files import StateFile
from platepost.common.language import local
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.trust.keys import private_folder
from platepost.wire.enrollment.code import new_code, seal_key_of, verifier_of
from platepost.wire.enrollment.errors import EnrollmentError
from platepost.wire.records.base import UtcTime
from platepost.wire.records.topics import NAME

VALID = timedelta(hours=1)


class UnknownCodeError(EnrollmentError):
    """A code that was given out for no post, or not for this one. The one who asks is not told which it is."""


class Use(BaseModel):
    """What a code was used for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    """Digest of the public key that was certified."""
    at: UtcTime


class Code(BaseModel):
    """One code that was given out."""

    # Former versions counted wrong tries here.
    model_config = ConfigDict(frozen=True, extra="ignore")

    post: str
    technician: str
    issued_by: str
    purpose: str
    issued: UtcTime
    expires: UtcTime
    verifier: str
    seal_key: str
    replaces: bool = False
    """Whether the unit takes the place of one that has the name already."""
    used: Use | None = None
    finished: bool = False
    """Whether all that its use brings about was done: the broker was told, the act is in the log."""
    settings: dict[str, Any] = {}
    """Of the first configuration, as `PostSettings` takes them."""

    @property
    def seal(self) -> bytes:
        """The key that seals with this code."""
        return bytes.fromhex(self.seal_key)


class Codes:
    """The codes in a folder, which is made when the first is given out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def issue(
        self,
        post: str,
        *,
        technician: str,
        issued_by: str,
        purpose: str,
        valid: timedelta = VALID,
        replaces: bool = False,
        settings: dict[str, Any] | None = None,
        now: datetime | None = None,
    ) -> tuple[str, Code]:
        """Make a code; return it, to be told to the technician, and what is kept of it."""
        secret = new_code()
        begin = now or datetime.now(UTC)
        code = Code(
            post=post,
            technician=technician,
            issued_by=issued_by,
            purpose=purpose,
            issued=begin,
            expires=begin + valid,
            verifier=verifier_of(secret).hex(),
            seal_key=seal_key_of(secret).hex(),
            replaces=replaces,
            settings=settings or {},
        )
        private_folder(self._folder.parent)
        private_folder(self._folder)
        self._write(code)
        return secret, code

    def of(self, post: str) -> Code | None:
        """Return the code that was given out last for a post, None if there was none.

        Raises:
            ProvisioningError: its file is damaged.

        """
        # The name comes from outside, and may be that of no file.
        if not NAME.fullmatch(post):
            return None
        file = self._file(post)
        try:
            return file.read()
        except (OSError, ValueError) as error:
            raise ProvisioningError(f"{file.path}: damaged; issue a new code ({error})") from error

    def admit(self, post: str, secret: str) -> Code:
        """Return the code of a post if `secret` is it, and it can be used still; its use is looked at elsewhere.

        Wrong codes leave it as it is: with its eighty bits no one finds it by trying, and if they made it void, anyone
        could keep a post from being enrolled.

        Raises:
            UnknownCodeError: there is none, or it is another.
            EnrollmentError: it is over.

        """
        code = self.of(post)
        if code is None:
            raise UnknownCodeError(f"no code was issued for {post}", reason="no_code")
        if not hmac.compare_digest(verifier_of(secret), bytes.fromhex(code.verifier)):
            raise UnknownCodeError(f"this is not the code that was issued for {post}", reason="code_wrong")
        return self.in_time(code)

    def in_time(self, code: Code) -> Code:
        """Return a code if it is not over.

        Raises:
            EnrollmentError: it is.

        """
        if datetime.now(UTC) >= code.expires:
            raise EnrollmentError(
                f"the code for {code.post} was good until {local(code.expires)}; an administrator issues a new one",
                reason="code_late",
            )
        return code

    def use(self, code: Code, key: str) -> Code:
        """Note that a code is used for a key; the same key again is the same enrollment, gone on with.

        Raises:
            EnrollmentError: it was used for another key.

        """
        if code.used is not None and code.used.key != key:
            raise EnrollmentError(
                f"the code for {code.post} was used at {local(code.used.at, '%Y-%m-%d %H:%M:%S')} for another unit's "
                "key; if that was not you, report it to an administrator at once",
                reason="code_used",
            )
        if code.used is None:
            code = code.model_copy(update={"used": Use(key=key, at=datetime.now(UTC))})
            self._write(code)
        return code

    def finish(self, code: Code) -> None:
        """Note that a used code has done all it was for; a code that was issued meanwhile stays."""
        present = self.of(code.post)
        if present is not None and present.verifier == code.verifier:
            self._write(present.model_copy(update={"finished": True}))

    def _write(self, code: Code) -> None:
        self._file(code.post).write(code)

    def _file(self, post: str) -> StateFile[Code]:
        return StateFile(self._folder / f"{post}.json", Code)
