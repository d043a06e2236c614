"""The hash by which OpenSSL and Erlang find the list of revoked certificates of an authority in a folder."""

import hashlib

from cryptography import x509

_SEQUENCE, _SET, _UTF8 = 0x30, 0x31, 0x0C


def name_hash(name: x509.Name) -> str:
    """Return eight hexadecimal digits: X509_NAME_hash(3), of the canonical form of x509_name_canon in OpenSSL.

    That is SHA-1 over the relative names, each value in UTF-8, lower case, without space at its ends or twice within.
    """
    encoded = b"".join(
        _tagged(_SET, b"".join(sorted(_attribute(attribute) for attribute in relative))) for relative in name.rdns
    )
    first = hashlib.sha1(encoded).digest()[:4]  # noqa: S324 - a file's name, not a proof
    return f"{int.from_bytes(first, 'little'):08x}"


def _attribute(attribute: x509.NameAttribute[str | bytes]) -> bytes:
    value = " ".join(str(attribute.value).lower().split(" ")).strip()
    return _tagged(_SEQUENCE, _identifier(attribute.oid) + _tagged(_UTF8, value.encode()))


def _identifier(oid: x509.ObjectIdentifier) -> bytes:
    first, second, *rest = (int(part) for part in oid.dotted_string.split("."))
    content = bytes([40 * first + second])
    for part in rest:
        digits = [part & 0x7F]
        while part := part >> 7:
            digits.insert(0, 0x80 | part & 0x7F)
        content += bytes(digits)
    return _tagged(0x06, content)


def _tagged(tag: int, content: bytes) -> bytes:
    if len(content) > 0x7F:
        raise ValueError("longer than any name of a fleet's")
    return bytes([tag, len(content)]) + content
