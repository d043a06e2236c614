"""`platepost provision fleet rotate lists` and `configuration`: what people see of it."""

import json
from collections.abc import Mapping

import click
from pydantic import JsonValue
from rich.console import Console
from rich.table import Table

from provisioning.commands.options import Actor
from provisioning.control.keys.run import Carrier, Outcome, Wishes
from provisioning.control.keys.steps import Succession
from provisioning.fleet.fleet import Fleet
from provisioning.fleet.rotation import rehearsed

_EVENTS: Mapping[str, str] = {"key_announced": "announced", "key_rotated": "in_use"}
_SAID = {
    "replace": "The next key for {purpose} is {present}, statement {number}.",
    "retire": "The former key for {purpose} is retired; {present} alone is good, statement {number}.",
    "revoke": "All former keys for {purpose} are revoked; {present} alone is good, statement {number}.",
}


def rotate_signing_key(
    fleet: Fleet, actor: Actor, wishes: Wishes, *, broker: str, rehearse: bool, as_json: bool
) -> None:
    """Do one step of a rotation, or rehearse it, and show how every post stands to it.

    Raises:
        ProvisioningError: why not.
        SystemExit: with 1, where a post that is on the air does not go by it.

    """

    def tell(act: str, done: Succession) -> None:
        details: dict[str, JsonValue] = {
            "former": done.former,
            "present": done.present,
            "statement": done.number,
            "vouched": "root" if done.statement.number == 1 and done.statement.era else "key",
        }
        actor.did(act, object=wishes.purpose.value, details=details)
        if act in {"key_retired", "key_revoked"}:
            event = act.removeprefix("key_")
            fleet.ledger.signing_key(wishes.purpose, done.former, event)
            if act == "key_revoked":
                fleet.ledger.signing_key(wishes.purpose, done.present, "in_use")
        else:
            fleet.ledger.signing_key(wishes.purpose, done.present, _EVENTS[act])

    carrier = Carrier(fleet, broker, who=actor.person.name, tell=tell)
    if rehearse:
        with rehearsed(fleet) as copy:
            outcome = carrier.rehearse(copy, wishes)
        actor.did("rotation_rehearsed", object=wishes.purpose.value, details={"step": wishes.step})
    else:
        outcome = carrier.carry(wishes)
    if as_json:
        click.echo(json.dumps(_wire(outcome, wishes, rehearse=rehearse)))
    else:
        _show(outcome, wishes, rehearse=rehearse)
    if outcome.behind:
        raise SystemExit(1)


def _wire(outcome: Outcome, wishes: Wishes, *, rehearse: bool) -> dict[str, object]:
    done = outcome.succession
    return {
        "kind": wishes.purpose.value,
        "step": wishes.step,
        "rehearsal": rehearse,
        "former": done.former,
        "present": done.present,
        "statement": done.number,
        "in_use": outcome.in_use,
        "posts": {post: standing.name.lower() for post, standing in outcome.standings.items()},
    }


def _show(outcome: Outcome, wishes: Wishes, *, rehearse: bool) -> None:
    done = outcome.succession
    if rehearse:
        click.echo("Rehearsed; nothing has changed. What would be said, and what each post would make of it:")
    said = _SAID[wishes.step].format(purpose=wishes.purpose, present=done.present[:12], number=done.number)
    click.echo(said)
    table = Table("post", "the new key" if wishes.step != "retire" else "without the former key")
    for post, standing in outcome.standings.items():
        table.add_row(post, f"[red]{standing}[/red]" if post in outcome.behind else str(standing))
    if outcome.standings:
        Console().print(table)
    if not rehearse:
        click.echo(_next(outcome, wishes))


def _next(outcome: Outcome, wishes: Wishes) -> str:
    if wishes.step == "replace" and not outcome.in_use:
        return (
            "The fleet signs with the former key until these posts go by the new one: give the same command again, or "
            "--anyway to leave them behind."
        )
    lists = wishes.purpose.value == "lists"
    if wishes.step == "replace":
        what = "Build and publish a complete hot list, then" if lists else "When all posts go by it,"
        return f"The fleet signs with the new key. {what} retire the former: the same command with --retire."
    if wishes.step == "revoke":
        what = "build and publish a complete hot list" if lists else "roll the configuration out anew"
        return f"Posts have let go of what the former keys signed: {what} now."
    return "Posts that are away are led to it when they come back."
