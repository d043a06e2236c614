"""Whose account gives a command at the unit."""

import getpass
import os


def account() -> str:
    """Return the account behind the command: with sudo, that of the person who called it."""
    return (os.environ.get("SUDO_USER") or getpass.getuser())[:64]
