"""`platepost provision`: a department's trust, posts, subscribers and hot lists."""

import importlib
import logging
import shlex
import shutil
from datetime import timedelta
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal

import click

from device import backends
from device.records.command import Role
from provisioning.brokers import write_nats, write_rabbitmq
from provisioning.errors import ProvisioningError
from provisioning.fleet import DEFAULT_PORT, OPERATOR_VALID, Fleet
from provisioning.post_file import PostSettings, Setting

logger = logging.getLogger(__name__)

_FLEET = click.argument("directory", type=click.Path(file_okay=False, path_type=Path))


def _installed(kind: Literal["camera", "board"]) -> "click.Choice[str]":
    """Return the names that a post's configuration may call a backend by: the device's own, and those brought along."""
    own = backends.CAMERAS if kind == "camera" else backends.BOARDS
    return click.Choice(sorted({*own, *(entry.name for entry in entry_points(group=f"platepost.{kind}s"))}))


_LAZY = {
    "command": "provisioning.control.command_cli:command",
    "configuration": "provisioning.control.configuration_cli:configuration",
    "hotlist": "provisioning.hotlist.cli:hotlist",
}


class _Lazy(click.Group):
    """A group that loads some of its commands when they are first asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_LAZY])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _LAZY:
            module, _, attribute = _LAZY[cmd_name].partition(":")
            command: click.Command = getattr(importlib.import_module(module), attribute)
            return command
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Lazy)
def provision() -> None:
    """Make a department's trust, posts, people and hot lists; configure and command posts."""


@provision.group()
def fleet() -> None:
    """Make a fleet's root of trust and its broker's configuration."""


@fleet.command("init")
@_FLEET
@click.option("--agency", required=True, help="The agency as in the topics, such as 'riverside'.")
@click.option(
    "--broker-name",
    "broker_names",
    multiple=True,
    default=("localhost", "127.0.0.1"),
    show_default=True,
    help="A host name or address by which posts reach the broker; give it once for each.",
)
def fleet_init(directory: Path, agency: str, broker_names: tuple[str, ...]) -> None:
    """Make a fleet in DIRECTORY: root certificate, broker, the key that signs hot lists."""
    made = Fleet.create(directory, agency=agency, broker_names=broker_names)
    click.echo(f"Fleet of {agency} made in {directory}.")
    click.echo(f"  {_mosquitto()} -c {shlex.quote(str(made.directory / 'broker' / 'mosquitto.conf'))}")
    click.echo("Keep authority/ and hotlist/signing_key.pem off the broker and away from the posts.")


@provision.group()
def broker() -> None:
    """Write the files of another broker than mosquitto; again whenever somebody is added."""


@broker.command(
    "rabbitmq",
    epilog="""\b
Examples:
  platepost provision broker rabbitmq fleet
  platepost provision broker rabbitmq fleet --node rabbit@one --node rabbit@two --node rabbit@three
""",
)
@_FLEET
@click.option("--node", "nodes", multiple=True, help="The name of a node of a cluster; give it once for each.")
def broker_rabbitmq(directory: Path, nodes: tuple[str, ...]) -> None:
    """Write RabbitMQ's configuration and rights for the fleet of DIRECTORY."""
    folder = write_rabbitmq(Fleet.load(directory), nodes=nodes)
    click.echo(f"Written to {folder}; give the rights to a running broker with")
    click.echo(f"  rabbitmqctl import_definitions {shlex.quote(str(folder / 'definitions.json'))}")


@broker.command(
    "nats",
    epilog="""\b
Example:
  platepost provision broker nats fleet
""",
)
@_FLEET
def broker_nats(directory: Path) -> None:
    """Write the configuration of NATS for the fleet of DIRECTORY; posts then need `uplink.protocol = "3.1.1"`."""
    folder = write_nats(Fleet.load(directory))
    click.echo(f"Written to {folder}; give the rights to a running server with")
    click.echo("  nats-server --signal reload")


@provision.group()
def post() -> None:
    """Add posts to a fleet."""


