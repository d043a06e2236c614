"""Options that say how a post's first configuration is: `post add` and `post invite` share them."""

import functools
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any, Literal

import click

from platepost.common.commands.options import Number
from platepost.device import backends
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings, Setting, check

Settings = Callable[[Fleet, str], PostSettings]


def _installed(kind: Literal["camera", "board"]) -> "click.Choice[str]":
    """Return the names that a post's configuration may call a backend by: the device's own, and those brought along."""
    own = backends.CAMERAS if kind == "camera" else backends.BOARDS
    return click.Choice(sorted({*own, *(entry.name for entry in entry_points(group=f"platepost.{kind}s"))}))


def post_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets `settings`, which makes them whole for a fleet's post, and checks them.

    `settings` raises a `ConfigurationError` for what the post would refuse when it starts: here it costs nothing yet.
    """

    @functools.wraps(command)
    def wrapped(
        *,
        brokers: tuple[str, ...],
        site: str,
        latitude: float | None,
        longitude: float | None,
        heading: float | None,
        camera: str,
        camera_settings: tuple[str, ...],
        board: str,
        board_settings: tuple[str, ...],
        acceptance: bool,
        **others: object,
    ) -> Any:
        of_camera = dict(_setting("camera", text) for text in camera_settings)
        of_board = dict(_setting("board", text) for text in board_settings)

        def settings(fleet: Fleet, name: str) -> PostSettings:
            settings = PostSettings(
                brokers=brokers or (fleet.broker_address,),
                site=site,
                latitude=latitude,
                longitude=longitude,
                heading_degrees=heading,
                camera=camera,
                camera_settings=of_camera,
                board=board,
                more={f"board.{board}": of_board} if of_board else {},
                acceptance=acceptance,
            )
            check(agency=fleet.agency, name=name, settings=settings)
            return settings

        return command(settings=settings, **others)

    result: Callable[..., Any] = wrapped
    for option in reversed(_OPTIONS):
        result = option(result)
    return result


_OPTIONS = (
    click.option(
        "--broker",
        "brokers",
        multiple=True,
        help="host:port of a broker; repeat for fallbacks.  [default: the fleet's first name]",
    ),
    click.option("--site", default="", help="Location in words, as dispatch knows it."),
    click.option("--latitude", type=Number(-90, 90), help="Degrees, WGS 84."),
    click.option("--longitude", type=Number(-180, 180), help="Degrees, WGS 84."),
    click.option("--heading", type=Number(0, 360, max_open=True), help="Degrees from true north."),
    click.option("--camera", required=True, type=_installed("camera"), help="Camera backend."),
    click.option("--camera-setting", "camera_settings", multiple=True, help="key=value setting of the camera backend."),
    click.option(
        "--acceptance/--no-acceptance",
        default=True,
        show_default=True,
        help="Whether a technician must accept it before it reads plates.",
    ),
    click.option("--board", default="none", show_default=True, type=_installed("board"), help="Board backend."),
    click.option(
        "--board-setting",
        "board_settings",
        multiple=True,
        help="key=value setting of the board backend, such as a pin.",
    ),
)


def _setting(kind_of: str, text: str) -> tuple[str, Setting]:
    key, equals, value = text.partition("=")
    if not (key.isascii() and key.isidentifier() and equals):
        raise ProvisioningError(f"{kind_of} setting {text!r}: expected key=value")
    for kind in (int, float):
        try:
            return key, kind(value)
        except ValueError:
            continue
    return key, {"true": True, "false": False}.get(value, value)
