"""`platepost simulate keeper`: a custodian of records, to try posts against."""

from pathlib import Path

import click

from platepost.provisioning.fleet.fleet import Fleet
from platepost.simulator.keeper.keeper import STORE, RecordKeeper


@click.command(
    epilog="""\b
Examples:
  platepost simulate keeper fleet/ records --store kept/
  platepost simulate keeper fleet/ records --store kept/ --receipts /mnt/other/receipts --broker broker:8883
It may be killed at any time. After a restore from backup it starts a new epoch automatically. If you restored the
receipt log as well, give --new-epoch once.
"""
)
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("name")
@click.option("--store", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder for records.")
@click.option(
    "--receipts", type=click.Path(dir_okay=False, path_type=Path), help="Receipt log; keep it on another disk."
)
@click.option(
    "--broker",
    help="host:port; for a cluster, a comma-separated list, tried in order.  [default: the fleet's]",
)
@click.option("--new-epoch", is_flag=True, help="Have posts ignore all receipts until now.")
def keeper(
    *,
    directory: Path,
    name: str,
    store: Path,
    receipts: Path | None,
    broker: str | None,
    new_epoch: bool,
) -> None:
    """Keep every record of the fleet of DIRECTORY as its custodian NAME, until Ctrl-C."""
    fleet = Fleet.load(directory)
    made = RecordKeeper(
        fleet,
        name,
        broker=broker or fleet.broker_address,
        folder=store,
        receipts=receipts,
        new_epoch=new_epoch,
    )
    try:
        with made:
            for gap in made.lost:
                click.secho(f"receipted, not held: {gap}", fg="red", err=True)
            click.echo(f"Keeping records in {store / STORE}. Ctrl-C ends it.")
            made.wait()
    except KeyboardInterrupt:
        click.echo("Stopped.")
