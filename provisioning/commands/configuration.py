"""`platepost provision configuration`: what posts are told to do, signed, published, and what they made of it."""

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from pydantic import JsonValue
from rich.console import Console
from rich.table import Table

from platepost.common.commands.lazy import LazyCommand, LazyGroup
from platepost.common.commands.options import Number
from platepost.common.text import shown
from platepost.device.config import REMOTE_KEYS
from platepost.provisioning.commands.options import BROKER, FILE, FLEET, JSON, NEW_FILE, FleetSession, acting
from platepost.provisioning.commands.settings_input import read_settings, settings_options
from platepost.provisioning.connection import Connection, data_of
from platepost.provisioning.control.signing import LIFETIME, digest_of, next_version, note_version, sign_configuration
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.wire.control.desired import Desired, read
from platepost.wire.errors import RefusedError
from platepost.wire.records import Purpose, Source

_SURVEY_SECONDS = 1.0
"""For what the broker has retained."""


_COMMANDS = {
    "rollout": LazyCommand(
        "platepost.provisioning.commands.rollout:rollout",
        "Change settings on a few posts first, then on all.",
    ),
}


@click.group(cls=LazyGroup, lazy=_COMMANDS, extra="provisioning")
def configuration() -> None:
    """Sign and publish posts' configuration; show what they applied."""


@configuration.command(
    epilog="""\b
Examples:
  platepost provision configuration sign fleet post-17 --set vision.minimum_confidence=0.4 -o post-17.jws \\
      --as j-stone --purpose "work order 8001"
  platepost provision configuration sign fleet post-17 --from settings.toml -o post-17.jws --purpose "..."
  platepost provision configuration sign fleet post-17 -o post-17.jws --purpose "..."     back to the post's own file

\b
What may be set:
"""
    + "\n".join(f"  {name}" for name in sorted(REMOTE_KEYS))
)
@FLEET
@click.argument("post")
@settings_options
@click.option(
    "--version",
    type=click.IntRange(min=1, max=2**53 - 1),
    help="Version number.  [default: the last one signed for this post, plus 1]",
)
@click.option(
    "--days",
    type=Number(0, 3650, min_open=True),
    default=LIFETIME / timedelta(days=1),
    show_default=True,
    help="Days during which an offline post may still apply it.",
)
@click.option("--output", "-o", required=True, type=NEW_FILE, help="The signed file.")
@acting
@JSON
def sign(
    *,
    session: FleetSession,
    post: str,
    pairs: tuple[str, ...],
    source: Path | None,
    version: int | None,
    days: float,
    output: Path,
    as_json: bool,
) -> None:
    """Sign a configuration for POST with the key of the fleet of DIRECTORY.

    It replaces the previous configuration: settings not named here return to the values in the post's own file.
    """
    fleet = session.fleet
    settings = read_settings(source, pairs)
    number = version or next_version(fleet, post)
    jws = sign_configuration(
        fleet, post, settings, version=number, who=session.person.name, lifetime=timedelta(days=days)
    )
    output.write_bytes(jws)
    if version:
        note_version(fleet, post, version)
    session.did("configuration_signed", object=post, details={"version": number, "digest": digest_of(jws)})
    if as_json:
        click.echo(json.dumps({"post": post, "version": number, "digest": digest_of(jws), "settings": settings}))
    else:
        click.echo(f"Version {number} for {post} signed: {sum(map(len, settings.values()))} settings, in {output}.")


@configuration.command(
    epilog="""\b
Examples:
  platepost provision configuration publish fleet post-17.jws --purpose "work order 8001"
  platepost provision configuration publish fleet posts/*.jws --broker broker.riverside.example:8883 --wait 120 \\
      --purpose "work order 8001" --json
"""
)
@FLEET
@click.argument("files", nargs=-1, required=True, type=FILE)
@BROKER
@click.option(
    "--wait",
    "seconds",
    type=Number(0, 86_400),
    default=30,
    show_default=True,
    help="Seconds to wait for the posts' reports; 0 for none.",
)
@acting
@JSON
def publish(
    *,
    session: FleetSession,
    files: tuple[Path, ...],
    broker: str | None,
    seconds: float,
    as_json: bool,
) -> None:
    """Publish signed FILES (retained), and wait for each post's report.

    The exit code is 1 if a post refused or did not answer in time; a post that is offline answers when it returns. A
    file older than the one at the broker is not published.
    """
    fleet = session.fleet
    statements = [_read(fleet, path) for path in files]
    sources = [Source(statement.payload.agency, statement.payload.post) for statement in statements]
    results = []
    topics = [topic for source in sources for topic in (source.topic("status"), source.configuration)]
    with Connection(fleet.publisher, broker=broker or fleet.broker_address, topics=topics) as connection:
        _refuse_older(fleet, connection, statements)
        for statement, source in zip(statements, sources, strict=True):
            connection.publish(source.configuration, statement.jws.encode(), retain=True)
            details: dict[str, JsonValue] = {"version": statement.payload.version, "digest": statement.digest}
            session.did("configuration_published", object=source.post, details=details)
        for statement, source in zip(statements, sources, strict=True):
            results.append(_outcome(connection, statement, source, seconds))
    if as_json:
        click.echo(json.dumps(results))
    else:
        for result in results:
            click.echo(_sentence(result))
    if any(result["outcome"] not in {"applied", "published"} for result in results):
        raise SystemExit(1)


