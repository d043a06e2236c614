"""`platepost simulate fleet`: thousands of light posts against a real broker, and what larger fleets need."""

import json
import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from device.uplink.settings import Tuning
from simulator.lab.fleet.campaign import Campaign, LoadProfile
from simulator.lab.fleet.show import show_figures
from simulator.lab.fleet.site import BrokerName, FleetSite, cleared
from simulator.lab.progress import ProgressDisplay

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
Exit code 0 only if every post was held, the delta was in force on all within 30 s, no record was lost, the custodian
signed for all of them, and every signature and chain was proved. `platepost simulate fleet-model` reads what --output
writes.
"""
)
@click.option("--posts", type=click.IntRange(min=1, max=9000), default=300, show_default=True, help="How many posts.")
@click.option(
    "--broker",
    type=click.Choice(["mosquitto", "rabbitmq"]),
    default="mosquitto",
    show_default=True,
    help="mosquitto, or RabbitMQ in three nodes.",
)
@click.option("--rate", type=click.FloatRange(min=0.1), default=FULL.rate, show_default=True, help="Records a second.")
@click.option(
    "--seconds", type=click.FloatRange(min=1), default=FULL.work_seconds, show_default=True, help="At that rate."
)
@click.option(
    "--rest",
    type=click.FloatRange(min=1),
    default=FULL.rest_seconds,
    show_default=True,
    help="Seconds without records.",
)
@click.option(
    "--outage", type=click.FloatRange(min=0.1), default=FULL.outage_seconds, show_default=True, help="Seconds."
)
@click.option(
    "--burst", type=click.IntRange(min=1), default=FULL.burst, show_default=True, help="Records of each post."
)
@click.option("--hits", type=click.FloatRange(0, 1), default=0.02, show_default=True, help="Share that are hits.")
@click.option(
    "--sessions/--no-sessions",
    default=True,
    show_default=True,
    help="Whether the broker keeps what comes for a post that is away; on RabbitMQ that is a replicated queue each.",
)
@click.option(
    "--keepalive",
    type=click.IntRange(5, 600),
    default=30,
    show_default=True,
    help="Seconds, a post's own by default; longer where this machine is too busy to answer for thousands in time.",
)
@click.option("--part-bytes", type=click.IntRange(min=1024), help="Send lists in parts so large; whole by default.")
@click.option("--processes", type=click.IntRange(min=1), default=2, show_default=True, help="That drive the posts.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of what is drawn.")
@click.option("--short", is_flag=True, help=f"{SHORT_POSTS} posts, a short course, hurried posts: half a minute.")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/fleet"),
    show_default=True,
    help="Where everything is made; identities there are used again.",
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Where to write the figures, JSON.")
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
    outage: float,
    burst: int,
    hits: float,
    keepalive: int,
    sessions: bool,
    part_bytes: int | None,
    processes: int,
    seed: int,
    short: bool,
    directory: Path,
    output: Path | None,
    as_json: bool,
) -> None:
    """Hold many posts on one real broker, and measure.

    Light posts (a post's own recorder, signature, mutual TLS, window and waits, with made-up passages and no
    disk) connect all at once, take the hot list, report, take a delta, lose the broker or a node of it, and come back.
    Everything is on this machine, on loopback.
    """
    profile = (
        SHORT
        if short
        else LoadProfile(
            rest_seconds=rest,
            work_seconds=seconds,
            rate=rate,
            outage_seconds=outage,
            burst=burst,
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
            processes=processes,
            hits=hits,
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
