"""The department's signing keys as a post believes in them: succeeded, retired, revoked by signed statements."""

from platepost.device.control.keys.signing_keys import SigningKeys

__all__ = ["SigningKeys"]
