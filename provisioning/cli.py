"""`platepost provision`: a department's trust, posts, people and hot lists; each command has a room of its own."""

import click

from provisioning.lazy import lazy_group

_COMMANDS = {
    "accept": "provisioning.commands.accept:accept",
    "acceptance": "provisioning.commands.acceptance:acceptance",
    "acts": "provisioning.commands.acts:acts",
    "aim": "provisioning.commands.aim:aim",
    "broker": "provisioning.commands.broker:broker",
    "command": "provisioning.commands.command:command",
    "configuration": "provisioning.commands.configuration:configuration",
    "enrol-server": "provisioning.commands.enrol:enrol_server",
    "enrol-stick": "provisioning.commands.enrol:enrol_stick",
    "fleet": "provisioning.commands.fleet:fleet",
    "image": "provisioning.commands.image:image",
    "hotlist": "provisioning.commands.hotlist.group:hotlist",
    "person": "provisioning.commands.person:person",
    "post": "provisioning.commands.post:post",
    "subscriber": "provisioning.commands.subscriber:subscriber",
}
_EXTRAS = {"accept": "service", "aim": "service"}


@click.group(cls=lazy_group(_COMMANDS, extras=_EXTRAS))
def provision() -> None:
    """Make a department's trust, posts, people and hot lists; configure and command posts."""
