"""`platepost provision hotlist`: the group of the hot-list commands."""

import click

from platepost.provisioning.commands.hotlist.build import build
from platepost.provisioning.commands.hotlist.check import check
from platepost.provisioning.commands.hotlist.delta import delta
from platepost.provisioning.commands.hotlist.export import export
from platepost.provisioning.commands.hotlist.inspect import inspect
from platepost.provisioning.commands.hotlist.publish import publish_command
from platepost.provisioning.commands.hotlist.rollback import rollback


@click.group()
def hotlist() -> None:
    """Build hot-list packages from exports, publish them to posts, and inspect them."""


for _command in (build, check, delta, export, inspect, publish_command, rollback):
    hotlist.add_command(_command)
