"""Chance that comes out the same every time: identifiers, keys and what seals a list, all from one seed.

Keys made so are known to everyone who knows the seed: they belong to simulated fleets and to nothing else.
"""

import hashlib
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from unittest.mock import patch

from cryptography.hazmat.primitives.asymmetric import ec

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the group of P-256 (SP 800-186, 3.2.1.3)."""


class Chance:
    """An endless stream of bytes from a seed: SHA-256 in counter mode."""

    def __init__(self, *seed: object) -> None:
        self._seed = "|".join(str(part) for part in seed).encode()
        self._count = 0

    def bytes(self, size: int = 32) -> bytes:
        """Return the next bytes."""
        result = b""
        while len(result) < size:
            result += hashlib.sha256(self._seed + self._count.to_bytes(8, "big")).digest()
            self._count += 1
        return result[:size]

    def identifier(self, moment: float) -> str:
        """Return a UUID of version 7 for `moment` in seconds since 1970; later ones sort after earlier ones."""
        count, self._count = self._count, self._count + 1
        draw = int.from_bytes(hashlib.sha256(self._seed + count.to_bytes(8, "big")).digest()[:8], "big")
        high = int(moment * 1000) << 16 | 0x7000 | count & 0xFFF
        return str(uuid.UUID(int=high << 64 | 0b10 << 62 | draw >> 2))

    def key(self) -> ec.EllipticCurvePrivateKey:
        """Return the next private key on P-256."""
        return ec.derive_private_key(int.from_bytes(self.bytes(48), "big") % (_ORDER - 1) + 1, ec.SECP256R1())


@contextmanager
def sealing(chance: Chance) -> Iterator[None]:
    """While this is open, joserfc, which takes no chance from its callers, draws it here: a list has the same seal."""
    with ExitStack() as stack:
        for name, module in sorted(sys.modules.items()):
            if not name.startswith("joserfc."):
                continue
            if hasattr(module, "secrets"):
                stack.enter_context(patch.object(module, "secrets", SimpleNamespace(token_bytes=chance.bytes)))
            if hasattr(module, "generate_private_key"):
                # P-256, of which all keys of lists are.
                stack.enter_context(patch.object(module, "generate_private_key", lambda curve: chance.key()))  # noqa: ARG005
        yield
