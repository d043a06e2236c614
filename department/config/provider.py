"""An identity provider, in django-allauth's form."""

from pathlib import Path
from typing import Any

from platepost.department.errors import DepartmentError
from platepost.department.folder import IdentityProvider

PROVIDER_ID = "provider"
"""Its part of the addresses; a department has one."""


def provider_settings(provider: IdentityProvider | None, folder: Path) -> dict[str, Any]:
    """Return SOCIALACCOUNT_PROVIDERS. Raises DepartmentError: the secret cannot be read."""
    if provider is None:
        return {}
    path = folder / provider.secret_file
    try:
        secret = path.read_text("utf-8").strip()
    except OSError as error:
        raise DepartmentError(f"{path}: {error.strerror}; it has the secret of {provider.name}") from error
    app = {
        "provider_id": PROVIDER_ID,
        "name": provider.name,
        "client_id": provider.client_id,
        "secret": secret,
        "settings": {"server_url": provider.issuer, "scope": list(provider.scopes)},
    }
    return {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}
