"""The epochs of a fleet's lists: their keys, and the messages that bring them to the posts.

The keys lie encrypted to the department's own key, as its lists do, and the messages as posts get them. An epoch ends
when a new complete list replaces the one that it began with, or when a post that had its key leaves the fleet.
"""

import json
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64decode

from platepost.common.files import write_durably
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.hotlist.rows import SourceError
from platepost.provisioning.hotlist.sealing import Epoch, seal_keys
from platepost.provisioning.trust.keys import private_folder
from platepost.wire.hotlist.package import SEAL_ALGORITHMS

STATE = "epochs.json"
SENT, UNSENT = ".keys", ".new"
"""Endings of messages that the broker has had, and of those that it has not; before them the post's thumbprint."""


@dataclass(frozen=True, slots=True)
class _State:
    epochs: Mapping[str, Epoch]
    holders: frozenset[str]
    """Thumbprints of the posts that may have the key of the newest epoch."""
    newest: str | None
    number: int
    """Of the messages written last."""
    brings: tuple[str, ...]
    """What these bring: their epochs, and the thumbprint of the key that signed them."""


class EpochKeys:
    """The keys in one folder; made when the first epoch begins, for its owner only."""

    def __init__(self, folder: Path, *, agency: str, signing_key: ECKey, own_key: ECKey) -> None:
        self._folder = folder
        self._agency = agency
        self._signing_key, self._own_key = signing_key, own_key

    def next(self, posts: Mapping[str, ECKey], *, base: str | None = None) -> Epoch:
        """Return the epoch of the next package.

        Args:
            posts: the fleet's posts by the thumbprints of their keys.
            base: the epoch of the complete list that a delta is made to; None for a complete list.

        Raises:
            SourceError: the department does not have the key of that epoch, which posts need.

        """
        state = self._read()
        if base is None:
            return Epoch()
        if base not in state.epochs:
            raise SourceError("the key of the complete list's epoch is not there: build a complete list first")
        newest = state.epochs.get(state.newest or "")
        return Epoch() if newest is None or state.holders - posts.keys() else newest

    def give_out(self, needed: Sequence[str], new: Epoch, posts: Mapping[str, ECKey], *, kept: Collection[str]) -> None:
        """Keep a new epoch, and write a message for each post that has none with just the epochs that are needed.

        Args:
            needed: the epochs of the complete list and of the delta on it.
            new: the epoch of the newest package, one of these.
            posts: as for `next`.
            kept: other epochs, of packages that the department keeps.

        Raises:
            ProvisioningError: the disk does not take it.

        """
        state = self._read()
        known = {**state.epochs, new.identifier: new}
        known = {name: epoch for name, epoch in known.items() if name in {*needed, *kept}}
        holders = frozenset(posts) | (state.holders if state.newest == new.identifier else frozenset())
        try:
            private_folder(self._folder)
            # The time, so that a fleet restored from a backup is not behind what posts hold.
            number = max(int(time.time()), state.number + 1)
            brings = (*needed, self._signing_key.thumbprint())
            held = key_messages(self._folder)
            # First who may get the key: none of them may be forgotten, wherever this is broken off.
            self._write(_State(known, holders, new.identifier, number, ()))
            for thumbprint, path in held.items():
                if thumbprint not in posts:
                    path.unlink()
            for thumbprint, key in posts.items():
                if thumbprint not in held or brings != state.brings:
                    epochs = [known[name] for name in needed]
                    message = seal_keys(
                        epochs, agency=self._agency, number=number, signing_key=self._signing_key, post_key=key
                    )
                    write_durably(self._folder / f"{thumbprint}{UNSENT}", message, mode=0o644)
                    (self._folder / f"{thumbprint}{SENT}").unlink(missing_ok=True)
            self._write(_State(known, holders, new.identifier, number, brings))
        except OSError as error:
            raise ProvisioningError(
                f"{self._folder}: the epoch's keys cannot be kept: {error.strerror or error}"
            ) from error

    def _read(self) -> _State:
        try:
            members = json.loads((self._folder / STATE).read_bytes())
        except FileNotFoundError:
            return _State({}, frozenset(), None, 0, ())
        except ValueError as error:
            raise SourceError(
                f"{self._folder / STATE}: the file is damaged: build a complete list without it"
            ) from error
        try:
            plain = jwe.decrypt_compact(members["keys"], self._own_key, algorithms=SEAL_ALGORITHMS).plaintext
        except JoseError:  # of another key of the department: it opens none of these lists either
            return _State({}, frozenset(), None, members["number"], ())
        keys = json.loads(plain or b"")
        epochs = {key["kid"]: Epoch(key["kid"], urlsafe_b64decode(key["k"].encode())) for key in keys}
        return _State(
            epochs, frozenset(members["holders"]), members["newest"], members["number"], tuple(members["brings"])
        )

    def _write(self, state: _State) -> None:
        header = {"alg": "ECDH-ES+A256KW", "enc": "A256GCM"}
        keys = json.dumps([epoch.jwk for epoch in state.epochs.values()]).encode()
        members = {
            "keys": jwe.encrypt_compact(header, keys, self._own_key, algorithms=SEAL_ALGORITHMS),
            "holders": sorted(state.holders),
            "newest": state.newest,
            "number": state.number,
            "brings": state.brings,
        }
        write_durably(self._folder / STATE, json.dumps(members).encode())


def key_messages(folder: Path) -> dict[str, Path]:
    """Return the posts' messages in a folder by the thumbprints of their keys; one that is unsent before one sent."""
    return {path.stem: path for ending in (SENT, UNSENT) for path in sorted(folder.glob(f"*{ending}"))}
