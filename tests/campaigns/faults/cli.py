"""The command of the fault campaign: posts that record and deliver while everything around them fails."""

from dataclasses import replace

import click

from tests.campaigns.command import Run, campaign_command
from tests.campaigns.faults.campaign import FaultCampaign
from tests.campaigns.faults.extent import FULL, SHORT
from tests.campaigns.faults.namespaces import enter_namespaces
from tests.campaigns.faults.page import as_markdown
from tests.campaigns.faults.site import CampaignSite


@campaign_command(
    "faults",
    epilog="""\b
Examples:
  python -m tests.campaigns faults
  python -m tests.campaigns faults --short --json > faults.json
  python -m tests.campaigns faults --seed 7 --faults 200 --records 4000
The exit code is 0 only if every record is accounted for, every chain verifies, and every post recovered from every
fault.
""",
)
@click.option("--short", is_flag=True, help=f"{SHORT.faults} faults and {SHORT.records} records, in half a minute.")
@click.option("--faults", "count", type=click.IntRange(min=1), help=f"Number of faults.  [default: {FULL.faults}]")
@click.option("--records", type=click.IntRange(min=1), help=f"Least number of records.  [default: {FULL.records}]")
def faults(run: Run, *, short: bool, count: int | None, records: int | None) -> None:
    """Test posts and broker with faults, and account for every record.

    Posts with invented passages report to a real mosquitto while processes are killed, connections fail, disks fill up
    and certificates change. Every stored record must reach the record keeper, or be named in the audit trail as given
    up. As root on Linux it also tests faults that need mounts and a private network.
    """
    extent = SHORT if short else FULL
    extent = replace(extent, seed=run.seed, faults=count or extent.faults, records=records or extent.records)
    namespaces = enter_namespaces()
    with CampaignSite(run.directory, posts=extent.posts, rate=extent.rate, namespaces=namespaces) as site:
        result = FaultCampaign(site, extent, run.progress).run()
    (run.directory / "result.md").write_text(as_markdown(result), encoding="utf-8")
    run.report(result)
