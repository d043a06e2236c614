"""`platepost provision hotlist`: build packages from exports, and look into packages."""

import click

from provisioning.hotlist.commands.build import build
from provisioning.hotlist.commands.delta import delta
from provisioning.hotlist.commands.inspect import inspect


@click.group()
def hotlist() -> None:
    """Build hot-list packages from exports, and look into them."""


hotlist.add_command(build)
hotlist.add_command(delta)
hotlist.add_command(inspect)
