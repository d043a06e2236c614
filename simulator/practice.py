"""`platepost simulate aim`: the aiming page on a desk, for who wants to practise before standing at a pole."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import click

from device.records import Role
from provisioning.commands.aim import aim as aim_at_a_unit
from provisioning.fleet.fleet import Fleet
from provisioning.fleet.post_file import PostSettings, Setting
from simulator.brokers.daemon import free_port
from simulator.camera.zoomed import Side
from simulator.demo.clip import STREET

_SHUTTER, _MPH = 0.001, 33.0
"""Of the clips that ship, as their scene files have it."""


@click.command(
    epilog="""\b
Examples:
  platepost simulate aim                           two lanes from too far away: the page says what to turn
  platepost simulate aim --zoom 1.4 --side left    turned so: the light turns green, by the left lane
"""
)
@click.argument("clip", type=click.Path(exists=True, path_type=Path), default=STREET)
@click.option("--zoom", type=click.FloatRange(1, 4), default=1.0, help="Turn the lens: so many times as long.")
@click.option("--side", type=click.Choice(get_args(Side)), default="middle", help="Turn the camera.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="On this machine; a free one by default.")
@click.option("--speed", type=click.FloatRange(0, 150, min_open=True), help="Of the vehicles, miles an hour.")
@click.pass_context
def aim(context: click.Context, *, clip: Path, zoom: float, side: str, port: int, speed: float | None) -> None:
    """Practise aiming: the page that a unit shows, on CLIP instead of a camera, for a post that is thrown away.

    It is the very page and the very judgement of a unit. When it says what to turn, end it and give the command again
    with --zoom and --side. Under the lamp footage looks as before. Its shutter is known of the clips that ship only,
    and said to be unknown of others.
    """
    ships = clip.resolve().parent == STREET.resolve().parent
    settings: dict[str, Setting] = {"path": str(clip.resolve()), "loop": True, "zoom": zoom, "side": side}
    with TemporaryDirectory(prefix="platepost-aim-") as folder:
        fleet = Fleet.create(Path(folder) / "fleet", agency="practice")
        technician = fleet.add_operator("technician", Role.TECHNICIAN)
        post = PostSettings(brokers=("localhost:8883",), camera="footage", camera_settings=settings, board="virtual")
        files = fleet.add_post("practice", post)
        context.invoke(
            aim_at_a_unit,
            path=files / "post.toml",
            folder=technician,
            purpose="practice",
            address="127.0.0.1",
            port=port or free_port(),
            minutes=None,
            speed=speed or (_MPH if ships else None),
            shutter=_SHUTTER if ships else None,
            field_of_view=None,
        )
    click.echo("This was practice: the post is thrown away, and nothing is kept.")
