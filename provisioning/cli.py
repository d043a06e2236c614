"""`platepost provision`: a department's trust, posts, people and hot lists; each command has a room of its own."""

import click

from device.commands.lazy import LazyCommand, LazyGroup

_ROOM = "provisioning.commands"
_COMMANDS = {
    "accept": LazyCommand(f"{_ROOM}.accept:accept", "Go through the checklist that puts a post in service.", "service"),
    "acceptance": LazyCommand(
        f"{_ROOM}.acceptance:acceptance", "Verify and keep the reports by which technicians accepted posts."
    ),
    "acts": LazyCommand(f"{_ROOM}.acts:acts", "Show what people did: who, what, to what, when, why."),
    "aim": LazyCommand(
        f"{_ROOM}.aim:aim", "Show a technician what the camera sees, until the view is right.", "service"
    ),
    "broker": LazyCommand(f"{_ROOM}.broker:broker", "Write the files of another broker than mosquitto."),
    "command": LazyCommand(f"{_ROOM}.command:command", "Ask a post something, and show what it answers."),
    "configuration": LazyCommand(
        f"{_ROOM}.configuration:configuration", "Sign and publish what posts are told to do; show what they made of it."
    ),
    "custodian": LazyCommand(
        f"{_ROOM}.custodian:custodian", "Keep the keepers of records, on whose receipts records leave posts."
    ),
    "enroll-server": LazyCommand(
        f"{_ROOM}.enroll:enroll_server", "Enroll units and renew certificates over the network until stopped."
    ),
    "enroll-stick": LazyCommand(f"{_ROOM}.enroll:enroll_stick", "Answer the requests that units left on a stick."),
    "fleet": LazyCommand(f"{_ROOM}.fleet:fleet", "Make a fleet's root of trust and its broker's configuration."),
    "hotlist": LazyCommand(
        f"{_ROOM}.hotlist.group:hotlist", "Build hot-list packages, bring them to the posts, and look into them."
    ),
    "image": LazyCommand(f"{_ROOM}.image:image", "Prepare the boot partition of a stock Raspberry Pi OS."),
    "person": LazyCommand(f"{_ROOM}.person:person", "Certify people by name and until a day."),
    "post": LazyCommand(f"{_ROOM}.post:post", "Invite, replace and revoke posts, or make one whole on this desk."),
    "register": LazyCommand(f"{_ROOM}.register:register", "Give out the register of the posts' keys."),
    "subscriber": LazyCommand(f"{_ROOM}.subscriber:subscriber", "Add subscribers to a fleet, and revoke them."),
}


@click.group(cls=LazyGroup, lazy=_COMMANDS, extra="provisioning")
def provision() -> None:
    """Make a department's trust, posts, people and hot lists; configure and command posts."""
