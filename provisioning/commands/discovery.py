"""`platepost provision discovery`: let Home Assistant find a fleet's posts."""

import json
from pathlib import Path

import click

from provisioning.commands.options import FLEET, Actor, acting
from provisioning.connection import Connection
from provisioning.errors import ProvisioningError
from provisioning.fleet.fleet import Fleet
from provisioning.fleet.home_assistant import Discovery, discoveries, prefix


@click.command(
    epilog="""\b
Examples:
  platepost provision discovery fleet/ --broker broker.example:8883 --purpose "operations room"
  platepost provision discovery fleet/ --print --purpose "look at it first"
  platepost provision discovery fleet/ --broker broker.example:8883 --remove --purpose "no longer wanted"

\b
Give Home Assistant a subscriber's identity (`platepost provision subscriber add`), the client id of that name,
MQTT 5, the discovery prefix that this prints, and no birth or will message, which it may not publish.
"""
)
@FLEET
@click.option("--broker", metavar="HOST:PORT", help="Where to publish; mosquitto, for Home Assistant asks by wildcard.")
@click.option("--post", "posts", multiple=True, metavar="NAME", help="This post only; give it once for each.")
@click.option(
    "--with-plates",
    is_flag=True,
    help="Let the events of hits carry plates. Home Assistant keeps them in its history: mind your policy.",
)
@click.option("--remove", is_flag=True, help="Take the posts away again.")
@click.option("--print", "show", is_flag=True, help="Print the configurations as lines of JSON; publish nothing.")
@acting
def discovery(
    *,
    directory: Path,
    broker: str | None,
    posts: tuple[str, ...],
    with_plates: bool,
    remove: bool,
    show: bool,
    who: str | None,
    purpose: str,
) -> None:
    """Publish what Home Assistant needs to show the posts of the fleet of DIRECTORY, retained.

    Off by default: nothing is published before this is called. Home Assistant then shows each post's state, what ails
    it, its list, frame rate, queue and temperature, and an event for every possible match, without plates.
    """
    fleet = Fleet.load(directory)
    actor = Actor(fleet, who, purpose)
    unknown = sorted(set(posts) - set(fleet.posts()))
    if unknown:
        raise ProvisioningError(f"no such post: {', '.join(unknown)}")
    chosen = posts or fleet.posts()
    made = [each for post in chosen for each in discoveries(fleet.agency, post, with_plates=with_plates)]
    if show:
        for each in made:
            click.echo(json.dumps({"topic": each.topic, "payload": each.config}, ensure_ascii=False))
        return
    if broker is None:
        raise click.UsageError("--broker says where to publish, --print what")
    publish(fleet, broker, made, remove=remove)
    details = {"posts": len(chosen), "with_plates": with_plates}
    actor.did("discovery_removed" if remove else "discovery_published", object=broker, details=dict(details))
    click.echo(f"{'Removed' if remove else 'Published'}: {len(made)} entities of {len(chosen)} posts.")
    click.echo(f"Discovery prefix for Home Assistant: {prefix(fleet.agency)}")


def publish(fleet: Fleet, broker: str, made: list[Discovery], *, remove: bool = False) -> None:
    """Publish configurations, retained, or take them away.

    Raises:
        ProvisioningError: the broker cannot be reached, or refuses them.

    """
    with Connection(fleet.publisher, broker=broker) as connection:
        for each in made:
            connection.publish(each.topic, b"" if remove else each.payload, retain=True)
