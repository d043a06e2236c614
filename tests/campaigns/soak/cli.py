"""The command of the soak: a whole post for half an hour, with a fault every few seconds."""

import click

from platepost.common.commands.options import Number
from tests.campaigns.command import Run, campaign_command
from tests.campaigns.soak.soak import SoakCampaign, SoakSite


@campaign_command(
    "soak",
    epilog="""\b
Examples:
  python -m tests.campaigns soak
  python -m tests.campaigns soak --minutes 5
The exit code is 0 only if no record is lost, every chain verifies, and every synthetic hit arrived.
""",
)
@click.option("--minutes", type=Number(0.5, 100_000), default=30.0, show_default=True, help="Minutes to run.")
def soak(run: Run, *, minutes: float) -> None:
    """Soak test: run a post with a fault every 20 seconds, and check every record.

    Post, broker and custodian are killed, and connections fail. Every record must reach the custodian, or be named as
    given up. Each scheduled synthetic hit must arrive, at the latest when the fault is over.
    """
    with SoakSite(run.directory) as site:
        outcome = SoakCampaign(site, minutes=minutes, seed=run.seed, progress=run.progress).run()
    run.report(outcome)
