"""The hash by which OpenSSL and Erlang find the list of revoked certificates of an authority in a folder."""

import hashlib

from cryptography import x509


def name_hash(name: x509.Name) -> str:
    """Return eight hexadecimal digits: X509_NAME_hash(3), of the canonical form of x509_name_canon in OpenSSL.

    That is SHA-1 over the relative names, each value in UTF-8, lower case, without space at its ends or twice within. A
    name with a country, which DER writes in another type, has another hash there; no authority of a fleet has one.
    """
    relatives = [x509.RelativeDistinguishedName(map(_canonical, relative)) for relative in name.rdns]
    encoded = x509.Name(relatives).public_bytes()
    header = 2 if encoded[1] < 0x80 else 2 + (encoded[1] & 0x7F)  # of a sequence of that length
    first = hashlib.sha1(encoded[header:]).digest()[:4]  # noqa: S324 - a file's name, not a proof
    return f"{int.from_bytes(first, 'little'):08x}"


def _canonical(attribute: x509.NameAttribute[str | bytes]) -> x509.NameAttribute[str]:
    return x509.NameAttribute(attribute.oid, " ".join(str(attribute.value).lower().split()))
