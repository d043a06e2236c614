"""`platepost provision`: a department's trust, posts, people and hot lists; each command has a room of its own."""

import click

from provisioning.lazy import lazy_group

_COMMANDS = {
    "accept": "provisioning.accept.cli:accept",
    "acceptance": "provisioning.commands.acceptance:acceptance",
    "acts": "provisioning.commands.acts:acts",
    "aim": "provisioning.aim.cli:aim",
    "broker": "provisioning.commands.broker:broker",
    "command": "provisioning.control.command_cli:command",
    "configuration": "provisioning.control.configuration_cli:configuration",
    "enrol-server": "provisioning.commands.enrol:enrol_server",
    "enrol-stick": "provisioning.commands.enrol:enrol_stick",
    "discovery": "provisioning.commands.discovery:discovery",
    "fleet": "provisioning.commands.fleet:fleet",
    "image": "provisioning.image.cli:image",
    "hotlist": "provisioning.hotlist.cli:hotlist",
    "person": "provisioning.commands.person:person",
    "post": "provisioning.commands.post:post",
    "subscriber": "provisioning.commands.subscriber:subscriber",
}
_EXTRAS = {"accept": "service", "aim": "service"}


@click.group(cls=lazy_group(_COMMANDS, extras=_EXTRAS))
def provision() -> None:
    """Make a department's trust, posts, people and hot lists; configure and command posts."""
