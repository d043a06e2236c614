"""`platepost simulate fleet`: thousands of light posts against a real broker, and what larger fleets need."""

import json
import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from platepost.common.commands.options import Number
from platepost.device.uplink.settings import Tuning
from platepost.simulator.fleet.campaign import Campaign, LoadProfile
from platepost.simulator.fleet.show import show_figures
from platepost.simulator.fleet.site import BrokerName, FleetSite, cleared
from platepost.simulator.progress import ProgressDisplay

FULL = LoadProfile()
SHORT = LoadProfile(
    rest_seconds=1.0, work_seconds=2.0, rate=40.0, outage_seconds=1.0, burst=2, part_bytes=8192, patience_seconds=120.0
)
SHORT_POSTS = 40
HURRIED = {"reconnect_seconds": 0.5}
HURRIED_MOST_SECONDS = 2.0
"""In the short form, whose outage is short too."""


@click.command(
    epilog="""\b
Examples:
  platepost simulate fleet --posts 300
  platepost simulate fleet --posts 3000 --rate 150 --output fleet-mosquitto.json
  platepost simulate fleet --posts 2000 --broker rabbitmq --rate 50 --output fleet-rabbitmq.json
  platepost simulate fleet --short
The exit code is 0 only if every post stayed connected, all took the delta within 30 s, no record was lost or left
without a receipt, and every signature and chain verifies.
"""
)
@click.option("--posts", type=click.IntRange(min=1, max=9000), default=300, show_default=True, help="How many posts.")
@click.option(
    "--broker",
    type=click.Choice(["mosquitto", "rabbitmq"]),
    default="mosquitto",
    show_default=True,
    help="mosquitto, or RabbitMQ on three nodes.",
)
@click.option("--rate", type=Number(0.1, 100_000), default=FULL.rate, show_default=True, help="Records a second.")
@click.option(
    "--seconds",
    type=Number(1, 1_000_000),
    default=FULL.work_seconds,
    show_default=True,
    help="Seconds at that rate.",
)
@click.option(
    "--rest",
    type=Number(1, 1_000_000),
    default=FULL.rest_seconds,
    show_default=True,
    help="Seconds without records.",
)
@click.option(
    "--sessions/--no-sessions",
    default=True,
    show_default=True,
    help="Whether the broker keeps messages for posts that are offline; RabbitMQ needs a replicated queue per post.",
)
@click.option(
    "--keepalive",
    type=click.IntRange(5, 600),
    default=30,
    show_default=True,
    help="Keepalive in seconds; raise it if this machine cannot answer thousands of posts in time.",
)
@click.option("--part-bytes", type=click.IntRange(min=1024), help="Send lists in parts of this size.  [default: whole]")
@click.option("--seed", type=int, default=1, show_default=True, help="Random seed.")
@click.option("--short", is_flag=True, help=f"Short run: {SHORT_POSTS} posts, half a minute.")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/fleet"),
    show_default=True,
    help="Working folder; identities in it are reused.",
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="JSON file for the figures.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one JSON document.")
@click.pass_context
def fleet(
    context: click.Context,
    *,
    posts: int,
    broker: BrokerName,
    rate: float,
    seconds: float,
    rest: float,
    keepalive: int,
    sessions: bool,
    part_bytes: int | None,
    seed: int,
    short: bool,
    directory: Path,
    output: Path | None,
    as_json: bool,
) -> None:
    """Load test: connect many posts to one real broker.

    Posts with invented passages and no disk connect all at once, take the hot list, report, take a delta, lose the
    broker or one of its nodes, and reconnect. Everything runs on this machine.
    """
    profile = (
        SHORT
        if short
        else LoadProfile(
            rest_seconds=rest,
            work_seconds=seconds,
            rate=rate,
            part_bytes=part_bytes,
        )
    )
    console = Console(stderr=True)
    command = "platepost " + shlex.join(sys.argv[1:])
    began = time.monotonic()
    tuning = Tuning(keepalive_seconds=keepalive)
    hurried = replace(tuning, backoff_most_seconds=HURRIED_MOST_SECONDS, probe_first_seconds=HURRIED_MOST_SECONDS)
    with (
        ProgressDisplay(console) as display,
        cleared(directory := directory.absolute() / broker),
        FleetSite(
            directory,
            posts=SHORT_POSTS if short else posts,
            broker=broker,
            seed=seed,
            uplink=(HURRIED if short else {}) | ({} if sessions else {"session_seconds": 0}),
            tuning=hurried if short else tuning,
            progress=display.show,
        ) as site,
    ):
        figures = Campaign(site, profile, command=command, say=display.show).run()
    text = json.dumps(figures.as_json(), indent=2)
    if output is not None:
        output.write_text(text + "\n", encoding="utf-8")
    if as_json:
        click.echo(text)
    show_figures(figures, console, seconds=time.monotonic() - began)
    context.exit(0 if figures.passed else 1)
