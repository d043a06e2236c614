"""`platepost simulate serve`: the whole system on a desk, in a browser."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import click
from rich.console import Console

from platepost.common.signals import current
from platepost.device.backends import CameraAddress
from platepost.device.commands.options import PathOrAddress, camera_login
from platepost.simulator.demo.clip import STREET, find_clip
from platepost.simulator.ground.console import LOOPBACK
from platepost.simulator.live.serve import serving

PORT = 8800
DEFAULT_CLIPS = (STREET, STREET.with_name("pass.mp4"))


@click.command(
    epilog="""\b
Examples:
  platepost simulate serve
  platepost simulate serve north.mp4 south.mp4 photos/ --port 9000
  platepost simulate serve /dev/video0 rtsp://192.168.1.20/stream1
  platepost simulate serve --host 0.0.0.0        anyone who can reach this machine can see and control it

\b
CLIP.hotlist.csv and CLIP.patterns.csv next to CLIP.mp4, if any, make up the first hot list.
"""
)
@click.argument("clips", nargs=-1, type=PathOrAddress(exists=True))
@camera_login
@click.option("--host", default=LOOPBACK, show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="Port; 0 for a free one.")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/live"),
    show_default=True,
    help="Working folder; emptied if an earlier run made it.",
)
def serve(
    *,
    clips: tuple[Path | CameraAddress, ...],
    login: Callable[[str], CameraAddress],
    host: str,
    port: int,
    directory: Path,
) -> None:
    """Watch posts at work in a browser, and cause faults in them.

    Each post watches one CLIP, a video or a folder of images, in a loop, or the camera of an address live; by default,
    the clips that ship. The posts are complete, with a real mosquitto and a department whose console the page opens.
    Needs PostgreSQL. Stop it with Ctrl-C.
    """
    console = Console(stderr=True)
    if host != LOOPBACK:
        console.print(
            f"[bold yellow]Warning:[/] listening on {host}. Anyone who can reach this machine sees every plate and can"
            f" use every switch; nothing is encrypted, and there is no password.",
            highlight=False,
        )
    with ExitStack() as stack:
        with console.status("Making a fleet, its broker, its department and its posts"):
            sources = [
                login(clip.address) if isinstance(clip, CameraAddress) else find_clip(clip)
                for clip in clips or DEFAULT_CLIPS
            ]
            for source in sources:
                if isinstance(source, CameraAddress):
                    source.camera()  # a password in it must not reach a configuration
            address = stack.enter_context(serving(sources, directory, host=host, port=port or None))
        current().check()
        console.print(f"Live page: [bold]{address}[/bold]   Ctrl-C ends it.", highlight=False)
        current().wait()
        current().acknowledge()
        console.print("Stopping the posts.", highlight=False)
