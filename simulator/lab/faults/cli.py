"""`platepost simulate faults`: posts that record and deliver while everything around them fails."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from platepost.simulator.errors import CampaignError
from platepost.simulator.ground.folder import claimed
from platepost.simulator.lab.faults.campaign import FaultCampaign
from platepost.simulator.lab.faults.extent import FULL, SHORT, CampaignStatus
from platepost.simulator.lab.faults.namespaces import enter_namespaces
from platepost.simulator.lab.faults.page import as_markdown
from platepost.simulator.lab.faults.show import show_result
from platepost.simulator.lab.faults.site import CampaignSite
from platepost.simulator.lab.progress import ProgressDisplay


@click.command(
    epilog="""\b
Examples:
  platepost simulate faults
  platepost simulate faults --short --json > faults.json
  platepost simulate faults --seed 7 --faults 200 --records 4000
The exit code is 0 only if every record is accounted for, every chain verifies, and every post recovered from every
fault.
"""
)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/faults"),
    show_default=True,
    help="Working folder; emptied if an earlier run made it.",
)
@click.option("--short", is_flag=True, help=f"{SHORT.faults} faults and {SHORT.records} records, in half a minute.")
@click.option("--seed", type=int, default=1, show_default=True, help="Random seed.")
@click.option("--faults", "count", type=click.IntRange(min=1), help=f"Number of faults.  [default: {FULL.faults}]")
@click.option("--records", type=click.IntRange(min=1), help=f"Least number of records.  [default: {FULL.records}]")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON document.")
@click.pass_context
def faults(
    context: click.Context,
    *,
    directory: Path,
    short: bool,
    seed: int,
    count: int | None,
    records: int | None,
    as_json: bool,
) -> None:
    """Test posts and broker with faults, and account for every record.

    Posts with invented passages report to a real mosquitto while processes are killed, connections fail, disks fill up
    and certificates change. Every stored record must reach the record keeper, or be named in the audit trail as given
    up. As root on Linux it also tests faults that need mounts and a private network.
    """
    logging.basicConfig(level=logging.ERROR)
    extent = SHORT if short else FULL
    extent = replace(extent, seed=seed, faults=count or extent.faults, records=records or extent.records)
    directory, console = directory.absolute(), Console(stderr=as_json)
    namespaces = enter_namespaces()

    def changed(status: CampaignStatus) -> None:
        more = f"{status.faults} faults, {status.records} records, {status.waiting} under way"
        display.show(status.stage, status.faults, extent.faults, more)

    with (
        ProgressDisplay(console) as display,
        claimed(directory, mark=".platepost-faults", whose="a campaign's", error=CampaignError),
        CampaignSite(directory, posts=extent.posts, rate=extent.rate, namespaces=namespaces) as site,
    ):
        result = FaultCampaign(site, extent, CampaignStatus(changed)).run()
    (directory / "result.json").write_text(json.dumps(result.as_json(), indent=2) + "\n", encoding="utf-8")
    (directory / "result.md").write_text(as_markdown(result), encoding="utf-8")
    if as_json:
        click.echo(json.dumps(result.as_json(), indent=2))
    show_result(result, console)
    context.exit(0 if result.passed else 1)
