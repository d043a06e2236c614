"""New keys for lists, configurations and receipts: what people see of it."""

import functools
import json
from collections.abc import Callable, Mapping
from datetime import timedelta

import click
from pydantic import JsonValue
from rich.console import Console
from rich.table import Table

from platepost.common.commands.options import Number
from platepost.provisioning.commands.options import Command, FleetSession
from platepost.provisioning.control.keys.distribution import KeyDistributor, RotationRequest, RotationResult
from platepost.provisioning.control.keys.rotation import RotationStep, Voucher
from platepost.provisioning.fleet.broker_reload import reload_broker
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.register import write_register
from platepost.provisioning.fleet.rotation import rehearsed
from platepost.provisioning.trust.key_files import KeyFiles
from platepost.wire.records import CustodianTerms, Purpose

_EVENTS: Mapping[str, str] = {"key_announced": "announced", "key_rotated": "in_use"}
_SAID = {
    "replace": "The next key for {purpose} is {present}, statement {number}.",
    "retire": "The former key for {purpose} is retired; {present} alone is good, statement {number}.",
    "revoke": "All former keys for {purpose} are revoked; {present} alone is good, statement {number}.",
}

SECONDS = click.option(
    "--wait",
    "seconds",
    type=Number(0, 86_400),
    default=60,
    show_default=True,
    help="Seconds to wait for the posts' reports.",
)
REHEARSE = click.option("--rehearse", is_flag=True, help="Rehearse on a temporary copy of the fleet; nothing changes.")


def step_options(purposes: str = "") -> Callable[[Command], Command]:
    """Return the options of one step of a rotation, as `rotation_request` takes them; `purposes` begins their help."""
    options = (
        click.option("--retire", is_flag=True, help=f"{purposes}Make posts refuse the previous key from now on."),
        click.option(
            "--revoke",
            is_flag=True,
            help=f"{purposes}Use a new key at once; posts drop everything that the previous keys signed.",
        ),
        click.option(
            "--vouch",
            type=click.Choice(["key", "root"]),
            help=f"{purposes}Who vouches for the new key.  [default: the current key; with --revoke, the root]",
        ),
        click.option(
            "--overlap-days",
            type=Number(0, 3650, min_open=True),
            help=f"{purposes}Days until posts retire the previous key automatically.  [default: only with --retire]",
        ),
        click.option("--anyway", is_flag=True, help=f"{purposes}Continue even if some posts do not follow."),
        SECONDS,
    )
    return lambda command: functools.reduce(lambda inner, option: option(inner), reversed(options), command)


def rotation_request(
    purpose: Purpose,
    *,
    custodian: str | None = None,
    retire: bool,
    revoke: bool,
    vouch: Voucher | None,
    overlap_days: float | None,
    seconds: float,
    anyway: bool,
) -> RotationRequest:
    """Return what the options of a rotation ask for.

    Raises:
        click.UsageError: two of them do not go together.

    """
    if retire and revoke:
        raise click.UsageError("use --retire or --revoke, not both: revoking also retires")
    if overlap_days is not None and (retire or revoke):
        raise click.UsageError("--overlap-days applies when the key is replaced")
    return RotationRequest(
        purpose=purpose,
        custodian=custodian,
        step="retire" if retire else "revoke" if revoke else "replace",
        vouch=vouch or ("root" if revoke else "key"),
        overlap=None if overlap_days is None else timedelta(days=overlap_days),
        seconds=seconds,
        anyway=anyway,
    )


def rotate_signing_key(
    fleet: Fleet, session: FleetSession, request: RotationRequest, *, broker: str, rehearse: bool, as_json: bool
) -> None:
    """Do one step of a rotation, or rehearse it, and show what every post does with it.

    Raises:
        ProvisioningError: why not.
        SystemExit: with 1, if a post that is online does not follow.

    """
    files = fleet.keys(request.purpose, request.custodian)

    def on_act(act: str, done: RotationStep) -> None:
        details: dict[str, JsonValue] = {
            "former": done.former,
            "present": done.present,
            "statement": done.number,
            "vouched": "root" if done.statement.number == 1 and done.statement.era else "key",
        }
        session.did(act, object=files.label, details=details)
        if act in {"key_retired", "key_revoked"}:
            event = act.removeprefix("key_")
            fleet.certificates.signing_key(files.label, done.former, event)
            if act == "key_revoked":
                fleet.certificates.signing_key(files.label, done.present, "in_use")
        else:
            fleet.certificates.signing_key(files.label, done.present, _EVENTS[act])

    distributor = KeyDistributor(fleet, broker, who=session.person.name, on_act=on_act)
    if rehearse:
        with rehearsed(fleet) as copy:
            result = distributor.rehearse(copy, request)
        session.did("rotation_rehearsed", object=files.label, details={"step": request.step})
    else:
        result = distributor.distribute(request)
        if request.purpose is Purpose.CONFIGURATION:
            write_register(fleet)
    if as_json:
        click.echo(json.dumps(_wire(result, files, request.step, rehearse=rehearse)))
    else:
        _show(result, files, request, rehearse=rehearse)
    if result.behind:
        raise SystemExit(1)


