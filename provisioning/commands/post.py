"""`platepost provision post`: the fleet's posts."""

import shlex

import click

from platepost.common.commands.lazy import LazyCommand, LazyGroup
from platepost.provisioning.commands.options import FLEET, FleetSession, acting
from platepost.provisioning.commands.post_settings import Settings, post_settings

_COMMANDS = {
    "invite": LazyCommand(
        "platepost.provisioning.commands.invite:invite",
        "Issue a code with which a technician enrolls the unit of a post.",
    ),
    "revoke": LazyCommand(
        "platepost.provisioning.commands.revoke:revoke", "Revoke a post's certificates, and prove it."
    ),
}


@click.group(cls=LazyGroup, lazy=_COMMANDS, extra="provisioning")
def post() -> None:
    """Invite, replace and revoke posts, or create a test post."""


@post.command(
    "add",
    epilog="""\b
Example:
  platepost provision post add fleet post-1 --camera footage --camera-setting path=/tmp/clip.mp4 --no-acceptance \\
      --purpose "trial on a desk"
""",
)
@FLEET
@click.argument("name")
@post_settings
@acting
def post_add(*, session: FleetSession, name: str, settings: Settings) -> None:
    """Create post NAME in the fleet of DIRECTORY, with its identity, keys and configuration, for trials.

    A unit in the field makes its own keys: see `platepost provision post invite`.
    """
    opened = session.fleet
    requested = settings(opened, name)
    with session.doing("post_added", object=name):
        folder = opened.add_post(name, requested)
    session.did("post_added", object=name)
    click.echo(f"Post {name} made; copy {folder} to the unit and run:")
    click.echo(f"  sudo platepost-adopt {shlex.quote(name)}               with the package")
    click.echo("  platepost run --config post.toml       without it")
    if requested.acceptance:
        click.echo("It reads nothing before a technician has accepted it there:")
        click.echo("  platepost aim --config post.toml --as YOUR_IDENTITY")
        click.echo("  platepost accept --config post.toml --as YOUR_IDENTITY")
    click.echo("To verify its records, use its public key:")
    click.echo(f"  platepost verify RECORDS --key {shlex.quote(str(opened.record_key(name)))}")
    click.echo("A hot list is encrypted to each post: build and publish a new one, or this post cannot open it:")
    click.echo(
        f"  platepost provision hotlist build CSV --fleet {shlex.quote(str(opened.directory))} --output list.package"
    )
