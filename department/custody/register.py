"""The posts' keys as a custodian knows them: by the register that the fleet signs, never by what a broker brings."""

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from platepost.common.errors import RecordError
from platepost.common.files import StateFile, write_durably
from platepost.department.custody.errors import CustodyError
from platepost.provisioning.fleet.register import PostKey, PostKeyRegister, RegisterRefusedError, open_register
from platepost.wire.records.signing import Keyring, read_key

log = logging.getLogger(__name__)


class KeyRegister:
    """The register in force, which a later one replaces when it comes.

    What is in force is kept apart from the file that is looked at: that file may be taken away, or put back to an
    earlier state, and neither may make the keeper forget a key or take a former one again.

    Args:
        path: the file that `platepost provision register export` writes; it may be missing.
        verifying_key: PEM of the public key by which it is known; read each time, as it may be replaced too.
        agency: whose posts.
        state_file: the file in which the register in force is kept; made if missing.

    Raises:
        CustodyError: what was kept cannot be read, or is another agency's.

    """

    def __init__(self, path: Path, verifying_key: Path, *, agency: str, state_file: Path) -> None:
        self._paths = (path, verifying_key)
        self._agency = agency
        self._state_path = state_file
        self._state_file = StateFile(state_file, PostKeyRegister, about="the register of the posts' keys")
        self.trouble: str | None = None
        """Why the file is not in force; None where it is."""
        self._looked_at: tuple[object, ...] = ()
        try:
            self._register = self._state_file.read()
        except (OSError, ValueError) as error:
            raise CustodyError(
                f"{state_file}: {error}; delete it to take the present register, whatever its number"
            ) from error
        if self._register is not None and self._register.agency != agency:
            raise CustodyError(f"{state_file} is of the agency {self._register.agency!r}")
        self._posts = _posts(self._register)
        self.poll()

    def __repr__(self) -> str:
        return f"<KeyRegister number {self.number}, {len(self._posts)} posts>"

    @property
    def number(self) -> int:
        """The number of the register in force; 0 where there is none."""
        return 0 if self._register is None else self._register.number

    def keys(self, post: str) -> Keyring:
        """Return every key that signs or signed a post's records; none of a post that is not known."""
        return Keyring.from_pem(*(key.public_key.encode() for key in self._posts.get(post, ())))

    def ended(self, post: str) -> Mapping[str, datetime]:
        """Return when keys of a post were replaced or revoked, by thumbprint: nothing that was made later is its."""
        return {key.kid: key.until for key in self._posts.get(post, ()) if key.until is not None}

    def ended_since(self, moment: datetime) -> frozenset[str]:
        """Return the posts of which a key was replaced or revoked after a moment."""
        return frozenset(
            post for post, keys in self._posts.items() if any(key.until and key.until > moment for key in keys)
        )

    def poll(self) -> frozenset[str]:
        """Take the file if it changed; return the posts of whose keys something else is known since.

        A register that is refused changes nothing; `trouble` says why. Never raises.
        """
        seen = tuple(_stamp(path) for path in self._paths)
        if seen == self._looked_at:
            return frozenset()
        before = self._posts
        try:
            self._take()
            self.trouble = None
        except (OSError, RegisterRefusedError, RecordError) as error:
            self.trouble = f"the register of the posts' keys: {error}"
            log.warning("%s", self.trouble)
            if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
                return frozenset()  # looked at again, though it does not change
        self._looked_at = seen
        posts = {*before, *self._posts}
        return frozenset(post for post in posts if _ends(before.get(post, ())) != _ends(self._posts.get(post, ())))

    def _take(self) -> None:
        """Take what the file says.

        Raises:
            OSError: it cannot be read, or what it says cannot be kept.
            RegisterRefusedError: it is no register, or an older one.
            RecordError: the verifying key is none.

        """
        path, verifying_key = self._paths
        register, _ = open_register(path.read_bytes(), [read_key(verifying_key.read_bytes())])
        if register.agency != self._agency:
            raise RegisterRefusedError(f"it is of the agency {register.agency!r}")
        if register.number < self.number:
            raise RegisterRefusedError(f"number {register.number} is older than {self.number}, which is active")
        if register == self._register:
            return
        if register.number == self.number:
            raise RegisterRefusedError(f"it is another register of number {self.number}")
        # Public keys, which the pages read, too.
        write_durably(self._state_path, register.model_dump_json(exclude_none=True).encode(), mode=0o640)
        self._register, self._posts = register, _posts(register)


def _posts(register: PostKeyRegister | None) -> Mapping[str, tuple[PostKey, ...]]:
    return {} if register is None else {post.name: post.keys for post in register.posts}


def _ends(keys: Iterable[PostKey]) -> Mapping[str, datetime | None]:
    """Return until when each key is good; how long it has been known is no matter."""
    return {key.kid: key.until for key in keys}


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