@configuration.command(
    epilog="""\b
Examples:
  platepost provision configuration show fleet post-17
  platepost provision configuration show fleet post-17 --json
"""
)
@FLEET
@click.argument("post")
@BROKER
@JSON
def show(*, directory: Path, post: str, broker: str | None, as_json: bool) -> None:
    """Show what POST was last told to use, and what it reports using."""
    fleet = Fleet.load(directory)
    source = Source(fleet.agency, post)
    topics = [source.configuration, source.topic("status")]
    with Connection(fleet.publisher, broker=broker or fleet.broker_address, topics=topics) as connection:
        status = connection.wait(lambda topic, _: topic == topics[1], 3)
        message = connection.wait(lambda topic, _: topic == topics[0], 0.5)
    desired: dict[str, Any] | None = None
    if message:
        try:
            known = read(message, fleet.keys(Purpose.CONFIGURATION).readable())
            desired = known.payload.wire() | {"digest": known.digest}
        except RefusedError as refusal:
            desired = {"refused": refusal.reason.value}
    reported = data_of(status).get("configuration") if status else None
    if as_json:
        click.echo(json.dumps({"post": post, "desired": desired, "reported": reported}))
        return
    table = Table("", "desired", "reported")
    for name in ("version", "digest", "who", "issued", "expires", "settings", "state", "applied", "refused"):
        table.add_row(shown(name), shown(_cell(desired, name)), shown(_cell(reported, name)))
    Console().print(table)


def _cell(members: dict[str, Any] | None, name: str) -> str:
    value = "" if members is None else members.get(name, "")
    return value if isinstance(value, str) else json.dumps(value)


def _refuse_older(fleet: Fleet, connection: Connection, wanted: Sequence[Desired]) -> None:
    present = {
        Source(statement.payload.agency, statement.payload.post).configuration: statement.payload.version
        for statement in wanted
    }
    keys = fleet.keys(Purpose.CONFIGURATION).accepted()

    def is_newer(topic: str, payload: bytes) -> bool:
        with suppress(RefusedError):
            return topic in present and read(payload, keys).payload.version > present[topic]
        return False

    message = connection.wait(is_newer, _SURVEY_SECONDS)
    if message is not None:
        newer = read(message, keys).payload
        raise ProvisioningError(
            f"version {newer.version} for {newer.post} stands at the broker already, and is newer: sign this one again"
        )


def _outcome(connection: Connection, wanted: Desired, source: Source, seconds: float) -> dict[str, Any]:
    version, digest = wanted.payload.version, wanted.digest
    result: dict[str, Any] = {"post": source.post, "version": version, "digest": digest}
    if seconds == 0:
        return result | {"outcome": "published"}

    def speaks_of_it(topic: str, payload: bytes) -> bool:
        state = data_of(payload).get("configuration") or {}
        applied = state.get("digest") == digest
        refused = (state.get("refused") or {}).get("version") == version
        return topic == source.topic("status") and (applied or refused)

    answered = connection.wait(speaks_of_it, seconds)
    if answered is None:
        return result | {"outcome": "no answer"}
    state = data_of(answered)["configuration"]
    if state.get("digest") == digest:
        return result | {"outcome": "applied", "state": state["state"]}
    return result | {"outcome": "refused", "reason": state["refused"]["reason"], "message": state["refused"]["message"]}


def _sentence(result: dict[str, Any]) -> str:
    head = f"{result['post']}: version {result['version']} {result['outcome']}"
    if result["outcome"] == "refused":
        return f"{head}: {result['reason']}: {result['message']}"
    return f"{head}, {result['state']}" if "state" in result else head


def _read(fleet: Fleet, path: Path) -> Desired:
    try:
        return read(path.read_bytes().strip(), fleet.keys(Purpose.CONFIGURATION).accepted())
    except RefusedError as refusal:
        raise ProvisioningError(f"{path}: {refusal.reason}: {refusal}") from refusal
