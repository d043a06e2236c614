"""The options of several commands for the configuration of a post."""

import getpass
import os
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any

import click

from platepost.device.backends import CameraAddress

CONFIG_FILE = Path("/etc/platepost/post.toml")
"""Where an installed post's configuration is."""
_CONFIG: dict[str, Any] = {
    "type": click.Path(path_type=Path, dir_okay=False),
    "help": "The post's configuration.",
}
CONFIG = click.option("--config", "path", required=True, **_CONFIG)
CONFIG_OR_INSTALLED = click.option("--config", "path", default=CONFIG_FILE, show_default=True, **_CONFIG)


class PathOrAddress(click.Path):
    """The path of footage, or the address of a camera."""

    def __init__(self, *, exists: bool = False) -> None:
        super().__init__(exists=exists, path_type=Path, readable=exists)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it."""
        if isinstance(value, str) and CameraAddress.is_one(value):
            return CameraAddress(value)
        return super().convert(value, param, ctx)


def camera_login(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that log in at the camera of an address; the command gets them as `login`."""

    @wraps(command)  # with its options
    def given(
        *, camera_user: str | None, camera_password_file: Path | None, camera_ca_file: Path | None, **others: object
    ) -> object:
        login = partial(CameraAddress, user=camera_user, password_file=camera_password_file, ca_file=camera_ca_file)
        return command(login=login, **others)

    file = click.Path(exists=True, dir_okay=False, path_type=Path)
    for option in (
        click.option("--camera-ca-file", type=file, help="PEM of the authority behind a camera's rtsps://."),
        click.option("--camera-password-file", type=file, help="A file with the password for an rtsp:// address."),
        click.option("--camera-user", help="The user name for an rtsp:// address."),
    ):
        given = option(given)
    return given


def account() -> str:
    """Return the account behind the command: with sudo, that of the person who called it."""
    return (os.environ.get("SUDO_USER") or getpass.getuser())[:64]
