"""`platepost provision fleet rotate lists` and `configuration`: what people see of it."""

import json
from collections.abc import Mapping

import click
from pydantic import JsonValue
from rich.console import Console
from rich.table import Table

from provisioning.commands.options import FleetSession
from provisioning.control.keys.distribution import KeyDistributor, RotationRequest, RotationResult
from provisioning.control.keys.rotation import RotationStep
from provisioning.fleet.fleet import Fleet
from provisioning.fleet.rotation import rehearsed

_EVENTS: Mapping[str, str] = {"key_announced": "announced", "key_rotated": "in_use"}
_SAID = {
    "replace": "The next key for {purpose} is {present}, statement {number}.",
    "retire": "The former key for {purpose} is retired; {present} alone is good, statement {number}.",
    "revoke": "All former keys for {purpose} are revoked; {present} alone is good, statement {number}.",
}


def rotate_signing_key(
    fleet: Fleet, session: FleetSession, request: RotationRequest, *, broker: str, rehearse: bool, as_json: bool
) -> None:
    """Do one step of a rotation, or rehearse it, and show how every post stands to it.

    Raises:
        ProvisioningError: why not.
        SystemExit: with 1, where a post that is on the air does not go by it.

    """

    def tell(act: str, done: RotationStep) -> None:
        details: dict[str, JsonValue] = {
            "former": done.former,
            "present": done.present,
            "statement": done.number,
            "vouched": "root" if done.statement.number == 1 and done.statement.era else "key",
        }
        session.did(act, object=request.purpose.value, details=details)
        if act in {"key_retired", "key_revoked"}:
            event = act.removeprefix("key_")
            fleet.ledger.signing_key(request.purpose, done.former, event)
            if act == "key_revoked":
                fleet.ledger.signing_key(request.purpose, done.present, "in_use")
        else:
            fleet.ledger.signing_key(request.purpose, done.present, _EVENTS[act])

    distributor = KeyDistributor(fleet, broker, who=session.person.name, tell=tell)
    if rehearse:
        with rehearsed(fleet) as copy:
            result = distributor.rehearse(copy, request)
        session.did("rotation_rehearsed", object=request.purpose.value, details={"step": request.step})
    else:
        result = distributor.distribute(request)
    if as_json:
        click.echo(json.dumps(_wire(result, request, rehearse=rehearse)))
    else:
        _show(result, request, rehearse=rehearse)
    if result.behind:
        raise SystemExit(1)


def _wire(result: RotationResult, request: RotationRequest, *, rehearse: bool) -> dict[str, object]:
    done = result.done
    return {
        "kind": request.purpose.value,
        "step": request.step,
        "rehearsal": rehearse,
        "former": done.former,
        "present": done.present,
        "statement": done.number,
        "in_use": result.in_use,
        "posts": {post: standing.name.lower() for post, standing in result.standings.items()},
    }


def _show(result: RotationResult, request: RotationRequest, *, rehearse: bool) -> None:
    done = result.done
    if rehearse:
        click.echo("Rehearsed; nothing has changed. What would be said, and what each post would make of it:")
    said = _SAID[request.step].format(purpose=request.purpose, present=done.present[:12], number=done.number)
    click.echo(said)
    table = Table("post", "the new key" if request.step != "retire" else "without the former key")
    for post, standing in result.standings.items():
        table.add_row(post, f"[red]{standing}[/red]" if post in result.behind else str(standing))
    if result.standings:
        Console().print(table)
    if not rehearse:
        click.echo(_next(result, request))


def _next(result: RotationResult, request: RotationRequest) -> str:
    if request.step == "replace" and not result.in_use:
        return (
            "The fleet signs with the former key until these posts go by the new one: give the same command again, or "
            "--anyway to leave them behind."
        )
    lists = request.purpose.value == "lists"
    if request.step == "replace":
        what = "Build and publish a complete hot list, then" if lists else "When all posts go by it,"
        return f"The fleet signs with the new key. {what} retire the former: the same command with --retire."
    if request.step == "revoke":
        what = "build and publish a complete hot list" if lists else "roll the configuration out anew"
        return f"Posts have let go of what the former keys signed: {what} now."
    return "Posts that are away are led to it when they come back."
