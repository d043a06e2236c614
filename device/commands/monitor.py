"""`platepost monitor`: the monitor, which is a program of its own as well, as a command."""

import sys

import click

from platepost.wire.monitor import main


@click.command(
    context_settings={"ignore_unknown_options": True},
    add_help_option=False,
    epilog="""\b
Examples:
  platepost monitor https://plates.example.gov/checkpoint --key oakdale.pem --store oakdale
  platepost monitor https://plates.example.gov/checkpoint --key oakdale.pem --store oakdale --every 60
""",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def monitor(arguments: tuple[str, ...]) -> None:
    """Check a department's checkpoints: that its access log and records are only ever added to."""
    sys.exit(main(arguments))
