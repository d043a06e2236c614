"""The command of the rollout's campaign."""

import click

from platepost.common.commands.options import Number
from tests.campaigns.command import Run, campaign_command
from tests.campaigns.rollout.campaign import RolloutCampaign, RolloutPlan, RolloutSite


@campaign_command(
    "rollout",
    epilog="""\b
Examples:
  python -m tests.campaigns rollout
  python -m tests.campaigns rollout --posts 40 --canaries 3 --rate 20
Exit code: 0 if the good release reached every post over a pause, the bad one was stopped at the canaries and taken
back, and no record is missing; 1 if not.
""",
)
@click.option("--posts", type=click.IntRange(min=4, max=2000), default=200, show_default=True, help="How many posts.")
@click.option("--canaries", type=click.IntRange(min=1), default=5, show_default=True, help="How many get it first.")
@click.option("--rate", type=Number(1, 10_000), default=60.0, show_default=True, help="Passages a second by all posts.")
@click.option(
    "--watch",
    "seconds",
    type=Number(10, 86_400),
    default=60.0,
    show_default=True,
    help="Seconds for which each wave is watched.",
)
def rollout(run: Run, *, posts: int, canaries: int, rate: float, seconds: float) -> None:
    """Roll out a good release and one that misreads to a fleet of light posts, with a department that judges them.

    The bad one raises no fault. Needs PostgreSQL.
    """
    least = max(20, int(rate / posts * canaries * seconds / 2))
    plan = RolloutPlan(posts=posts, canaries=canaries, rate=rate, watch_seconds=seconds, least_reads=least)
    with RolloutSite(run.directory, posts=posts, seed=run.seed, progress=run.progress.show) as site:
        run.report(RolloutCampaign(site, plan, say=run.progress.show).run())
