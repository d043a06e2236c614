"""`platepost recording`: have the post of this unit record what it sees, under one's own name and for a purpose."""

import json
import time
from pathlib import Path

import click
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from rich.console import Console
from rich.table import Table

from platepost.common.commands.options import Number
from platepost.common.errors import ConfigurationError
from platepost.common.files import write_durably
from platepost.common.signals import stop_on_signals
from platepost.common.text import shown
from platepost.device.commands.options import CONFIG, account
from platepost.device.config import Configuration, load
from platepost.device.outbox.database import in_use
from platepost.device.recording import SUFFIX, RecordingError, requests
from platepost.device.recording.requests import Answer, Request

_CHECK_SECONDS = 0.1

_PERSON = click.option("--person", required=True, help="Your name, for the audit trail.")
_WAIT = click.option(
    "--wait",
    "seconds",
    type=Number(0, 86_400),
    default=15.0,
    show_default=True,
    help="Seconds to wait for the post.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(
    epilog="""\b
Examples:
  platepost recording key recordings.pem                  at the department, once
  platepost recording start --config post.toml --person "J. Rivera" --purpose "glare at dusk" --minutes 2
  platepost recording stop --config post.toml --person "J. Rivera"
  platepost recording list --config post.toml

\b
The post records only if its configuration allows it:
  [recording]
  allowed = true
  recipient_key = "recordings.pub.pem"
The audit trail records every start, end, refusal and deletion. Recordings are encrypted to the department's key as
they are written: neither this unit nor a thief can open them. `platepost simulate replay FILE --key recordings.pem`
plays one; `platepost simulate redact` makes a copy without plates and faces.
"""
)
def recording() -> None:
    """Record what this unit's camera sees."""


@recording.command()
@CONFIG
@_PERSON
@click.option("--purpose", required=True, help="Your reason, for the audit trail.")
@click.option("--minutes", type=Number(0, 240, min_open=True), help="Minutes to record, up to the configured limit.")
@_WAIT
@_JSON
def start(*, path: Path, person: str, purpose: str, minutes: float | None, seconds: float, as_json: bool) -> None:
    """Start recording. The exit code is 1 if the post refuses, is not running, or does not answer."""
    configuration = load(path)
    request = _request(do="start", person=person, purpose=purpose, minutes=minutes)
    _show(_ask(configuration, request, seconds), as_json=as_json)


@recording.command()
@CONFIG
@_PERSON
@_WAIT
@_JSON
def stop(*, path: Path, person: str, seconds: float, as_json: bool) -> None:
    """Stop recording. Exit 1 if there is none."""
    configuration = load(path)
    _show(_ask(configuration, _request(do="stop", person=person), seconds), as_json=as_json)


@recording.command("list")
@CONFIG
@_JSON
def list_(*, path: Path, as_json: bool) -> None:
    """List the recordings on this unit."""
    section = load(path).recording
    files = sorted(section.directory.glob(f"*{SUFFIX}"))
    if as_json:
        click.echo(json.dumps([{"recording": str(file), "bytes": file.stat().st_size} for file in files]))
        return
    table = Table("recording", "megabytes", title=shown(f"Recordings in {section.directory}"), title_justify="left")
    for file in files:
        table.add_row(shown(file.name), f"{file.stat().st_size / 1e6:.1f}")
    Console().print(table)


@recording.command()
@click.argument("private", type=click.Path(path_type=Path, dir_okay=False))
def key(*, private: Path) -> None:
    """Create the department's recording key: PRIVATE stays there, its public half goes to the posts."""
    public = private.with_suffix(f".pub{private.suffix}")
    for file in (private, public):
        if file.exists():
            raise RecordingError(f"{file} exists already")
    private_key = ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    write_durably(
        private, private_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    write_durably(public, private_key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    click.echo(f"{private}: keep it at the department; {public}: recording.recipient_key of each post")


def _request(**fields: object) -> Request:
    try:
        return Request.model_validate({"account": account(), **fields})
    except ValueError as error:
        raise RecordingError(f"not a valid request: {error}") from error


def _ask(configuration: Configuration, request: Request, seconds: float) -> Answer:
    """Ask the post, and wait; a request that was not taken up in time, or until the command is ended, is withdrawn."""
    section = configuration.recording
    try:
        with stop_on_signals() as stop:  # before there is anything to withdraw
            name = requests.ask(section.directory, request)
            end = time.monotonic() + seconds
            while (answer := requests.fetch(section.directory, name)) is None and time.monotonic() < end:
                if stop.wait(_CHECK_SECONDS):
                    break
            if answer is None and requests.withdraw(section.directory, name):
                return _not_taken(configuration, ended=stop.requested)
            return (
                answer
                or requests.fetch(section.directory, name)
                or Answer(None, "late", "the post took the request up, and has not answered yet")
            )
    except OSError as error:
        raise ConfigurationError(f"recording.directory = {str(section.directory)!r}: {error.strerror}") from error


def _not_taken(configuration: Configuration, *, ended: bool) -> Answer:
    if ended:
        return Answer(None, "ended", "the command was ended; its request was withdrawn")
    if in_use(configuration.outbox.path):
        text = "the post runs (or aim or accept does), and did not take the request: its log shows why"
        return Answer(None, "not_taken", text)
    return Answer(None, "not_running", "the post does not run")


def _show(answer: Answer, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"recording": answer.recording, "reason": answer.reason, "said": answer.said}))
    else:
        click.echo(answer.said)
    if answer.reason is not None:
        raise click.exceptions.Exit(1)
