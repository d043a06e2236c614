"""The command of the fleet's campaign: thousands of light posts at a real broker."""

from dataclasses import replace

import click

from platepost.common.commands.options import Number
from platepost.device.uplink.settings import UplinkTiming
from tests.campaigns.command import Run, campaign_command
from tests.campaigns.fleet.campaign import Campaign, LoadProfile
from tests.campaigns.fleet.site import BrokerName, FleetSite

FULL = LoadProfile()
SHORT = LoadProfile(
    rest_seconds=1.0, work_seconds=2.0, rate=40.0, outage_seconds=1.0, burst=2, part_bytes=8192, patience_seconds=120.0
)
SHORT_POSTS = 40
HURRIED = {"reconnect_seconds": 0.5}
HURRIED_MOST_SECONDS = 2.0
"""In the short form, whose outage is short too."""


@campaign_command(
    "fleet",
    epilog="""\b
Examples:
  python -m tests.campaigns fleet --posts 300
  python -m tests.campaigns fleet --posts 3000 --rate 150
  python -m tests.campaigns fleet --posts 2000 --broker rabbitmq --rate 50
  python -m tests.campaigns fleet --short
Exit code: 0 if every post stayed connected, all took the delta within 30 s, no record was lost or left without a
receipt, and every signature and chain verifies; 1 if not.
""",
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
@click.option("--short", is_flag=True, help=f"Short run: {SHORT_POSTS} posts, half a minute.")
def fleet(
    run: Run,
    *,
    posts: int,
    broker: BrokerName,
    rate: float,
    seconds: float,
    rest: float,
    keepalive: int,
    sessions: bool,
    part_bytes: int | None,
    short: bool,
) -> None:
    """Load test: connect many posts to one real broker.

    Posts with invented passages and no disk connect all at once, take the hot list, report, take a delta, lose the
    broker or one of its nodes, and reconnect. Everything runs on this machine.
    """
    full = LoadProfile(rest_seconds=rest, work_seconds=seconds, rate=rate, part_bytes=part_bytes)
    timing = UplinkTiming(keepalive_seconds=keepalive)
    hurried = replace(timing, max_backoff_seconds=HURRIED_MOST_SECONDS, first_resend_seconds=HURRIED_MOST_SECONDS)
    with FleetSite(
        run.directory,
        posts=SHORT_POSTS if short else posts,
        broker=broker,
        seed=run.seed,
        uplink=(HURRIED if short else {}) | ({} if sessions else {"session_seconds": 0}),
        timing=hurried if short else timing,
        progress=run.progress.show,
    ) as site:
        run.report(Campaign(site, SHORT if short else full, say=run.progress.show).run())
