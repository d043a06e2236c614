"""`platepost provision command`: ask one post something, as oneself."""

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from platepost.common.commands.options import Number
from platepost.common.errors import RecordError
from platepost.common.files import write_durably
from platepost.common.text import shown
from platepost.provisioning.commands.options import FILE, FOLDER, JSON, NEW_FILE
from platepost.provisioning.connection import Connection, data_of
from platepost.provisioning.control.signing import sign_command
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.people.person import Person
from platepost.wire.control.seal import unseal
from platepost.wire.records import Command, CommandRequest, Keyring, Source
from platepost.wire.records.canonical import canonical_bytes, parse
from platepost.wire.records.signing import NOT_JOSE

HEEDED_SECONDS = 120
"""As long as a post heeds a command; the broker drops it then."""


@click.command(
    epilog="""\b
Examples:
  platepost provision command self-test post-17 --as fleet/operators/r-alvarez --broker broker.example:8883 \\
      --purpose "monthly check"
  platepost provision command still post-17 --as r-alvarez --broker broker.example:8883 \\
      --purpose "work order 7731: aim after the pole was hit" --output still.jpg
  platepost provision command restart post-17 --as r-alvarez --broker broker.example:8883 --purpose "..." --json
"""
)
@click.argument("name", type=click.Choice([command.value for command in Command]))
@click.argument("post")
@click.option("--purpose", required=True, help="Why, for the audit trail; never a plate.")
@click.option("--as", "folder", required=True, type=FOLDER, help="Your identity's folder, from `provision person add`.")
@click.option("--broker", required=True, help="host:port.")
@click.option(
    "--post-key",
    type=FILE,
    help="PEM of the post's public record key, to verify the answer.  [default: the fleet's]",
)
@click.option("--output", "-o", type=NEW_FILE, help="File for a still.")
@click.option("--wait", "seconds", type=Number(1, 86_400), default=20, show_default=True, help="Seconds to wait.")
@JSON
def command(
    *,
    name: str,
    post: str,
    purpose: str,
    folder: Path,
    broker: str,
    post_key: Path | None,
    output: Path | None,
    seconds: float,
    as_json: bool,
) -> None:
    """Send the command NAME to POST, and show its answer.

    The post's audit trail records your name, the time and the purpose. The exit code is 1 unless it was done.
    """
    if name == Command.STILL and output is None:
        raise click.UsageError("a still needs --output FILE")
    identity = Person.load(folder)
    source = Source(identity.agency, post)
    response_topic = source.response(identity.name)
    with Connection(folder, broker=broker, topics=[response_topic, source.topic("status")]) as connection:
        status = data_of(connection.wait(lambda topic, _: topic == source.topic("status"), 2) or b"")
        # Without a status, as at another node of a cluster, the run is not named: a good clock does without it.
        request, message = sign_command(identity, post, name, purpose=purpose, boot=status.get("boot"))
        connection.publish(
            source.command(name),
            message,
            retain=False,
            response_topic=response_topic,
            correlation=request.id.encode(),
            expiry_seconds=HEEDED_SECONDS,
        )
        payload = connection.wait(lambda topic, body: topic == response_topic and _answers(body, request), seconds)
    if payload is None:
        state = f"its last status was {status['state']}" if status else "no status of it is here: is that its name?"
        raise ProvisioningError(f"{post} did not answer within {seconds:g} s; {state}")
    genuine = _genuine(
        payload, post_key or folder.parent.parent / "records" / f"{post}.pem", asked=post_key is not None
    )
    answer = data_of(payload)
    if answer.get("sealed") is not None and output is not None:
        _open(answer.pop("sealed"), identity, output)
    _show(answer, genuine=genuine, as_json=as_json)
    if answer["outcome"] != "done":
        raise SystemExit(1)


def _answers(payload: bytes, request: CommandRequest) -> bool:
    return data_of(payload).get("request") == request.id


def _genuine(payload: bytes, key: Path, *, asked: bool) -> bool | None:
    """Say whether the post signed the answer; None if its key is not known here."""
    if not asked and not key.is_file():
        return None
    try:
        event = parse(payload)
        Keyring.from_files(key).check(str(event["signature"]), canonical_bytes(event))
    except (RecordError, KeyError) as error:
        raise ProvisioningError(f"the answer is not from this post: {error}") from error
    return True


def _open(sealed: dict[str, Any], identity: Person, output: Path) -> None:
    try:
        still = unseal(sealed, identity.key)
    except NOT_JOSE as error:
        raise ProvisioningError(f"the still cannot be decrypted with this key: {error}") from error
    try:
        write_durably(output, still)  # for its owner only: it was sealed to one person
    except OSError as error:
        raise ProvisioningError(f"{output}: the still cannot be written: {error.strerror}") from error


def _show(answer: dict[str, Any], *, genuine: bool | None, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(answer | {"signature": "good" if genuine else "not checked"}))
        return
    text = answer.get("message") or answer.get("reason") or ""
    click.echo(f"{answer['command']}: {answer['outcome']}{text and ': '}{text}")
    if genuine is None:
        click.echo("The answer's signature was not checked: give --post-key.", err=True)
    if answer.get("findings"):
        table = Table("point", "", "found")
        for finding in answer["findings"]:
            good = "[green]good[/green]" if finding["good"] else "[red]FAULT[/red]"
            table.add_row(shown(finding["point"]), good, shown(finding["said"]))
        Console().print(table)
