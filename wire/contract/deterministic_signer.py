"""Signatures that come out the same every time: for examples, drawn days and scenarios, never for a post."""

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc.jwk import ECKey
from joserfc.util import json_b64encode, urlsafe_b64encode

from platepost.wire.records.signing import ALGORITHM, Signer

_COORDINATE = 32
"""Bytes of each half of an ES256 signature (RFC 7518, 3.4)."""


class DeterministicSigner(Signer):
    """Signs the same bytes always alike: ES256 with the nonce of RFC 6979, which every verifier takes."""

    def __init__(self, key: ECKey) -> None:
        super().__init__(key)
        private = key.private_key
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise TypeError("signing needs a private key")
        self._private = private

    def sign(self, payload: bytes) -> str:
        """Return `header..signature` over `payload`."""
        header, _, signature = self._jws({}, payload)
        return f"{header}..{signature}"

    def compact(self, payload: bytes, *, typ: str) -> str:
        """Return a compact JWS of that type."""
        return ".".join(self._jws({"typ": typ}, payload))

    def _jws(self, more: dict[str, str], payload: bytes) -> tuple[str, str, str]:
        """Return the parts of a JWS; `more` is what its header has beside algorithm and key."""
        header = json_b64encode({"alg": ALGORITHM, "kid": self.kid} | more)
        content = urlsafe_b64encode(payload)
        signed = header + b"." + content
        r, s = decode_dss_signature(self._private.sign(signed, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
        halves = r.to_bytes(_COORDINATE) + s.to_bytes(_COORDINATE)
        return header.decode("ascii"), content.decode("ascii"), urlsafe_b64encode(halves).decode("ascii")
