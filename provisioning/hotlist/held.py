"""The list that posts hold, opened by the department's own key: what deltas are made from.

A list is sealed to that key as to a post's. So no one keeps plates, nor a list's hash key, in a file of their own: what
is needed to build a delta is the sealed packages and one key, and anyone who has no key learns nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from joserfc.jwk import ECKey

from platepost.provisioning.hotlist.rows import SourceError
from platepost.wire.hotlist import HotList
from platepost.wire.hotlist.errors import WrongKey
from platepost.wire.hotlist.layout import Header, decode
from platepost.wire.hotlist.package import open_package


@dataclass(frozen=True, slots=True)
class Held:
    """A complete list, and what the newest delta made of it."""

    complete: HotList
    newest: HotList
    header: Header
    columns: dict[str, memoryview]

    @property
    def hash_key(self) -> bytes:
        """The key of the complete list and of every delta on it."""
        return bytes.fromhex(self.header.hash_key or "")


def open_held(complete: bytes, delta: bytes | None, *, issuer_key: ECKey | Sequence[ECKey], unseal_key: ECKey) -> Held:
    """Open a complete list and the newest delta on it.

    Raises:
        SourceError: the complete list is not sealed to the department's key.
        HotListRefused: a package is damaged, or not the issuer's, or they do not belong together.

    """
    try:
        opened = open_package(complete, issuer_key=issuer_key, unseal_key=unseal_key)
    except WrongKey as error:
        raise SourceError(
            "the complete list is not encrypted to the department's own key: build a complete list with that key first"
        ) from error
    base = HotList(opened)
    newest = base
    if delta is not None:
        newest = HotList(open_package(delta, issuer_key=issuer_key, unseal_key=unseal_key), base=base)
    header, columns = decode(opened.body)
    return Held(base, newest, header, columns)
