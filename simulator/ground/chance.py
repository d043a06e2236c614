"""Chance that comes out the same every time: identifiers, keys and what seals a list, all from one seed.

Keys made so are known to everybody who knows the seed: they belong to simulated fleets and to nothing else.
"""

import hashlib
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

import provisioning.fleet.fleet
import provisioning.hotlist.build
import provisioning.hotlist.sealing
import provisioning.trust.authority
import provisioning.trust.certificates

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the group of P-256 (SP 800-186, 3.2.1.3)."""
FOUNDED = datetime(2026, 1, 1, tzinfo=UTC)
VALID = timedelta(days=100 * 365)
"""Certificates of a simulated fleet hold for every scenario, and at the real time besides, by which brokers judge."""


class Chance:
    """An endless stream of bytes from a seed: SHA-256 in counter mode."""

    def __init__(self, *seed: object) -> None:
        self._seed = "|".join(str(part) for part in seed).encode()
        self._count = 0

    def bytes(self, size: int = 32) -> bytes:
        """Return the next bytes."""
        found = b""
        while len(found) < size:
            found += hashlib.sha256(self._seed + self._count.to_bytes(8, "big")).digest()
            self._count += 1
        return found[:size]

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
def founding(chance: Chance) -> Iterator[None]:
    """While this is open, fleets are made with keys from the chance and certificates that hold for a century."""
    builder: Callable[..., x509.CertificateBuilder] = provisioning.trust.certificates.builder

    def lasting(**parts: Any) -> x509.CertificateBuilder:  # noqa: ANN401 - the arguments of the function replaced
        return builder(**{**parts, "valid": VALID})

    with ExitStack() as stack:
        for module in (provisioning.fleet.fleet, provisioning.trust.authority):
            stack.enter_context(patch.object(module, "new_key", chance.key))
        stack.enter_context(patch.object(provisioning.trust.authority, "builder", lasting))
        stack.enter_context(
            patch.object(provisioning.trust.certificates, "datetime", SimpleNamespace(now=lambda _zone: FOUNDED))
        )
        yield


@contextmanager
def sealing(*seed: object) -> Iterator[None]:
    """While this is open, lists are sealed with keys from the seed, so that the same list gives the same bytes."""
    chance = Chance("seal", *seed)
    drawn = SimpleNamespace(token_bytes=chance.bytes)
    modules = [provisioning.hotlist.build, provisioning.hotlist.sealing]
    modules += [module for name, module in sorted(sys.modules.items()) if name.startswith("joserfc.")]
    with ExitStack() as stack:
        for module in modules:
            if hasattr(module, "secrets"):
                stack.enter_context(patch.object(module, "secrets", drawn))
            if hasattr(module, "generate_private_key"):
                stack.enter_context(patch.object(module, "generate_private_key", partial(_drawn_key, chance)))
        yield


def _drawn_key(chance: Chance, curve: object = None) -> ec.EllipticCurvePrivateKey:
    del curve  # P-256, of which all keys of lists are
    return chance.key()
