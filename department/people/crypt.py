"""Secrets of the log-in that stand in the database: encrypted, so that a copy of it alone is of no use."""

import base64

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def secrets_box() -> Fernet:
    """Return what encrypts them, by a key that follows from `secret-key`."""
    key = HKDF(hashes.SHA256(), 32, None, b"platepost.department.people.login").derive(
        str(settings.SECRET_KEY).encode()
    )
    return Fernet(base64.urlsafe_b64encode(key))
