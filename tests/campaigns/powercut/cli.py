"""The command of the power cuts: whether the outbox keeps its promises on a disk that forgets."""

import click

from tests.campaigns.command import Run, campaign_command
from tests.campaigns.powercut.campaign import PowerCutCampaign


@campaign_command(
    "power-cuts",
    epilog="""\b
Examples:
  python -m tests.campaigns power-cuts
  python -m tests.campaigns power-cuts --cuts 5000 --seed 7 --json
Exit code: 0 if no record was lost, 1 if any was. Needs a C compiler.
""",
)
@click.option("--cuts", type=click.IntRange(min=1), default=500, show_default=True, help="Number of power cuts.")
def power_cuts(run: Run, *, cuts: int) -> None:
    """Test the outbox with power cuts, and look for lost records.

    At each cut, every sector (512 or 4096 bytes) that was written but not yet synchronized reaches the disk or not, at
    random. Then each record that the outbox had confirmed must be there, delivered, or named as dropped, and the whole
    chain must verify.
    """
    disks = run.directory / "disks"
    disks.mkdir()
    run.report(PowerCutCampaign(disks, cuts=cuts, seed=run.seed, progress=run.progress).run())
