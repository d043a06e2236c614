"""The command of the department campaign: whether it keeps every record once while everything around it fails."""

import click

from tests.campaigns.command import Run, campaign_command
from tests.campaigns.department.campaign import DepartmentCampaign
from tests.campaigns.department.disturbances import DisturbanceCounts
from tests.campaigns.department.site import DepartmentSite
from tests.campaigns.faults.namespaces import enter_namespaces

ODD_SHARE = 1 / 2000
"""Of the records, for each oddity; two at least."""


@campaign_command(
    "department",
    epilog="""\b
Examples:
  python -m tests.campaigns department
  python -m tests.campaigns department --records 1000000 --kills 50 --restarts 10 --fills 2 --seed 7
  python -m tests.campaigns department --records 3000 --kills 3 --restarts 1 --fills 0 --json > outcome.json
The exit code is 0 only if every record is kept once, judged correctly and receipted, and none was signed for or
deleted too soon.
""",
)
@click.option("--records", type=click.IntRange(min=500), default=50_000, show_default=True, help="Records to send.")
@click.option("--posts", type=click.IntRange(min=2), default=8, show_default=True, help="Posts that send them.")
@click.option(
    "--kills", type=click.IntRange(min=0), default=10, show_default=True, help="How often to kill the keeper (kill -9)."
)
@click.option(
    "--restarts",
    type=click.IntRange(min=0),
    default=4,
    show_default=True,
    help="How often to restart broker and database, each.",
)
@click.option(
    "--fills", type=click.IntRange(min=0), default=2, show_default=True, help="How often to fill the database's disk."
)
@click.option(
    "--window",
    type=click.IntRange(min=100),
    default=10_000,
    show_default=True,
    help="Most records without a receipt at any time.",
)
def department(run: Run, *, records: int, posts: int, kills: int, restarts: int, fills: int, window: int) -> None:
    """Test a department: send signed records while its keeper, broker and database are killed.

    Some records are forged, altered, foreign, replayed or missing. A checker that never reads the database compares
    what was published, every receipt, and the output of the department's commands. As root on Linux the database is on
    a memory disk (9 KB per record plus up to 1.3 GB) that is filled up, too.
    """
    namespaces = enter_namespaces()
    run.progress.show("making the department")
    with DepartmentSite(run.directory, posts=posts, records=records, namespaces=namespaces) as site:
        campaign = DepartmentCampaign(
            site,
            records=records,
            seed=run.seed,
            counts=DisturbanceCounts(kills=kills, restarts=restarts, fills=fills),
            odd=max(2, round(records * ODD_SHARE)),
            window=window,
            progress=run.progress,
        )
        outcome = campaign.run()
    run.report(outcome)
