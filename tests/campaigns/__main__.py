"""The campaigns: minutes to hours in which everything around posts and a department fails, and each record counts."""

import click

from platepost.common.commands.lazy import LazyCommand, LazyGroup
from platepost.common.errors import PlatepostError
from platepost.common.language import message, spoken
from platepost.common.signals import stop_on_signals

_CAMPAIGNS = {
    "custody": LazyCommand(
        "tests.campaigns.custody.cli:custody", "Kill custodians and posts, and check every receipt."
    ),
    "custody-weeks": LazyCommand(
        "tests.campaigns.custody.cli:custody_weeks", "Take a custodian offline for weeks, and check every receipt."
    ),
    "department": LazyCommand(
        "tests.campaigns.department.cli:department",
        "Kill a department's keeper, broker and database, and check every record.",
    ),
    "faults": LazyCommand(
        "tests.campaigns.faults.cli:faults", "Test posts and broker with faults, and account for every record."
    ),
    "fleet": LazyCommand("tests.campaigns.fleet.cli:fleet", "Connect many posts to one real broker, and measure."),
    "month": LazyCommand(
        "tests.campaigns.month.cli:month", "Simulate a month with three breaches, and check its evidence."
    ),
    "power-cuts": LazyCommand(
        "tests.campaigns.powercut.cli:power_cuts", "Test the outbox with power cuts, and look for lost records."
    ),
    "rollout": LazyCommand(
        "tests.campaigns.rollout.cli:rollout", "Roll out a good release and one that misreads, and count records."
    ),
    "soak": LazyCommand(
        "tests.campaigns.soak.cli:soak", "Run a whole post with a fault every 20 seconds, and count on the wire."
    ),
}


@click.group(
    cls=LazyGroup,
    lazy=_CAMPAIGNS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  python -m tests.campaigns faults --short     half a minute
  python -m tests.campaigns custody            a hundred kills, a minute
  make campaign-faults                         the same, in the environment of the Makefile
""",
)
@click.pass_context
def campaigns(context: click.Context) -> None:
    """Fail everything around posts and a department, and account for each record.

    Each campaign needs a checkout, and mosquitto. Some need PostgreSQL, gcc or RabbitMQ too, and say so.
    """
    context.with_resource(stop_on_signals())


def main() -> None:
    """Run a campaign; every error that Platepost raises on purpose becomes one line and exit code 1."""
    try:
        campaigns(prog_name="python -m tests.campaigns")
    except PlatepostError as error:
        click.echo(f"campaigns: {spoken(message(error))}", err=True)
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
