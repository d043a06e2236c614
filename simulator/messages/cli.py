"""`platepost simulate messages`: a drawn day of messages, to develop a subscriber against without any post."""

import shlex
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from platepost.common.commands.options import Date, Number
from platepost.provisioning.fleet.fleet import Fleet
from platepost.simulator.brokers.mosquitto import Broker
from platepost.simulator.ground.site import Site, throwaway_fleet
from platepost.simulator.messages import recording
from platepost.simulator.messages.day import Day, draw
from platepost.simulator.messages.replay import add_posts, replay

DATE = datetime(2026, 3, 17, tzinfo=UTC)
SUBSCRIBER = "console"
CONSOLE = Path(__file__).resolve().parents[2] / "examples/python/console.py"
"""The example for subscribers; a wheel is without."""


@click.group(
    epilog="""\b
Examples:
  platepost simulate messages draw day.jsonl.gz
  platepost simulate messages replay day.jsonl.gz --directory replay/
"""
)
def messages() -> None:
    """Generate a day of messages, and replay it to a broker."""


@messages.command(
    "draw",
    epilog="""\b
Examples:
  platepost simulate messages draw day.jsonl.gz
  platepost simulate messages draw week-day.jsonl --posts 12 --vehicles 5000 --seed 7 --without-pictures
The same options give the same file, byte for byte.
""",
)
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--posts", type=click.IntRange(min=1, max=500), default=3, show_default=True, help="How many posts.")
@click.option("--vehicles", type=click.IntRange(min=1), default=600, show_default=True, help="Vehicles in total.")
@click.option("--hits", type=Number(0, 1), default=0.01, show_default=True, help="Share of listed vehicles.")
@click.option("--agency", default="demo", show_default=True, help="Agency's name in topics.")
@click.option("--date", type=Date(), default=DATE.strftime("%Y-%m-%d"), show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Random seed.")
@click.option("--without-pictures", is_flag=True, help="Leave out the pictures' bytes; records still verify.")
def draw_command(
    *,
    path: Path,
    posts: int,
    vehicles: int,
    hits: float,
    agency: str,
    date: datetime,
    seed: int,
    without_pictures: bool,
) -> None:
    """Generate a day of messages in PATH: JSON Lines, gzipped if the name ends in .gz.

    Plates are invented; records are signed and chained as a post's. The first line holds the posts' public keys.
    """
    began = date.replace(tzinfo=UTC)
    day = Day(
        agency=agency, posts=posts, vehicles=vehicles, hits=hits, pictures=not without_pictures, seed=seed, began=began
    )
    head, drawn = draw(day)
    count = recording.write(path, head, drawn)
    click.echo(f"{count} messages of {posts} posts in {path}, {path.stat().st_size / 1e6:.1f} MB.")


@messages.command(
    "replay",
    epilog="""\b
Examples:
  platepost simulate messages replay day.jsonl.gz --directory replay/
  platepost simulate messages replay day.jsonl.gz --directory replay/ --speed 600
  platepost simulate messages replay day.jsonl.gz --fleet fleet/ --broker localhost:8883 --speed 60
Without --fleet and --broker, both are created in the directory, and it shows how to subscribe.
""",
)
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--speed", type=Number(0.001, 1_000_000), default=60.0, show_default=True, help="Speed factor.")
@click.option(
    "--fleet",
    "fleet_path",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Fleet whose posts send.",
)
@click.option("--broker", metavar="HOST:PORT", help="Broker to send to; needs --fleet.")
@click.option(
    "--directory", type=click.Path(file_okay=False, path_type=Path), help="Folder for a temporary fleet and broker."
)
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the temporary broker.  [default: a free one]")
@click.option("--wait", is_flag=True, help="Wait for Enter before the first message: subscribe first.")
def replay_command(
    *,
    path: Path,
    speed: float,
    fleet_path: Path | None,
    broker: str | None,
    directory: Path | None,
    port: int | None,
    wait: bool,
) -> None:
    """Replay the messages of PATH, each as the post that published it."""
    if fleet_path is not None and broker is not None:
        _replay(path, fleet=Fleet.load(fleet_path), broker=broker, speed=speed)
        return
    if directory is None or fleet_path is not None or broker is not None:
        raise click.UsageError("give --fleet and --broker, or --directory for both to be made there")
    with recording.read(path) as (head, _):
        fleet = throwaway_fleet(directory / "fleet", agency=head.agency, subscribers=(SUBSCRIBER,))
    with Site(directory, fleet, Broker(fleet, directory / "broker", port=port)) as site:
        add_posts(site, head)
        address = site.broker.address
        keys = directory / "keys"
        keys.mkdir(exist_ok=True)
        for name, pem in head.keys.items():
            (keys / f"{name}.pem").write_text(pem, encoding="ascii")
        click.echo(f"Broker: {address}. Subscribe as {SUBSCRIBER}, for instance:")
        identity = fleet.subscriber(SUBSCRIBER)
        console = CONSOLE if CONSOLE.is_file() else "examples/python/console.py"
        words = [sys.executable, console, "--broker", address, "--identity", identity]
        words += ["--agency", head.agency, "--keys", keys.absolute()]
        click.echo(f"  {shlex.join(map(str, words))}")
        if wait:
            # Not click.pause, which does not wait where a program, and no terminal, gives the line.
            click.echo("Enter begins.")
            sys.stdin.readline()
        _replay(path, fleet=fleet, broker=address, speed=speed)


def _replay(path: Path, *, fleet: Fleet, broker: str, speed: float) -> None:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f}"), TimeElapsedColumn())
    with (
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress,
        recording.read(path) as (_, messages),
    ):
        task = progress.add_task("messages", total=None)
        count = replay(messages, fleet=fleet, broker=broker, speed=speed, progress=partial(progress.advance, task))
    click.echo(f"{count} messages replayed.")
