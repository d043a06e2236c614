"""`platepost provision post`: the fleet's posts."""

import shlex
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal

import click

from device import backends
from provisioning.commands.options import FLEET, Actor, acting
from provisioning.errors import ProvisioningError
from provisioning.fleet import DEFAULT_PORT, Fleet
from provisioning.lazy import lazy_group
from provisioning.post_file import PostSettings, Setting

_COMMANDS: dict[str, str] = {}


def _installed(kind: Literal["camera", "board"]) -> "click.Choice[str]":
    """Return the names that a post's configuration may call a backend by: the device's own, and those brought along."""
    own = backends.CAMERAS if kind == "camera" else backends.BOARDS
    return click.Choice(sorted({*own, *(entry.name for entry in entry_points(group=f"platepost.{kind}s"))}))


@click.group(cls=lazy_group(_COMMANDS))
def post() -> None:
    """Add posts to a fleet."""


@post.command("add")
@FLEET
@click.argument("name")
@click.option(
    "--broker",
    "brokers",
    multiple=True,
    help="host:port of a broker, the first one first; by default the fleet's first name.",
)
@click.option("--site", default="", help="The place in words, as dispatch knows it.")
@click.option("--latitude", type=click.FloatRange(-90, 90), help="Degrees, WGS 84.")
@click.option("--longitude", type=click.FloatRange(-180, 180), help="Degrees, WGS 84.")
@click.option("--heading", type=click.FloatRange(0, 360, max_open=True), help="Degrees from true north.")
@click.option("--camera", required=True, type=_installed("camera"), help="The camera's backend.")
@click.option("--camera-setting", "camera_settings", multiple=True, help="key=value of the camera's backend.")
@click.option(
    "--acceptance/--no-acceptance",
    default=True,
    show_default=True,
    help="Whether it reads nothing before a technician has accepted it.",
)
@click.option("--board", default="none", show_default=True, type=_installed("board"), help="The board's backend.")
@acting
def post_add(
    *,
    directory: Path,
    name: str,
    brokers: tuple[str, ...],
    site: str,
    latitude: float | None,
    longitude: float | None,
    heading: float | None,
    camera: str,
    camera_settings: tuple[str, ...],
    board: str,
    acceptance: bool,
    who: str | None,
    purpose: str,
) -> None:
    """Make the identity, the keys and the configuration of post NAME in the fleet of DIRECTORY."""
    opened = Fleet.load(directory)
    actor = Actor(opened, who, purpose)
    settings = PostSettings(
        brokers=brokers or (f"{opened.broker_names[0]}:{DEFAULT_PORT}",),
        site=site,
        latitude=latitude,
        longitude=longitude,
        heading_degrees=heading,
        camera=camera,
        camera_settings=dict(_setting(text) for text in camera_settings),
        board=board,
        acceptance=acceptance,
    )
    folder = opened.add_post(name, settings)
    actor.did("post_added", object=name)
    click.echo(f"Post {name} made; copy {folder} to the unit and run:")
    click.echo("  platepost run --config post.toml")
    if acceptance:
        click.echo("It reads nothing before a technician has accepted it there:")
        click.echo("  platepost aim --config post.toml --as YOUR_IDENTITY")
        click.echo("  platepost accept --config post.toml --as YOUR_IDENTITY")
    click.echo("Whoever keeps its records verifies them with its public key:")
    click.echo(f"  platepost verify RECORDS --key {shlex.quote(str(opened.record_key(name)))}")
    click.echo("A hot list is sealed to each post: build and publish a new one, or this post cannot open it:")
    click.echo(
        f"  platepost provision hotlist build CSV --fleet {shlex.quote(str(opened.directory))} --output list.package"
    )


def _setting(text: str) -> tuple[str, Setting]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise ProvisioningError(f"camera setting {text!r}: key=value is wanted")
    for kind in (int, float):
        try:
            return key, kind(value)
        except ValueError:
            continue
    return key, {"true": True, "false": False}.get(value, value)
