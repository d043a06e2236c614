"""`platepost provision hotlist`: build packages from exports, bring them to the posts, look into them."""

import click

from provisioning.hotlist.commands.build import build
from provisioning.hotlist.commands.delta import delta
from provisioning.hotlist.commands.export import export
from provisioning.hotlist.commands.inspect import inspect
from provisioning.hotlist.commands.publish import publish_command


@click.group()
def hotlist() -> None:
    """Build hot-list packages from exports, bring them to the posts, and look into them."""


for _command in (build, delta, export, inspect, publish_command):
    hotlist.add_command(_command)