def declare_terms(
    session: FleetSession,
    terms: CustodianTerms,
    *,
    broker: str | None,
    reload_command: str | None,
    seconds: float,
    as_json: bool,
) -> None:
    """Tell posts what they need a custodian's receipts for, and show what every post does with it.

    Raises:
        ProvisioningError: why not.
        SystemExit: with 1, if a post that is online does not follow.

    """
    fleet = session.fleet
    files = fleet.keys(Purpose.CUSTODY, terms.name)

    def on_act(act: str, done: RotationStep) -> None:
        session.did(act, object=terms.name, details={"groups": list(terms.groups), "statement": done.number})

    distributor = KeyDistributor(fleet, broker or fleet.broker_address, who=session.person.name, on_act=on_act)
    result = distributor.declare(terms, seconds)
    reload_broker(fleet, reload_command)  # covert hits of another group are its to read
    step = "require" if terms.required else "release"
    if as_json:
        click.echo(json.dumps(_wire(result, files, step, rehearse=False)))
    else:
        needed = "need" if terms.required else "no longer need"
        groups = f" and of {', '.join(terms.groups)}" if terms.groups else ""
        click.echo(
            f"Posts {needed} receipts from {terms.name} for open records{groups}. Statement {result.done.number}."
        )
        _show_standings(result, "custodian's terms")
        if not terms.required and not fleet.required_custodians():
            click.echo("No custodian is left: posts delete a record as soon as a broker has acknowledged it.")
    if result.behind:
        raise SystemExit(1)


def _wire(result: RotationResult, files: KeyFiles, step: str, *, rehearse: bool) -> dict[str, object]:
    done = result.done
    return {
        "kind": files.label,
        "step": step,
        "rehearsal": rehearse,
        "former": done.former,
        "present": done.present,
        "statement": done.number,
        "in_use": result.in_use,
        "posts": {post: adoption.name.lower() for post, adoption in result.standings.items()},
    }


def _show(result: RotationResult, files: KeyFiles, request: RotationRequest, *, rehearse: bool) -> None:
    done = result.done
    if rehearse:
        click.echo("Rehearsed; nothing has changed. The statement, and what each post would do with it:")
    text = _SAID[request.step].format(purpose=files.label, present=done.present[:12], number=done.number)
    click.echo(text)
    _show_standings(result, "the new key" if request.step != "retire" else "without the former key")
    if not rehearse:
        click.echo(_next(result, files, request))


def _show_standings(result: RotationResult, title: str) -> None:
    table = Table("post", title)
    for post, adoption in result.standings.items():
        table.add_row(post, f"[red]{adoption}[/red]" if post in result.behind else str(adoption))
    if result.standings:
        Console().print(table)


def _next(result: RotationResult, files: KeyFiles, request: RotationRequest) -> str:
    if request.step == "replace" and not result.in_use:
        return (
            "The fleet signs with the old key until these posts use the new one: run the same command again, or give "
            "--anyway to leave them behind."
        )
    if files.custodian is not None and request.step != "retire":
        then = "then retire the former: the same command with --retire" if request.step == "replace" else "now"
        return f"Copy {files.signing} to the machine of {files.custodian}, restart its archive service, {then}."
    lists = request.purpose.value == "lists"
    if request.step == "replace":
        what = "Build and publish a complete hot list, then" if lists else "When all posts go by it,"
        return f"The fleet signs with the new key. {what} retire the former: the same command with --retire."
    if request.step == "revoke":
        what = "build and publish a complete hot list" if lists else "roll the configuration out again"
        return f"Posts have dropped what the old keys signed: {what} now."
    return "Posts that are away are led to it when they come back."
