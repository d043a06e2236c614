"""The commands of the custody campaigns: whether custody keeps its promises while custodians and posts fail."""

import click

from platepost.common.commands.options import Number
from tests.campaigns.command import Run, campaign_command
from tests.campaigns.custody.campaign import CustodyCampaign
from tests.campaigns.custody.site import RESTORED, CustodySite
from tests.campaigns.custody.weeks import (
    CUSTODIAN,
    FAST,
    POST,
    SAVE_SECONDS,
    WeeksCampaign,
    missing_receipt_resend_seconds,
    step_seconds,
)

RATE = 8.0


@campaign_command(
    "custody",
    epilog="""\b
Examples:
  python -m tests.campaigns custody
  python -m tests.campaigns custody --kills 10 --posts 1 --seed 7 --json
Exit code: 0 if every record is kept or accounted for, and none was deleted before its receipts; 1 if not.
""",
)
@click.option(
    "--kills", type=click.IntRange(min=10), default=100, show_default=True, help="Kills of custodians and posts."
)
@click.option(
    "--posts", type=click.IntRange(min=1), default=3, show_default=True, help="Posts, besides one that is restored."
)
def custody(run: Run, *, kills: int, posts: int) -> None:
    """Test custody: kill two custodians and their posts repeatedly, and check every record and receipt.

    Intruders subscribe to everything, keys are rotated, custodians are restored from old backups, and a post gets an
    old disk back. The checker reads only what the broker delivered and what is left on the posts.
    """
    names = [*(f"post-{number}" for number in range(1, posts + 1)), RESTORED]
    with CustodySite(run.directory, posts=names, rate=RATE) as site:
        outcome = CustodyCampaign(site, kills=kills, seed=run.seed, progress=run.progress).run()
    run.report(outcome)


@campaign_command(
    "custody-weeks",
    epilog="""\b
Examples:
  python -m tests.campaigns custody-weeks
  python -m tests.campaigns custody-weeks --weeks 1 --json
  python -m tests.campaigns custody-weeks --reads-a-day 60 --quota 1
Exit code: 0 if every record is kept or accounted for, and none was deleted before its receipt; 1 if not.
""",
)
@click.option("--weeks", type=click.IntRange(min=1), default=3, show_default=True, help="Weeks without the custodian.")
@click.option("--reads-a-day", type=click.IntRange(min=10), default=10_000, show_default=True, help="Reads a day.")
@click.option("--quota", type=Number(0, 1_000_000, min_open=True), help="Size of its outbox, MiB.  [default: a post's]")
def custody_weeks(run: Run, *, weeks: int, reads_a_day: int, quota: float | None) -> None:
    """Test custody: take a post's custodian offline for weeks, bring it back, and check every record and receipt.

    Simulated weeks pass as fast as this machine can record. The post is killed once a week.
    """
    with CustodySite(
        run.directory,
        posts=[POST],
        rate=FAST,
        custodians=CUSTODIAN,
        step=step_seconds(reads_a_day),
        missing_receipt_resend_seconds=missing_receipt_resend_seconds(reads_a_day),
        quota_megabytes=quota,
        save_seconds=SAVE_SECONDS,
    ) as site:
        campaign = WeeksCampaign(site, weeks=weeks, reads_a_day=reads_a_day, seed=run.seed, progress=run.progress)
        outcome = campaign.run()
    run.report(outcome)
