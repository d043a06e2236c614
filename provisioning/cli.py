"""`platepost provision`: a department's trust, posts, people and hot lists; each command has a room of its own."""

import click

from platepost.common.commands.lazy import LazyCommand, LazyGroup

_PACKAGE = "platepost.provisioning.commands"
_AT_THE_UNIT = "platepost.technician.commands"
_COMMANDS = {
    "accept": LazyCommand(f"{_AT_THE_UNIT}.accept:accept", "Run the checklist that puts a post in service.", "service"),
    "acceptance": LazyCommand(
        f"{_AT_THE_UNIT}.acceptance:acceptance", "Verify and store technicians' acceptance reports."
    ),
    "audit-log": LazyCommand(f"{_PACKAGE}.audit_log:audit_log", "Show what people did: who, what, to what, when, why."),
    "aim": LazyCommand(f"{_AT_THE_UNIT}.aim:aim", "Show a technician the camera's view until it is right.", "service"),
    "broker": LazyCommand(f"{_PACKAGE}.broker:broker", "Write files for a broker other than mosquitto."),
    "command": LazyCommand(f"{_PACKAGE}.command:command", "Send a command to a post, and show its answer."),
    "configuration": LazyCommand(
        f"{_PACKAGE}.configuration:configuration", "Sign and publish posts' configuration; show what they applied."
    ),
    "custodian": LazyCommand(
        f"{_PACKAGE}.custodian:custodian", "Manage custodians, whose receipts let posts delete records."
    ),
    "enroll-server": LazyCommand(
        f"{_PACKAGE}.enroll:enroll_server", "Enroll units and renew certificates over the network until stopped."
    ),
    "enroll-offline": LazyCommand(
        f"{_PACKAGE}.enroll:enroll_offline", "Answer units' enrollment requests on a USB drive."
    ),
    "fleet": LazyCommand(f"{_PACKAGE}.fleet:fleet", "Create and maintain a fleet's keys and broker configuration."),
    "hotlist": LazyCommand(f"{_PACKAGE}.hotlist.group:hotlist", "Build, publish and inspect hot-list packages."),
    "image": LazyCommand(f"{_PACKAGE}.image:image", "Prepare an SD card with Raspberry Pi OS for a post."),
    "person": LazyCommand(f"{_PACKAGE}.person:person", "Certify people by name, until a date."),
    "post": LazyCommand(f"{_PACKAGE}.post:post", "Invite, replace and revoke posts, or create a test post."),
    "register": LazyCommand(f"{_PACKAGE}.register:register", "Export the register of the posts' keys."),
    "software": LazyCommand(f"{_PACKAGE}.software:software", "Order software for the fleet, wave after wave."),
    "subscriber": LazyCommand(f"{_PACKAGE}.subscriber:subscriber", "Add subscribers to a fleet, and revoke them."),
}


@click.group(
    cls=LazyGroup,
    lazy=_COMMANDS,
    extra="provisioning",
    epilog="""\b
Examples:
  platepost provision fleet init fleet --agency riverside --broker-name broker.riverside.example \\
      --administrator j-stone                a fleet, its keys, and files for its broker
  platepost provision post invite fleet post-17 --technician r-alvarez --camera picamera2 \\
      --purpose "work order 7731"            the code with which a unit enrolls
  platepost provision fleet status fleet     how the posts are
""",
)
def provision() -> None:
    """Manage a department's keys, posts, people, and hot lists; configure and command posts."""