@post.command("add")
@_FLEET
@click.argument("name")
@click.option(
    "--broker",
    "brokers",
    multiple=True,
    help="host:port of a broker, the first one first; by default the fleet's first name.",
)
@click.option("--site", default="", help="The place in words, as dispatch knows it.")
@click.option("--latitude", type=click.FloatRange(-90, 90), help="Degrees, WGS 84.")
@click.option("--longitude", type=click.FloatRange(-180, 180), help="Degrees, WGS 84.")
@click.option("--heading", type=click.FloatRange(0, 360, max_open=True), help="Degrees from true north.")
@click.option("--camera", required=True, type=_installed("camera"), help="The camera's backend.")
@click.option("--camera-setting", "camera_settings", multiple=True, help="key=value of the camera's backend.")
@click.option("--board", default="none", show_default=True, type=_installed("board"), help="The board's backend.")
def post_add(
    *,
    directory: Path,
    name: str,
    brokers: tuple[str, ...],
    site: str,
    latitude: float | None,
    longitude: float | None,
    heading: float | None,
    camera: str,
    camera_settings: tuple[str, ...],
    board: str,
) -> None:
    """Make the identity, the keys and the configuration of post NAME in the fleet of DIRECTORY."""
    opened = Fleet.load(directory)
    settings = PostSettings(
        brokers=brokers or (f"{opened.broker_names[0]}:{DEFAULT_PORT}",),
        site=site,
        latitude=latitude,
        longitude=longitude,
        heading_degrees=heading,
        camera=camera,
        camera_settings=dict(_setting(text) for text in camera_settings),
        board=board,
    )
    folder = opened.add_post(name, settings)
    click.echo(f"Post {name} made; copy {folder} to the unit and run:")
    click.echo("  platepost run --config post.toml")
    click.echo("Whoever keeps its records verifies them with its public key:")
    click.echo(f"  platepost verify RECORDS --key {shlex.quote(str(opened.record_key(name)))}")
    click.echo("A hot list is sealed to each post: build and publish a new one, or this post cannot open it:")
    click.echo(
        f"  platepost provision hotlist build CSV --fleet {shlex.quote(str(opened.directory))} --output list.package"
    )


@provision.group()
def subscriber() -> None:
    """Add subscribers to a fleet."""


@subscriber.command(
    "add",
    epilog="""\b
Examples:
  platepost provision subscriber add fleet/ records-keeper
  platepost provision subscriber add fleet/ task-force --covert narcotics
""",
)
@_FLEET
@click.argument("name")
@click.option(
    "--covert",
    "groups",
    multiple=True,
    metavar="GROUP",
    help="A distribution group whose covert hits NAME reads too; give it once for each.",
)
def subscriber_add(directory: Path, name: str, groups: tuple[str, ...]) -> None:
    """Make the identity of NAME, who reads every record of the fleet of DIRECTORY but hits of covert entries."""
    folder = Fleet.load(directory).add_subscriber(name, groups=groups)
    click.echo(f"Subscriber {name} made in {folder}; tell a running mosquitto with SIGHUP.")


@provision.group()
def operator() -> None:
    """Add people who command posts to a fleet."""


@operator.command(
    "add",
    epilog="""\b
Examples:
  platepost provision operator add fleet r-alvarez --role technician
  platepost provision operator add fleet j-stone --role administrator --days 30
""",
)
@_FLEET
@click.argument("name")
@click.option(
    "--role",
    required=True,
    type=click.Choice([role.value for role in Role]),
    help="What posts do for this person; it stands in the certificate.",
)
@click.option(
    "--days",
    type=click.IntRange(min=1, max=730),
    default=OPERATOR_VALID.days,
    show_default=True,
    help="How long the certificate is valid.",
)
def operator_add(directory: Path, name: str, role: str, days: int) -> None:
    """Make the identity of NAME, a person who commands the posts of the fleet of DIRECTORY."""
    folder = Fleet.load(directory).add_operator(name, Role(role), valid=timedelta(days=days))
    click.echo(f"Operator {name} ({role}, {days} days) made in {folder}; tell a running mosquitto with SIGHUP.")


@operator.command(
    "remove",
    epilog="""\b
Example:
  platepost provision operator remove fleet r-alvarez
""",
)
@_FLEET
@click.argument("name")
def operator_remove(directory: Path, name: str) -> None:
    """Take NAME's rights at the broker and delete their identity here.

    Posts ask nobody whether a certificate was withdrawn: without the broker's right to publish, it opens nothing.
    """
    Fleet.load(directory).remove_operator(name)
    click.echo(f"Operator {name} removed; tell a running mosquitto with SIGHUP.")


def _mosquitto() -> str:
    """Return how mosquitto is called here: Debian keeps it out of an ordinary user's PATH."""
    name = "mosquitto"
    return name if shutil.which(name) else shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin") or name


def _setting(text: str) -> tuple[str, Setting]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise ProvisioningError(f"camera setting {text!r}: key=value is wanted")
    for kind in (int, float):
        try:
            return key, kind(value)
        except ValueError:
            continue
    return key, {"true": True, "false": False}.get(value, value)
