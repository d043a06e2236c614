"""`platepost simulate aim`: the aiming page on a desk, for who wants to practice before standing at a pole."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import click

from platepost.common.commands.options import Number
from platepost.common.commands.spoken import SpokenHelp
from platepost.common.language import Phrase, spoken
from platepost.device.camera.footage.zoomed import Side
from platepost.device.config import load
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings, Setting
from platepost.simulator.brokers.daemon import free_port
from platepost.simulator.demo.clip import STREET
from platepost.technician.aim.advice import Road
from platepost.technician.aim.aiming import LIGHTS
from platepost.technician.aim.session import Session
from platepost.technician.commands.aim import aimed, watching
from platepost.technician.technician import certified
from platepost.wire.records import Role

PLAYED: dict[str, Setting] = {"loop": True, "pace": "patient"}
"""How the clip is played: a slow machine must see all of a vehicle; what the page says leads nowhere otherwise."""
_SHUTTER, _MPH = 0.001, 33.0
"""Of the clips that ship, as their scene files have it."""


@click.command(
    cls=SpokenHelp,
    epilog="""\b
Examples:
  platepost simulate aim                           two lanes from too far away: the page shows what to adjust
  platepost simulate aim --zoom 1.4 --side left    adjusted: the light turns green, by the left lane
""",
)
@click.argument("clip", type=click.Path(exists=True, path_type=Path), default=STREET)
@click.option("--zoom", type=Number(1, 4), default=1.0, help="Zoom factor of the lens.")
@click.option("--side", type=click.Choice(get_args(Side)), default="middle", help="Where the camera points.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on this machine.  [default: a free one]")
@click.option("--speed", type=Number(0, 150, min_open=True), help="Speed of the vehicles, mph.")
def aim(*, clip: Path, zoom: float, side: str, port: int, speed: float | None) -> None:
    """Practice aiming on CLIP instead of a camera, with the page that a unit shows.

    When the page shows what to adjust, press Ctrl-C and run the command again with --zoom and --side. The infrared lamp
    does not change a clip, and the shutter time is known only for the clips that ship.
    """
    ships = clip.resolve().parent == STREET.resolve().parent
    settings: dict[str, Setting] = {"path": str(clip.resolve()), **PLAYED, "zoom": zoom, "side": side}
    with TemporaryDirectory(prefix="platepost-aim-") as folder:
        fleet = Fleet.create(Path(folder) / "fleet", agency="practice")
        technician = fleet.add_operator("technician", Role.TECHNICIAN)
        post = PostSettings(brokers=("localhost:8883",), camera="footage", camera_settings=settings, board="virtual")
        files = fleet.add_post("practice", post)
        configuration = load(files / "post.toml")
        road = Road(
            speed_mph=speed or (_MPH if ships else Road().speed_mph), shutter_seconds=_SHUTTER if ships else None
        )
        aiming = aimed(
            configuration,
            watching(configuration, road),
            certified(configuration, technician, purpose="practice"),
            Session(seconds=60 * configuration.service.minutes),
            address="127.0.0.1",
            port=port or free_port(),
        )
    lights = [LIGHTS[light] for light in sorted(aiming.accepted)]
    text = Phrase("No view was accepted.")
    if lights:
        both = lights[0] if len(lights) == 1 else Phrase("{first} and {second}", first=lights[0], second=lights[1])
        text = Phrase("Accepted: the view in {lights}.", lights=both)
    click.echo(spoken(text))
    click.echo(
        spoken(Phrase("This was practice: the post is deleted, and nothing is saved. At a unit, run platepost aim."))
    )
    if not lights:
        raise SystemExit(1)
